import BinaryCoding
import Crypto

/// What the coordinator is trusted with.
public enum CoordinatorTrust: UInt8, Hashable, Sendable, Codable {
    /// It follows the protocol and may look at everything; sites check what costs nothing.
    case semiHonest = 1
    /// It may lie: sites verify the signature of every key they use, and sign and compare the list of survivors before
    /// any share leaves.
    case active = 2
}

/// A site as the others know it: a number and its pinned Ed25519 key.
public struct AggregationMember: Hashable, Sendable {
    public let id: UInt32
    /// 32 bytes.
    public let verificationKey: [UInt8]

    public init(id: UInt32, verificationKey: [UInt8]) {
        self.id = id
        self.verificationKey = verificationKey
    }
}

/// All that the parties of one round agree on beforehand. Every message is bound to its fingerprint.
public struct AggregationRound: Hashable, Sendable, CustomStringConvertible {
    /// What a site may send in.
    public enum Values: Hashable, Sendable {
        /// Magnitudes at most `bound`; the sum of all sites cannot overflow.
        case bounded(by: Int64)
        /// Integers modulo 2^`bits`, for noise that has no bound: the sum is right modulo 2^`bits`.
        case wrapping(bits: Int)
    }

    /// Public values that may be wrong.
    public struct Literal: Hashable, Sendable {
        /// A name of the study, never used for another.
        public var session: String
        /// Counts up within the session.
        public var number: UInt64
        /// In ascending order of ids, 3 to 65535 of them.
        public var members: [AggregationMember]
        /// Ed25519, 32 bytes.
        public var coordinatorKey: [UInt8]
        public var coordinator: CoordinatorTrust
        /// d: members that may be lost in the course of the round.
        public var maximumDropouts: Int
        /// c: members that may pool what they know with the coordinator.
        public var maximumColluding: Int
        /// Elements of a vector.
        public var length: Int
        public var values: Values
        /// nil: chosen by ``AggregationGraph/choose(members:colluding:dropouts:coordinator:)``.
        public var graph: AggregationGraph?

        public init(
            session: String, number: UInt64, members: [AggregationMember], coordinatorKey: [UInt8],
            coordinator: CoordinatorTrust, maximumDropouts: Int, maximumColluding: Int, length: Int, values: Values,
            graph: AggregationGraph? = nil
        ) {
            self.session = session
            self.number = number
            self.members = members
            self.coordinatorKey = coordinatorKey
            self.coordinator = coordinator
            self.maximumDropouts = maximumDropouts
            self.maximumColluding = maximumColluding
            self.length = length
            self.values = values
            self.graph = graph
        }
    }

    public let literal: Literal
    public let graph: AggregationGraph
    /// b: sums are computed modulo 2^b, and a masked value takes b bits on the wire.
    public let modulusBits: Int
    /// SHA-256 of all of the above.
    public let fingerprint: Fingerprint

    public var members: [AggregationMember] { literal.members }
    /// m = n − d: fewer survivors end the round.
    public var minimumSurvivors: Int { literal.members.count - literal.maximumDropouts }
    /// Signatures under one list of survivors that a site wants to see: two lists that both have so many share an honest
    /// signer, who signs one only.
    public var quorum: Int { (literal.members.count + literal.maximumColluding) / 2 + 1 }
    public var isWide: Bool { modulusBits > 32 }
    /// Of the vector in a masked input.
    public var packedBytes: Int { (literal.length * modulusBits + 7) / 8 }
    public var description: String {
        "round \(literal.number) of \"\(literal.session)\", \(members.count) members, "
            + "\(literal.maximumDropouts) may drop out, \(literal.maximumColluding) may collude, \(graph)"
    }

    /// Members at most; shares are numbered in a field of 2^16 elements.
    public static let mostMembers = 65_535
    /// Elements of a vector at most.
    public static let mostElements = 1 << 30

    /// - Errors: `invalidParameters`, with the quantity: less than two honest survivors, a quorum that dropouts would make
    ///   impossible, a graph that fails with a probability above 2^−40, a sum that could overflow.
    public init(_ literal: Literal) throws(SecureAggregationError) {
        let (n, d, c) = (literal.members.count, literal.maximumDropouts, literal.maximumColluding)
        guard (3...Self.mostMembers).contains(n) else {
            throw .parameter("members", n, "3...\(Self.mostMembers)")
        }
        guard zip(literal.members, literal.members.dropFirst()).allSatisfy({ $0.id < $1.id }) else {
            throw .parameter("members", "ids out of order or repeated", "ascending ids")
        }
        let keys = [literal.coordinatorKey] + literal.members.map(\.verificationKey)
        if let bad = keys.first(where: { $0.count != 32 }) {
            throw .parameter("verification key", "\(bad.count) bytes", "32")
        }
        guard Set(keys).count == keys.count else {
            throw .parameter("verification keys", "the same for two parties", "one of its own for everyone")
        }
        guard literal.session.utf8.count <= 256 else {
            throw .parameter("session", "\(literal.session.utf8.count) bytes", "at most 256")
        }
        guard d >= 0, c >= 0, d < n, c < n else {
            throw .parameter("dropouts and colluding members", "\(d) and \(c)", "0..<\(n)")
        }
        guard n - d - c >= 2 else {
            throw .parameter(
                "honest survivors", "\(n) members − \(d) dropouts − \(c) colluding = \(n - d - c)",
                "at least 2, since the sum of one is its update")
        }
        if literal.coordinator == .active, (n + c) / 2 + 1 > n - d {
            throw .parameter(
                "maximumDropouts", d,
                "at most \(n - (n + c) / 2 - 1) with \(c) of \(n) colluding, or a quorum cannot be")
        }
        guard (1...Self.mostElements).contains(literal.length) else {
            throw .parameter("length", literal.length, "1...\(Self.mostElements)")
        }
        switch literal.values {
        case .bounded(let bound):
            guard bound > 0 else { throw .parameter("bound", bound, "at least 1") }
            let (sum, overflow) = bound.multipliedReportingOverflow(by: Int64(n))
            guard !overflow, sum < Int64.max / 2 else {
                throw .parameter("bound", bound, "at most 2^62 over all \(n) members; the sum could overflow")
            }
            modulusBits = Int64.bitWidth - sum.leadingZeroBitCount + 1
        case .wrapping(let bits):
            guard (2...64).contains(bits) else { throw .parameter("modulus bits", bits, "2...64") }
            modulusBits = bits
        }
        graph =
            literal.graph
            ?? .choose(members: n, colluding: c, dropouts: d, coordinator: literal.coordinator)
        try Self.check(graph, literal)
        self.literal = literal
        var encoder = BinaryEncoder()
        encoder.encode("tacit aggregation round")
        Self.encode(literal, graph, into: &encoder)
        fingerprint = Fingerprint(of: encoder.bytes)
    }

    private static func check(_ graph: AggregationGraph, _ literal: Literal) throws(SecureAggregationError) {
        let (n, d, c) = (literal.members.count, literal.maximumDropouts, literal.maximumColluding)
        // On a ring fewer colluding members than all are neighbours of one participant; there the bounds decide.
        if graph.degree < n - 1 { return try checkRing(graph, literal) }
        guard (max(2, c + 1)...n - d).contains(graph.threshold) else {
            throw .parameter("share threshold", graph.threshold, "\(max(2, c + 1))...\(n - d)")
        }
    }

    private static func checkRing(_ graph: AggregationGraph, _ literal: Literal) throws(SecureAggregationError) {
        guard graph.degree >= 2, graph.degree % 2 == 0, (0...graph.degree / 2).contains(graph.window),
            (2...graph.degree).contains(graph.threshold)
        else { throw .parameter("graph", graph, "an even degree of 2 or more, threshold and window within it") }
        let bounds = GraphBounds(
            members: literal.members.count, colluding: literal.maximumColluding, dropouts: literal.maximumDropouts,
            coordinator: literal.coordinator)
        let security = bounds.securityFailure(of: graph)
        let wanted = AggregationGraph.wantedSecurity(literal.coordinator)
        guard security <= -wanted + 1e-3 else {
            throw .parameter("graph", "\(graph), insecure with probability 2^\(security)", "at most 2^-\(wanted)")
        }
        let recovery = bounds.recoveryFailure(of: graph)
        guard recovery <= -AggregationGraph.failureBits + 1e-3 else {
            throw .parameter(
                "graph", "\(graph), spoilt by dropouts with probability 2^\(recovery)",
                "at most 2^-\(AggregationGraph.failureBits)")
        }
    }

    /// The place of a member, by which lists of participants are written.
    func index(of id: UInt32) -> Int? {
        var (low, high) = (0, members.count)
        while low < high {
            let middle = (low + high) / 2
            if members[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < members.count && members[low].id == id ? low : nil
    }

    // MARK: Bytes

    private static func encode(_ literal: Literal, _ graph: AggregationGraph, into encoder: inout BinaryEncoder) {
        encoder.encode(literal.session)
        encoder.encode(literal.number)
        encoder.encode(list: literal.members) { encoder, member in
            encoder.encode(member.id)
            encoder.encodeRaw(member.verificationKey)
        }
        encoder.encodeRaw(literal.coordinatorKey)
        encoder.encode(literal.coordinator.rawValue)
        encoder.encode(UInt32(literal.maximumDropouts))
        encoder.encode(UInt32(literal.maximumColluding))
        encoder.encode(UInt32(literal.length))
        switch literal.values {
        case .bounded(let bound):
            encoder.encode(0 as UInt8)
            encoder.encode(bound)
        case .wrapping(let bits):
            encoder.encode(1 as UInt8)
            encoder.encode(Int64(bits))
        }
        for value in [graph.degree, graph.threshold, graph.window] { encoder.encode(UInt32(value)) }
    }

    public func encode(into encoder: inout BinaryEncoder) { Self.encode(literal, graph, into: &encoder) }

    /// - Errors: `invalidEncoding`, `invalidParameters`: the same checks as when it was made.
    public init(decoding decoder: inout BinaryDecoder) throws(SecureAggregationError) {
        let literal = try wrappingCoding { () throws(BinaryCodingError) in
            let session = try decoder.decodeString("session", limit: 256)
            let number = try decoder.decode(UInt64.self, "round number")
            let members = try decoder.decodeList("members", minimumElementSize: 36) {
                decoder throws(BinaryCodingError) in
                AggregationMember(
                    id: try decoder.decode(UInt32.self, "member"),
                    verificationKey: try decoder.decodeRaw(32, "verification key"))
            }
            let key = try decoder.decodeRaw(32, "coordinator key")
            let trust = try decoder.decode(UInt8.self, "coordinator trust")
            guard let coordinator = CoordinatorTrust(rawValue: trust) else {
                throw BinaryCodingError(code: .invalidValue, message: "coordinator trust: got \(trust), want 1 or 2")
            }
            let dropouts = Int(try decoder.decode(UInt32.self, "dropouts"))
            let colluding = Int(try decoder.decode(UInt32.self, "colluding members"))
            let length = Int(try decoder.decode(UInt32.self, "length"))
            let kind = try decoder.decode(UInt8.self, "values")
            let value = try decoder.decode(Int64.self, "bound")
            guard kind <= 1 else {
                throw BinaryCodingError(code: .invalidValue, message: "values: got \(kind), want 0 or 1")
            }
            return Literal(
                session: session, number: number, members: members, coordinatorKey: key, coordinator: coordinator,
                maximumDropouts: dropouts, maximumColluding: colluding, length: length,
                values: kind == 0 ? .bounded(by: value) : .wrapping(bits: Int(value)),
                graph: AggregationGraph(
                    degree: Int(try decoder.decode(UInt32.self, "degree")),
                    threshold: Int(try decoder.decode(UInt32.self, "share threshold")),
                    window: Int(try decoder.decode(UInt32.self, "window"))))
        }
        try self.init(literal)
    }
}
