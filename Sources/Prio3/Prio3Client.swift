import Randomness

/// What a client sends: one message to each aggregator, each with the nonce and the public share.
public struct Prio3Report: Hashable, Sendable {
    /// 16 bytes, random, never used twice.
    public let nonce: [UInt8]
    public let publicShare: [UInt8]
    /// One for each aggregator; seal it for that aggregator alone.
    public let inputShares: [[UInt8]]
}

/// The client's side.
public struct Prio3Client: Sendable {
    public let prio3: Prio3
    /// Names the application and task; the same for all parties.
    public let context: [UInt8]

    public init(_ prio3: Prio3, context: [UInt8]) {
        self.prio3 = prio3
        self.context = context
    }

    /// Shares a measurement.
    /// - Errors: `invalidMeasurement`.
    public func shard(
        _ measurement: Prio3Measurement, using random: inout some SecureRandom
    ) throws(Prio3Error) -> Prio3Report {
        let nonce = random.bytes(count: Prio3.nonceBytes)
        var bytes = random.bytes(count: prio3.randomBytes)
        defer { zeroise(&bytes) }
        return try shard(measurement, nonce: nonce, random: bytes)
    }

    package func shard(
        _ measurement: Prio3Measurement, nonce: [UInt8], random: [UInt8]
    ) throws(Prio3Error) -> Prio3Report {
        guard nonce.count == Prio3.nonceBytes else { throw .length("nonce", nonce.count, Prio3.nonceBytes) }
        guard random.count == prio3.randomBytes else {
            throw .length("random bytes", random.count, prio3.randomBytes)
        }
        let (field, proof) = (prio3.field, prio3.proof)
        let seeds = stride(from: 0, to: random.count, by: Prio3.seedBytes).map {
            Array(random[$0..<$0 + Prio3.seedBytes])
        }
        let helpers = prio3.shares - 1
        let encoded = try prio3.circuit.encode(measurement, field)
        let joint = prio3.hasJointRandomness
        // Seeds in the specification's order: each helper's share (and blind), then the leader's blind, then the prover's.
        let helperSeeds = (0..<helpers).map { seeds[joint ? 2 * $0 : $0] }
        let blinds = joint ? [seeds[2 * helpers]] + (0..<helpers).map { seeds[2 * $0 + 1] } : []
        let proveSeed = seeds[joint ? 2 * helpers + 1 : helpers]

        var leader = encoded
        var parts: [[UInt8]] = []
        for helper in 0..<helpers {
            let share = prio3.measurementShare(helperSeeds[helper], aggregator: helper + 1, context)
            field.subtract(share, from: &leader)
            if joint {
                parts.append(
                    prio3.jointRandomnessPart(
                        blind: blinds[helper + 1], aggregator: helper + 1, nonce: nonce,
                        measurementShare: field.encode(share), context))
            }
        }
        let leaderBytes = field.encode(leader)
        var jointRandomness: [Element] = []
        if joint {
            parts.insert(
                prio3.jointRandomnessPart(
                    blind: blinds[0], aggregator: 0, nonce: nonce, measurementShare: leaderBytes, context), at: 0)
            jointRandomness = prio3.jointRandomness(prio3.jointRandomnessSeed(parts, context), context)
        }
        let proveRandomness = prio3.proveRandomness(proveSeed, context)
        var proofs: [Element] = []
        for index in 0..<prio3.proofs {
            let (arity, length) = (proof.proveRandomnessLength, prio3.circuit.jointRandomnessLength)
            proofs += proof.prove(
                encoded, seeds: Array(proveRandomness[index * arity..<(index + 1) * arity]),
                jointRandomness: Array(jointRandomness[index * length..<(index + 1) * length]))
        }
        for helper in 0..<helpers {
            field.subtract(
                prio3.proofsShare(helperSeeds[helper], aggregator: helper + 1, context), from: &proofs)
        }
        let first = leaderBytes + field.encode(proofs) + (joint ? blinds[0] : [])
        let others = (0..<helpers).map { helperSeeds[$0] + (joint ? blinds[$0 + 1] : []) }
        return Prio3Report(nonce: nonce, publicShare: parts.flatMap { $0 }, inputShares: [first] + others)
    }
}
