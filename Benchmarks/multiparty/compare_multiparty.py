#!/usr/bin/env python3
"""One party's work in collective CKKS beside OpenFHE's, in one schedule on one core.

Each side is a process; for each operation they take turns, round after round, and medians of processor time are compared.
Prints one JSON object a line; ratios above 1 mean that we are faster or smaller.

  swift build -c release --package-path Benchmarks --product BenchmarkMultiparty
  python3 Benchmarks/multiparty/compare_multiparty.py --openfhe PYTHON [--degrees 13,14,15] [--parties 2]
"""
import argparse
import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
OPERATIONS = ["public_key", "relinearisation", "rotation", "answer", "combine"]


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "OMP_NUM_THREADS": "1"})

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("%s ended" % self.process.args)
        return json.loads(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--openfhe", default="python3.10")
    parser.add_argument("--degrees", default="13,14,15")
    parser.add_argument("--parties", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1)
    parser.add_argument("--executable", default=os.path.join(HERE, "../.build/release/BenchmarkMultiparty"))
    parser.add_argument("--quick", action="store_true", help="smallest degree, three rounds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.degrees, arguments.rounds = "13", 3
    for degree in arguments.degrees.split(","):
        sides = {"tacit": Side([arguments.executable]),
                 "openfhe": Side([arguments.openfhe, os.path.join(HERE, "openfhe_side.py")])}
        for side in sides.values():
            side.ask("shape", degree, arguments.parties)
        for operation in OPERATIONS:
            times = {name: [] for name in sides}
            for _ in range(arguments.rounds):
                for name, side in sides.items():
                    times[name].append(side.ask("run", operation, arguments.seconds)["processor"])
            ours, theirs = (statistics.median(times[name]) for name in ("tacit", "openfhe"))
            print(json.dumps({"benchmark": "multiparty", "operation": operation, "log_degree": int(degree),
                              "parties": arguments.parties, "tacit_ms": round(ours * 1e3, 3),
                              "openfhe_ms": round(theirs * 1e3, 3), "ratio": round(theirs / ours, 2)}), flush=True)
        sizes = {name: side.ask("sizes") for name, side in sides.items()}
        for what, theirs in sizes["openfhe"].items():
            ours = sizes["tacit"][what]
            print(json.dumps({"benchmark": "multiparty/bytes", "what": what, "log_degree": int(degree),
                              "parties": arguments.parties, "tacit": ours, "openfhe": theirs,
                              "ratio": round(theirs / ours, 2)}), flush=True)
        for side in sides.values():
            side.process.stdin.close()
            side.process.wait()


main()
