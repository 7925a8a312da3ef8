#!/usr/bin/env python3
"""Attacker-friendly estimate of RLWE security for sparse ternary secrets of weight h at modulus 2^logq.

Hybrid attack: guess n' - n coordinates to hold at most j of the h nonzeros, find the rest by lattice reduction (unique
shortest vector, secret part rescaled to the error's size, core-SVP cost 2^(0.292 beta) for the block size that suffices
with the h - j others). Granted to the attacker for free: the guesses are found by meeting in the middle, in time the
square root of their number and with certainty, each at unit cost, in any amount of memory; one reduction serves all.

  ephemeral_security.py [N h logq]
"""
import sys
from math import e, inf, lgamma, log, log2, pi, sqrt

SIGMA = 3.2


def log_binomial(n, k):
    return -inf if k < 0 or k > n else (lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)) / log(2)


def log_sum(values):
    top = max(values)
    return top + log2(sum(2 ** (v - top) for v in values))


def root_hermite(beta):
    return ((pi * beta) ** (1 / beta) * beta / (2 * pi * e)) ** (1 / (2 * (beta - 1)))


def block_size(n, weight, logq):
    """The least beta >= 40 that finds the secret of this weight in dimension n."""
    stretch = log2(SIGMA / sqrt(weight / n))

    def enough(beta):
        rate = log2(root_hermite(beta))
        ideal = sqrt(n * max(1, logq - stretch) / rate) - n
        for factor in (0.5, 0.7, 0.85, 1, 1.2, 1.5):
            samples = min(max(int(ideal * factor), n // 20), 1 << 16)
            dimension = samples + n + 1
            volume = samples * logq + n * stretch
            if log2(SIGMA) + 0.5 * log2(beta) <= (2 * beta - dimension - 1) * rate + volume / dimension:
                return True
        return False

    if enough(40):
        return 40
    low, high = 40, 20000
    if not enough(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def estimate(ring, weight, logq):
    best = (inf,)
    for fraction in [i / 100 for i in range(99)] + [0.985, 0.99, 0.992, 0.994]:
        guessed = int(ring * fraction)
        rest = ring - guessed
        if rest < 600:
            continue
        for j in range(weight + 1):
            guesses = log_sum([log_binomial(guessed, i) + i for i in range(j + 1)])
            if guesses / 2 > 200:
                break
            success = log_sum(
                [log_binomial(guessed, i) + log_binomial(rest, weight - i) for i in range(j + 1)]
            ) - log_binomial(ring, weight)
            beta = block_size(rest, max(1, weight - j), logq)
            if beta is None:
                continue
            cost = log_sum([0.292 * beta, guesses / 2]) - success
            best = min(best, (cost, rest, j, beta))
    return best


cases = [tuple(map(int, sys.argv[1:4]))] if len(sys.argv) > 3 else [
    (1 << 16, 32, 117), (1 << 16, 32, 121), (1 << 15, 32, 117), (1 << 15, 40, 117), (1 << 15, 40, 121)]
for case in cases:
    cost, rest, j, beta = estimate(*case)
    print(f"N = {case[0]}, h = {case[1]}, log2 q = {case[2]}: 2^{cost:.1f} "
          f"(lattice of {rest} coordinates, at most {j} nonzeros guessed, block size {beta})", flush=True)
