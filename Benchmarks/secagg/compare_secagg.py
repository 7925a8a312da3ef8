#!/usr/bin/env python3
"""A whole round of secure aggregation beside Flower's SecAgg+, all parties of each side in one process, in one schedule.

The sides take turns, round after round; medians of processor time are compared. Both use the complete graph (every pair
masks) and members that drop out before their masked vectors. Ours has signatures, the consistency round and commitments;
Flower's runs its own workflow and client code, messages handed over in memory. Prints one JSON object a line; a ratio
above 1 means that we are faster.

  swift build -c release --package-path Benchmarks --product BenchmarkSecureAggregation
  python3 Benchmarks/secagg/compare_secagg.py --flower PYTHON [--cases 10:100000:1,50:100000:5] [--rounds 3]
"""
import argparse
import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, text=True,
                                        env={**os.environ, "TACIT_THREADS": "1", "OMP_NUM_THREADS": "1",
                                             "OPENBLAS_NUM_THREADS": "1"})

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("%s ended" % self.process.args)
        return json.loads(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flower", default="python3", help="a Python with flwr")
    parser.add_argument("--cases", default="10:100000:1,50:100000:5,20:1000000:2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--executable", default=os.path.join(HERE, "../.build/release/BenchmarkSecureAggregation"))
    arguments = parser.parse_args()
    ours = Side([arguments.executable, "serve"])
    theirs = Side([arguments.flower, os.path.join(HERE, "flower_side.py")])
    for case in arguments.cases.split(","):
        members, parameters, dropped = map(int, case.split(":"))
        mine, others = [], []
        for _ in range(arguments.rounds):
            mine.append(ours.ask("round", members, parameters, dropped, "complete", "active"))
            others.append(theirs.ask("round", members, parameters, dropped, members))
            assert others[-1]["right"], others[-1]
        tacit, flower = (statistics.median(r["processor"] for r in side) for side in (mine, others))
        print(json.dumps({"benchmark": "secagg/flower", "members": members, "parameters": parameters,
                          "dropped": dropped, "tacit_s": round(tacit, 3), "flower_s": round(flower, 3),
                          "ratio": round(flower / tacit, 1), "tacit_upload_bytes": mine[-1]["uploadBytes"]}),
              flush=True)
    for parameters in (50635, 1000000):
        for graph in ("complete", "chosen"):
            print(json.dumps(ours.ask("round", 100, parameters, 10, graph, "active")), flush=True)
    for length, bits in ((10000, 16), (100000, 8)):
        print(json.dumps(ours.ask("prio3", length, bits)), flush=True)


if __name__ == "__main__":
    main()
