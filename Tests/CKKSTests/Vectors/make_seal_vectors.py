"""Makes seal-2048.json: a CKKS key and ciphertext of Microsoft SEAL (through tenseal 0.3.18), as coefficients.

needs: pip install tenseal==0.3.18 numpy zstandard
"""
import base64, json, math, os, struct, tempfile, zlib

import numpy as np
import tenseal.sealapi as seal

N = 2048


class Object:
    """Reads SEAL's serialised objects: a 16-byte header with the total size, then the body."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self):
        return struct.unpack("<Q", self.take(8))[0]

    def inner(self):
        magic, size, _, _, compression, _, total = struct.unpack("<HBBBBHQ", self.take(16))
        assert magic == 0xA15E and size == 16
        body = self.take(total - 16)
        if compression == 1:
            body = zlib.decompress(body)
        elif compression == 2:
            import zstandard
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        return Object(body)


def saved(value):
    path = os.path.join(tempfile.mkdtemp(), "value")
    value.save(path)
    return Object(open(path, "rb").read()).inner()


def coefficients(evaluations, q):
    """Inverse of SEAL's transform: evaluations at psi^(2 rev(i) + 1), psi the least primitive 2N-th root."""
    root = next(r for r in (pow(g, (q - 1) // (2 * N), q) for g in range(2, q)) if pow(r, N, q) == q - 1)
    psi = min(pow(root, e, q) for e in range(1, 2 * N, 2))
    width = N.bit_length() - 1
    exponents = [2 * int(format(i, f"0{width}b")[::-1], 2) + 1 for i in range(N)]
    inverse = [pow(psi, -e % (2 * N), q) for e in range(2 * N)]
    values, scale = [int(v) for v in evaluations], pow(N, -1, q)
    table = np.array(inverse, dtype=object)
    result = []
    points = np.array(exponents)
    values = np.array(values, dtype=object)
    for k in range(N):
        result.append(int((values * table[points * k % (2 * N)]).sum()) * scale % q)
    return result


parameters = seal.EncryptionParameters(seal.SCHEME_TYPE.CKKS)
parameters.set_poly_modulus_degree(N)
parameters.set_coeff_modulus(seal.CoeffModulus.Create(N, [36, 36, 37]))
context = seal.SEALContext(parameters, True, seal.SEC_LEVEL_TYPE.NONE)
generator = seal.KeyGenerator(context)
public = seal.PublicKey()
generator.create_public_key(public)
encoder = seal.CKKSEncoder(context)
values = [3 * math.sin(i) for i in range(N // 2)]
plain, cipher = seal.Plaintext(), seal.Ciphertext()
encoder.encode(values, 2.0**30, plain)
seal.Encryptor(context, public).encrypt(plain, cipher)
opened = seal.Plaintext()
seal.Decryptor(context, generator.secret_key()).decrypt(cipher, opened)
decoded = encoder.decode_double(opened)

body = saved(parameters)
body.take(1), body.number()
moduli = [body.inner().number() for _ in range(body.number())]
body = saved(generator.secret_key())
body.take(32), body.number(), body.take(8)
inner = body.inner()
secret = np.frombuffer(inner.take(8 * inner.number()), "<u8").reshape(-1, N)
body = saved(cipher)
body.take(33)
size, _, primes = body.number(), body.number(), body.number()
body.take(16)
inner = body.inner()
parts = np.frombuffer(inner.take(8 * inner.number()), "<u8").reshape(size, primes, N)
key = coefficients(secret[0], moduli[0])
pack = lambda numbers: base64.b64encode(np.array(numbers, dtype="<u8").tobytes()).decode()
json.dump(
    {
        "moduli": moduli[:primes],
        "scale": 2.0**30,
        "secret": "".join({0: "0", 1: "+", moduli[0] - 1: "-"}[c] for c in key),
        "parts": [[pack(coefficients(parts[i, j], moduli[j])) for j in range(primes)] for i in range(size)],
        # slot i of SEAL is the value at zeta^(3^i)
        "decoded": base64.b64encode(np.array(decoded[: N // 2], dtype="<f8").tobytes()).decode(),
    },
    open("seal-2048.json", "w"),
)
print("largest error of SEAL itself", max(abs(a - b) for a, b in zip(values, decoded)))
