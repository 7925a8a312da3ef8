#!/usr/bin/env python3
"""Encrypted least squares from end to end: `tacit` beside the same thing written with python-paillier.

    python3 compare_training.py PATH-OF-tacit [--rounds 3] [--bits 3072]

Three owners have a third of the diabetes table each. Both sides make a key, encrypt the sums of each owner, add them,
decrypt the total and solve; turn by turn. Ours are eight processes with files between them, their start included;
the other side is one process, its start and imports left out. Processor seconds, medians.
"""
import argparse
import csv
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def child_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run_ours(tacit, folder, bits):
    def call(*arguments):
        subprocess.run([tacit, *arguments, "--quiet"], cwd=folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    for name in ("k.public", "k.secret"):
        if os.path.exists(os.path.join(folder, name)):
            os.remove(os.path.join(folder, name))
    start = child_seconds()
    call("keys", "generate", "--bits", str(bits), "--out", "k", "--unprotected")
    for part in (1, 2, 3):
        call("encrypt", "--data", f"p-{part}.csv", "--key", "k.public", "--out", f"p{part}.tacit")
    call("train", "--encrypted", "p1.tacit", "p2.tacit", "p3.tacit", "--out", "m.tacit")
    call("decrypt", "m.tacit", "--key", "k.secret", "--out", "m.safetensors")
    seconds = child_seconds() - start
    return seconds, sum(os.path.getsize(os.path.join(folder, f"p{part}.tacit")) for part in (1, 2, 3))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tacit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bits", type=int, default=3072)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tacit = os.path.abspath(arguments.tacit)
        subprocess.run([tacit, "data", "split", "--data", "diabetes", "--parts", "3", "--out", "p"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
        table = os.path.join(folder, "all.csv")
        with open(table, "w", newline="") as out:
            writer = None
            for part in (1, 2, 3):
                with open(os.path.join(folder, f"p-{part}.csv"), newline="") as file:
                    rows = list(csv.reader(file))
                writer = writer or csv.writer(out)
                writer.writerows(rows if part == 1 else rows[1:])
        ours, theirs = [], []
        for _ in range(arguments.rounds):
            seconds, ours_bytes = run_ours(tacit, folder, arguments.bits)
            ours.append(seconds)
            peer = json.loads(subprocess.run(
                [sys.executable, os.path.join(HERE, "phe_training.py"), table, "3", str(arguments.bits)], check=True,
                capture_output=True, text=True).stdout)
            theirs.append(peer["total"])
        print(json.dumps({
            "benchmark": "training", "operation": "least squares on diabetes, 3 owners", "bits": arguments.bits,
            "ours_seconds": round(statistics.median(ours), 4), "phe_seconds": round(statistics.median(theirs), 4),
            "ratio": round(statistics.median(theirs) / statistics.median(ours), 2),
            "ours_bytes": ours_bytes, "phe_bytes": peer["bytes"],
        }))


if __name__ == "__main__":
    main()
