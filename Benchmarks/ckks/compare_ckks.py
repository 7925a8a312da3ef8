#!/usr/bin/env python3
"""CKKS side by side: ours in each tier, TenSEAL (SEAL) and OpenFHE, in one schedule.

Each side is a process that waits for commands. For each operation they take turns, round after round; medians are
compared. On one core the time is processor time, on two it is elapsed time with as many threads as the side uses inside
one operation (SEAL: one). Prints one JSON object a line; ratios above 1 mean that we are faster.

  swift build -c release --package-path Benchmarks
  python3 Benchmarks/ckks/compare_ckks.py --tenseal PYTHON --openfhe PYTHON [--degrees 13,14,15] [--cores 1,2]
PYTHON: interpreters with tenseal==0.3.18 (CPython 3.11 or later) and openfhe==1.6.1.0.22.4 (CPython 3.10).
"""
import argparse
import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
TIERS = {2: "ifma", 1: "avx2", 0: "scalar"}
OPERATIONS = ["ntt", "encode", "encrypt", "encrypt_secret", "encode_encrypt", "add", "multiply_plain", "multiply",
              "rescale", "multiply_rescale", "rotate", "decrypt_decode"]


class Side:
    def __init__(self, command, **variables):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, **variables})

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("%s ended" % self.process.args)
        answer = json.loads(line)
        if "error" in answer:
            raise SystemExit(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tenseal", help="a Python that has tenseal; left out without it")
    parser.add_argument("--openfhe", help="a Python that has openfhe; left out without it")
    parser.add_argument("--degrees", default="13,14,15")
    parser.add_argument("--cores", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.05, help="of one operation's turn")
    parser.add_argument("--quick", action="store_true", help="smallest degree, one core, three rounds")
    parser.add_argument("--executable", default=os.path.join(HERE, "../.build/release/BenchmarkCKKS"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.degrees, arguments.cores, arguments.rounds = "13", "1", 3
    for cores in map(int, arguments.cores.split(",")):
        ours = Side([arguments.executable])
        peers = {}
        if arguments.tenseal:
            peers["tenseal"] = Side([arguments.tenseal, os.path.join(HERE, "tenseal_side.py")])
        if arguments.openfhe:
            peers["openfhe"] = Side(
                [arguments.openfhe, os.path.join(HERE, "openfhe_side.py")], OMP_NUM_THREADS=str(cores))
        ours.ask("cores", cores)
        tiers = {tier: name for tier, name in TIERS.items() if ours.ask("tier", tier)["tier"] == tier}
        clock = "processor" if cores == 1 else "wall"
        for degree in map(int, arguments.degrees.split(",")):
            ours.ask("tier", max(tiers))
            precision = {"ours": round(ours.ask("shape", degree)["precision_bits"], 1)}
            for name, peer in peers.items():
                precision[name] = peer.ask("shape", degree)["precision_bits"]
            if cores == 1:
                sizes = {"ours": ours.ask("sizes"), **{name: peer.ask("sizes") for name, peer in peers.items()}}
                for what in sizes["ours"]:
                    print(json.dumps({"benchmark": "ckks/bytes", "log_degree": degree, "what": what,
                                      **{side: size.get(what) for side, size in sizes.items()}}), flush=True)
                print(json.dumps({"benchmark": "ckks/precision", "log_degree": degree, **precision}), flush=True)
            for operation in OPERATIONS:
                samples = {}
                for number in range(arguments.rounds):
                    for tier, name in tiers.items():
                        ours.ask("tier", tier)
                        seconds = ours.ask("run", operation, arguments.seconds)[clock]
                        samples.setdefault(name, []).append(seconds)
                    for name, peer in peers.items():
                        answer = peer.ask("run", operation, arguments.seconds)
                        if "missing" not in answer:
                            samples.setdefault(name, []).append(answer[clock])
                medians = {side: statistics.median(times) for side, times in samples.items()}
                line = {"benchmark": "ckks", "operation": operation, "log_degree": degree, "cores": cores,
                        "clock": "processor" if cores == 1 else "elapsed"}
                line.update({side + "_us": round(seconds * 1e6, 2) for side, seconds in medians.items()})
                for peer in peers:
                    if peer in medians:
                        line.update({"%s_to_%s" % (tier, peer): round(medians[peer] / medians[tier], 2)
                                     for tier in tiers.values()})
                print(json.dumps(line), flush=True)
        for side in (ours, *peers.values()):
            side.close()


if __name__ == "__main__":
    main()
