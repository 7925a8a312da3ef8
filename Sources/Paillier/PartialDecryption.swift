import BigIntegers
import BinaryCoding
import ModularArithmetic
import Parallelism

/// What one holder contributes to a decryption; useless without k − 1 others.
public struct PartialDecryption: Hashable, Sendable {
    /// Of the ``PaillierSharing``.
    public let sharing: Fingerprint
    /// Of the ciphertexts that are being decrypted.
    public let ciphertexts: Fingerprint
    /// The holder's index, from 1.
    public let index: Int
    /// cⱼ^(2Δsᵢ) mod n².
    let values: [BigInteger]
    let proof: PartialDecryptionProof

    /// Ciphertexts it is for.
    public var count: Int { values.count }
}

extension PaillierSharing {
    /// By which partial decryptions say what they belong to.
    public func fingerprint(of ciphertexts: [PaillierCiphertext]) -> Fingerprint {
        let width = publicKey.parameters.ciphertextByteCount
        return Fingerprint(of: ciphertexts.flatMap { $0.value.bigEndianBytes(count: width) })
    }

    /// Checks that a contribution belongs to these ciphertexts and that its proof holds.
    ///
    /// - Throws: `keyMismatch`; `sharesDoNotMatch` when it is for another sharing or other ciphertexts;
    ///   `forgedPartialDecryption`.
    /// - Cost: four exponentiations of 2|n| bits and two of 128 bits a ciphertext.
    public func verify(
        _ part: PartialDecryption, of ciphertexts: [PaillierCiphertext]
    ) throws(PaillierError) {
        try publicKey.check(ciphertexts)
        try requireMatch(part, fingerprint(of: ciphertexts), ciphertexts.count)
        guard part.proof.holds(self, part: part, ciphertexts: ciphertexts.map(\.value)) else {
            throw PaillierError(
                code: .forgedPartialDecryption,
                message: "partial decryption of share \(part.index): its proof does not hold; it is damaged or forged")
        }
    }

    private func requireMatch(
        _ part: PartialDecryption, _ wanted: Fingerprint, _ count: Int
    ) throws(PaillierError) {
        guard part.sharing == fingerprint else {
            throw PaillierError(
                code: .sharesDoNotMatch,
                message:
                    "partial decryption of share \(part.index): belongs to another key or sharing than \(fingerprint)")
        }
        guard part.ciphertexts == wanted, part.values.count == count else {
            throw PaillierError(
                code: .sharesDoNotMatch,
                message: "partial decryption of share \(part.index): was made for other ciphertexts than \(wanted)")
        }
    }

    /// The plaintexts, in [−n/2, n/2], from at least k contributions.
    ///
    /// With integer Lagrange coefficients λᵢ = Δ·Π_{j≠i} j/(j−i) over the first k contributions, c' = Π cᵢ^(2λᵢ) =
    /// (1 + n)^(4Δ²·f(0)·m), so m = L(c')·(4Δ²·f(0))⁻¹ mod n.
    /// - Throws: `tooFewShares`; `sharesDoNotMatch` for a repeated index or foreign contributions;
    ///   `forgedPartialDecryption`, naming every share whose proof fails; `partialDecryptionsDoNotFit`.
    /// - Cost: verification of each contribution, and k short exponentiations a ciphertext.
    public func combine(
        _ parts: [PartialDecryption], of ciphertexts: [PaillierCiphertext]
    ) throws(PaillierError) -> [BigInteger] {
        try publicKey.check(ciphertexts)
        let wanted = fingerprint(of: ciphertexts)
        for part in parts { try requireMatch(part, wanted, ciphertexts.count) }
        let indices = parts.map(\.index)
        if let repeated = indices.first(where: { index in indices.count { $0 == index } > 1 }) {
            throw PaillierError(
                code: .sharesDoNotMatch,
                message: "partial decryptions: got share \(repeated) more than once, want different shares")
        }
        guard parts.count >= threshold else {
            throw PaillierError(
                code: .tooFewShares, message: "partial decryptions: got \(parts.count), want at least \(threshold)")
        }
        let values = ciphertexts.map(\.value)
        let forged = parts.filter { !$0.proof.holds(self, part: $0, ciphertexts: values) }
        guard forged.isEmpty else {
            let names = forged.map { "\($0.index)" }.joined(separator: ", ")
            throw PaillierError(
                code: .forgedPartialDecryption,
                message: "partial decryption of share \(names): its proof does not hold; it is damaged or forged")
        }
        return try combineUnverified(Array(parts.prefix(threshold)), count: ciphertexts.count)
    }

    /// The combination itself; the contributions match and their indices differ.
    package func combineUnverified(
        _ parts: [PartialDecryption], count: Int
    ) throws(PaillierError) -> [BigInteger] {
        let context = publicKey.context
        let indices = parts.map(\.index)
        // Contributions were validated as invertible, so negative coefficients do no harm.
        let combined = context.multiExponentiations(
            baseRows: (0..<count).map { position in parts.map { $0.values[position] } },
            exponents: indices.map { 2 * lagrange($0, among: indices) })
        let n = publicKey.modulus
        let delta = self.delta
        // n has no factor below 2¹⁶, so none in common with Δ; f(0) was checked.
        let scale = (4 * delta * delta * self.scale).inverse(modulo: n)!
        for (index, value) in combined.enumerated() where value.modulo(n) != 1 {
            throw PaillierError(
                code: .partialDecryptionsDoNotFit,
                message: "partial decryptions: do not combine to a plaintext at ciphertext \(index); a share is wrong")
        }
        return combined.map { publicKey.signed((($0 - 1).dividedExactly(by: n) * scale).modulo(n)) }
    }

    /// Δ·Π_{j≠i} (j−x)/(j−i), an integer, for the value at x.
    func lagrange(_ index: Int, among indices: [Int], at point: Int = 0) -> BigInteger {
        var numerator = delta
        var denominator: BigInteger = 1
        for other in indices where other != index {
            numerator *= BigInteger(other - point)
            denominator *= BigInteger(other - index)
        }
        return numerator.dividedExactly(by: denominator)
    }

    /// As ``combine(_:of:)`` for packed ciphertexts.
    /// - Throws: also `valueOutOfBounds` when the plaintexts do not fit the layout.
    public func combine(
        _ parts: [PartialDecryption], of packed: PackedCiphertexts
    ) throws(PaillierError) -> [BigInteger] {
        try packed.layout.unpack(combine(parts, of: packed.ciphertexts), weight: packed.weight)
    }

    // MARK: Bytes

    /// Appends a contribution.
    public func encode(_ part: PartialDecryption, into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(part.sharing.bytes)
        encoder.encodeRaw(part.ciphertexts.bytes)
        encoder.encode(UInt16(part.index))
        let width = publicKey.parameters.ciphertextByteCount
        encoder.encode(list: part.values) { $0.encodeRaw($1.bigEndianBytes(count: width)) }
        part.proof.encode(into: &encoder, width: proofByteCount)
    }

    /// Reads what ``encode(_:into:)`` wrote; the proof is checked by ``verify(_:of:)`` and ``combine(_:of:)-(_,Array<PaillierCiphertext>)``.
    /// - Throws: `BinaryCodingError`; `sharesDoNotMatch` when it is for another sharing; `invalidCiphertext`.
    public func decodePartialDecryption(_ decoder: inout BinaryDecoder) throws -> PartialDecryption {
        let sharing = Fingerprint(bytes: try decoder.decodeRaw(32, "sharing fingerprint"))!
        guard sharing == fingerprint else {
            throw PaillierError(
                code: .sharesDoNotMatch,
                message: "partial decryption: belongs to another key or sharing than \(fingerprint)")
        }
        let ciphertexts = Fingerprint(bytes: try decoder.decodeRaw(32, "ciphertext fingerprint"))!
        let index = Int(try decoder.decode(UInt16.self, "share index"))
        guard (1...shareCount).contains(index) else {
            throw BinaryCodingError(
                code: .invalidValue, message: "share index: got \(index), want 1...\(shareCount)")
        }
        let width = publicKey.parameters.ciphertextByteCount
        let values = try decoder.decodeList("partial decryptions", minimumElementSize: width) {
            (decoder) throws(BinaryCodingError) in
            BigInteger(bigEndianBytes: try decoder.decodeRaw(width, "partial decryption"))
        }
        let proof = try PartialDecryptionProof(decoding: &decoder, width: proofByteCount)
        return PartialDecryption(
            sharing: sharing, ciphertexts: ciphertexts, index: index,
            values: try publicKey.ciphertexts(validating: values).map(\.value), proof: proof)
    }
}
