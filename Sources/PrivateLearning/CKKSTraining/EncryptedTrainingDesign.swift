import Bootstrapping
import CKKS
import Foundation
import Lattice

/// Parameters for training on encrypted rows, and what the run takes: with levels for all iterations where a ring has
/// them, with bootstrapping beyond.
public struct EncryptedTrainingDesign: Sendable {
    public let circuit: GradientCircuit
    /// Parameters, keys, error, time, bytes and memory, bootstrapping included.
    public let plan: CircuitPlan
    /// nil when the levels suffice.
    public let bootstrapping: BootstrappingParameters?
    /// The period of what is refreshed.
    public let refreshedSlots: Int
    /// Why the levels do not suffice.
    public let reason: String?

    /// Chooses parameters.
    /// - Parameters:
    ///   - errorBound: the greatest error of a weight, in units of the sigmoid's interval, by the library's bound. When nil,
    ///     the standard one for a run within the levels; bootstrapping, whose scale is given, then has what bound it has.
    ///   - security: of a published table.
    /// - Errors: CKKS's `noParameters` when neither levels nor bootstrapping do it, with the reason.
    /// - Cost: dry runs of the circuit for several rings; a second or two.
    public init(
        _ circuit: GradientCircuit, errorBound: Double? = nil,
        security: RingParameters.Security = .classical128, cost: CostModel = .measured()
    ) throws(CKKSError) {
        let reason: String
        do {
            let plan = try circuit.plan(
                errorBound: errorBound ?? GradientCircuit.standardErrorBound, security: security, cost: cost)
            self.init(circuit: circuit, plan: plan, bootstrapping: nil, reason: nil)
            return
        } catch {
            // Bootstrapping mends a lack of levels and nothing else.
            guard error.code == .noParameters else { throw error }
            reason = error.message
        }
        let literal: BootstrappingParameters.Literal =
            security == .insecureForTestsOnly ? .insecure4096depth10 : .n65536depth10
        guard security == literal.security else {
            throw CKKSError(
                code: .noParameters, message: "\(reason); and bootstrapping has parameters of 128 bits only")
        }
        try self.init(circuit, bootstrapping: BootstrappingParameters(literal), reason: reason, cost: cost)
        if let errorBound, plan.errorBound > errorBound {
            throw CKKSError(
                code: .noParameters,
                message: "error: \(circuit.plan.iterations) iterations with bootstrapping have a stated bound of "
                    + "\(plan.errorBound), want \(errorBound); take fewer iterations or allow a greater error")
        }
    }

    /// A run with parameters that are given, such as those of keys that exist.
    /// - Errors: CKKS's `exhaustedLevels` when the parameters have too few levels.
    public init(
        _ circuit: GradientCircuit, parameters: CKKSParameters, cost: CostModel = .measured()
    ) throws(CKKSError) {
        let plan = try circuit.plan(with: parameters, cost: cost)
        self.init(circuit: circuit, plan: plan, bootstrapping: nil, reason: nil)
    }

    /// As above, with bootstrapping.
    public init(
        _ circuit: GradientCircuit, bootstrapping: BootstrappingParameters, reason: String? = nil,
        cost: CostModel = .measured()
    ) throws(CKKSError) {
        let context = CKKSContext(planning: bootstrapping.ckks.chain)
        let slots = try Self.slots(circuit, bootstrapping.ckks)
        let planner = try Bootstrapper(bootstrapping, context: context, slots: slots)
        let plan = try circuit.plan(
            with: bootstrapping.ckks, refresher: planner, furtherBytes: planner.matrixBytes + planner.workingBytes,
            cost: cost)
        self.init(circuit: circuit, plan: plan, bootstrapping: bootstrapping, reason: reason)
    }

    private init(
        circuit: GradientCircuit, plan: CircuitPlan, bootstrapping: BootstrappingParameters?, reason: String?
    ) {
        self.circuit = circuit
        self.plan = plan
        self.bootstrapping = bootstrapping
        self.reason = reason
        refreshedSlots = (try? Self.slots(circuit, plan.parameters)) ?? plan.parameters.maximumSlots
    }

    private static func slots(_ circuit: GradientCircuit, _ parameters: CKKSParameters) throws(CKKSError) -> Int {
        do {
            return GradientRun.refreshedSlots(try circuit.packing(maximumSlots: parameters.maximumSlots))
        } catch { throw CKKSError(code: .invalidParameters, message: error.message) }
    }

    /// The bound of the Euclidean norm of the weights' errors, of scaled columns, that holds however the curvature changes along
    /// the run; what is released is flooded for it.
    /// - Errors: CKKS's, of the circuit.
    public var worstErrorBound: Double {
        get throws {
            let context = CKKSContext(planning: plan.parameters.chain)
            let packing = try circuit.packing(maximumSlots: plan.parameters.maximumSlots)
            var planner: Bootstrapper?
            if let bootstrapping { planner = try Bootstrapper(bootstrapping, context: context, slots: refreshedSlots) }
            let inputs = circuit.inputs(maximumSlots: context.maximumSlots).map {
                CKKSCiphertext.planned(
                    context, slots: $0.slots, magnitude: $0.magnitude, underPublicKey: $0.underPublicKey)
            }
            var run = GradientRun(
                circuit: circuit, parts: [packing], rows: inputs,
                evaluator: CKKSEvaluator(context, refresher: planner))
            for iteration in 0..<circuit.plan.iterations { try run.advance(iteration) }
            return run.interval * CKKSCiphertext.boundFactor * run.course.worst.ahead
        }
    }

    /// What scores are in units of; 1 for a squared loss.
    var interval: Double {
        if case .logistic(let sigmoid) = circuit.plan.loss { return sigmoid.interval }
        return 1
    }

    /// Refreshes of the whole run.
    public var refreshes: Int {
        plan.counts.reduce(0) { $1.key.operation == .bootstrap ? $0 + $1.value : $0 }
    }

    /// The chance that some refresh gives garbage, over the choice of keys and encryption.
    public var failureProbability: Double {
        guard let bootstrapping else { return 0 }
        return min(1, Double(refreshes) * bootstrapping.failureProbability(slots: refreshedSlots))
    }

    /// Bytes of the file of bootstrapping keys, which is small beside that of the evaluation keys.
    public var bootstrappingKeyBytes: Int {
        guard let bootstrapping else { return 0 }
        let parameters = bootstrapping.ckks
        return parameters.evaluationKeyBytes(.init(relinearisation: true))
            / max(1, (parameters.ring.moduli.count + parameters.ring.digitSize - 1) / parameters.ring.digitSize)
    }

    /// Makes what refreshes, for a run with these parameters.
    /// - Errors: CKKS's `parameterMismatch`.
    public static func bootstrapper(
        for rows: EncryptedTrainingRows, keys: BootstrappingKeys
    ) throws(CKKSError) -> Bootstrapper {
        try Bootstrapper(
            keys.parameters, context: rows.context, slots: GradientRun.refreshedSlots(rows.meaning.packing), keys: keys)
    }

    // MARK: In words

    /// The plan in numbers, for machines.
    public struct Summary: Hashable, Sendable, Codable {
        public struct Refreshing: Hashable, Sendable, Codable {
            public var refreshes: Int
            public var slots: Int
            public var level: Int
            public var keyFileBytes: Int
            public var log2FailureProbability: Double
            public var ephemeralWeight: Int
            public var log2EphemeralModulus: Double
            public var reason: String
        }
        public var circuit: CircuitPlan.Summary
        public var iterations: Int
        public var bootstrapping: Refreshing?
    }

    public var summary: Summary {
        Summary(
            circuit: plan.summary, iterations: circuit.plan.iterations,
            bootstrapping: bootstrapping.map { parameters in
                .init(
                    refreshes: refreshes, slots: refreshedSlots, level: parameters.literal.depth,
                    keyFileBytes: bootstrappingKeyBytes, log2FailureProbability: log2(max(failureProbability, 1e-300)),
                    ephemeralWeight: parameters.literal.ephemeralWeight,
                    log2EphemeralModulus: parameters.log2Encapsulation, reason: reason ?? "the keys are made so")
            })
    }

    /// The plan in words, a line each.
    public var explanation: [String] {
        guard let bootstrapping else { return plan.explanation }
        func line(_ name: String, _ text: String) -> String {
            name.padding(toLength: 15, withPad: " ", startingAt: 0) + text
        }
        let failure =
            failureProbability > 0 ? String(format: "2^%.1f", log2(failureProbability)) : "none"
        var lines = plan.explanation
        lines.append(
            line(
                "bootstrapping",
                "\(refreshes) refreshes of \(refreshedSlots) slots back to level \(bootstrapping.literal.depth), two "
                    + "iterations or so each; probability that one fails: \(failure)"))
        lines.append(
            line(
                "",
                "keys beside the evaluation keys: \(CircuitPlan.bytes(bootstrappingKeyBytes)); ephemeral secret of "
                    + "weight \(bootstrapping.literal.ephemeralWeight) at \(String(format: "%.0f", bootstrapping.log2Encapsulation)) "
                    + "bits, held for 128 bits by an estimate of our own (docs/bootstrapping.md)"))
        if plan.errorBound > GradientCircuit.standardErrorBound {
            lines.append(
                line(
                    "",
                    "the stated error is above the usual \(GradientCircuit.standardErrorBound): what is measured is "
                        + "some thousand times less, but not promised"))
        }
        if let reason { lines.append(line("why", "no ring has levels for all iterations: \(reason)")) }
        return lines
    }
}
