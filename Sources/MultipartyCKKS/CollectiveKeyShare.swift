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
    /// The same before adding up, by party; empty unless the group adds uploads and t < n.
    let shamirOf: [Int: RNSPolynomial<Evaluations>]
    let pairs: [Int: UniformSeed]
    /// Requests answered: nonce and fingerprint.
    var answered: [Fingerprint: Fingerprint] = [:]
    /// What this party did in each sum of uploads.
    var sums: [Fingerprint: SumUse] = [:]

    /// Of one sum, by its name.
    struct SumUse: Hashable, Sendable {
        /// Whether this party's upload was encrypted.
        var isUploaded = false
        /// Whose uploads are in the sum that this party helped to open; the only set it ever helps with.
        var contributors: [Int] = []
        /// Ciphertexts of a vector.
        var polynomials = 0
        /// Requests answered.
        var requests: [Fingerprint] = []
    }

    public var group: CollectiveGroup { setting.group }
    /// Openings in which this party took part.
    public var used: Int { answered.count + sums.values.reduce(0) { $0 + $1.polynomials * $1.requests.count } }
    public var description: String {
        "share of party \(party) of the key \(identity), \(used) of \(group.policy.queries) openings used"
    }

    init(
        setting: KeyGenerationGroup, party: Int, identity: Fingerprint, secret: RLWESecretKey,
        shamir: RNSPolynomial<Evaluations>?, shamirOf: [Int: RNSPolynomial<Evaluations>], pairs: [Int: UniformSeed]
    ) {
        self.setting = setting
        self.party = party
        self.identity = identity
        self.secret = secret
        self.shamir = shamir
        self.shamirOf = shamirOf
        self.pairs = pairs
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

    /// This party's additive share of Σ sᵢ over some parties: λ·Σ fᵢ(j), or its own sᵢ when all take part by rule.
    func additive(
        of contributors: [Int], among participants: [Int], basis: RNSBasis
    ) -> RNSPolynomial<Evaluations> {
        guard group.threshold < group.parties else {
            return secret.evaluations(SecretAccess("opening a sum"), over: basis)
        }
        var share = RNSPolynomial<Evaluations>(zero: basis, isSecret: true)
        for contributor in contributors {
            guard let part = shamirOf[contributor] else {
                preconditionFailure("contributor: got \(contributor), want one of 1...\(group.parties)")
            }
            share.add(part.dropping(toCiphertextPrimes: basis.ciphertextPrimes))
        }
        share.multiply(byResidues: SecretSharing.lagrange(party, among: participants, basis: basis))
        return share
    }

    // MARK: Bytes

    private static let form: UInt8 = 2

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
        encoder.encode(list: sums.keys.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }) {
            let use = sums[$1] ?? SumUse()
            $0.encodeRaw($1.bytes)
            $0.encode(use.isUploaded)
            $0.encode(list: use.contributors) { $0.encode(UInt16($1)) }
            $0.encode(UInt32(use.polynomials))
            $0.encode(list: use.requests) { $0.encodeRaw($1.bytes) }
        }
        secret.encode(access, into: &encoder)
        for other in pairs.keys.sorted() { pairs[other]!.encode(into: &encoder) }
        shamir?.encode(into: &encoder)
        for other in shamirOf.keys.sorted() { shamirOf[other]!.encode(into: &encoder) }
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
        let (party, identity, list, sums) = try wrappingCoding { () throws(BinaryCodingError) in
            (
                Int(try decoder.decode(UInt16.self, "party")),
                Fingerprint(bytes: try decoder.decodeRaw(32, "key identity"))!,
                try decoder.decodeList("requests answered", minimumElementSize: 64) {
                    decoder throws(BinaryCodingError) in
                    (
                        Fingerprint(bytes: try decoder.decodeRaw(32, "nonce"))!,
                        Fingerprint(bytes: try decoder.decodeRaw(32, "request"))!
                    )
                },
                try decoder.decodeList("sums", minimumElementSize: 45) { decoder throws(BinaryCodingError) in
                    (
                        Fingerprint(bytes: try decoder.decodeRaw(32, "sum"))!,
                        SumUse(
                            isUploaded: try decoder.decodeBool("uploaded"),
                            contributors: try decoder.decodeList("contributors", minimumElementSize: 2) {
                                decoder throws(BinaryCodingError) in
                                Int(try decoder.decode(UInt16.self, "contributor"))
                            }, polynomials: Int(try decoder.decode(UInt32.self, "polynomials")),
                            requests: try decoder.decodeList("requests", minimumElementSize: 32) {
                                decoder throws(BinaryCodingError) in
                                Fingerprint(bytes: try decoder.decodeRaw(32, "request"))!
                            })
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
        let needed =
            4 + group.parameters.chain.degree / 4 + 32 * (group.parties - 1)
            + shamirBytes * (group.addsUploads ? 1 + group.parties : 1)
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
        self.sums = Dictionary(sums, uniquingKeysWith: { first, _ in first })
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
        func sharedPolynomial() throws(MultipartyError) -> RNSPolynomial<Evaluations> {
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
            return marked
        }
        var shamirOf: [Int: RNSPolynomial<Evaluations>] = [:]
        if shamirBytes > 0 {
            shamir = try sharedPolynomial()
            if group.addsUploads {
                for other in 1...group.parties { shamirOf[other] = try sharedPolynomial() }
            }
        } else {
            shamir = nil
        }
        self.shamirOf = shamirOf
        try wrappingCoding { () throws(BinaryCodingError) in try decoder.finish("share") }
    }
}
