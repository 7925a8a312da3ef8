import Foundation
import Lattice

/// A computation on ciphertexts, stated once and run twice: for planning, then for real.
public protocol CKKSCircuit {
    /// The encrypted inputs, for a ring with this many slots.
    func inputs(maximumSlots: Int) -> [CircuitInput]
    func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext]
}

/// A circuit from two closures.
public struct CKKSCircuitClosure: CKKSCircuit {
    private let inputList: @Sendable (Int) -> [CircuitInput]
    private let body: @Sendable ([CKKSCiphertext], CKKSEvaluator) throws(CKKSError) -> [CKKSCiphertext]

    public init(
        inputs: @escaping @Sendable (_ maximumSlots: Int) -> [CircuitInput],
        body: @escaping @Sendable ([CKKSCiphertext], CKKSEvaluator) throws(CKKSError) -> [CKKSCiphertext]
    ) {
        inputList = inputs
        self.body = body
    }

    public func inputs(maximumSlots: Int) -> [CircuitInput] { inputList(maximumSlots) }
    public func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] { try body(inputs, evaluator) }
}

extension CKKSCircuit {
    /// The parameters that do what the circuit needs with the least work.
    ///
    /// For each ring: depth and keys from a run without end of levels; the smallest scale whose stated error is wanted;
    /// the smallest q₀ that holds the values; the number of special primes with the quickest key switch. The first ring
    /// that reaches the security is taken, or the next one when its slots make the whole circuit quicker.
    /// - Parameters:
    ///   - errorBound: the greatest error that outputs may have, by the library's own bound.
    ///   - security: what the ring must reach by the published tables.
    ///   - keyHolders: parties whose secrets add up to the key; more of them make more noise.
    /// - Errors: `noParameters`, with what stopped each ring; errors of the circuit itself.
    public func plan(
        errorBound: Double, security: RingParameters.Security = .classical128, keyHolders: Int = 1,
        cost: CostModel = .measured(), logDegrees: ClosedRange<Int> = CKKSParameters.logDegrees
    ) throws(CKKSError) -> CircuitPlan {
        precondition(errorBound > 0 && errorBound.isFinite, "errorBound: want a positive number")
        var rejected: [CircuitPlan.Rejection] = []
        var best: CircuitPlan?
        for logDegree in logDegrees {
            do {
                let plan = try self.plan(
                    logDegree: logDegree, errorBound: errorBound, security: security, keyHolders: keyHolders,
                    cost: cost,
                    rejected: rejected)
                guard let current = best else {
                    best = plan
                    continue
                }
                guard plan.seconds < current.seconds * 0.9 else { return current }
                rejected.append(
                    .init(
                        logDegree: logDegree - 1,
                        reason: "would take \(current.seconds / plan.seconds) times as long as the next ring"))
                best = plan
            } catch {
                if best == nil { rejected.append(.init(logDegree: logDegree, reason: error.message)) }
            }
        }
        if let best { return best }
        throw CKKSError(
            code: .noParameters,
            message: "parameters: no ring up to 2^\(logDegrees.upperBound) does this; "
                + rejected.map(\.description).joined(separator: "; "))
    }

    /// For one ring.
    func plan(
        logDegree: Int, errorBound: Double, security: RingParameters.Security, keyHolders: Int = 1, cost: CostModel,
        rejected: [CircuitPlan.Rejection]
    ) throws(CKKSError) -> CircuitPlan {
        // Depth, and how far the error at 40 bits is from the wanted one.
        let probe = ScaleChain.unbounded(
            logDegree: logDegree, firstModulusBits: 50, scaleBits: 40, keyHolders: keyHolders)
        let (first, outputs) = try rehearse(CKKSContext(planning: probe))
        let depth = probe.top - (first.lowestLevel ?? probe.top)
        let reached = outputs.map(\.errorBound).max() ?? 0
        var scaleBits = min(50, max(20, 40 + Int(log2(max(reached, 1e-300) / errorBound).rounded(.up))))
        var reason = CKKSError(
            code: .noParameters,
            message: "an error of \(errorBound) needs a scale above 2^50: with 2^40 the bound is \(reached)")
        while scaleBits <= 50 {
            do {
                return try plan(
                    logDegree: logDegree, scaleBits: scaleBits, depth: depth, errorBound: errorBound,
                    security: security, keyHolders: keyHolders, cost: cost, rejected: rejected)
            } catch {
                reason = error
                // A wider scale mends errors that are too great and nothing else.
                guard error.code == .noParameters else { break }
            }
            scaleBits += 1
        }
        throw reason
    }

    /// For one ring and scale: headroom of the lowest level, then special primes.
    private func plan(
        logDegree: Int, scaleBits: Int, depth: Int, errorBound: Double, security: RingParameters.Security,
        keyHolders: Int, cost: CostModel, rejected: [CircuitPlan.Rejection]
    ) throws(CKKSError) -> CircuitPlan {
        // Headroom: bits of q₀ above the scale; beyond 50 bits a level that is never used up.
        var choices = (scaleBits + 2...max(50, scaleBits + 2)).filter { $0 <= 50 }.map { (bits: $0, spare: 0) }
        choices += (1...3).map { (bits: 50, spare: $0) }
        var overflow: CKKSError?
        for (firstBits, spare) in choices {
            var literal = CKKSParameters.Literal(
                logDegree: logDegree, firstModulusBits: firstBits, scaleBits: scaleBits, depth: depth + spare,
                specialModuliBits: [], security: security, keyHolders: keyHolders)
            let bare = try CKKSParameters(literal)
            let record: CircuitRecord
            let outputs: [CKKSCiphertext]
            do { (record, outputs) = try rehearse(CKKSContext(planning: bare.chain)) } catch {
                guard error.code == .overflow else { throw error }
                overflow = error
                continue
            }
            let alternatives = try specialPrimes(for: literal, record: record, cost: cost)
            literal.specialModuliBits = alternatives.first(where: \.isChosen)?.specialModuliBits ?? []
            let parameters = try CKKSParameters(literal)
            let (final, results) = try rehearse(CKKSContext(planning: parameters.chain))
            let error = results.map(\.errorBound).max() ?? 0
            guard error <= errorBound else {
                throw CKKSError(
                    code: .noParameters,
                    message: "with a scale of 2^\(scaleBits) the error bound is \(error), want \(errorBound)")
            }
            _ = outputs
            return summary(
                parameters, depth: depth, final, results, cost: cost, rejected: rejected, alternatives: alternatives)
        }
        throw overflow ?? CKKSError(code: .noParameters, message: "no first modulus holds the values")
    }

    /// Runs the circuit on planned ciphertexts.
    package func rehearse(
        _ context: CKKSContext, refresher: (any CKKSRefreshing)? = nil
    ) throws(CKKSError) -> (CircuitRecord, [CKKSCiphertext]) {
        let record = CircuitRecord()
        let evaluator = CKKSEvaluator(context, record: record, refresher: refresher)
        let inputs = inputs(maximumSlots: context.maximumSlots).map {
            CKKSCiphertext.planned(
                context, slots: $0.slots, magnitude: $0.magnitude, underPublicKey: $0.underPublicKey)
        }
        for input in inputs { record.noteLevel(input.level) }
        return (record, try run(inputs, with: evaluator))
    }

    /// Choices of special primes; the one with the least estimated time that the security leaves room for is marked.
    private func specialPrimes(
        for literal: CKKSParameters.Literal, record: CircuitRecord, cost: CostModel
    ) throws(CKKSError) -> [CircuitPlan.Alternative] {
        guard record.keys.count > 0 else { return [] }
        var found: [(bits: [Int], result: Result<(seconds: Double, bytes: Int), CKKSError>)] = []
        for count in 1...min(8, literal.depth + 1) {
            let digit = literal.firstModulusBits + (count - 1) * literal.scaleBits
            // Four bits above the digit make the keys' errors small against the rounding.
            let size = min(50, (digit + 4 + count - 1) / count)
            var candidate = literal
            candidate.specialModuliBits = [Int](repeating: size, count: count)
            do {
                let parameters = try CKKSParameters(candidate)
                let seconds = cost.seconds(record.counts, chain: parameters.chain)
                let bytes = parameters.evaluationKeyBytes(record.keys)
                found.append((candidate.specialModuliBits, .success((seconds, bytes))))
            } catch {
                found.append((candidate.specialModuliBits, .failure(error)))
            }
        }
        let best = found.indices.min { seconds(found[$0].result) < seconds(found[$1].result) }!
        if case .failure(let reason) = found[best].result { throw reason }
        return found.enumerated().map { index, one in
            switch one.result {
            case .success(let price):
                CircuitPlan.Alternative(
                    specialModuliBits: one.bits, seconds: price.seconds, keyBytes: price.bytes,
                    isChosen: index == best, refusal: nil)
            case .failure(let reason):
                CircuitPlan.Alternative(
                    specialModuliBits: one.bits, seconds: nil, keyBytes: nil, isChosen: false, refusal: reason.message)
            }
        }
    }

    private func seconds(_ result: Result<(seconds: Double, bytes: Int), CKKSError>) -> Double {
        if case .success(let price) = result { price.seconds } else { .infinity }
    }

    /// - Parameter furtherBytes: memory beside keys and ciphertexts.
    func summary(
        _ parameters: CKKSParameters, depth: Int, _ record: CircuitRecord, _ outputs: [CKKSCiphertext], cost: CostModel,
        rejected: [CircuitPlan.Rejection] = [], alternatives: [CircuitPlan.Alternative] = [], furtherBytes: Int = 0
    ) -> CircuitPlan {
        let inputs = inputs(maximumSlots: parameters.maximumSlots)
        let top = parameters.chain.top
        let upload = inputs.reduce(0) {
            $0 + parameters.ciphertextBytes(level: top, seeded: !$1.underPublicKey)
        }
        let download = outputs.reduce(0) { $0 + parameters.ciphertextBytes(level: $1.level, seeded: false) }
        let keyBytes = parameters.evaluationKeyBytes(record.keys)
        // In memory: both halves, one word per residue.
        let keyMemory = record.keys.count * parameters.keyMemoryBytes
        let inputMemory = inputs.count * 2 * (top + 1) * parameters.ring.degree * 8
        return CircuitPlan(
            parameters: parameters, inputs: inputs, depth: depth, keys: record.keys, counts: record.counts,
            errorBound: outputs.map(\.errorBound).max() ?? 0,
            seconds: cost.seconds(record.counts, chain: parameters.chain), uploadBytes: upload,
            downloadBytes: download, keyBytes: keyBytes,
            memoryBytes: keyMemory + inputMemory + record.peakBytes + furtherBytes,
            rejected: rejected, alternatives: alternatives)
    }
}
