#!/usr/bin/env python3
"""OpenFHE's side of the comparison. The number of threads is OMP_NUM_THREADS.

needs CPython 3.10: pip install openfhe==1.6.1.0.22.4
"""
import math

import openfhe as fhe

from peer import saved_size, serve

# Depth and key-switching digits. The sizes of the primes are ours; the special ones are OpenFHE's choice.
SHAPES = {13: (2, 3), 14: (7, 8), 15: (16, 6)}


def make(log_degree):
    depth, digits = SHAPES[log_degree]
    degree = 1 << log_degree
    parameters = fhe.CCParamsCKKSRNS()
    parameters.SetSecretKeyDist(fhe.SecretKeyDist.UNIFORM_TERNARY)
    parameters.SetSecurityLevel(fhe.SecurityLevel.HEStd_128_classic)
    parameters.SetRingDim(degree)
    parameters.SetMultiplicativeDepth(depth)
    parameters.SetScalingModSize(40)
    parameters.SetFirstModSize(50)
    parameters.SetScalingTechnique(fhe.ScalingTechnique.FIXEDMANUAL)
    parameters.SetNumLargeDigits(digits)
    parameters.SetBatchSize(degree // 2)
    context = fhe.GenCryptoContext(parameters)
    for feature in (fhe.PKESchemeFeature.PKE, fhe.PKESchemeFeature.KEYSWITCH, fhe.PKESchemeFeature.LEVELEDSHE):
        context.Enable(feature)
    keys = context.KeyGen()
    fhe.ClearEvalMultKeys()
    context.EvalMultKeyGen(keys.secretKey)
    context.EvalRotateKeyGen(keys.secretKey, [1])
    values = [math.sin(i) for i in range(degree // 2)]
    plain = context.MakeCKKSPackedPlaintext(values)
    x, y = context.Encrypt(keys.publicKey, plain), context.Encrypt(keys.publicKey, plain)
    product = context.EvalMult(x, y)

    def decrypt_decode():
        result = context.Decrypt(keys.secretKey, x)
        result.SetLength(degree // 2)
        return result

    def precision():
        result = context.Decrypt(keys.secretKey, context.Rescale(product))
        result.SetLength(degree // 2)
        error = max(abs(a.real - b * b) for a, b in zip(result.GetCKKSPackedValue(), values))
        return round(-math.log2(error), 1)

    operations = {
        "encode": lambda: context.MakeCKKSPackedPlaintext(values),
        "encrypt": lambda: context.Encrypt(keys.publicKey, plain),
        "encode_encrypt": lambda: context.Encrypt(keys.publicKey, context.MakeCKKSPackedPlaintext(values)),
        "add": lambda: context.EvalAdd(x, y), "multiply_plain": lambda: context.EvalMult(x, plain),
        "multiply": lambda: context.EvalMult(x, y), "rescale": lambda: context.Rescale(product),
        "multiply_rescale": lambda: context.Rescale(context.EvalMult(x, y)),
        "rotate": lambda: context.EvalRotate(x, 1), "decrypt_decode": decrypt_decode,
    }

    def sizes():
        def of(thing):
            return saved_size(lambda path: fhe.SerializeToFile(path, thing, fhe.BINARY))
        return {"upload": of(x), "ciphertext": of(x), "public_key": of(keys.publicKey),
                "relinearisation_key": saved_size(lambda path: context.SerializeEvalMultKey(path, fhe.BINARY)),
                "rotation_key": saved_size(lambda path: context.SerializeEvalAutomorphismKey(path, fhe.BINARY))}

    return operations, sizes, precision()


serve(make)
