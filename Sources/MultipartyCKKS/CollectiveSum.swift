import BinaryCoding
import CKKS
import Foundation
import Lattice
import Randomness

/// One sum of integer vectors over the parties of a group: what everybody knows of it beforehand.
///
/// Every party i encrypts its numbers under its own part of the secret: cᵢ = −a·sᵢ + u·mᵢ + eᵢ, with a common polynomial a
/// that all expand from the sum's name, so an upload is one polynomial and half of it is a seed that nobody sends. Numbers
/// stand in the coefficients times the unit u. Over a set U of contributors Σ cᵢ = −a·Σ sᵢ + u·Σ mᵢ + Σ eᵢ; each of t
/// participants j, who keeps a share fᵢ(j) of every sᵢ, sends λⱼ·a·Σ fᵢ(j) with flooding noise and masks that cancel, and the
/// total is u·Σ mᵢ and noise. The unit is chosen so that the noise stays below u/2: rounded sums are exact but with
/// probability 2⁻⁶² a number. Bits that are covered by noise anyway are not sent.
///
/// - Threat model: semi-honest for what is opened; t − 1 parties that pool what they see, and the one that adds up, learn sums
///   over the contributors and nothing else. What is opened is not the adder's choice: a participant works out its answer from
///   the sum's name and the set of contributors, helps with one set for a sum only, and with none below `minimum`. An adder
///   that tells different participants different sets gains something only when t participants answer each of two sets, so a
///   threshold above (n + dishonest)/2 rules that out. A wrong upload spoils the sum; garbage is found by the size of the noise.
/// - Reference: the collective keys of ePrint 2020/304 and 2022/780, used as key-homomorphic masks (Li, Lin, Polychroniadou,
///   Tessaro 2023, "LERNA", for the idea); flooded openings as in docs/threshold-ckks.md.
public struct CollectiveSum: Sendable, CustomStringConvertible {
    public let setting: KeyGenerationGroup
    /// No other sum of the group may have it: two uploads under one name would show their difference.
    public let name: Fingerprint
    /// Numbers of a vector.
    public let count: Int
    /// |number| of one contributor.
    public let limit: Int64
    /// Fewest contributors of a sum that is opened.
    public let minimum: Int

    /// Ciphertexts of a vector: N numbers in each.
    public let polynomials: Int
    /// log₂ u
    let unitBits: Int
    /// Bits of every coefficient that are not sent.
    let dropped: Int
    /// Of each participant's noise, per coefficient.
    let deviation: Double
    /// Of the noise of a coefficient when all is added up.
    package let totalDeviation: Double
    let basis: RNSBasis

    public var description: String {
        "sum \(name) of \(count) numbers, unit 2^\(unitBits), \(basis.count) primes, \(byteCount) bytes an upload"
    }

    /// - Errors: `invalidGroup` for a group that does not add uploads or numbers out of range; `noPrecision` when no modulus of
    ///   the group holds numbers and noise.
    public init(
        _ setting: KeyGenerationGroup, name: Fingerprint, count: Int, limit: Int64, minimum: Int
    ) throws(MultipartyError) {
        let group = setting.group
        guard group.addsUploads else {
            throw MultipartyError(
                code: .invalidGroup, message: "sum: the parties kept no single shares; make the group with addsUploads")
        }
        // Numbers are encrypted in two digits of 26 bits.
        guard group.parameters.ring.moduli.allSatisfy({ $0.value > 1 << Self.digitBits }) else {
            throw MultipartyError(
                code: .invalidGroup, message: "sum: the group has primes below 2^\(Self.digitBits), want greater ones")
        }
        guard count >= 1, (1..<1 << (2 * Self.digitBits)).contains(limit), (2...group.parties).contains(minimum) else {
            throw MultipartyError(
                code: .invalidGroup,
                message:
                    "sum: got \(count) numbers up to \(limit) of at least \(minimum) contributors, want at least 1, "
                    + "below 2^52, and 2...\(group.parties)")
        }
        self.setting = setting
        self.name = name
        self.count = count
        self.limit = limit
        self.minimum = minimum
        let chain = group.parameters.chain
        let (n, t) = (Double(group.parties), Double(group.threshold))
        polynomials = (count + chain.degree - 1) / chain.degree
        // ‖Σ eᵢ‖₂: N coordinates of deviation σ√n; twice that is exceeded with probability below 2^−N.
        let norm = 2 * SmallPolynomial.sigma * (Double(chain.degree) * n).squareRoot()
        let wanted = max(group.policy.noiseMultiplier * norm, FloodingNoise.deviations.lowerBound)
        guard FloodingNoise.deviations.contains(wanted) else { throw Self.drowned(limit, group, bits: log2(wanted)) }
        deviation = FloodingNoise.Plan(reaching: wanted).deviation
        totalDeviation =
            (t * deviation * deviation + n * SmallPolynomial.sigma * SmallPolynomial.sigma).squareRoot()
        let noise = OpeningNoise.tail * totalDeviation
        // n uploads and t answers are rounded, by half a step each: together a sixteenth of the noise at most.
        dropped = max(0, Int(log2(noise / 8 / (n + t)).rounded(.down)))
        let rounding = dropped == 0 ? 0 : (n + t) * exp2(Double(dropped - 1))
        unitBits = Int(log2(noise + rounding).rounded(.down)) + 2
        let needed = log2(n * Double(limit) + 1) + Double(unitBits) + 1
        guard unitBits <= 62, let level = chain.moduli.indices.first(where: { chain.log2Q(level: $0) > needed }) else {
            throw Self.drowned(limit, group, bits: needed)
        }
        guard chain.log2Q(level: level) < Self.greatestBits,
            chain.log2Q(level: level) - Double(dropped) < Double(RoundedCoefficients.greatestBits)
        else {
            throw MultipartyError(
                code: .invalidGroup,
                message:
                    "sum: needs a modulus of \(chain.log2Q(level: level)) bits, want fewer than \(Self.greatestBits), and "
                    + "\(RoundedCoefficients.greatestBits) of them above the noise; make the group with smaller primes")
        }
        basis = setting.context.ring.basis(level + 1)
    }

    static let digitBits = 26
    /// Of a modulus whose integers are worked out in words of 128 bits.
    private static let greatestBits = 126.0

    private static func drowned(_ limit: Int64, _ group: CollectiveGroup, bits: Double) -> MultipartyError {
        MultipartyError(
            code: .noPrecision,
            message:
                "sum: numbers up to \(limit) of \(group.parties) parties and the noise of \(group.policy) need 2^\(bits), "
                + "which the group's modulus does not hold; use a policy of fewer openings, or smaller numbers")
    }

    /// Of the coefficients of one vector, without names.
    public var byteCount: Int { polynomials * RoundedCoefficients.byteCount(basis, dropped: dropped) }

    /// Where noise of the agreed kind stays below: twice its deviation, over all coefficients in the quadratic mean. Garbage
    /// is spread over the unit and has at least five deviations.
    var greatestDeviation: Double { 2 * totalDeviation }

    /// The common polynomials are expanded from it.
    func seed(_ identity: Fingerprint) -> UniformSeed {
        var encoder = BinaryEncoder()
        encoder.encode("tacit sum of uploads")
        encoder.encodeRaw(setting.session.bytes)
        encoder.encodeRaw(identity.bytes)
        encoder.encodeRaw(name.bytes)
        return UniformSeed(Fingerprint(of: encoder.bytes))
    }

    static let label = UniformSeed.Label(code: 301)

    /// The numbers of one polynomial.
    func range(_ index: Int) -> Range<Int> {
        let degree = setting.context.ring.degree
        return index * degree..<min(count, (index + 1) * degree)
    }
}

/// Polynomials of one party for a sum: its upload, or its part in opening it.
struct SumPolynomials: Sendable {
    let list: [RoundedCoefficients]

    func encode(into encoder: inout BinaryEncoder) { for one in list { one.encode(into: &encoder) } }

    init(_ list: [RoundedCoefficients]) { self.list = list }

    init(decoding decoder: inout BinaryDecoder, sum: CollectiveSum) throws(MultipartyError) {
        guard decoder.remaining >= sum.byteCount else {
            throw MultipartyError(
                code: .invalidEncoding, message: "sum: got \(decoder.remaining) bytes, want \(sum.byteCount)")
        }
        var list: [RoundedCoefficients] = []
        for _ in 0..<sum.polynomials {
            list.append(try RoundedCoefficients(decoding: &decoder, basis: sum.basis, dropped: sum.dropped))
        }
        self.list = list
    }
}

/// A party's encrypted vector.
public struct SumUpload: Sendable {
    /// ``CollectiveSum/name``
    public let sum: Fingerprint
    public let party: Int
    let polynomials: SumPolynomials

    init(sum: Fingerprint, party: Int, polynomials: SumPolynomials) {
        self.sum = sum
        self.party = party
        self.polynomials = polynomials
    }

    /// Sum, party, coefficients.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(sum.bytes)
        encoder.encode(UInt16(party))
        polynomials.encode(into: &encoder)
    }

    /// - Errors: `wrongSession` for another sum, `wrongParty` for nobody of the group, `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder, sum: CollectiveSum) throws(MultipartyError) {
        let (name, party) = try wrappingCoding { () throws(BinaryCodingError) in
            (Fingerprint(bytes: try decoder.decodeRaw(32, "sum")), Int(try decoder.decode(UInt16.self, "party")))
        }
        guard name == sum.name else {
            throw MultipartyError(code: .wrongSession, message: "upload: is for another sum than \(sum.name)")
        }
        guard (1...sum.setting.group.parties).contains(party) else {
            throw MultipartyError(
                code: .wrongParty, message: "upload: got party \(party), want 1...\(sum.setting.group.parties)")
        }
        self.sum = sum.name
        self.party = party
        polynomials = try SumPolynomials(decoding: &decoder, sum: sum)
    }
}

extension CollectiveKeyShare {
    /// Encrypts this party's vector for a sum; once.
    ///
    /// Nothing here takes time that depends on the numbers.
    /// - Errors: `wrongSession`, `sessionReused`, `invalidCiphertext` for numbers that do not fit the sum.
    public mutating func encrypt(
        _ numbers: [Int64], for sum: CollectiveSum, using random: inout some SecureRandom
    ) throws(MultipartyError) -> SumUpload {
        try check(sum)
        guard numbers.count == sum.count, numbers.allSatisfy({ $0.magnitude <= sum.limit.magnitude }) else {
            throw MultipartyError(
                code: .invalidCiphertext,
                message: "numbers: got \(numbers.count), want \(sum.count) up to \(sum.limit) in magnitude")
        }
        guard !(sums[sum.name]?.isUploaded ?? false) else {
            throw MultipartyError(
                code: .sessionReused,
                message:
                    "sum \(sum.name): this party's vector is encrypted already; a second one would show the difference")
        }
        sums[sum.name, default: SumUse()].isUploaded = true
        let ring = setting.context.ring
        let own = secret.evaluations(SecretAccess("upload to a sum"), over: sum.basis)
        let seed = sum.seed(identity)
        var list: [RoundedCoefficients] = []
        for index in 0..<sum.polynomials {
            let range = sum.range(index)
            // In digits below every prime.
            var low = [Int64](repeating: 0, count: ring.degree)
            var high = low
            for (place, number) in numbers[range].enumerated() {
                low[place] = number & (1 << CollectiveSum.digitBits - 1)
                high[place] = number >> Int64(CollectiveSum.digitBits)
            }
            var body = RNSPolynomial<Coefficients>(signed: high, basis: sum.basis, isSecret: true)
            body.multiply(byInteger: 1 << Int64(CollectiveSum.digitBits))
            body.add(RNSPolynomial(signed: low, basis: sum.basis, isSecret: true))
            body.multiply(byInteger: 1 << Int64(sum.unitBits))
            body.add(SmallPolynomial.gaussian(count: ring.degree, using: &random).polynomial(sum.basis))
            let mask = seed.polynomial(sum.basis, label: CollectiveSum.label, index: index) * own
            body.subtract(mask.transformed())
            list.append(RoundedCoefficients(body.declassified(), dropped: sum.dropped))
        }
        return SumUpload(sum: sum.name, party: party, polynomials: SumPolynomials(list))
    }

    func check(_ sum: CollectiveSum) throws(MultipartyError) {
        guard sum.setting.session == setting.session else {
            throw MultipartyError(
                code: .wrongSession, message: "sum: is of group \(sum.setting.session), want \(setting.session)")
        }
    }
}
