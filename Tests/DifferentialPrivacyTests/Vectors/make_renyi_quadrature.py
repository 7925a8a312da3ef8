"""Rényi divergences of the Poisson-subsampled Gaussian by quadrature, for the reference cases of one such event.

At fractional orders dp-accounting's series is larger than the integral by up to some thousandths; here the integral
    A = E_{z ~ N(0, s^2)} [((1 - q) + q exp((2z - 1) / (2 s^2)))^a]
is taken by the trapezoidal rule, which converges faster than any power of the step on such integrands.
needs: pip install numpy
"""
import json
import math

import numpy as np


def log_moment(q, s, a):
    # The integrand's bulk lies between 0 and about a; the tails beyond 40 deviations do not matter in doubles.
    z = np.linspace(-40 * s, a + 40 * s, 20001)
    inner = np.logaddexp(math.log1p(-q) if q < 1 else -math.inf, math.log(q) + (2 * z - 1) / (2 * s * s))
    terms = a * inner - z * z / (2 * s * s) - math.log(s * math.sqrt(2 * math.pi))
    top = terms.max()
    return top + math.log(np.exp(terms - top).sum() * (z[1] - z[0]))


def epsilon(q, s, steps, delta, orders):
    best = math.inf
    for a in orders:
        rdp = steps * log_moment(q, s, a) / (a - 1)
        best = min(best, rdp + math.log1p(-1 / a) - math.log(delta * a) / (a - 1))
    return max(0, best)


vectors = json.load(open("dp_accounting.json"))
result = {"epsilon": {}, "sigma": {}}
for case in vectors["cases"]:
    events = case["events"]
    if len(events) != 1 or events[0]["mech"] != "poisson_gaussian" or not case.get("rdp"):
        continue
    event = events[0]
    orders = vectors["rdp_orders"][case["rdp"]["orders"]]
    result["epsilon"][case["id"]] = epsilon(event["q"], event["sigma"], event["count"], case["delta"], orders)
for case in vectors["calibration"]:
    if case["kind"] != "dpsgd":
        continue
    low, high = 0.2, 100.0
    orders = [1 + x / 10 for x in range(1, 100)] + list(range(11, 65)) + [128, 256, 512, 1024]
    while high / low > 1 + 1e-8:
        middle = math.sqrt(low * high)
        if epsilon(case["q"], middle, case["steps"], case["delta"], orders) > case["epsilon"]:
            low = middle
        else:
            high = middle
    result["sigma"][case["id"]] = high
json.dump(result, open("renyi_quadrature.json", "w"), indent=1)
for case in vectors["cases"]:
    ours = result["epsilon"].get(case["id"])
    if ours is not None and abs(ours / case["rdp"]["epsilon"] - 1) > 1e-6:
        print(case["id"], "order", case["rdp"]["optimal_order"], "quadrature", ours, "reference", case["rdp"]["epsilon"])
for case in vectors["calibration"]:
    if case["id"] in result["sigma"] and abs(result["sigma"][case["id"]] / case["sigma_rdp"] - 1) > 1e-6:
        print(case["id"], result["sigma"][case["id"]], case["sigma_rdp"])
