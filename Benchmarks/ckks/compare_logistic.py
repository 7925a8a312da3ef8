#!/usr/bin/env python3
"""Logistic regression beside TenSEAL's tutorial: the same rows, training and prediction, turn by turn on one core.

    PYTHON-WITH-TENSEAL compare_logistic.py PATH-OF-tacit [--rounds 3] [--rows 200]

TenSEAL's side follows its first tutorial: N = 2^13, primes of 40, 21 (six times) and 40 bits, rows encrypted one by one,
the sigmoid 0.5 + 0.197x − 0.004x³, gradients added up on ciphertexts; after every epoch the owner decrypts the weights and
encrypts them again. Ours trains without the owner: `tacit train` on rows encrypted once, keys read from files, process
start included. Both get the breast cancer table with standardised columns; TenSEAL's are divided by the root of their number
too, since its polynomial follows the sigmoid only between −5 and 5 and the weights overflow otherwise. Predictions are those of encrypted rows by a
model in the clear. Processor seconds, medians; ratios above 1 mean that we are faster.
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
import time

import numpy as np
import tenseal as ts


def children():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def auroc(scores, labels):
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    positive = labels == 1
    count = positive.sum()
    return (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count))


class Tutorial:
    """TenSEAL's encrypted logistic regression."""

    def __init__(self, features):
        self.context = ts.context(
            ts.SCHEME_TYPE.CKKS, poly_modulus_degree=8192, coeff_mod_bit_sizes=[40] + [21] * 6 + [40], n_threads=1)
        self.context.global_scale = 2**21
        self.context.generate_galois_keys()
        self.weights, self.bias = [0.0] * features, [0.0]

    def train(self, rows, labels, epochs):
        encrypted = [(ts.ckks_vector(self.context, row.tolist()), ts.ckks_vector(self.context, [label]))
                     for row, label in zip(rows, labels)]
        start = time.process_time()
        for _ in range(epochs):
            weights = ts.ckks_vector(self.context, self.weights)
            bias = ts.ckks_vector(self.context, self.bias)
            gradient, slope = 0, 0
            for x, y in encrypted:
                out = (x.dot(weights) + bias).polyval([0.5, 0.197, 0, -0.004])
                difference = out - y
                gradient += x * difference
                slope += difference
            weights -= gradient * (1 / len(rows)) + weights * 0.05
            bias -= slope * (1 / len(rows))
            # The owner's part.
            self.weights, self.bias = weights.decrypt(), bias.decrypt()
        return time.process_time() - start

    def predict(self, rows):
        encrypted = [ts.ckks_vector(self.context, row.tolist()) for row in rows]
        start = time.process_time()
        for x in encrypted:
            x.dot(self.weights) + self.bias
        return time.process_time() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tacit")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=200, help="training rows of TenSEAL's side, whose time grows with them")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, two epochs of 50 rows")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.rows, arguments.epochs = 1, 50, 2
    tacit = os.path.abspath(arguments.tacit)
    with tempfile.TemporaryDirectory() as folder:
        def call(*words):
            begin = children()
            done = subprocess.run([tacit, *words], cwd=folder, check=True, capture_output=True, text=True,
                                  env={**os.environ, "TACIT_PASSPHRASE": "for the benchmark", "TACIT_THREADS": "1"})
            return children() - begin, done.stdout

        call("data", "split", "--data", "breast-cancer", "--stratify", "diagnosis", "--out", "bc")
        with open(os.path.join(folder, "bc-train.csv")) as file:
            table = list(csv.DictReader(file))
        with open(os.path.join(folder, "bc-test.csv")) as file:
            test = list(csv.DictReader(file))
        names = [name for name in table[0] if name != "diagnosis"]
        features = np.array([[float(row[name]) for name in names] for row in table])
        mean, deviation = features.mean(axis=0), features.std(axis=0)
        features = (features - mean) / deviation
        within = 1 / np.sqrt(len(names))
        labels = np.array([float(row["diagnosis"] == "M") for row in table])
        held = (np.array([[float(row[name]) for name in names] for row in test]) - mean) / deviation
        truth = np.array([float(row["diagnosis"] == "M") for row in test])
        iterations = str(arguments.epochs)
        call("keys", "generate", "--scheme", "ckks", "--data", "bc-train.csv", "--model", "logistic", "--iterations",
             iterations, "--out", "k")
        _, encrypted = call("encrypt", "--data", "bc-train.csv", "--as", "rows", "--key", "k.secret", "--out",
                            "rows.tacit", "--json")
        call("keys", "generate", "--scheme", "ckks", "--prediction", "--rows", "1", "--columns", str(len(names)),
             "--out", "p")
        times = {"ours train": [], "tenseal train": [], "ours predict": [], "tenseal predict": []}
        for number in range(arguments.rounds):
            times["ours train"].append(call(
                "train", "--encrypted", "rows.tacit", "--evaluation-keys", "k.evaluation", "--model", "logistic", "--out",
                "m.tacit")[0])
            tutorial = Tutorial(len(names))
            times["tenseal train"].append(
                tutorial.train(features[:arguments.rows] * within, labels[:arguments.rows], arguments.epochs))
            if number == 0:
                call("decrypt", "m.tacit", "--key", "k.secret", "--out", "m.safetensors")
                call("encrypt", "--data", "bc-test.csv", "--as", "features", "--like", "m.safetensors", "--key", "p.secret",
                     "--out", "f.tacit")
            times["ours predict"].append(call(
                "predict", "--encrypted", "f.tacit", "--model", "m.safetensors", "--evaluation-keys", "p.evaluation",
                "--out", "s.tacit")[0])
            times["tenseal predict"].append(tutorial.predict(held * within))
        quality = json.loads(call("evaluate", "--model", "m.safetensors", "--data", "bc-test.csv", "--json")[1])["model"]
        middle = {name: statistics.median(values) for name, values in times.items()}
        shared = {"benchmark": "logistic", "epochs": arguments.epochs, "features": len(names)}
        print(json.dumps({
            **shared, "what": "training", "ours_s": round(middle["ours train"], 3), "ours_rows": len(table),
            "tenseal_s": round(middle["tenseal train"], 3), "tenseal_rows": arguments.rows,
            "ratio_per_row": round(middle["tenseal train"] / arguments.rows / (middle["ours train"] / len(table)), 1),
            "ours_auroc": round(quality["auroc"], 4),
            "tenseal_auroc": round(float(auroc(held * within @ np.array(tutorial.weights), truth)), 4),
            "upload_bytes": json.loads(encrypted)["bytes"]}), flush=True)
        print(json.dumps({
            **shared, "what": "prediction", "ours_s": round(middle["ours predict"], 3), "ours_rows": len(test),
            "tenseal_s": round(middle["tenseal predict"], 3), "tenseal_rows": len(test),
            "ratio_per_row": round(middle["tenseal predict"] / middle["ours predict"], 1)}), flush=True)


if __name__ == "__main__":
    main()
