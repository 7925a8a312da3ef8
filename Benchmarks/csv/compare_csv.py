"""Reads the same numeric CSV file with tacit, pandas and polars, turn by turn, each on one thread.

    python3 compare_csv.py PATH-OF-BenchmarkCSV [--megabytes 100] [--rounds 5]

Prints one JSON line a reader (median over the rounds) and one a ratio. Needs pandas and polars (pip install pandas
polars). Two files are made: "short" has up to six digits a number, as measurements do; "full" has the 15 to 17 digits
that a double needs. The operating system's cache is warm for all: every reader reads each file once before the clock
runs.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["POLARS_MAX_THREADS"] = "1"
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pandas  # noqa: E402  (the variables above must be set before)
import polars  # noqa: E402


def generate(path, megabytes, kind):
    generator = random.Random(1)
    columns = 20
    with open(path, "w") as file:
        file.write(",".join(f"x{i}" for i in range(columns)) + "\n")
        size = 0
        while size < megabytes * 1_000_000:
            if kind == "short":
                rows = [
                    ",".join(f"{generator.uniform(-1000, 1000):.3f}" for _ in range(columns)) for _ in range(200)
                ]
            else:
                rows = [",".join(repr(generator.gauss(0, 1)) for _ in range(columns)) for _ in range(200)]
            block = "\n".join(rows) + "\n"
            file.write(block)
            size += len(block)


def run_tacit(executable, path, mode):
    output = subprocess.run([executable, path, mode], check=True, capture_output=True, text=True).stdout
    result = json.loads(output)
    return result["seconds"], result["rows"], result["sum"]


def run_pandas(path):
    start = time.perf_counter()
    frame = pandas.read_csv(path)
    total = float(frame.to_numpy().sum())
    return time.perf_counter() - start, len(frame), total


def run_polars(path):
    start = time.perf_counter()
    frame = polars.read_csv(path)
    total = float(frame.sum().to_numpy().sum())
    return time.perf_counter() - start, len(frame), total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("executable")
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("short", "full"):
            path = os.path.join(folder, kind + ".csv")
            generate(path, arguments.megabytes, kind)
            size = os.path.getsize(path) / 1e6
            readers = {
                "tacit": lambda: run_tacit(arguments.executable, path, "table"),
                "tacit-stream": lambda: run_tacit(arguments.executable, path, "stream"),
                "tacit-infer": lambda: run_tacit(arguments.executable, path, "infer"),
                "pandas": lambda: run_pandas(path),
                "polars": lambda: run_polars(path),
            }
            seconds = {name: [] for name in readers}
            answers = {}
            for turn in range(arguments.rounds + 1):
                for name, read in readers.items():
                    elapsed, rows, total = read()
                    answers[name] = (rows, total)
                    if turn > 0:
                        seconds[name].append(elapsed)
            rows, total = answers["tacit"]
            for name, (other_rows, other_total) in answers.items():
                if other_rows != rows or abs(other_total - total) > 1e-6 * max(1, abs(total)):
                    sys.exit(f"{name} read {other_rows} rows with sum {other_total}, tacit {rows} with {total}")
            median = {name: statistics.median(values) for name, values in seconds.items()}
            for name in readers:
                print(
                    json.dumps(
                        {
                            "benchmark": "csv-" + kind,
                            "reader": name,
                            "megabytes": round(size, 1),
                            "rows": rows,
                            "median_seconds": round(median[name], 4),
                            "megabytes_per_second": round(size / median[name], 1),
                            "version": {"pandas": pandas.__version__, "polars": polars.__version__}.get(name),
                        }
                    ),
                    flush=True,
                )
            for other in ("pandas", "polars"):
                print(
                    json.dumps(
                        {
                            "benchmark": "csv-" + kind,
                            "ratio": "tacit over " + other,
                            "value": round(median[other] / median["tacit"], 2),
                        }
                    ),
                    flush=True,
                )


if __name__ == "__main__":
    main()
