#!/usr/bin/env bash
# Compares us with our peers in one schedule and writes docs/benchmarks.md. Peers go into Benchmarks/.venv.
#   Benchmarks/run.sh [--quick]
set -euo pipefail
cd "$(dirname "$0")/.."
quick=""
[ "${1:-}" = --quick ] && quick=--quick

venv=Benchmarks/.venv
if [ ! -x $venv/bin/python3 ]; then
    python3 -m venv $venv
    $venv/bin/pip install --quiet phe==1.5.0 gmpy2==2.3.2 numpy==2.4.6 pandas==3.1.1 polars==2.1.0 \
        dp-accounting==0.6.0 opendp==0.16.0
fi
python=$venv/bin/python3
swift build -c release --package-path Benchmarks
bin=Benchmarks/.build/release
results=Benchmarks/.build/results.jsonl
: >$results

run() {
    echo "== $*" >&2
    "$@" | tee -a $results
}
run $bin/BenchmarkModular
run $bin/BenchmarkLattice
run $python Benchmarks/paillier/compare_paillier.py $quick --executable $bin/BenchmarkPaillier
run $python Benchmarks/dp/compare_dp.py $bin/BenchmarkPrivacy
run $python Benchmarks/training/compare_training.py .build/release/tacit
run $python Benchmarks/csv/compare_csv.py $bin/BenchmarkCSV
# PyTorch and Opacus are large: TACIT_TORCH_PYTHON has torch 2.13 or later and opacus 1.6.
if [ -n "${TACIT_TORCH_PYTHON:-}" ]; then
    run $python Benchmarks/networks/compare_networks.py $bin/BenchmarkNetworks $quick --python "$TACIT_TORCH_PYTHON"
fi
# CKKS beside TenSEAL and OpenFHE.
. Benchmarks/peers.sh
run_ckks() {
    local peers=()
    [ -n "$tenseal" ] && peers+=(--tenseal "$tenseal")
    [ -n "$openfhe" ] && peers+=(--openfhe "$openfhe")
    [ ${#peers[@]} -gt 0 ] && run $python Benchmarks/ckks/compare_ckks.py $quick "${peers[@]}"
    [ -n "$tenseal" ] && run "$tenseal" Benchmarks/circuits/compare_matrices.py $bin/BenchmarkCircuits
    [ -n "$tenseal" ] && run "$tenseal" Benchmarks/ckks/compare_logistic.py $quick .build/release/tacit
    [ -n "$openfhe" ] && run $python Benchmarks/multiparty/compare_multiparty.py $quick --openfhe "$openfhe"
    run $python Benchmarks/scoring/compare_scoring.py $bin/BenchmarkScoring ${tenseal:+--tenseal "$tenseal"}
    run $python Benchmarks/bootstrapping/compare_bootstrapping.py $quick ${openfhe:+--openfhe "$openfhe"}
    # MNIST is looked for in TACIT_DATA.
    [ -n "$tenseal" ] && [ -n "${TACIT_DATA:-}" ] && run $python Benchmarks/inference/compare_inference.py \
        $bin/BenchmarkInference --mnist "$TACIT_DATA" --model Benchmarks/.build/mnist-cnn.safetensors \
        --cache Benchmarks/.build/tenseal-tutorial.npz --tenseal "$tenseal"
    return 0
}
run_ckks
# Flower needs a Python of its own too: TACIT_FLOWER_PYTHON.
if [ -n "${TACIT_FLOWER_PYTHON:-}" ]; then
    run $python Benchmarks/secagg/compare_secagg.py --flower "$TACIT_FLOWER_PYTHON" \
        --executable $bin/BenchmarkSecureAggregation
    run $python Benchmarks/federation/compare_rounds.py .build/release/tacit --flower "$TACIT_FLOWER_PYTHON"
fi
$python Benchmarks/write_table.py $results docs/benchmarks.md
echo "docs/benchmarks.md is written" >&2
