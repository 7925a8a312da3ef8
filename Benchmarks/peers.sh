# Sourced by run.sh: the Pythons of the peers, in virtual environments that are made when needed.
#
# TenSEAL's wheels need CPython 3.11 or later, OpenFHE's exactly 3.10. TACIT_TENSEAL_PYTHON and TACIT_OPENFHE_PYTHON name
# interpreters that have the packages already; otherwise one is looked for on the PATH. Without it that peer is left out,
# and its columns stay empty.

# make_environment NAME VERSION-TEST PACKAGE… : prints the interpreter, or nothing
make_environment() {
    local name=$1 test=$2 candidate
    shift 2
    if [ ! -x "Benchmarks/.venv-$name/bin/python3" ]; then
        for candidate in python3.14 python3.13 python3.12 python3.11 python3.10 python3; do
            if command -v $candidate >/dev/null && $candidate -c "import sys; sys.exit(not ($test))" 2>/dev/null; then
                $candidate -m venv "Benchmarks/.venv-$name" >&2 &&
                    "Benchmarks/.venv-$name/bin/pip" install --quiet "$@" >&2 && break
                rm -rf "Benchmarks/.venv-$name"
            fi
        done
    fi
    if [ -x "Benchmarks/.venv-$name/bin/python3" ]; then
        echo "Benchmarks/.venv-$name/bin/python3"
    else
        echo "no Python with $test for $name: left out" >&2
    fi
}

tenseal=${TACIT_TENSEAL_PYTHON:-$(make_environment tenseal "sys.version_info >= (3, 11)" tenseal==0.3.18 numpy)}
openfhe=${TACIT_OPENFHE_PYTHON:-$(make_environment openfhe "sys.version_info[:2] == (3, 10)" openfhe==1.6.1.0.22.4 numpy)}
