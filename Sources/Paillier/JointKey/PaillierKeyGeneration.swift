import BigIntegers
import BinaryCoding
import Parallelism
import Randomness

/// One holder's part in making a Paillier key that nobody ever has: a state machine, round after round; in each round every
/// holder broadcasts once and may send single holders something sealed.
///
/// 1. Seeds (sealed). From them the committee has shares of random candidates p and q without messages.
/// 2. Products: n = p·q is opened, and nothing else of p and q. n with a factor below 2¹⁶ is dropped.
/// 3. Tests: with v₁ = g^((n+1−p₁−q₁)/4), vᵢ = g^((pᵢ+qᵢ)/4), n passes when v₁ = ±Πvᵢ (Boneh, Franklin 2001, section 4).
///    Rounds 2 and 3 repeat until one passes.
/// 4. Confirmation: 63 more bases; gcd(n, p+q−1) = 1, which excludes the composites that always pass; gcd(p−1, q−1) = 2, on which
///    the proofs of partial decryptions rest. The gcds are those of r(p+q−1) + ns and the like, with secret r and s.
/// 5. Derivation: D = βφ(n) for a secret β is shared modulo 2^b − 1; its carry and θ = D mod n are opened.
/// 6. Shares (sealed): each member shares its part of ΔD by an integer polynomial among all holders.
/// 7. Verification keys, whose Lagrange interpolation everybody checks.
/// 8. Trial: everybody decrypts one ciphertext of a known number, with proofs; the key works or nobody takes it.
///
/// - Guarantee: holders follow the protocol; up to τ of the committee (``JointKeySetting/colluding``), with any others outside it,
///   that pool what they saw learn nothing of the factors but n and their residue −1 modulo the primes below 100. With
///   τ < threshold − 1 the key is only as safe as τ says, until the seeds are gone. Who deviates can make the
///   run fail, and if it succeeds decryptions are right; that it cannot learn more is not proven here.
/// - Cost: for 3072 bits about 17,000 candidates on average, of which a sixth is tested: half a minute to a minute of processor
///   time for each of the τ + 1 first members, and 7 MB sent by each member. Times vary as those of a lottery.
/// - References: see ``JointKeySetting``.
public struct PaillierKeyGeneration: Sendable {
    /// What a holder says in a round.
    public struct Outgoing: Sendable {
        /// To all.
        public var broadcast: [UInt8] = []
        /// Secrets of single holders, from 1; to be sealed for them.
        public var sealed: [(recipient: Int, bytes: [UInt8])] = []

        public init(broadcast: [UInt8] = []) { self.broadcast = broadcast }
    }

    enum Phase: Sendable {
        case seeds, products, tests, confirmation, derivation, shares, verification, trial, finished
    }

    public let setting: JointKeySetting
    /// 1 … n.
    public let party: Int
    /// The share, when the key is made.
    public internal(set) var share: PaillierKeyShare?
    /// Whether ``share`` stands and its public side was broadcast.
    public var isFinished: Bool { phase == .finished }
    /// Candidates tried so far.
    public internal(set) var candidates = 0

    var phase = Phase.seeds
    var isMember: Bool { party <= setting.committee }
    var isContributor: Bool { party <= setting.contributors }

    var ownSeeds: [[Int]: SecretBytes] = [:]
    var ownPairs: [Int: SecretBytes] = [:]
    var secrets: ReplicatedSecrets?
    var batchNumber = 0
    /// Of the batch: what the factors exceed the base by, in steps.
    var p: [ReplicatedSecrets.Number] = []
    var q: [ReplicatedSecrets.Number] = []
    /// Those of the batch that are worth a test, and then those that passed one.
    var hopeful: [(index: Int, modulus: BigInteger)] = []
    /// This member's part of D; the parts of all members add up to D modulo the ring.
    var exponentPart: BigInteger = 0
    var ownExponentShare: BigInteger = 0
    var scale: BigInteger = 0
    var secretShare: BigInteger = 0
    var publicKey: PaillierPublicKey?
    var sharing: PaillierSharing?

    /// - Parameter party: 1 … n; the first 2τ + 1 are the committee.
    public init(_ setting: JointKeySetting, party: Int) {
        precondition((1...setting.holders).contains(party), "party: got \(party), want 1...\(setting.holders)")
        self.setting = setting
        self.party = party
    }

    /// The first round: seeds for the others.
    public mutating func start(using random: inout some SecureRandom) -> Outgoing {
        var outgoing = Outgoing()
        guard isMember else { return outgoing }
        for members in setting.subsets where members[0] == party {
            ownSeeds[members] = .random(count: DerivedRandom.seedBytes, using: &random)
        }
        for other in 1...setting.committee where other > party {
            ownPairs[other] = .random(count: DerivedRandom.seedBytes, using: &random)
        }
        // In the order of subsets, so that the recipient knows which is which.
        for other in 1...setting.committee where other != party {
            var bytes: [UInt8] = []
            for members in setting.subsets where members[0] == party && members.contains(other) {
                ownSeeds[members]?.withBytes(SecretAccess("seed for a member of its set")) { bytes += $0 }
            }
            ownPairs[other]?.withBytes(SecretAccess("seed of a pair")) { bytes += $0 }
            if !bytes.isEmpty { outgoing.sealed.append((other, bytes)) }
        }
        return outgoing
    }

    /// Takes what all said in the last round, this holder included, and says what it says in the next.
    /// - Parameters:
    ///   - broadcasts: of holders 1 … n.
    ///   - sealed: what was sealed for this holder, opened.
    /// - Throws: `countMismatch`, `invalidKey`, `forgedPartialDecryption` for messages that are not what the protocol makes; the run is
    ///   over then.
    public mutating func receive(
        _ broadcasts: [[UInt8]], sealed: [(sender: Int, bytes: [UInt8])], using random: inout some SecureRandom
    ) throws(PaillierError) -> Outgoing {
        guard broadcasts.count == setting.holders else {
            throw PaillierError(
                code: .countMismatch,
                message: "joint key: got \(broadcasts.count) messages, want \(setting.holders)")
        }
        switch phase {
        case .seeds:
            try takeSeeds(sealed)
            return products()
        case .products: return try tests(broadcasts)
        case .tests:
            hopeful = try passing(broadcasts)
            return confirmationOrProducts()
        case .confirmation:
            guard try isConfirmed(broadcasts) else {
                hopeful.removeFirst()
                return confirmationOrProducts()
            }
            return try derivation()
        case .derivation: return try shares(broadcasts, using: &random)
        case .shares: return try verificationKey(sealed)
        case .verification: return try trial(broadcasts, using: &random)
        case .trial: return try finish(broadcasts)
        case .finished:
            throw PaillierError(code: .countMismatch, message: "joint key: is made already")
        }
    }

    private mutating func takeSeeds(_ sealed: [(sender: Int, bytes: [UInt8])]) throws(PaillierError) {
        guard isMember else { return }
        var seeds = ownSeeds
        var pairs = ownPairs
        for (sender, bytes) in sealed {
            var rest = bytes[...]
            func next() -> SecretBytes? {
                guard rest.count >= DerivedRandom.seedBytes else { return nil }
                var seed = Array(rest.prefix(DerivedRandom.seedBytes))
                rest = rest.dropFirst(DerivedRandom.seedBytes)
                return SecretBytes(wiping: &seed)
            }
            for members in setting.subsets where members[0] == sender && members.contains(party) {
                seeds[members] = next()
            }
            if sender < party { pairs[sender] = next() }
            guard rest.isEmpty else { throw wrong(sender, "seeds of the wrong number") }
        }
        let wanted = setting.subsets.filter { $0.contains(party) }
        guard wanted.allSatisfy({ seeds[$0] != nil }),
            (1...setting.committee).allSatisfy({ $0 == party || pairs[$0] != nil })
        else { throw PaillierError(code: .countMismatch, message: "joint key: seeds of other holders are missing") }
        secrets = ReplicatedSecrets(
            setting, party: party, seeds: seeds.filter { $0.key.contains(party) }, pairs: pairs)
        ownSeeds = [:]
        ownPairs = [:]
    }

    func wrong(_ party: Int, _ what: String) -> PaillierError {
        PaillierError(code: .countMismatch, message: "joint key: holder \(party) sent \(what)")
    }

    // MARK: Messages of equally long numbers

    static func encode(_ values: [BigInteger], width: Int) -> [UInt8] {
        values.flatMap { $0.bigEndianBytes(count: width) }
    }

    /// - Throws: when the length is not that of `count` numbers below the modulus.
    func decode(
        _ bytes: some Collection<UInt8>, from party: Int, count: Int, width: Int, below modulus: BigInteger
    ) throws(PaillierError) -> [BigInteger] {
        let bytes = Array(bytes)
        guard bytes.count == count * width else {
            throw wrong(party, "\(bytes.count) bytes, want \(count * width)")
        }
        let values = (0..<count).map { BigInteger(bigEndianBytes: bytes[$0 * width..<($0 + 1) * width]) }
        guard values.allSatisfy({ $0 < modulus }) else { throw wrong(party, "a number that is too large") }
        return values
    }

    /// The sums, modulo the ring, of what the committee published.
    func opened(
        _ broadcasts: [[UInt8]], count: Int, in ring: MersenneRing
    ) throws(PaillierError) -> [BigInteger] {
        var sums = [BigInteger](repeating: 0, count: count)
        for (index, bytes) in broadcasts.prefix(setting.committee).enumerated() {
            let values = try decode(bytes, from: index + 1, count: count, width: ring.byteCount, below: ring.modulus)
            for (index, value) in values.enumerated() { sums[index] += value }
        }
        return sums.map { ring.reduce($0) }
    }
}
