"""Chooses the convolutional network for encrypted MNIST pictures without looking at a test image.

  choose_network.py TACIT [--seeds 1 2] [--epochs 10] [--only NAME ...] [--work FOLDER]

Every candidate is trained with `tacit train --plain --activation polynomial` (the command's own recipe, ten epochs in place of twenty) on five sixths of the
60,000 training images and measured on the sixth that is held out; a seed decides initial weights, order and which images are
held out, and is the same for all candidates. `tacit explain` says what a picture costs. Candidates that need more than 0.4 MB
for picture and scores, or more than a second on one core, are out (128 bits are what the command plans for); of the others the
one with the highest mean accuracy is printed last. No accuracy on test images is computed here: the winner is trained again on all training images with `--held-out 0` and measured
once, by `tacit evaluate`.
"""

import argparse, json, os, statistics, subprocess, sys, tempfile

POLYNOMIAL = {"activation": {"_0": {"polynomial": {"_0": [0, 0.5, 0.125]}}}}


def convolution(filters, window, stride, padding):
    return {
        "convolution": {
            "filters": filters, "window": window, "stride": stride, "padding": padding, "groups": 1, "bias": True,
        }
    }


def dense(outputs):
    return {"dense": {"outputs": outputs, "bias": True}}


def dropout(rate):
    return [{"dropout": {"rate": rate}}] if rate else []


FLATTEN = {"flatten": {}}


def two_convolutions(first, second, rate=0.3):
    return [
        convolution(first, 5, 2, 2), POLYNOMIAL, convolution(second, 5, 2, 2), POLYNOMIAL, FLATTEN,
        *dropout(rate), dense(10),
    ]


def one_convolution(filters, hidden, window, stride, padding, rate=0.3):
    return [
        convolution(filters, window, stride, padding), POLYNOMIAL, FLATTEN, *dropout(rate), dense(hidden), POLYNOMIAL,
        dense(10),
    ]


# All take five levels: map, square, map, square, map.
CANDIDATES = {
    "conv 8, conv 32": two_convolutions(8, 32),
    "conv 16, conv 32": two_convolutions(16, 32),
    "conv 16, conv 32, no dropout": two_convolutions(16, 32, rate=0),
    "conv 16, conv 64": two_convolutions(16, 64),
    "conv 4 of 7 by 3, dense 64": one_convolution(4, 64, 7, 3, 0),
    "conv 16, dense 64": one_convolution(16, 64, 5, 2, 2),
}


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tacit")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument("--work")
    options = parser.parse_args()
    folder = options.work or tempfile.mkdtemp()
    results = []
    for number, name in enumerate(CANDIDATES):
        if name not in options.only:
            continue
        layers = os.path.join(folder, f"{number}.json")
        with open(layers, "w") as file:
            json.dump(CANDIDATES[name], file)
        accuracies, costs = [], []
        for seed in options.seeds:
            model = os.path.join(folder, f"{number}-{seed}.safetensors")
            made = run(
                options.tacit, "train", "--plain", "--data", "mnist", "--model", "cnn", "--activation", "polynomial",
                "--layers", layers, "--held-out", 1 / 6, "--seed", seed, "--epochs", options.epochs, "--json", "--quiet", "--out",
                model,
            )
            metrics = json.loads(made)["metrics"]
            accuracies.append(next(value for key, value in metrics.items() if key.startswith("accuracy on held-out")))
            costs.append(json.loads(run(options.tacit, "explain", "--model", model, "--json")))
        result = {
            "network": name,
            "mean": round(statistics.mean(accuracies), 5),
            "accuracies": accuracies,
            # The bounds of the activations, and with them the ring, may differ from seed to seed.
            "ring": max(cost["ringDegree"] for cost in costs),
            "bytes": max(cost["uploadBytes"] + cost["downloadBytes"] for cost in costs),
            "key_bytes": max(cost["keyBytes"] for cost in costs),
            "estimated_seconds": round(max(cost["secondsOnOneCore"] for cost in costs), 3),
            "security_bits": min(cost["securityBits"] for cost in costs),
        }
        print(json.dumps(result), flush=True)
        if result["bytes"] <= 400_000 and result["estimated_seconds"] < 1:
            results.append(result)
    if results:
        print(json.dumps({"chosen": max(results, key=lambda result: result["mean"])["network"]}))


if __name__ == "__main__":
    main()
