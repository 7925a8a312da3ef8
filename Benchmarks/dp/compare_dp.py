#!/usr/bin/env python3
"""Accounting beside dp-accounting and sampling beside OpenDP, one after the other on one core.

Prints our JSON lines and the peers' in the same form; times are processor time, medians.
  swift build -c release --package-path Benchmarks --product BenchmarkPrivacy
  python3 Benchmarks/dp/compare_dp.py Benchmarks/.build/release/BenchmarkPrivacy
needs: pip install dp-accounting==0.6.0 opendp==0.16.0
"""
import json
import statistics
import subprocess
import sys
import time

CASES = [("mnist_b64_s1.0", 64 / 60000, 1.0, 9375, 1e-5), ("mnist_b240_s1.3", 240 / 60000, 1.3, 3750, 1e-5),
         ("mnist_b240_s0.7", 240 / 60000, 0.7, 11250, 1e-5), ("q.01_s1_1e4", 0.01, 1.0, 10000, 1e-5),
         ("q.01_s4_1e4", 0.01, 4.0, 10000, 1e-5), ("cifar_de_b16384_s9.4", 16384 / 50000, 9.4, 876, 1e-5),
         ("fl_q.1_s2_100", 0.1, 2.0, 100, 1e-5), ("long_q1e-4_s.5_1e5", 1e-4, 0.5, 100000, 1e-7),
         ("bc_b32_s3", 32 / 569, 3.0, 900, 1e-3)]


def line(**fields):
    print(json.dumps(fields), flush=True)


def median(repetitions, body):
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        value = body()
        times.append(time.process_time() - start)
    return statistics.median(times), value


def accounting():
    from dp_accounting import dp_event as e
    from dp_accounting.pld import PLDAccountant
    from dp_accounting.rdp import RdpAccountant
    for name, rate, noise, steps, delta in CASES:
        event = e.SelfComposedDpEvent(e.PoissonSampledDpEvent(rate, e.GaussianDpEvent(noise)), steps)
        for label, make in [("dp-accounting pld 1e-4", lambda: PLDAccountant(value_discretization_interval=1e-4)),
                            ("dp-accounting pld 1e-3", lambda: PLDAccountant(value_discretization_interval=1e-3)),
                            ("dp-accounting rdp", RdpAccountant)]:
            seconds, epsilon = median(3, lambda: make().compose(event).get_epsilon(delta))
            line(benchmark="epsilon", case=name, implementation=label, milliseconds=seconds * 1e3, epsilon=epsilon)


def sampling():
    import opendp.prelude as dp
    dp.enable_features("contrib")
    count = 200_000
    for scale in (1.5, 100.0):
        for label, make in [("Gaussian", dp.m.make_gaussian), ("Laplace", dp.m.make_laplace)]:
            domain = dp.vector_domain(dp.atom_domain(T=int))
            metric = dp.l2_distance(T=float) if label == "Gaussian" else dp.l1_distance(T=int)
            mechanism = make(domain, metric, scale=scale)
            data = [0] * count
            seconds, _ = median(3, lambda: mechanism(data))
            line(benchmark="draws", noise="discrete " + label, scale=scale, implementation="OpenDP",
                 million_per_second=count / seconds / 1e6)


if __name__ == "__main__":
    subprocess.run([sys.argv[1]], check=True)
    accounting()
    sampling()
