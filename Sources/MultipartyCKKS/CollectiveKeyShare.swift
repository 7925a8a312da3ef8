import BinaryCoding
import CKKS
import Lattice
import Randomness

/// One party's share of a collective key: what it needs to take part in decryptions, and how often it did.
///
/// A value: answering a request returns the share of the decryption and updates ``used`` and the requests answered. Store
/// the updated value before the answer leaves, or the limit on openings and the check against reuse are lost.
public struct CollectiveKeyShare: Sendable, CustomStringConvertible {
    public let setting: KeyGenerationGroup
    /// 1…n
    public let party: Int
    /// Of the collective key.
    public let identity: Fingerprint
    package let secret: RLWESecretKey
    /// Σᵢ of the Shamir shares for this party, over all ciphertext primes; nil when all parties are needed anyway.
    let shamir: RNSPolynomial<Evaluations>?
    let pairs: [Int: UniformSeed]
    /// Requests answered: nonce and fingerprint.
    var answered: [Fingerprint: Fingerprint] = [:]

    public var group: CollectiveGroup { setting.group }
    /// Openings in which this party took part.
    public var used: Int { answered.count }
    public var description: String {
        "share of party \(party) of the key \(identity), \(used) of \(group.policy.queries) openings used"
    }

    init(
        setting: KeyGenerationGroup, party: Int, identity: Fingerprint, secret: RLWESecretKey,
        shamir: RNSPolynomial<Evaluations>?, pairs: [Int: UniformSeed], answered: [Fingerprint: Fingerprint] = [:]
    ) {
        self.setting = setting
        self.party = party
        self.identity = identity
        self.secret = secret
        self.shamir = shamir
        self.pairs = pairs
        self.answered = answered
    }

    /// This party's additive share of s for a set of participants: λ·S, or its own sᵢ when all take part by rule.
    package func additive(among participants: [Int], basis: RNSBasis) -> RNSPolynomial<Evaluations> {
        guard let shamir else {
            return secret.evaluations(SecretAccess("collective decryption"), over: basis)
        }
        var share = shamir.dropping(toCiphertextPrimes: basis.ciphertextPrimes)
        share.multiply(byResidues: SecretSharing.lagrange(party, among: participants, basis: basis))
        return share
    }

    // MARK: Bytes

    private static let form: UInt8 = 1

    /// The share's bytes, to be wrapped before they are stored (kind `secretShare` of key files).
    public func encoded(_ access: SecretAccess) -> SecretBytes {
        var encoder = BinaryEncoder()
        encoder.encode(Self.form)
        group.encode(into: &encoder)
        encoder.encode(UInt16(party))
        encoder.encodeRaw(identity.bytes)
        encoder.encode(list: answered.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            $0.encodeRaw($1.bytes)
            $0.encodeRaw(answered[$1]!.bytes)
        }
        secret.encode(access, into: &encoder)
        for other in pairs.keys.sorted() { pairs[other]!.encode(into: &encoder) }
        shamir?.encode(into: &encoder)
        var bytes = encoder.bytes
        encoder = BinaryEncoder()  // ours alone, so that it is wiped and not a copy
        return SecretBytes(wiping: &bytes)
    }

    /// Reads what ``encoded(_:)`` gave.
    /// - Parameter context: of the group's parameters, to share its tables; a new one when nil.
    /// - Errors: `invalidEncoding`, `invalidGroup`.
    public init(
        encoded secretBytes: SecretBytes, _ access: SecretAccess, context: CKKSContext? = nil
    ) throws(MultipartyError) {
        var bytes = secretBytes.withBytes(access) { Array($0) }
        var decoder = BinaryDecoder(bytes)
        defer {
            decoder = BinaryDecoder([])
            zeroise(&bytes)
        }
        let form = try wrappingCoding { () throws(BinaryCodingError) in try decoder.decode(UInt8.self, "share form") }
        guard form == Self.form else {
            throw MultipartyError(code: .invalidEncoding, message: "share form: got \(form), want \(Self.form)")
        }
        let group = try CollectiveGroup(decoding: &decoder)
        let (party, identity, list) = try wrappingCoding { () throws(BinaryCodingError) in
            (
                Int(try decoder.decode(UInt16.self, "party")),
                Fingerprint(bytes: try decoder.decodeRaw(32, "key identity"))!,
                try decoder.decodeList("requests answered", minimumElementSize: 64) {
                    decoder throws(BinaryCodingError) in
                    (
                        Fingerprint(bytes: try decoder.decodeRaw(32, "nonce"))!,
                        Fingerprint(bytes: try decoder.decodeRaw(32, "request"))!
                    )
                }
            )
        }
        guard (1...group.parties).contains(party) else {
            throw MultipartyError(
                code: .invalidEncoding, message: "party: got \(party), want 1...\(group.parties)")
        }
        // Everything that follows, before tables are made for a ring that the bytes only name.
        let shamirBytes =
            group.threshold < group.parties
            ? 3 + group.parameters.ring.moduli.reduce(0) { $0 + group.parameters.chain.degree / 8 * $1.bitWidth } : 0
        let needed = 4 + group.parameters.chain.degree / 4 + 32 * (group.parties - 1) + shamirBytes
        guard decoder.remaining == needed else {
            throw MultipartyError(
                code: .invalidEncoding, message: "share: got \(decoder.remaining) bytes, want \(needed)")
        }
        if let context, context.parameters != group.parameters {
            throw MultipartyError(
                code: .invalidGroup, message: "parameters: got \(group.parameters), want \(context)")
        }
        setting = KeyGenerationGroup(group, context: context)
        let ring = setting.context.ring
        self.party = party
        self.identity = identity
        answered = Dictionary(list, uniquingKeysWith: { first, _ in first })
        secret = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
            try RLWESecretKey(decoding: &decoder, ring: ring)
        }
        var pairs: [Int: UniformSeed] = [:]
        for other in 1...group.parties where other != party {
            pairs[other] = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
                try UniformSeed(decoding: &decoder)
            }
        }
        self.pairs = pairs
        if shamirBytes > 0 {
            let share = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
                try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring)
            }
            guard share.basis == ring.ciphertextBasis else {
                throw MultipartyError(
                    code: .invalidEncoding,
                    message: "share: got \(share.count) primes, want \(ring.ciphertextBasis.count)")
            }
            var marked = RNSPolynomial<Evaluations>(zero: share.basis, isSecret: true)
            marked.add(share)
            shamir = marked
        } else {
            shamir = nil
        }
        try wrappingCoding { () throws(BinaryCodingError) in try decoder.finish("share") }
    }
}
