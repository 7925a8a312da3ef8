#!/usr/bin/env python3
"""Bootstrapping beside OpenFHE's: one command, one table.

  compare_bootstrapping.py [--openfhe PYTHON] [--threads 1,2] [--full-only]

PYTHON is a CPython 3.10 that has openfhe==1.6.1.0.22.4 and numpy (about 15 GB of memory for the full ring); without it
only our side is run. Build first: swift build -c release --product BenchmarkBootstrapping, in Benchmarks/.
The processes run one after the other; "cpu s" is processor time over all threads, the figure to compare on machines
that do other work too.
"""
import argparse
import json
import os
import pathlib
import subprocess

here = pathlib.Path(__file__).resolve().parent
parser = argparse.ArgumentParser()
parser.add_argument("--openfhe", help="python that has openfhe")
parser.add_argument("--threads", default="1,2")
parser.add_argument("--full-only", action="store_true")
parser.add_argument("--runs", type=int, default=3)
a = parser.parse_args()
binary = here.parent / ".build/release/BenchmarkBootstrapping"
rows = []


def run(name, command, threads):
    environment = dict(os.environ, TACIT_THREADS=str(threads))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        print(f"{name}: failed: {done.stderr.strip().splitlines()[-1:]}")
        return
    rows.append((name, json.loads(lines[-1])))


for threads in map(int, a.threads.split(",")):
    for slots in [32768] + ([] if a.full_only else [4096]):
        run("Tacit n65536depth10", [binary, "n65536depth10", str(slots), str(a.runs)], threads)
        if a.openfhe:
            # The greatest scales that leave 7 and 8 levels within OpenFHE's own limit for 128 bits in this ring.
            for scale, after, digits in [(59, 7, 6), (55, 8, 5)]:
                run(f"OpenFHE, scale 2^{scale}",
                    [a.openfhe, here / "openfhe_bootstrapping.py", "--slots", str(slots), "--after", str(after),
                     "--scale-bits", str(scale), "--digits", str(digits), "--threads", str(threads),
                     "--runs", str(a.runs)], threads)

print(f"| | slots | threads | cpu s | wall s | bits, worst slot | bits, mean | levels left | peak GB |\n|{'---|' * 9}")
for name, r in rows:
    print(f"| {name} | {r['slots']} | {r['threads']} | {r['cpu_s']:.2f} | {r['wall_s']:.2f} | {r['bits_worst']:.1f} "
          f"| {r['bits_mean']:.1f} | {r['levels_left']} | {r.get('peak_gb', r.get('peak_rss_gb')):.1f} |")
print(json.dumps([dict(r, name=name) for name, r in rows]))
