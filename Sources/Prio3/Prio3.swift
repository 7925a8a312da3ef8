import Randomness

/// Sums over many clients by two or more servers of which each sees random shares, with a proof that every measurement is
/// within its range: one upload a client, and who does not upload is simply absent.
///
/// A value of this type is one instance, public and the same for client, aggregators and collector.
/// - Guarantee: as long as one aggregator keeps its shares to itself, the others learn of a measurement that it is valid;
///   as long as all aggregators follow the protocol, an invalid one is refused but for probability about
///   (gadget calls)·degree/|F| a proof.
/// - Reference: draft-irtf-cfrg-vdaf-20 (document version 18), section "Prio3"; Davis, Patton, Rosulek, Schoppmann 2023.
public struct Prio3: Sendable, CustomStringConvertible {
    /// In every domain separation tag.
    package static let documentVersion: UInt8 = 18
    static let seedBytes = 32
    public static let nonceBytes = 16

    /// The registered number of the algorithm.
    public let algorithm: UInt32
    public let name: String
    /// Aggregators.
    public let shares: Int
    public let proofs: Int
    let proof: LinearProof

    var circuit: ValidityCircuit { proof.circuit }
    public var field: PrioField { proof.field }
    public var description: String { "\(name), \(shares) aggregators" }

    private init(
        _ name: String, algorithm: UInt32, shares: Int, proofs: Int = 1, _ circuit: ValidityCircuit, _ field: PrioField
    ) throws(Prio3Error) {
        guard (2..<256).contains(shares) else {
            throw Prio3Error(code: .invalidParameters, message: "shares: got \(shares), want 2...255")
        }
        guard (1..<256).contains(proofs) else {
            throw Prio3Error(code: .invalidParameters, message: "proofs: got \(proofs), want 1...255")
        }
        self.name = name
        self.algorithm = algorithm
        self.shares = shares
        self.proofs = proofs
        proof = try LinearProof(circuit, field)
    }

    // MARK: Instances

    /// How many measurements are 1.
    public static func count(shares: Int = 2) throws(Prio3Error) -> Prio3 {
        try Prio3("Prio3Count", algorithm: 1, shares: shares, .count, .field64)
    }

    /// Σ of numbers in 0...maximum.
    /// - Errors: `invalidParameters`; the maximum is in 1..<2^63.
    public static func sum(maximum: UInt64, shares: Int = 2) throws(Prio3Error) -> Prio3 {
        try check(maximum)
        return try Prio3("Prio3Sum(\(maximum))", algorithm: 2, shares: shares, .sum(maximum: maximum), .field64)
    }

    /// Σ of vectors of numbers in 0...maximum.
    /// - Parameter chunk: products in one gadget; nil: near the square root of the number of bits.
    public static func sumVector(
        length: Int, maximum: UInt64, chunk: Int? = nil, shares: Int = 2
    ) throws(Prio3Error) -> Prio3 {
        try check(maximum)
        let chunk = try self.chunk(chunk, length: length, bits: ValidityCircuit.bits(maximum))
        return try Prio3(
            "Prio3SumVec(\(length), \(maximum), \(chunk))", algorithm: 3, shares: shares,
            .sumVector(length: length, maximum: maximum, chunk: chunk), .field128)
    }

    /// As ``sumVector(length:maximum:chunk:shares:)`` over the small field, with several proofs instead of large numbers: half
    /// the bytes in the measurement's share. Its number is the one for experiments.
    public static func sumVectorWithProofs(
        _ proofs: Int, length: Int, maximum: UInt64, chunk: Int? = nil, shares: Int = 2
    ) throws(Prio3Error) -> Prio3 {
        try check(maximum)
        let chunk = try self.chunk(chunk, length: length, bits: ValidityCircuit.bits(maximum))
        return try Prio3(
            "Prio3SumVecWithMultiproof(\(proofs), \(length), \(maximum), \(chunk))", algorithm: .max, shares: shares,
            proofs: proofs, .sumVector(length: length, maximum: maximum, chunk: chunk), .field64)
    }

    /// How many measurements fall into each bucket.
    public static func histogram(
        length: Int, chunk: Int? = nil, shares: Int = 2
    ) throws(Prio3Error) -> Prio3 {
        let chunk = try self.chunk(chunk, length: length, bits: 1)
        return try Prio3(
            "Prio3Histogram(\(length), \(chunk))", algorithm: 4, shares: shares,
            .histogram(length: length, chunk: chunk), .field128)
    }

    /// How often each flag is true, at most `maximumWeight` of them in one measurement.
    public static func multihotCounts(
        length: Int, maximumWeight: Int, chunk: Int? = nil, shares: Int = 2
    ) throws(Prio3Error) -> Prio3 {
        let chunk = try self.chunk(chunk, length: length, bits: 1)
        guard (1...length).contains(maximumWeight) else {
            throw Prio3Error(
                code: .invalidParameters, message: "maximumWeight: got \(maximumWeight), want 1...\(length)")
        }
        return try Prio3(
            "Prio3MultihotCountVec(\(length), \(maximumWeight), \(chunk))", algorithm: 5, shares: shares,
            .multihot(length: length, maximumWeight: maximumWeight, chunk: chunk), .field128)
    }

    /// Numbers in 0...2 by a gadget of degree three: the specification's circuit for tests.
    package static func ternaryForTests(shares: Int) throws(Prio3Error) -> Prio3 {
        try Prio3("Prio3HigherDegree", algorithm: .max, shares: shares, .ternary, .field64)
    }

    private static func check(_ maximum: UInt64) throws(Prio3Error) {
        guard maximum >= 1, maximum < 1 << 63 else {
            throw Prio3Error(code: .invalidParameters, message: "maximum: got \(maximum), want 1..<2^63")
        }
    }

    private static func chunk(_ chunk: Int?, length: Int, bits: Int) throws(Prio3Error) -> Int {
        guard (1...1 << 28).contains(length) else {
            throw Prio3Error(code: .invalidParameters, message: "length: got \(length), want 1...2^28")
        }
        let chosen = chunk ?? bestChunk(length * bits)
        guard (1...1 << 28).contains(chosen) else {
            throw Prio3Error(code: .invalidParameters, message: "chunk: got \(chosen), want 1...2^28")
        }
        return chosen
    }

    /// The chunk that makes proofs shortest: for each power of two p the fewest products with p − 1 calls.
    static func bestChunk(_ bits: Int) -> Int {
        (1...30).map { log -> (size: Int, chunk: Int) in
            let calls = (1 << log) - 1
            let chunk = (bits + calls - 1) / calls
            return (2 * chunk + 2 * calls + 1, chunk)
        }.min { $0.size < $1.size }!.chunk
    }

    // MARK: Sizes and derived values

    /// Random bytes of a client for one report.
    package var randomBytes: Int {
        Self.seedBytes * shares * (circuit.jointRandomnessLength > 0 ? 2 : 1)
    }
    var hasJointRandomness: Bool { circuit.jointRandomnessLength > 0 }
    public var publicShareBytes: Int { hasJointRandomness ? Self.seedBytes * shares : 0 }
    /// Of the input share for an aggregator, 0 being the one with the long share.
    public func inputShareBytes(_ aggregator: Int) -> Int {
        (aggregator == 0
            ? (circuit.measurementLength + proof.proofLength * proofs) * field.elementBytes : Self.seedBytes)
            + (hasJointRandomness ? Self.seedBytes : 0)
    }
    var verifierShareBytes: Int {
        proof.verifierLength * proofs * field.elementBytes + (hasJointRandomness ? Self.seedBytes : 0)
    }

    enum Usage: UInt16 {
        case measurementShare = 1
        case proofShare, jointRandomness, proveRandomness, queryRandomness, jointRandomnessSeed, jointRandomnessPart
    }

    func tag(_ usage: Usage, _ context: [UInt8]) -> [UInt8] {
        [Self.documentVersion, 0] + (0..<4).map { UInt8(truncatingIfNeeded: algorithm >> (24 - 8 * UInt32($0))) }
            + [UInt8(usage.rawValue >> 8), UInt8(usage.rawValue & 255)] + context
    }

    private func expand(
        _ seed: [UInt8], _ usage: Usage, _ context: [UInt8], binder: [UInt8], count: Int
    ) -> [Element] {
        var xof = XofTurboShake128(seed: seed, tag: tag(usage, context), binder: binder)
        return xof.vector(field, count: count)
    }

    func measurementShare(_ seed: [UInt8], aggregator: Int, _ context: [UInt8]) -> [Element] {
        expand(
            seed, .measurementShare, context, binder: [UInt8(aggregator)], count: circuit.measurementLength)
    }
    func proofsShare(_ seed: [UInt8], aggregator: Int, _ context: [UInt8]) -> [Element] {
        expand(
            seed, .proofShare, context, binder: [UInt8(proofs), UInt8(aggregator)], count: proof.proofLength * proofs)
    }
    func proveRandomness(_ seed: [UInt8], _ context: [UInt8]) -> [Element] {
        expand(
            seed, .proveRandomness, context, binder: [UInt8(proofs)], count: proof.proveRandomnessLength * proofs)
    }
    func queryRandomness(_ key: [UInt8], nonce: [UInt8], _ context: [UInt8]) -> [Element] {
        expand(
            key, .queryRandomness, context, binder: [UInt8(proofs)] + nonce, count: proof.queryRandomnessLength * proofs
        )
    }
    func jointRandomness(_ seed: [UInt8], _ context: [UInt8]) -> [Element] {
        expand(
            seed, .jointRandomness, context, binder: [UInt8(proofs)], count: circuit.jointRandomnessLength * proofs)
    }
    func jointRandomnessPart(
        blind: [UInt8], aggregator: Int, nonce: [UInt8], measurementShare: [UInt8], _ context: [UInt8]
    ) -> [UInt8] {
        var xof = XofTurboShake128(
            seed: blind, tag: tag(.jointRandomnessPart, context), binder: [UInt8(aggregator)] + nonce)
        xof.absorb(measurementShare)
        return xof.bytes(Self.seedBytes)
    }
    func jointRandomnessSeed(_ parts: [[UInt8]], _ context: [UInt8]) -> [UInt8] {
        var xof = XofTurboShake128(
            seed: [UInt8](repeating: 0, count: Self.seedBytes), tag: tag(.jointRandomnessSeed, context),
            binder: parts.flatMap { $0 })
        return xof.bytes(Self.seedBytes)
    }

    // MARK: Threat model

    /// What it protects against whom.
    public struct ThreatModel: Hashable, Sendable, Codable {
        public let aggregators: Int
        public let privacy: String
        public let robustness: String
        public let notProtected: [String]
    }
    public var threatModel: ThreatModel {
        ThreatModel(
            aggregators: shares,
            privacy:
                "no \(shares - 1) of \(shares) aggregators together, with any clients and the collector, learn more of "
                + "a measurement than the sum of its batch; they may break every rule",
            robustness: "a client cannot have an invalid measurement counted while all aggregators follow the protocol",
            notProtected: [
                "what a sum says about a small batch; agree on a minimum, add noise",
                "who sends reports and when; a client that sends many",
                "a wrong sum by an aggregator that breaks the rules",
            ])
    }
}
