#!/usr/bin/env python3
"""Bootstrapping beside OpenFHE's: one command, one table.

  compare_bootstrapping.py [--openfhe PYTHON] [--threads 1,2] [--full-only]

PYTHON is a CPython 3.10 that has openfhe==1.6.1.0.22.4 and numpy (about 15 GB of memory for the full ring); without it
only our side is run. Build first: swift build -c release --product BenchmarkBootstrapping, in Benchmarks/.
The sides take turns, a process each; medians of their rounds are compared, and "cpu s" is processor time over all threads, the figure to compare on machines
that do other work too.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--openfhe", help="python that has openfhe")
parser.add_argument("--threads", default="1,2")
parser.add_argument("--full-only", action="store_true")
parser.add_argument("--runs", type=int, default=1, help="in one turn")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--quick", action="store_true", help="full slots, one thread, one round")
a = parser.parse_args()
if a.quick:
    a.threads, a.rounds, a.full_only = "1", 1, True
binary = here.parent / ".build/release/BenchmarkBootstrapping"
rows = []
samples = {}


def run(name, command, threads):
    environment = dict(os.environ, TACIT_THREADS=str(threads))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        print(f"{name}: failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return
    samples.setdefault(name, []).append(json.loads(lines[-1]))


for threads in map(int, a.threads.split(",")):
    for slots in [32768] + ([] if a.full_only else [4096]):
        samples.clear()
        for _ in range(a.rounds):
            run("Tacit n65536depth10", [binary, "n65536depth10", str(slots), str(a.runs)], threads)
            # The greatest scales that leave 7 and 8 levels within OpenFHE's own limit for 128 bits in this ring.
            for scale, after, digits in [(59, 7, 6), (55, 8, 5)] if a.openfhe else []:
                run(f"OpenFHE, scale 2^{scale}",
                    [a.openfhe, here / "openfhe_bootstrapping.py", "--slots", str(slots), "--after", str(after),
                     "--scale-bits", str(scale), "--digits", str(digits), "--threads", str(threads),
                     "--runs", str(a.runs)], threads)
        for name, turns in samples.items():
            middle = dict(turns[-1])
            for figure in ("cpu_s", "wall_s", "bits_worst", "bits_mean"):
                middle[figure] = round(statistics.median(turn[figure] for turn in turns), 2)
            rows.append((name, middle))

for name, r in rows:
    print(json.dumps({"benchmark": "bootstrapping", "name": name, "slots": r["slots"], "threads": r["threads"],
                      "cpu_s": r["cpu_s"], "wall_s": r["wall_s"], "bits_worst": r["bits_worst"],
                      "bits_mean": r["bits_mean"], "levels_left": r["levels_left"],
                      "peak_gb": r.get("peak_gb", r.get("peak_rss_gb")), "rounds": a.rounds}), flush=True)
