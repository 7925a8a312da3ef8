import CKKS
import Lattice
import MultipartyCKKS

/// Parameters for a training run whose weights several key holders open together, with the noise of the opening in mind.
public struct CollectiveTrainingPlan: Sendable {
    public let plan: CircuitPlan
    public let group: CollectiveGroup
    /// Of the opened weights, in units of the sigmoid's interval.
    public let precision: CollectiveGroup.Precision
}

extension GradientCircuit {
    /// The error of opened weights, in units of the interval and at nine deviations of the noise, that is planned for
    /// unless said otherwise; typical errors are ten times less.
    public static let standardOpenedErrorBound = 0.25

    /// The parameters that do the training with the least work and leave the opened weights as exact as wanted.
    ///
    /// The noise of an opening is proportional to the error that the library states, so a run that is opened by several
    /// needs a smaller one than a run that its owner opens: the scale grows until both fit.
    /// - Parameters:
    ///   - errorBound: the greatest error of weights before they are opened, in units of the interval.
    ///   - openedErrorBound: the greatest error of opened weights, in the same units.
    /// - Errors: `invalidParameter` when no ring does it, with what may help; those of the group.
    public func collectivePlan(
        holders: Int, threshold: Int, policy: CKKSReleasePolicy, label: String,
        errorBound: Double = standardErrorBound, openedErrorBound: Double = standardOpenedErrorBound,
        security: RingParameters.Security = .classical128
    ) throws -> CollectiveTrainingPlan {
        precondition(openedErrorBound > 0, "openedErrorBound: want a positive number")
        var wanted = errorBound
        while true {
            let plan = try planned(
                wanted, isTightened: wanted < errorBound, opened: openedErrorBound, policy: policy, security: security,
                holders: holders)
            let group = try CollectiveGroup(
                parameters: plan.parameters, threshold: threshold, keys: plan.keys, policy: policy, label: label)
            let context = CKKSContext(plan.parameters)
            let packing = try self.packing(maximumSlots: context.maximumSlots)
            guard let weights = try rehearse(context).1.first else {
                throw PrivateLearningError(code: .invalidParameter, message: "weights: the run makes none")
            }
            let precision = try? group.precision(opening: packing.openable(weights))
            // The note with plan and scaling is opened too: bytes in all slots, which must survive the noise.
            let note = CKKSCiphertext.planned(context, magnitude: 1, underPublicKey: true)
            let noteError = (try? group.precision(opening: note))?.errorBound ?? .infinity
            if let precision, precision.errorBound <= openedErrorBound, noteError < SealedNote.tolerance {
                return CollectiveTrainingPlan(plan: plan, group: group, precision: precision)
            }
            // Noise follows the error in proportion; where it drowned everything, by a good step.
            var step = 1.0 / 32
            if let precision {
                step = min(
                    0.9, 0.9 * openedErrorBound / precision.errorBound, max(step, SealedNote.tolerance / noteError))
            }
            wanted = min(wanted, plan.errorBound) * step
        }
    }

    private func planned(
        _ errorBound: Double, isTightened: Bool, opened: Double, policy: CKKSReleasePolicy,
        security: RingParameters.Security, holders: Int
    ) throws -> CircuitPlan {
        do throws(CKKSError) {
            return try OpenedTraining(circuit: self).plan(
                errorBound: errorBound, security: security, keyHolders: holders)
        } catch {
            if isTightened, error.code == .noParameters {
                throw PrivateLearningError(
                    code: .invalidParameter,
                    message: "opening: weights within \(opened) of the interval under \(policy) need an error of "
                        + "\(errorBound) before it, for which there are no parameters; take fewer iterations, fewer "
                        + "openings, or allow a greater error of opened weights")
            }
            throw error
        }
    }
}

/// A training run whose weights keep room for the noise of an opening, which is less than they are themselves.
private struct OpenedTraining: CKKSCircuit {
    let circuit: GradientCircuit

    func inputs(maximumSlots: Int) -> [CircuitInput] { circuit.inputs(maximumSlots: maximumSlots) }

    func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        let weights = try circuit.run(inputs, with: evaluator)
        for one in weights {
            _ = try evaluator.finish("opening", one.declaring(magnitude: 2 * one.magnitude + one.errorBound))
        }
        return weights
    }
}

extension RowPacking {
    /// Weights as several holders open them: with the period that summation over all rows gives them, and an error that
    /// is that of the mean square over the period, on which the noise depends. Training bounds the norm over a row's
    /// columns; the unused slots have no more than that again.
    func openable(_ weights: CKKSCiphertext) -> CKKSCiphertext {
        let share = blockWidth > 1 ? (2 / Double(blockWidth)).squareRoot() : 1
        return weights.narrowed(to: blockWidth).restated(deviation: weights.deviation * share)
    }
}
