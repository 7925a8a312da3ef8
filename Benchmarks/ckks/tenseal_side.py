#!/usr/bin/env python3
"""TenSEAL's side of the comparison: SEAL's own operations, which it exposes as tenseal.sealapi.

needs: pip install tenseal==0.3.18
"""
import math

import tenseal
import tenseal.sealapi as seal

from peer import saved_size, serve

# The same sizes of primes as ours where SEAL allows: it has one special prime only.
CHAINS = {13: [50] + [40] * 2 + [50], 14: [50] + [40] * 7 + [50], 15: [50] + [40] * 16 + [50]}


def make(log_degree):
    degree, scale = 1 << log_degree, 2.0 ** 40
    parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
    parameters.set_poly_modulus_degree(degree)
    parameters.set_coeff_modulus(seal.CoeffModulus.Create(degree, CHAINS[log_degree]))
    context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.TC128)
    generator = seal.KeyGenerator(context)
    secret, public, relinearisation, galois = (
        generator.secret_key(), seal.PublicKey(), seal.RelinKeys(), seal.GaloisKeys())
    generator.create_public_key(public)
    generator.create_relin_keys(relinearisation)
    generator.create_galois_keys([3], galois)  # X → X³ is a rotation by one step
    encoder, evaluator = seal.CKKSEncoder(context), seal.Evaluator(context)
    encryptor, decryptor = seal.Encryptor(context, public, secret), seal.Decryptor(context, secret)
    values = [math.sin(i) for i in range(degree // 2)]
    plain = seal.Plaintext()
    encoder.encode(values, scale, plain)
    x, y, product, result = seal.Ciphertext(), seal.Ciphertext(), seal.Ciphertext(), seal.Ciphertext()
    encryptor.encrypt(plain, x)
    encryptor.encrypt(plain, y)
    evaluator.multiply(x, y, product)
    evaluator.relinearize_inplace(product, relinearisation)
    turned = seal.Ciphertext()
    encryptor.encrypt(plain, turned)
    scratch, decrypted = seal.Plaintext(), seal.Plaintext()

    def ntt():
        evaluator.transform_from_ntt_inplace(turned)
        evaluator.transform_to_ntt_inplace(turned)

    def multiply():
        evaluator.multiply(x, y, result)
        evaluator.relinearize_inplace(result, relinearisation)

    def multiply_rescale():
        multiply()
        evaluator.rescale_to_next_inplace(result)

    def encode_encrypt():
        encoder.encode(values, scale, scratch)
        encryptor.encrypt(scratch, result)

    def decrypt_decode():
        decryptor.decrypt(x, decrypted)
        return encoder.decode_double(decrypted)

    multiply_rescale()
    decryptor.decrypt(result, decrypted)
    error = max(abs(a - b * b) for a, b in zip(encoder.decode_double(decrypted), values))
    operations = {
        "ntt": ntt, "encode": lambda: encoder.encode(values, scale, scratch),
        "encrypt": lambda: encryptor.encrypt(plain, result),
        "encrypt_secret": lambda: encryptor.encrypt_symmetric(plain, result), "encode_encrypt": encode_encrypt,
        "add": lambda: evaluator.add(x, y, result), "multiply_plain": lambda: evaluator.multiply_plain(x, plain, result),
        "multiply": multiply, "rescale": lambda: evaluator.rescale_to_next(product, result),
        "multiply_rescale": multiply_rescale, "rotate": lambda: evaluator.rotate_vector(x, 1, galois, result),
        "decrypt_decode": decrypt_decode,
    }

    def sizes():
        # What a TenSEAL user sends: the serialized vector.
        user = tenseal.context(tenseal.SCHEME_TYPE.CKKS, degree, coeff_mod_bit_sizes=CHAINS[log_degree])
        user.global_scale = scale
        vector = len(tenseal.ckks_vector(user, values).serialize())
        return {"upload": vector, "ciphertext": saved_size(x.save), "public_key": saved_size(public.save),
                "relinearisation_key": saved_size(relinearisation.save), "rotation_key": saved_size(galois.save)}

    return operations, sizes, round(-math.log2(error), 1)


serve(make)
