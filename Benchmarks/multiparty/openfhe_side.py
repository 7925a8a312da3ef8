#!/usr/bin/env python3
"""OpenFHE's side of the comparison: one party's work among n, the last one's where an order is given.

needs CPython 3.10: pip install openfhe==1.6.1.0.22.4
"""
import json
import math
import os
import sys
import tempfile
import time

import openfhe as fhe

SHAPES = {13: (2, 3), 14: (7, 8), 15: (16, 6)}


def size(value):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "object")
        fhe.SerializeToFile(path, value, fhe.BINARY)
        return os.path.getsize(path)


def make(log_degree, parties):
    depth, digits = SHAPES[log_degree]
    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetSecretKeyDist(fhe.SecretKeyDist.UNIFORM_TERNARY)
    parameters.SetSecurityLevel(fhe.SecurityLevel.HEStd_128_classic)
    parameters.SetRingDim(1 << log_degree)
    parameters.SetMultiplicativeDepth(depth)
    parameters.SetScalingModSize(40)
    parameters.SetFirstModSize(50)
    parameters.SetScalingTechnique(fhe.ScalingTechnique.FIXEDMANUAL)
    parameters.SetNumLargeDigits(digits)
    parameters.SetBatchSize(1 << (log_degree - 1))
    context = fhe.GenCryptoContext(parameters)
    feature = fhe.PKESchemeFeature
    for one in (feature.PKE, feature.KEYSWITCH, feature.LEVELEDSHE, feature.ADVANCEDSHE, feature.MULTIPARTY):
        context.Enable(one)

    # Each party's key, the joint public key handed on from one to the next.
    keys = [context.KeyGen()]
    for _ in range(1, parties):
        keys.append(context.MultipartyKeyGen(keys[-1].publicKey))
    public, own, tag = keys[-1].publicKey, keys[-1].secretKey, keys[-1].publicKey.GetKeyTag()
    first = context.KeySwitchGen(keys[0].secretKey, keys[0].secretKey)
    joint = first
    for key in keys[1:]:
        joint = context.MultiAddEvalKeys(
            joint, context.MultiKeySwitchGen(key.secretKey, key.secretKey, first), key.publicKey.GetKeyTag())

    def relinearisation():
        share = context.MultiKeySwitchGen(own, own, first)
        second = context.MultiMultEvalKey(own, joint, tag)
        return share, second

    context.EvalRotateKeyGen(keys[0].secretKey, [1])
    rotations = context.GetEvalAutomorphismKeyMap(keys[0].secretKey.GetKeyTag())

    def rotation():
        return context.MultiEvalAtIndexKeyGen(own, rotations, [1], tag)

    plain = context.MakeCKKSPackedPlaintext([math.sin(i) for i in range(1 << (log_degree - 1))])
    ciphertext = context.Encrypt(public, plain)
    shares = [context.MultipartyDecryptLead([ciphertext], keys[0].secretKey)[0]]
    shares += [context.MultipartyDecryptMain([ciphertext], key.secretKey)[0] for key in keys[1:]]
    operations = {
        "public_key": lambda: context.MultipartyKeyGen(keys[0].publicKey),
        "relinearisation": relinearisation,
        "rotation": rotation,
        "answer": lambda: context.MultipartyDecryptMain([ciphertext], own),
        "combine": lambda: context.MultipartyDecryptFusion(shares),
    }

    def sizes():
        share, second = relinearisation()
        return {"public_key": size(public), "relinearisation": size(share) + size(second), "answer": size(shares[1])}

    return operations, sizes


def main():
    operations, sizes = {}, None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "shape":
            operations, sizes = make(int(words[1]), int(words[2]))
            result = {"ready": True}
        elif words[0] == "sizes":
            result = sizes()
        elif words[0] == "run" and words[1] in operations:
            operation, times = operations[words[1]], []
            begin = time.process_time()
            while len(times) < 3 or time.process_time() - begin < float(words[2]):
                start = time.process_time()
                operation()
                times.append(time.process_time() - start)
            result = {"processor": sorted(times)[len(times) // 2]}
        else:
            result = {"missing": True}
        print(json.dumps(result), flush=True)


main()
