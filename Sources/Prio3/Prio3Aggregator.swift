import BinaryCoding
import CKernels
import Randomness

/// A report under verification at one aggregator: keep it until the verifier message comes.
public struct Prio3Verification: Sendable {
    public let nonce: [UInt8]
    let outputShare: [Element]
    let jointRandomnessSeed: [UInt8]?
}

/// One aggregator's side, as a state machine: reports in, verifier shares out, then the message of all, then the sum.
///
/// For each report: ``begin(nonce:publicShare:inputShare:)`` and send the verifier share to whoever joins them
/// (``Prio3/verifierMessage(_:context:)``, which anybody can run); with its message ``finish(_:with:)`` adds the report or
/// refuses it. A nonce is taken once.
public struct Prio3Aggregator: Sendable, CustomStringConvertible {
    public let prio3: Prio3
    /// 0 for the leader, which gets the long share.
    public let number: Int
    public let context: [UInt8]
    /// The sum is not given out for fewer reports.
    public let minimumBatch: Int
    /// Reports added.
    public private(set) var count = 0

    private let verificationKey: SecretBytes
    private var sum: [Element]
    private var nonces: Set<[UInt8]> = []

    public var description: String { "aggregator \(number) of \(prio3), \(count) reports" }

    /// - Parameter verificationKey: 32 secret bytes that all aggregators share and no client knows, agreed on before any
    ///   report is made.
    /// - Errors: `invalidParameters`.
    public init(
        _ prio3: Prio3, number: Int, verificationKey: SecretBytes, context: [UInt8], minimumBatch: Int
    ) throws(Prio3Error) {
        guard (0..<prio3.shares).contains(number) else {
            throw Prio3Error(
                code: .invalidParameters, message: "aggregator: got \(number), want 0..<\(prio3.shares)")
        }
        guard verificationKey.count == Prio3.seedBytes else {
            throw Prio3Error(
                code: .invalidParameters,
                message: "verification key: got \(verificationKey.count) bytes, want \(Prio3.seedBytes)")
        }
        guard minimumBatch >= 1 else {
            throw Prio3Error(code: .invalidParameters, message: "minimumBatch: got \(minimumBatch), want at least 1")
        }
        self.prio3 = prio3
        self.number = number
        self.verificationKey = verificationKey
        self.context = context
        self.minimumBatch = minimumBatch
        sum = [Element](repeating: PrioField.zero, count: prio3.circuit.outputLength)
    }

    /// Queries this aggregator's share of a report.
    /// - Errors: `invalidEncoding`, `invalidProof`; `replayed` for a nonce that was begun before.
    public mutating func begin(
        nonce: [UInt8], publicShare: [UInt8], inputShare: [UInt8]
    ) throws(Prio3Error) -> (verification: Prio3Verification, verifierShare: [UInt8]) {
        guard !nonces.contains(nonce) else {
            throw Prio3Error(code: .replayed, message: "nonce: a report with it was verified before")
        }
        let result = try prio3.query(
            verificationKey, context: context, aggregator: number, nonce: nonce, publicShare: publicShare,
            inputShare: inputShare)
        nonces.insert(nonce)
        return result
    }

    /// Adds a report whose proof was found valid.
    /// - Errors: `jointRandomnessMismatch`, `invalidEncoding`; the report is then not added.
    public mutating func finish(
        _ verification: Prio3Verification, with message: [UInt8]
    ) throws(Prio3Error) {
        prio3.field.add(try prio3.outputShare(verification, message), to: &sum)
        count += 1
    }

    /// This aggregator's share of the sum, for the collector.
    /// - Errors: `batchTooSmall`.
    public func aggregateShare() throws(Prio3Error) -> [UInt8] {
        guard count >= minimumBatch else {
            throw Prio3Error(
                code: .batchTooSmall, message: "batch: got \(count) reports, want at least \(minimumBatch)")
        }
        return prio3.field.encode(sum)
    }

    // MARK: Bytes

    /// The state but for the verification key: sum, count and nonces, for a file.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode("tacit prio3 aggregator 1")
        encoder.encode(UInt64(count))
        encoder.encodeRaw(prio3.field.encode(sum))
        encoder.encode(list: nonces.sorted { $0.lexicographicallyPrecedes($1) }) { $0.encodeRaw($1) }
    }

    /// Goes on from a stored state.
    /// - Errors: `invalidEncoding`.
    public mutating func restore(from decoder: inout BinaryDecoder) throws(Prio3Error) {
        let bytes: (label: String, count: UInt64, sum: [UInt8], nonces: [[UInt8]])
        do {
            let label = try decoder.decodeString("state", limit: 64)
            let count = try decoder.decode(UInt64.self, "reports")
            let sum = try decoder.decodeRaw(self.sum.count * prio3.field.elementBytes, "sum")
            let nonces = try decoder.decodeList("nonces", minimumElementSize: Prio3.nonceBytes) {
                decoder throws(BinaryCodingError) in try decoder.decodeRaw(Prio3.nonceBytes, "nonce")
            }
            bytes = (label, count, sum, nonces)
        } catch {
            throw Prio3Error(code: .invalidEncoding, message: error.message)
        }
        guard bytes.label == "tacit prio3 aggregator 1", bytes.count <= UInt64(bytes.nonces.count) else {
            throw Prio3Error(code: .invalidEncoding, message: "state: is not one of an aggregator")
        }
        sum = try prio3.field.decode(bytes.sum[...], count: sum.count, "sum")
        count = Int(bytes.count)
        nonces = Set(bytes.nonces)
    }
}

extension Prio3 {
    package func query(
        _ verificationKey: SecretBytes, context: [UInt8], aggregator: Int, nonce: [UInt8], publicShare: [UInt8],
        inputShare: [UInt8]
    ) throws(Prio3Error) -> (verification: Prio3Verification, verifierShare: [UInt8]) {
        guard nonce.count == Self.nonceBytes else { throw .length("nonce", nonce.count, Self.nonceBytes) }
        guard publicShare.count == publicShareBytes else {
            throw .length("public share", publicShare.count, publicShareBytes)
        }
        let wanted = inputShareBytes(aggregator)
        guard inputShare.count == wanted else { throw .length("input share", inputShare.count, wanted) }

        let blind = hasJointRandomness ? Array(inputShare.suffix(Self.seedBytes)) : []
        let measurementShare: [Element], measurementBytes: [UInt8], proofsShare: [Element]
        if aggregator == 0 {
            let length = circuit.measurementLength * field.elementBytes
            measurementBytes = Array(inputShare[..<length])
            measurementShare = try field.decode(
                measurementBytes[...], count: circuit.measurementLength, "measurement share")
            proofsShare = try field.decode(
                inputShare[length..<length + proof.proofLength * proofs * field.elementBytes],
                count: proof.proofLength * proofs, "proof share")
        } else {
            let seed = Array(inputShare[..<Self.seedBytes])
            measurementShare = self.measurementShare(seed, aggregator: aggregator, context)
            measurementBytes = hasJointRandomness ? field.encode(measurementShare) : []
            proofsShare = self.proofsShare(seed, aggregator: aggregator, context)
        }
        var jointRandomness: [Element] = []
        var part: [UInt8] = [], seed: [UInt8]?
        if hasJointRandomness {
            part = jointRandomnessPart(
                blind: blind, aggregator: aggregator, nonce: nonce, measurementShare: measurementBytes, context)
            var parts = (0..<shares).map { Array(publicShare[$0 * Self.seedBytes..<($0 + 1) * Self.seedBytes]) }
            parts[aggregator] = part
            let corrected = jointRandomnessSeed(parts, context)
            jointRandomness = self.jointRandomness(corrected, context)
            seed = corrected
        }
        var key = verificationKey.withBytes(SecretAccess("query randomness")) { Array($0) }
        defer { zeroise(&key) }
        let queryRandomness = self.queryRandomness(key, nonce: nonce, context)
        var verifiers: [Element] = []
        for index in 0..<proofs {
            let (proofLength, queryLength) = (proof.proofLength, proof.queryRandomnessLength)
            let length = circuit.jointRandomnessLength
            verifiers += try proof.query(
                measurementShare, proof: proofsShare[index * proofLength..<(index + 1) * proofLength],
                queryRandomness: queryRandomness[index * queryLength..<(index + 1) * queryLength],
                jointRandomness: Array(jointRandomness[index * length..<(index + 1) * length]), shares: shares)
        }
        let verification = Prio3Verification(
            nonce: nonce, outputShare: circuit.truncate(measurementShare, field), jointRandomnessSeed: seed)
        return (verification, field.encode(verifiers) + part)
    }

    /// Joins all aggregators' verifier shares of one report, in the order of aggregators.
    /// - Errors: `invalidProof` when the measurement is not valid; `invalidEncoding`.
    public func verifierMessage(_ verifierShares: [[UInt8]], context: [UInt8]) throws(Prio3Error) -> [UInt8] {
        guard verifierShares.count == shares else {
            throw Prio3Error(
                code: .invalidEncoding, message: "verifier shares: got \(verifierShares.count), want \(shares)")
        }
        let count = proof.verifierLength * proofs
        var sum = [Element](repeating: PrioField.zero, count: count)
        var parts: [[UInt8]] = []
        for share in verifierShares {
            guard share.count == verifierShareBytes else {
                throw .length("verifier share", share.count, verifierShareBytes)
            }
            let length = count * field.elementBytes
            field.add(try field.decode(share[..<length], count: count, "verifier share"), to: &sum)
            parts.append(Array(share[length...]))
        }
        for index in 0..<proofs {
            guard proof.decide(sum[index * proof.verifierLength..<(index + 1) * proof.verifierLength]) else {
                throw Prio3Error(code: .invalidProof, message: "proof \(index): does not verify; the report is refused")
            }
        }
        return hasJointRandomness ? jointRandomnessSeed(parts, context) : []
    }

    package func outputShare(_ verification: Prio3Verification, _ message: [UInt8]) throws(Prio3Error) -> [Element] {
        let wanted = hasJointRandomness ? Self.seedBytes : 0
        guard message.count == wanted else { throw .length("verifier message", message.count, wanted) }
        if let seed = verification.jointRandomnessSeed {
            guard tacit_equal_constant_time(seed, message, seed.count) == 1 else {
                throw Prio3Error(
                    code: .jointRandomnessMismatch,
                    message: "joint randomness: is not that of the shares; the report is refused")
            }
        }
        return verification.outputShare
    }

    /// The collector's side: the sum from all aggregators' shares.
    /// - Returns: one number for Count and Sum, else one for each place.
    /// - Errors: `invalidEncoding`.
    public func unshard(_ aggregateShares: [[UInt8]]) throws(Prio3Error) -> [UInt128] {
        guard aggregateShares.count == shares else {
            throw Prio3Error(
                code: .invalidEncoding, message: "aggregate shares: got \(aggregateShares.count), want \(shares)")
        }
        var sum = [Element](repeating: PrioField.zero, count: circuit.outputLength)
        for share in aggregateShares {
            field.add(try field.decode(share[...], count: circuit.outputLength, "aggregate share"), to: &sum)
        }
        return sum.map(field.integer)
    }
}
