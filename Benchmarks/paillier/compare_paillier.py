#!/usr/bin/env python3
"""Paillier side by side: ours, python-paillier (phe with gmpy2) and raw GMP powm, in one schedule.

For each operation the three take turns, round after round, on one core and then on two; medians are compared. Prints
one JSON object a line: operation, modulus bits, cores, seconds per operation of each side, and ratios (above 1: ours
is faster). On one core the time is processor time, so that other work on the machine does not count; on two it is
elapsed time. phe's vectors are scaled up from a sample of its single encryptions, of which they consist.

  swift build -c release --package-path Benchmarks
  python3 Benchmarks/paillier/compare_paillier.py [--bits 2048,3072] [--cores 1,2] [--rounds 5] [--quick]
needs: pip install phe==1.5.0 gmpy2
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import gmpy2
import phe
from phe import util

HERE = os.path.dirname(os.path.abspath(__file__))
WEIGHTS = 50635  # of a small convolutional network
VECTOR = 50000


class Ours:
    """Our benchmark process, asked line by line."""

    def __init__(self, executable):
        self.process = subprocess.Popen([executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, operation, number):
        self.process.stdin.write("%s %d\n" % (operation, number))
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the benchmark process ended")
        answer = json.loads(line)
        if "error" in answer:
            raise SystemExit(answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# --- the peer, also run in worker processes ---------------------------------------------------------------------------

STATE = {}


def set_up(bits, p, q):
    """One key of the peer, and ciphertexts under it."""
    n = p * q
    public = phe.PaillierPublicKey(n)
    private = phe.PaillierPrivateKey(public, p, q)
    values = [(i * 37 % 101 - 50) / 7 for i in range(64)]
    STATE.update(bits=bits, public=public, private=private, values=values, position=0, p=p, q=q,
                 a=[public.encrypt(v) for v in values[:8]], b=[public.encrypt(v) for v in values[8:16]])
    n = gmpy2.mpz(n)
    STATE.update(n=n, nsquare=n * n, base=gmpy2.mpz(STATE["a"][0].ciphertext()), psquare=gmpy2.mpz(p) ** 2,
                 qsquare=gmpy2.mpz(q) ** 2)
    return True


def value():
    STATE["position"] += 1
    return STATE["values"][STATE["position"] % 64]


def phe_once(operation):
    s = STATE
    s["position"] += 1
    i = s["position"]
    if operation == "keygen":
        phe.generate_paillier_keypair(n_length=s["bits"])
    elif operation == "encrypt":
        s["public"].encrypt(value())
    elif operation == "encrypt-precomputed":  # the randomiser is there already: one product modulo n squared
        encoded = phe.EncodedNumber.encode(s["public"], value())
        util.mulmod(s["public"].raw_encrypt(encoded.encoding, r_value=1), s["a"][0].ciphertext(False),
                    s["public"].nsquare)
    elif operation == "add":
        s["a"][i % 8] + s["b"][i % 8]
    elif operation == "multiply":
        s["a"][i % 8] * ((1 << 52) + i * 1234567890123)
    elif operation == "decrypt":
        s["private"].decrypt(s["a"][i % 8])


def gmp_once(operation):
    """What the textbook scheme cannot do without, by GMP alone."""
    s = STATE
    if operation == "encrypt":
        gmpy2.powmod(s["base"], s["n"], s["nsquare"])
    elif operation == "multiply":
        gmpy2.powmod(s["base"], (1 << 52) + 1234567890123, s["nsquare"])
    elif operation == "add":
        s["base"] * s["base"] % s["nsquare"]
    elif operation == "decrypt":
        gmpy2.powmod(s["base"], s["p"] - 1, s["psquare"])
        gmpy2.powmod(s["base"], s["q"] - 1, s["qsquare"])


def timed(which, operation, count):
    once = phe_once if which == "phe" else gmp_once
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(count):
        once(operation)
    return time.perf_counter() - wall, time.process_time() - processor


def peer_seconds(pool, cores, which, operation, count):
    """Seconds per operation: processor time on one core, elapsed time on several."""
    if cores == 1:
        return timed(which, operation, count)[1] / count
    start = time.perf_counter()
    for future in [pool.submit(timed, which, operation, count) for _ in range(cores)]:
        future.result()
    return (time.perf_counter() - start) / (count * cores)


# --- the schedule -----------------------------------------------------------------------------------------------------

# name, our request, our operations a turn, the peer's operation, its operations a turn
SINGLE = [
    ("keygen", "keygen", 1, "keygen", 1),
    ("encrypt, one at a time", "encrypt-one", 4, "encrypt", 3),
    ("encrypt, batch of 256", "encrypt", 256, "encrypt", 3),
    ("encrypt, randomiser precomputed", "encrypt-precomputed", 256, "encrypt-precomputed", 30),
    ("add", "add", 256, "add", 30),
    ("multiply by 53-bit factors", "multiply", 256, "multiply", 10),
    ("decrypt, one at a time", "decrypt-one", 8, "decrypt", 4),
    ("decrypt, batch of 256", "decrypt", 256, "decrypt", 4),
]
VECTORS = [
    ("vector of 50,000 doubles (52 bits + 10 of head-room)", "doubles", VECTOR),
    ("50,635 fixed-point weights (24 bits + 10 of head-room)", "weights", WEIGHTS),
]


def median(samples):
    return statistics.median(samples)


def compare(ours, pool, bits, cores, rounds):
    def own(request, count):
        if request == "encrypt-precomputed":
            ours.ask("precompute", count)
        answer = ours.ask(request, count)
        return answer["processor" if cores == 1 else "wall"] / count, answer["bytes"]

    for name, request, count, operation, peer_count in SINGLE:
        samples = {"ours": [], "phe": [], "gmp": []}
        # The time to find primes varies widely, so keys need more rounds.
        for round_number in range(-1, 3 * rounds if operation == "keygen" else rounds):
            turn = {"ours": own(request, count)[0], "phe": peer_seconds(pool, cores, "phe", operation, peer_count)}
            if operation in ("encrypt", "add", "multiply", "decrypt"):
                turn["gmp"] = peer_seconds(pool, cores, "gmp", operation, peer_count)
            if round_number >= 0:  # the first turn warms up
                for side, seconds in turn.items():
                    samples[side].append(seconds)
        report(name, bits, cores, {side: median(s) for side, s in samples.items() if s}, {})
    for name, request, count in VECTORS:
        samples = {"ours": [], "phe": []}
        size = 0
        for round_number in range(-1, rounds):
            seconds, size = own(request, count)
            peer = peer_seconds(pool, cores, "phe", "encrypt", 4)
            if round_number >= 0:
                samples["ours"].append(seconds)
                samples["phe"].append(peer)
        medians = {side: median(s) for side, s in samples.items()}
        extra = {"values": count, "ours_s_total": round(medians["ours"] * count, 4),
                 "phe_s_total_scaled": round(medians["phe"] * count, 1), "ours_bytes": size,
                 "phe_bytes": count * (2 * bits // 8)}
        report(name, bits, cores, medians, extra)


def report(name, bits, cores, medians, extra):
    line = {"benchmark": "paillier", "operation": name, "bits": bits, "cores": cores,
            "clock": "processor" if cores == 1 else "elapsed"}
    for side, seconds in medians.items():
        line[side + "_us"] = round(seconds * 1e6, 2)
    for side in ("phe", "gmp"):
        if side in medians:
            line["ratio_to_" + side] = round(medians[side] / medians["ours"], 2)
    line.update(extra)
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bits", default="2048,3072")
    parser.add_argument("--cores", default="1,2")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="3072 bits, one core, three rounds")
    parser.add_argument("--executable", default=os.path.join(HERE, "../.build/release/BenchmarkPaillier"))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.bits, arguments.cores, arguments.rounds = "3072", "1", 3
    if not util.HAVE_GMP:
        raise SystemExit("gmpy2 is not installed: without it phe is slower than it can be")
    print(json.dumps({"benchmark": "paillier", "phe": phe.__version__, "gmpy2": gmpy2.version(),
                      "gmp": gmpy2.mp_version(), "python": sys.version.split()[0]}), flush=True)
    for bits in map(int, arguments.bits.split(",")):
        public, private = phe.generate_paillier_keypair(n_length=bits)
        set_up(bits, private.p, private.q)
        ours = Ours(arguments.executable)
        ours.ask("bits", bits)
        for cores in map(int, arguments.cores.split(",")):
            ours.ask("cores", cores)
            with ProcessPoolExecutor(cores, initializer=set_up, initargs=(bits, private.p, private.q)) as pool:
                if cores > 1:  # both workers are up and have their key before anything is timed
                    peer_seconds(pool, cores, "phe", "encrypt", 3)
                compare(ours, pool, bits, cores, arguments.rounds)
        ours.close()


if __name__ == "__main__":
    main()
