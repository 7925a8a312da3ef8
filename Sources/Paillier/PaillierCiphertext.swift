import BigIntegers
import BinaryCoding
import Parallelism

/// One Paillier ciphertext: an invertible residue modulo n².
///
/// It remembers under which modulus it was made, so that ciphertexts of different keys are never combined by mistake.
public struct PaillierCiphertext: Hashable, Sendable {
    /// In (0, n²), coprime to n.
    public let value: BigInteger
    /// The first bytes of the modulus's SHA-256.
    package let keyTag: UInt64

    package init(value: BigInteger, keyTag: UInt64) {
        self.value = value
        self.keyTag = keyTag
    }
}

extension PaillierPublicKey {
    /// Numbers from outside as ciphertexts under this key.
    ///
    /// - Throws: `invalidCiphertext`, naming the first number that is not in (0, n²) or shares a factor with n.
    /// - Cost: one product modulo n a number and one gcd for all.
    public func ciphertexts(validating values: [BigInteger]) throws(PaillierError) -> [PaillierCiphertext] {
        for (index, value) in values.enumerated() {
            guard value.signum > 0, value < modulusSquared else {
                throw PaillierError(
                    code: .invalidCiphertext, message: "ciphertext \(index): want a number between 0 and n²")
            }
        }
        // A common factor with n shows in the product of all; only then is the culprit looked for.
        let parts = parallelMap((values.count + 63) / 64) { part in
            values[part * 64..<min(values.count, part * 64 + 64)]
                .reduce(BigInteger(1)) { ($0 * $1).modulo(self.modulus) }
        }
        let product = parts.reduce(BigInteger(1)) { ($0 * $1).modulo(modulus) }
        if product.greatestCommonDivisor(modulus) != 1 {
            let index = values.firstIndex { $0.greatestCommonDivisor(modulus) != 1 }!
            throw PaillierError(
                code: .invalidCiphertext, message: "ciphertext \(index): want a number that is coprime to the modulus")
        }
        return values.map { PaillierCiphertext(value: $0, keyTag: keyTag) }
    }

    /// Appends the count and the ciphertexts, each in `parameters.ciphertextByteCount` bytes.
    public func encode(_ ciphertexts: [PaillierCiphertext], into encoder: inout BinaryEncoder) throws(PaillierError) {
        try check(ciphertexts)
        encoder.encode(UInt32(ciphertexts.count))
        for ciphertext in ciphertexts {
            encoder.encodeRaw(ciphertext.value.bigEndianBytes(count: parameters.ciphertextByteCount))
        }
    }

    /// Reads what ``encode(_:into:)`` wrote and validates each ciphertext.
    /// - Throws: `BinaryCodingError` for bytes of another form, ``PaillierError`` for numbers that are no ciphertexts.
    public func decodeCiphertexts(_ decoder: inout BinaryDecoder) throws -> [PaillierCiphertext] {
        let width = parameters.ciphertextByteCount
        let values = try decoder.decodeList("ciphertexts", minimumElementSize: width) {
            (decoder) throws(BinaryCodingError) in
            BigInteger(bigEndianBytes: try decoder.decodeRaw(width, "ciphertext"))
        }
        return try ciphertexts(validating: values)
    }

    /// - Throws: `keyMismatch`, naming the first ciphertext that was made under another modulus.
    func check(_ ciphertexts: some Sequence<PaillierCiphertext>) throws(PaillierError) {
        for (index, ciphertext) in ciphertexts.enumerated() where ciphertext.keyTag != keyTag {
            throw PaillierError(
                code: .keyMismatch,
                message: "ciphertext \(index): belongs to another key than \(fingerprint); use files of one key")
        }
    }
}
