#!/usr/bin/env python3
"""The other side of the interchange tests: python-paillier itself.

Reads one JSON request from standard input and writes one JSON answer. Requests:
  {"do": "version"}
  {"do": "generate", "bits": n}                          -> private key as pheutil writes it
  {"do": "encrypt", "public": jwk, "values": [...], "precision": p or null, "form": "numbers" or "command"}
  {"do": "decrypt", "private": jwk, "numbers": json}     -> values
  {"do": "sum", "numbers": [json, ...]}                  -> elementwise sum in the same form
  {"do": "vectors", "bits": n}                           -> the content of a committed vector file

The forms are those of pheutil (phe/command_line.py) and of phe's documentation, "Serialisation".
"""
import json
import sys

import phe
from phe import util


def public_jwk(pub):
    return {"kty": "DAJ", "alg": "PAI-GN1", "key_ops": ["encrypt"], "n": util.int_to_base64(pub.n), "kid": "test"}


def private_jwk(pub, priv):
    return {"kty": "DAJ", "key_ops": ["decrypt"], "p": util.int_to_base64(priv.p), "q": util.int_to_base64(priv.q),
            "pub": public_jwk(pub), "kid": "test"}


def load_public(jwk):
    assert jwk["kty"] == "DAJ" and jwk["alg"] == "PAI-GN1"
    return phe.PaillierPublicKey(util.base64_to_int(jwk["n"]))


def load_private(jwk):
    assert jwk["kty"] == "DAJ" and "decrypt" in jwk["key_ops"]
    pub = load_public(jwk["pub"])
    return phe.PaillierPrivateKey(pub, util.base64_to_int(jwk["p"]), util.base64_to_int(jwk["q"]))


def dump_numbers(pub, numbers):
    return {"public_key": {"g": pub.g, "n": pub.n}, "values": [(str(x.ciphertext()), x.exponent) for x in numbers]}


def load_numbers(data, pub=None):
    if "v" in data:
        return pub, [phe.EncryptedNumber(pub, int(data["v"]), data["e"])]
    pub = phe.PaillierPublicKey(n=int(data["public_key"]["n"]))
    return pub, [phe.EncryptedNumber(pub, int(c), int(e)) for c, e in data["values"]]


def encrypt(pub, values, precision, form):
    numbers = [pub.encrypt(v, precision=precision) for v in values]
    if form == "command":
        number = numbers[0]
        if number.exponent > -32:
            number = number.decrease_exponent_to(-32)
        return {"v": str(number.ciphertext()), "e": number.exponent}
    return dump_numbers(pub, numbers)


def vectors(bits):
    pub, priv = phe.generate_paillier_keypair(n_length=bits)
    values = [0.0, 1.0, -1.0, 0.1, -0.1, 3.141592653589793, 1e-12, -123456789.125, 2.5e20, 7, -(2 ** 70)]
    command = 2.718281828459045
    return {
        "origin": "made by python-paillier, Tests/PaillierTests/Vectors/phe_peer.py, request vectors",
        "version": "phe %s" % phe.__version__,
        "private_key": json.dumps(private_jwk(pub, priv)),
        "numbers": json.dumps(dump_numbers(pub, [pub.encrypt(v) for v in values])),
        "values": [float(v) for v in values],
        "command_number": json.dumps(encrypt(pub, [command], None, "command")),
        "command_value": command,
    }


def main():
    request = json.load(sys.stdin)
    do = request["do"]
    if do == "version":
        answer = phe.__version__
    elif do == "generate":
        answer = private_jwk(*phe.generate_paillier_keypair(n_length=request["bits"]))
    elif do == "encrypt":
        answer = encrypt(load_public(request["public"]), request["values"], request["precision"], request["form"])
    elif do == "decrypt":
        private = load_private(request["private"])
        answer = [float(private.decrypt(x)) for x in load_numbers(request["numbers"], private.public_key)[1]]
    elif do == "sum":
        loaded = [load_numbers(data) for data in request["numbers"]]
        total = loaded[0][1]
        for _, numbers in loaded[1:]:
            total = [a + b for a, b in zip(total, numbers)]
        answer = dump_numbers(loaded[0][0], total)
    elif do == "vectors":
        answer = vectors(request["bits"])
    else:
        raise SystemExit("unknown request")
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
