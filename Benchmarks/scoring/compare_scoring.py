"""Scores by an encrypted linear model beside TenSEAL, in turns on one core.

  compare_scoring.py BenchmarkScoring [--tenseal PYTHON] [--rounds 3] [--texts 20]

The model's owner encrypts 65,536 weights; a reader multiplies them by the 0/1 vector of its text's 120 features, adds up and
hides the sum by a random number; the owner decrypts. TenSEAL's reader (0.3.18, 128 bits) multiplies 16 vectors by plain ones,
adds them, and sums up the slots of one ciphertext by rotations, for which it has been sent keys. Its sum is taken over all
16 at once, which is the cheapest order. It adds a number of its own to hide the score and neither noise that hides the key
nor an encryption of zero that hides its features: that part of our protocol it does not do.
Prints one JSON line a program; times are medians over all rounds of processor time, one thread each.
"""

import argparse, json, math, statistics, subprocess, sys, time

FEATURES, PRESENT, SLOTS = 1 << 16, 120, 4096


def run_tenseal(texts):
    import secrets

    import tenseal as ts

    weights = [3 * math.sin(i * 1.7 + 0.3) for i in range(FEATURES)]
    start = time.process_time()
    context = ts.context(ts.SCHEME_TYPE.CKKS, 2 * SLOTS, coeff_mod_bit_sizes=[60, 40, 60], n_threads=1)
    context.global_scale = 2**40
    context.generate_galois_keys()
    pieces = [ts.ckks_vector(context, weights[i : i + SLOTS]) for i in range(0, FEATURES, SLOTS)]
    setup = time.process_time() - start
    keys = len(context.serialize(save_secret_key=False, save_galois_keys=True))
    bare = len(context.serialize(save_secret_key=False, save_galois_keys=False))
    model = [piece.serialize() for piece in pieces]
    public = ts.context_from(context.serialize(save_secret_key=False, save_galois_keys=True))
    pieces = [ts.ckks_vector_from(public, piece) for piece in model]
    times, greatest = {"ask": [], "answer": [], "open": []}, 0.0
    for text in range(texts):
        features = {(j * 541 + text * 7919) % FEATURES for j in range(PRESENT)}
        start = time.process_time()
        total = None
        for number, piece in enumerate(pieces):
            own = [0.0] * SLOTS
            for feature in features:
                if feature // SLOTS == number:
                    own[feature % SLOTS] = 1.0
            # A vector of zeros would make the result transparent, which SEAL refuses; the intercept stands in for it.
            if any(own):
                product = piece * own
                total = product if total is None else total + product
        blinding = secrets.randbelow(1 << 16)
        question = (total.sum() + (0.5 + blinding)).serialize()
        times["ask"].append(time.process_time() - start)
        start = time.process_time()
        answer = ts.ckks_vector_from(context, question).decrypt()[0]
        times["answer"].append(time.process_time() - start)
        start = time.process_time()
        score = answer - blinding
        times["open"].append(time.process_time() - start)
        greatest = max(greatest, abs(score - 0.5 - sum(weights[f] for f in features)))
    print(json.dumps({
        "benchmark": "scoring/TenSEAL " + ts.__version__, "features": FEATURES, "present": PRESENT, "setup": setup,
        **{name: statistics.median(t) for name, t in times.items()}, "modelBytes": sum(map(len, model)),
        "keyBytes": keys - bare, "questionBytes": len(question), "answerBytes": 8, "greatestError": greatest,
    }))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", nargs="?")
    parser.add_argument("--tenseal", help="a Python that has tenseal")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return run_tenseal(args.texts)
    sides = [[args.program, str(FEATURES), str(PRESENT), str(args.texts)]]
    if args.tenseal:
        sides.append([args.tenseal, __file__, "--peer", "--texts", str(args.texts)])
    found = [[] for _ in sides]
    for _ in range(args.rounds):
        for side, list_of_lines in zip(sides, found):
            line = subprocess.run(side, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1]
            list_of_lines.append(json.loads(line))
    for list_of_lines in found:
        row = dict(list_of_lines[0])
        for name in ("setup", "ask", "answer", "open"):
            row[name] = statistics.median(one[name] for one in list_of_lines)
        row["greatestError"] = max(one["greatestError"] for one in list_of_lines)
        print(json.dumps(row))


if __name__ == "__main__":
    sys.exit(main())
