"""Encrypted predictions on MNIST beside TenSEAL, in turns on one core.

  compare_inference.py BenchmarkInference --mnist FOLDER --model MODEL.safetensors [--tenseal PYTHON] [--rounds 3] [--pictures 10]

TenSEAL runs the network of its tutorial 4 (convolution 4 x 7 x 7 with stride 3, square, dense 64, square, dense 10; 128 bits
by the standard of 2018), trained here with numpy. Ours is trained by BenchmarkInference unless the model is there.
Prints one JSON line a program; times are medians over all rounds of processor time, one thread each.
"""

import argparse, gzip, json, os, statistics, subprocess, sys, time


def read_idx(folder, name):
    import numpy as np

    path = os.path.join(folder, "mnist", name)
    with gzip.open(path) as file:
        data = file.read()
    rank = data[3]
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


class Tutorial:
    """The tutorial's network in numpy: windows as rows of a matrix, Adam, four passes."""

    sizes = {"kernel": (49, 4), "k0": (4,), "first": (256, 64), "f0": (64,), "last": (64, 10), "l0": (10,)}

    def __init__(self, folder, cache):
        import numpy as np

        self.np = np
        if os.path.exists(cache):
            self.weights = dict(np.load(cache))
            return
        rng = np.random.default_rng(3)
        scale = {"kernel": 0.14, "first": 0.06, "last": 0.12}
        w = {
            k: (rng.normal(0, scale[k], s) if k in scale else np.zeros(s)).astype("f4") for k, s in self.sizes.items()
        }
        m, v = ({k: np.zeros_like(a) for k, a in w.items()} for _ in range(2))
        pictures = read_idx(folder, "train-images-idx3-ubyte.gz").astype("f4") / 255
        labels = read_idx(folder, "train-labels-idx1-ubyte.gz").astype(int)
        self.weights, step = w, 0
        for _ in range(4):
            order = rng.permutation(len(labels))
            for start in range(0, len(order) - 63, 64):
                rows = order[start : start + 64]
                x = self.windows(pictures[rows])
                h, f, u, s, scores = self.layers(x)
                p = np.exp(scores - scores.max(1, keepdims=True))
                p /= p.sum(1, keepdims=True)
                p[np.arange(64), labels[rows]] -= 1
                p /= 64
                du = 2 * u * (p @ w["last"].T)
                dh = 2 * h * (du @ w["first"].T).reshape(64, 4, 64).transpose(0, 2, 1)
                gradient = {
                    "last": s.T @ p, "l0": p.sum(0), "first": f.T @ du, "f0": du.sum(0),
                    "kernel": np.einsum("npi,npc->ic", x, dh), "k0": dh.sum((0, 1)),
                }
                step += 1
                for k, g in gradient.items():
                    m[k] = 0.9 * m[k] + 0.1 * g
                    v[k] = 0.999 * v[k] + 0.001 * g * g
                    w[k] -= 1e-3 * (m[k] / (1 - 0.9**step)) / (np.sqrt(v[k] / (1 - 0.999**step)) + 1e-8)
        np.savez(cache, **w)

    def windows(self, pictures):
        places = [(y, x) for y in range(0, 22, 3) for x in range(0, 22, 3)]
        return self.np.stack([pictures[:, y : y + 7, x : x + 7].reshape(len(pictures), 49) for y, x in places], 1)

    def layers(self, x):
        w = self.weights
        h = x @ w["kernel"] + w["k0"]
        f = (h * h).transpose(0, 2, 1).reshape(len(x), 256)
        u = f @ w["first"] + w["f0"]
        s = u * u
        return h, f, u, s, s @ w["last"] + w["l0"]


def run_tenseal(args):
    import numpy as np
    import tenseal as ts

    network = Tutorial(args.mnist, args.cache)
    pictures = read_idx(args.mnist, "t10k-images-idx3-ubyte.gz").astype("f4") / 255
    labels = read_idx(args.mnist, "t10k-labels-idx1-ubyte.gz").astype(int)
    plain = np.concatenate([network.layers(network.windows(pictures[i : i + 500]))[4] for i in range(0, 10000, 500)])
    context = ts.context(
        ts.SCHEME_TYPE.CKKS, 8192, coeff_mod_bit_sizes=[31, 26, 26, 26, 26, 26, 26, 31], n_threads=1)
    context.global_scale = 2**26
    context.generate_galois_keys()
    w = {k: a.tolist() for k, a in network.weights.items()}
    kernels = [network.weights["kernel"][:, c].reshape(7, 7).tolist() for c in range(4)]
    times, sent, received, agree, error = {"encrypt": [], "evaluate": [], "decrypt": []}, 0, 0, 0, 0.0
    for number in range(args.pictures):
        start = time.process_time()
        encrypted, count = ts.im2col_encoding(context, pictures[number].tolist(), 7, 7, 3)
        times["encrypt"].append(time.process_time() - start)
        sent = len(encrypted.serialize())
        start = time.process_time()
        channels = [encrypted.conv2d_im2col(k, count) + b for k, b in zip(kernels, w["k0"])]
        value = ts.CKKSVector.pack_vectors(channels)
        value.square_()
        value = value.mm(w["first"]) + w["f0"]
        value.square_()
        value = value.mm(w["last"]) + w["l0"]
        times["evaluate"].append(time.process_time() - start)
        received = len(value.serialize())
        start = time.process_time()
        scores = np.array(value.decrypt()[:10])
        times["decrypt"].append(time.process_time() - start)
        agree += int(scores.argmax() == plain[number].argmax())
        error = max(error, float(np.abs(scores - plain[number]).max()))
    print(
        json.dumps({
            "benchmark": "encrypted-inference", "peer": "TenSEAL " + ts.__version__, "pictures": args.pictures,
            "times": times, "uploadBytes": sent, "downloadBytes": received,
            "keyBytes": len(context.serialize(save_secret_key=False, save_galois_keys=True, save_relin_keys=True)),
            "plainAccuracy": float((plain.argmax(1) == labels).mean()), "encryptedAgrees": agree, "largestError": error,
        }))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?")
    parser.add_argument("--mnist", required=True, help="the data folder, with mnist/ in it")
    parser.add_argument("--model", default="mnist-cnn.safetensors")
    parser.add_argument("--tenseal", help="a Python that has tenseal and numpy")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=10)
    parser.add_argument("--cache", default="tenseal-tutorial.npz")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return run_tenseal(args)
    ours, theirs = [], []
    for _ in range(args.rounds):
        line = subprocess.run(
            [args.program, args.model, args.mnist, str(args.pictures), "1"], check=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL).stdout
        ours.append(json.loads(line.splitlines()[-1]))
        if args.tenseal:
            line = subprocess.run(
                [args.tenseal, __file__, "--peer", "--mnist", args.mnist, "--cache", args.cache, "--pictures",
                 str(args.pictures)], check=True, stdout=subprocess.PIPE).stdout
            theirs.append(json.loads(line.splitlines()[-1]))
    best = dict(ours[0])
    for key in ("encryptMilliseconds", "evaluateMilliseconds", "decryptMilliseconds"):
        best[key] = statistics.median(one[key] for one in ours)
    print(json.dumps(best))
    if theirs:
        row = dict(theirs[0])
        for name in ("encrypt", "evaluate", "decrypt"):
            row[name + "Milliseconds"] = 1000 * statistics.median(t for one in theirs for t in one["times"][name])
        del row["times"]
        row["ratio"] = row["evaluateMilliseconds"] / best["evaluateMilliseconds"]
        print(json.dumps(row))


if __name__ == "__main__":
    sys.exit(main())
