#!/usr/bin/env python3
"""Matrix–vector products and polynomials beside TenSEAL, in one run, one core each.

usage: compare_matrices.py EXECUTABLE
needs: pip install tenseal==0.3.18 numpy

TenSEAL encodes the matrix anew in every product, so our time with encoding is the like for like; ours with a matrix that
was encoded before stands beside it. Both use N = 2^13 and primes of 50, 40, 40 and 50 bits.
"""
import json
import math
import statistics
import subprocess
import sys
import time

import numpy as np
import tenseal as ts


def values(count):
    return [math.sin(i * 1.7 + 0.3) for i in range(count)]


def median_milliseconds(body):
    body()
    times, total = [], 0.0
    while len(times) < 5 or total < 0.5:
        start = time.perf_counter()
        body()
        times.append(1000 * (time.perf_counter() - start))
        total += times[-1] / 1000
        if total > 60:
            break
    return statistics.median(times)


def context(degree, bits):
    made = ts.context(ts.SCHEME_TYPE.CKKS, poly_modulus_degree=degree, coeff_mod_bit_sizes=bits, n_threads=1)
    made.global_scale = 2**40
    made.generate_galois_keys()
    return made


def matrix_vector(made, rows, columns):
    matrix = np.array(values(rows * columns)).reshape(rows, columns)
    x = values(columns)
    vector = ts.ckks_vector(made, x)
    transposed = matrix.T.tolist()
    result = vector.mm(transposed)
    error = float(np.max(np.abs(np.array(result.decrypt()) - matrix @ np.array(x))))
    return median_milliseconds(lambda: vector.mm(transposed)), error


def main():
    ours = subprocess.run([sys.argv[1], "1"], check=True, capture_output=True, text=True).stdout
    made = context(8192, [50, 40, 40, 50])
    deep = context(16384, [50] + [40] * 7 + [50])
    vector = ts.ckks_vector(deep, values(8192))
    for line in ours.splitlines():
        print(line, flush=True)
        one = json.loads(line)
        if one["benchmark"] == "matrix-vector":
            rows, columns = one["rows"], one["columns"]
            milliseconds, error = matrix_vector(made, rows, columns)
            print(json.dumps({"benchmark": "matrix-vector", "library": "tenseal", "rows": rows, "columns": columns,
                              "cores": 1, "milliseconds_with_encoding": milliseconds, "error": error}), flush=True)
        elif one["benchmark"] == "polynomial" and one["degree"] <= 63:
            coefficients = [c / one["degree"] for c in values(one["degree"] + 1)]
            try:
                milliseconds = median_milliseconds(lambda: vector.polyval(coefficients))
            except ValueError as refusal:
                print(json.dumps({"benchmark": "polynomial", "library": "tenseal", "degree": one["degree"],
                                  "refused": str(refusal)}), flush=True)
                continue
            print(json.dumps({"benchmark": "polynomial", "library": "tenseal", "degree": one["degree"], "cores": 1,
                              "milliseconds": milliseconds}), flush=True)


if __name__ == "__main__":
    main()
