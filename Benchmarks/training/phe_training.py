#!/usr/bin/env python3
"""Encrypted least squares the python-paillier way: every owner encrypts each of its sums, the server adds them one by
one, the key owner decrypts them and numpy solves. Same data, same plan and same key size as `tacit`.

    python phe_training.py TABLE.csv PARTS BITS

Each number of the table is taken as a decimal with at most four digits, so that the sums are exact integers. Prints one
JSON line with the CPU seconds of each phase.
"""
import csv
import json
import sys
import time

import numpy as np
from phe import paillier

SCALE = 10_000


def moments(rows):
    columns = [[1] + [round(float(v) * SCALE) for v in row] for row in rows]
    size = len(columns[0])
    return [sum(row[i] * row[j] for row in columns) for i in range(size) for j in range(i, size)]


def main():
    path, parts, bits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, newline="") as file:
        names, *rows = list(csv.reader(file))
    owners = [rows[k::parts] for k in range(parts)]
    seconds = {}

    def timed(name, function):
        start = time.process_time()
        value = function()
        seconds[name] = time.process_time() - start
        return value

    public, private = timed("keys", lambda: paillier.generate_paillier_keypair(n_length=bits))
    uploads = timed("encrypt", lambda: [[public.encrypt(v) for v in moments(owner)] for owner in owners])
    total = timed("add", lambda: [sum(column[1:], column[0]) for column in zip(*uploads)])
    opened = timed("decrypt", lambda: [private.decrypt(v) for v in total])

    def solve():
        size = len(names) + 1
        gram = np.zeros((size, size))
        upper = iter(opened)
        for i in range(size):
            for j in range(i, size):
                gram[i, j] = gram[j, i] = float(next(upper)) / (SCALE if i else 1) / (SCALE if j else 1)
        n = opened[0]
        centred = gram[1:, 1:] - np.outer(gram[0, 1:], gram[0, 1:]) / n
        return np.linalg.lstsq(centred[:-1, :-1], centred[:-1, -1], rcond=None)[0]

    weights = timed("solve", solve)
    assert opened == moments(rows), "the sums are wrong"
    size = (public.nsquare.bit_length() + 7) // 8
    print(json.dumps({
        "seconds": seconds, "total": sum(seconds.values()), "bytes": size * len(total) * parts,
        "ciphertexts": len(total) * parts, "coefficients": [float(w) for w in weights],
    }))


if __name__ == "__main__":
    main()
