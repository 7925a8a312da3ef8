import BigIntegers
import BinaryCoding
import ModularArithmetic
import Randomness

/// The public side of a secret key shared among n holders, any k of whom can decrypt together.
///
/// A dealer who knows the factors draws a polynomial f of degree k − 1 over ℤ_{nλ'} with f(0) = d, where λ' =
/// (p−1)(q−1)/4, d ≡ 0 mod λ' and d ≡ 1 mod n; the other coefficients are uniform. Holder i gets sᵢ = f(i). Since nλ' has
/// no prime factor below 2¹⁶, all differences of indices are invertible and fewer than k shares are independent of d.
/// v is a random square modulo n² and vᵢ = v^(Δsᵢ) with Δ = n!; against these a holder's proof is checked.
///
/// Or the holders made the key themselves (``PaillierKeyGeneration``): then f has integer coefficients, f(0) = ΔD for a secret
/// multiple D of (p−1)(q−1), and ``scale`` = f(0) mod n takes the place of 1.
/// - Guarantee: a dealer is trusted to delete key and shares; holders are semi-honest or are found out by their proof.
/// - Reference: Shoup 2000; Fouque, Poupard, Stern 2000; Damgård, Jurik 2001, section 4.1.
public struct PaillierSharing: Hashable, Sendable, CustomStringConvertible {
    public let publicKey: PaillierPublicKey
    /// k.
    public let threshold: Int
    /// n.
    public let shareCount: Int
    /// v.
    let verificationBase: BigInteger
    /// v₁ … vₙ.
    let verificationKeys: [BigInteger]
    /// f(0) mod n: 1 when a dealer shared the key.
    let scale: BigInteger
    /// No share has more bits.
    let shareBits: Int
    /// Whether the holders made the key together, so that nobody ever had it.
    public let isJoint: Bool
    public let fingerprint: Fingerprint

    /// Δ: with more holders its powers would dominate the cost.
    static let maximumShareCount = 255

    /// - Parameter joint: scale and length of the shares when the holders made the key; nil for a dealer's.
    init(
        publicKey: PaillierPublicKey, threshold: Int, verificationBase: BigInteger, verificationKeys: [BigInteger],
        joint: (scale: BigInteger, shareBits: Int)? = nil
    ) throws(PaillierError) {
        try Self.check(threshold: threshold, shareCount: verificationKeys.count)
        for value in [verificationBase] + verificationKeys {
            guard value > 1, value < publicKey.modulusSquared, value.greatestCommonDivisor(publicKey.modulus) == 1
            else {
                throw PaillierError(
                    code: .invalidKey, message: "verification key: want a number between 1 and n² that is coprime to n")
            }
        }
        if let joint {
            guard joint.scale > 0, joint.scale < publicKey.modulus,
                joint.scale.greatestCommonDivisor(publicKey.modulus) == 1, (1...1 << 18).contains(joint.shareBits)
            else {
                throw PaillierError(code: .invalidKey, message: "sharing: its scale or the length of shares is wrong")
            }
        }
        scale = joint?.scale ?? 1
        shareBits = joint?.shareBits ?? 2 * publicKey.parameters.modulusBits
        isJoint = joint != nil
        self.publicKey = publicKey
        self.threshold = threshold
        shareCount = verificationKeys.count
        self.verificationBase = verificationBase
        self.verificationKeys = verificationKeys
        fingerprint = Fingerprint(of: Self.encode(publicKey, threshold, verificationBase, verificationKeys, joint))
    }

    static func check(threshold: Int, shareCount: Int) throws(PaillierError) {
        guard (2...maximumShareCount).contains(shareCount) else {
            throw PaillierError(
                code: .invalidParameters, message: "shares: got \(shareCount), want 2...\(maximumShareCount)")
        }
        guard (2...shareCount).contains(threshold) else {
            throw PaillierError(
                code: .invalidParameters,
                message: "threshold: got \(threshold), want 2...\(shareCount), the number of shares")
        }
    }

    /// Δ = n!
    var delta: BigInteger { .factorial(shareCount) }

    public static func == (left: Self, right: Self) -> Bool { left.fingerprint == right.fingerprint }
    public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
    public var description: String { "\(threshold) of \(shareCount) shares of \(publicKey.fingerprint)" }

    // MARK: Bytes

    /// In the field of the threshold: scale and length of shares follow.
    private static let jointFlag: UInt16 = 0x8000

    private static func encode(
        _ publicKey: PaillierPublicKey, _ threshold: Int, _ base: BigInteger, _ keys: [BigInteger],
        _ joint: (scale: BigInteger, shareBits: Int)?
    ) -> [UInt8] {
        var encoder = BinaryEncoder()
        publicKey.encode(into: &encoder)
        encoder.encode(UInt16(threshold) | (joint == nil ? 0 : jointFlag))
        if let joint {
            encoder.encodeRaw(joint.scale.bigEndianBytes(count: publicKey.parameters.modulusByteCount))
            encoder.encode(UInt32(joint.shareBits))
        }
        let width = publicKey.parameters.ciphertextByteCount
        encoder.encodeRaw(base.bigEndianBytes(count: width))
        encoder.encode(list: keys) { $0.encodeRaw($1.bigEndianBytes(count: width)) }
        return encoder.bytes
    }

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(
            Self.encode(
                publicKey, threshold, verificationBase, verificationKeys, isJoint ? (scale, shareBits) : nil))
    }

    /// Reads what ``encode(into:)`` wrote, fully checked.
    /// - Throws: `BinaryCodingError`, ``PaillierError``.
    public init(decoding decoder: inout BinaryDecoder) throws {
        let publicKey = try PaillierPublicKey(decoding: &decoder)
        let field = try decoder.decode(UInt16.self, "threshold")
        var joint: (scale: BigInteger, shareBits: Int)?
        if field & Self.jointFlag != 0 {
            let scale = try decoder.decodeRaw(publicKey.parameters.modulusByteCount, "scale")
            joint = (BigInteger(bigEndianBytes: scale), Int(try decoder.decode(UInt32.self, "length of shares")))
        }
        let width = publicKey.parameters.ciphertextByteCount
        let base = BigInteger(bigEndianBytes: try decoder.decodeRaw(width, "verification base"))
        let keys = try decoder.decodeList("verification keys", minimumElementSize: width) {
            (decoder) throws(BinaryCodingError) in
            BigInteger(bigEndianBytes: try decoder.decodeRaw(width, "verification key"))
        }
        try self.init(
            publicKey: publicKey, threshold: Int(field & ~Self.jointFlag), verificationBase: base,
            verificationKeys: keys, joint: joint)
    }
}

extension PaillierSecretKey {
    /// Shares the key among `shares` holders, any `threshold` of whom can decrypt together.
    ///
    /// Whoever calls this is the dealer and should let go of the key afterwards.
    /// - Throws: `invalidParameters` unless 2 ≤ threshold ≤ shares ≤ 255; `invalidKey` for keys that cannot be shared,
    ///   as those made elsewhere usually cannot.
    public func split(
        threshold: Int, shares: Int, using random: inout some SecureRandom
    ) throws(PaillierError) -> [PaillierKeyShare] {
        try PaillierSharing.check(threshold: threshold, shareCount: shares)
        guard canBeShared else {
            throw PaillierError(
                code: .invalidKey, message: "secret key: made elsewhere and unfit for sharing; generate a new one")
        }
        let n = publicKey.modulus
        let order = ((p - 1) >> 1) * ((q - 1) >> 1)  // λ'
        let range = n * order
        // n and λ' are coprime for every valid key.
        let d = order * order.inverse(modulo: n)!
        let coefficients = [d] + (1..<threshold).map { _ in BigInteger.random(below: range, using: &random) }
        let secrets = (1...shares).map { index in
            coefficients.reversed().reduce(BigInteger(0)) { ($0 * BigInteger(index) + $1).modulo(range) }
        }
        let root = publicKey.randomUnit(using: &random) + n * BigInteger.random(below: n, using: &random)
        let base = publicKey.context.products([root], [root])[0]
        let delta = BigInteger.factorial(shares)
        let keys = secrets.map { publicKey.context.powers(of: [base], exponent: .secret(delta * $0))[0] }
        let sharing = try PaillierSharing(
            publicKey: publicKey, threshold: threshold, verificationBase: base, verificationKeys: keys)
        return secrets.enumerated().map { PaillierKeyShare(unchecked: sharing, index: $0 + 1, secret: $1) }
    }

    /// As ``split(threshold:shares:using:)`` with the system's randomness.
    public func split(threshold: Int, shares: Int) throws(PaillierError) -> [PaillierKeyShare] {
        var random = SystemRandom()
        return try split(threshold: threshold, shares: shares, using: &random)
    }
}
