#!/usr/bin/env python3
"""One CKKS bootstrapping with OpenFHE (PyPI wheel, CPython 3.10: openfhe==1.6.1.0.22.4 numpy); prints one JSON line."""
import argparse
import json
import math
import os
import random
import time

parser = argparse.ArgumentParser()
parser.add_argument("--log-degree", type=int, default=16)
parser.add_argument("--slots", type=int, default=32768)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--after", type=int, default=9, help="levels left after bootstrapping")
parser.add_argument("--scale-bits", type=int, default=55)
parser.add_argument("--first-bits", type=int, default=60)
parser.add_argument("--budget", type=int, default=3, help="levels of CoeffsToSlots and of SlotsToCoeffs")
parser.add_argument("--iterations", type=int, default=1, help="2: Meta-BTS")
parser.add_argument("--precision", type=int, default=17, help="of the first iteration, when there are two")
parser.add_argument("--digits", type=int, default=3)
parser.add_argument("--runs", type=int, default=1)
parser.add_argument("--secret", default="SPARSE_ENCAPSULATED")
parser.add_argument("--real", action="store_true", help="real values only")
parser.add_argument("--insecure", action="store_true")
a = parser.parse_args()
os.environ["OMP_NUM_THREADS"] = str(a.threads)
import openfhe as f  # noqa: E402  (reads OMP_NUM_THREADS when it loads)

distribution = getattr(f.SecretKeyDist, a.secret)
p = f.CCParamsCKKSRNS()
p.SetSecretKeyDist(distribution)
p.SetRingDim(1 << a.log_degree)
p.SetSecurityLevel(f.SecurityLevel.HEStd_NotSet if a.insecure else f.SecurityLevel.HEStd_128_classic)
p.SetScalingModSize(a.scale_bits)
p.SetFirstModSize(a.first_bits)
p.SetScalingTechnique(f.ScalingTechnique.FLEXIBLEAUTO)
p.SetNumLargeDigits(a.digits)
if not a.real:
    p.SetCKKSDataType(f.CKKSDataType.COMPLEX)
budget = [a.budget, a.budget]
boot = f.FHECKKSRNS.GetBootstrapDepth(budget, distribution) if hasattr(f, "FHECKKSRNS") else \
    f.CryptoContext.GetBootstrapDepth(budget, distribution)
depth = a.after + boot + (a.iterations - 1)
p.SetMultiplicativeDepth(depth)
cc = f.GenCryptoContext(p)
for feature in ("PKE", "KEYSWITCH", "LEVELEDSHE", "ADVANCEDSHE", "FHE"):
    cc.Enable(getattr(f.PKESchemeFeature, feature))
t0 = time.perf_counter()
cc.EvalBootstrapSetup(budget, [0, 0], a.slots)
t1 = time.perf_counter()
keys = cc.KeyGen()
cc.EvalMultKeyGen(keys.secretKey)
cc.EvalBootstrapKeyGen(keys.secretKey, a.slots)
t2 = time.perf_counter()
random.seed(1)
values = [complex(random.uniform(-1, 1), 0) if a.real else
          complex(random.uniform(-1, 1) * 0.7, random.uniform(-1, 1) * 0.7) for _ in range(a.slots)]
plaintext = cc.MakeCKKSPackedPlaintext(values, 1, depth - (a.iterations - 1) - 1, None, a.slots)
ciphertext = cc.Encrypt(keys.publicKey, plaintext)
walls, cpus = [], []
for _ in range(a.runs):
    c0, w0 = time.process_time(), time.perf_counter()
    if a.iterations == 1:
        result = cc.EvalBootstrap(ciphertext)
    else:
        result = cc.EvalBootstrap(ciphertext, a.iterations, a.precision)
    cpus.append(time.process_time() - c0)
    walls.append(time.perf_counter() - w0)
d = cc.Decrypt(keys.secretKey, result)
d.SetLength(a.slots)
errors = [abs(x - y) for x, y in zip(d.GetCKKSPackedValue(), values)]
with open("/proc/self/status") as handle:
    peak = [line for line in handle if line.startswith("VmHWM")][0].split()[1]
print(json.dumps({
    "peer": "openfhe", "threads": a.threads, "N": 1 << a.log_degree, "slots": a.slots, "secret": a.secret,
    "scale_bits": a.scale_bits, "depth": depth, "iterations": a.iterations,
    "levels_left": depth - result.GetLevel() - (result.GetNoiseScaleDeg() - 1),
    "setup_s": round(t1 - t0, 2), "keygen_s": round(t2 - t1, 2),
    "wall_s": round(sorted(walls)[len(walls) // 2], 3), "cpu_s": round(sorted(cpus)[len(cpus) // 2], 3),
    "bits_worst": round(-math.log2(max(errors)), 2),
    "bits_mean": round(-math.log2(sum(errors) / len(errors)), 2), "peak_rss_gb": round(int(peak) / 1e6, 2)}))
