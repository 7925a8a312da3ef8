import CKKS
import Foundation
import Lattice
import Randomness

/// A trained model that may leave the key owner, with noise in its weights that hides the key.
public struct ReleasedModel: Sendable {
    public let model: LinearModel
    /// Standard deviation of the noise in a weight of scaled columns.
    public let noiseDeviation: Double
    /// Bound of the error of such a weight, the noise included.
    public let errorBound: Double
    /// The bound that the noise is made for: of the Euclidean norm of all weights' errors, whatever the curvature.
    public let floodedBound: Double
    /// The bound that the owner's own decryption has.
    public let ownerErrorBound: Double
    public let policy: CKKSReleasePolicy
    /// Vectors released: of the policy's queries under this key so many are spent.
    public let queries: Int

    /// Bits fewer than in the owner's own decryption, bound against bound.
    public var bitsLost: Double { log2(errorBound / ownerErrorBound) }
}

extension EncryptedTrainingDesign {
    /// The bound of the error of released weights, in units of the interval: the one that flooding hides, and nine
    /// deviations of the noise.
    /// - Errors: CKKS's, of the circuit.
    public func releasedErrorBound(_ policy: CKKSReleasePolicy) throws -> Double {
        try worstErrorBound / interval * (1 + CKKSRelease.tail * policy.noiseMultiplier)
    }

    /// The parameters that do the training with the least work and leave released weights as exact as wanted.
    ///
    /// The noise of a release is proportional to the bound of the error, so a model that shall leave its owner needs a
    /// finer scale than one that its owner keeps: the scale grows until both fit. Primes of 50 bits end it, at errors of
    /// some 10⁻⁶ for seven iterations; 30 statistical bits for even one query are 2¹⁷ times that, so that runs of that
    /// length can keep key recovery out (``CKKS/CKKSReleasePolicy/Goal``) and nothing more.
    /// - Parameters:
    ///   - bound: the greatest error of a released weight, in units of the interval, at nine deviations of the noise.
    ///   - errorBound: the greatest error of weights before they are released, in the same units.
    /// - Errors: `invalidParameter` when no ring does it within its levels, with what may help.
    public init(
        releasing circuit: GradientCircuit, policy: CKKSReleasePolicy,
        within bound: Double = GradientCircuit.standardOpenedErrorBound,
        errorBound: Double = GradientCircuit.standardErrorBound,
        security: RingParameters.Security = .classical128, cost: CostModel = .measured()
    ) throws {
        precondition(bound > 0 && errorBound > 0, "bounds: want positive numbers")
        var wanted = errorBound
        while true {
            let plan: CircuitPlan
            do throws(CKKSError) {
                plan = try circuit.plan(errorBound: wanted, security: security, cost: cost)
            } catch {
                guard error.code == .noParameters else { throw error }
                throw PrivateLearningError(
                    code: .invalidParameter,
                    message:
                        "release: weights within \(bound) of the interval under \(policy) need an error of \(wanted) before "
                        + "the noise, for which there are no parameters with levels for all iterations; take fewer "
                        + "iterations, fewer releases, another policy, or allow a greater error of released weights")
            }
            let design = try Self(circuit, parameters: plan.parameters, cost: cost)
            let reached = try design.releasedErrorBound(policy)
            if reached <= bound {
                self = design
                return
            }
            wanted = min(wanted, plan.errorBound) * min(0.5, bound / reached)
        }
    }
}

extension EncryptedTrainedModel {
    /// The weights with flooding noise, for others than the key owner.
    ///
    /// Noise is made for a bound on the weights' errors that holds however the curvature changes along the run
    /// (``EncryptedTrainingDesign/worstErrorBound``) and that the owner computes from the plan; what the server states plays
    /// no part. It bounds the Euclidean norm of the errors, which is what the noise must hide.
    /// - Parameter design: the owner's own plan of the run: the circuit, parameters and bootstrapping that were used.
    /// - Guarantee: as ``CKKS/CKKSReleasePolicy``, for as many queries as there are blocks of columns.
    /// - Errors: `mismatch` for another key or a design of another run; `invalidParameter` for a policy of fewer queries than
    ///   blocks; CKKS's `noPrecision` when the noise would be as great as the weights.
    public func release(
        _ secret: CKKSSecretKey, design: EncryptedTrainingDesign, policy: CKKSReleasePolicy = .standard,
        using random: inout some SecureRandom
    ) throws -> ReleasedModel {
        let packing = meaning.rows.packing
        guard design.circuit.plan == meaning.plan, design.circuit.rowCount == packing.rowCount,
            design.circuit.columnCount == packing.columnCount, design.plan.parameters == context.parameters
        else {
            throw PrivateLearningError(
                code: .mismatch, message: "design: is of another run than the model; plan the circuit of the model")
        }
        guard policy.queries >= packing.blockCount else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "queries: got a policy of \(policy.queries), want at least \(packing.blockCount), the blocks "
                    + "of columns that are released")
        }
        let norm = try design.worstErrorBound / interval
        var (deviation, bound) = (0.0, 0.0)
        let model = try open(secret) { ciphertext, block in
            let first = block * packing.blockColumns
            let count = min(packing.blockColumns, packing.columnCount - first)
            // `release` multiplies by the root of the count, which this bound of the norm holds already.
            let each = norm / Double(count).squareRoot()
            let stated = CKKSCiphertext(
                context: ciphertext.context, parts: ciphertext.parts, size: ciphertext.size, level: ciphertext.level,
                scale: ciphertext.scale, slots: ciphertext.slots, magnitude: GradientCircuit.weightBound,
                deviation: each / CKKSCiphertext.boundFactor, key: ciphertext.key)
            let released = try secret.release(stated, count: count, policy: policy, errorBound: each, using: &random)
            deviation = max(deviation, released.noiseDeviation)
            bound = max(bound, norm + CKKSRelease.tail * released.noiseDeviation)
            // The same in every row, as the weights themselves are.
            var row = [Double](repeating: 0, count: packing.blockWidth)
            for (column, value) in released.real.enumerated() { row[column] = value }
            return (0..<packing.slots).map { row[$0 & (packing.blockWidth - 1)] }
        }
        return ReleasedModel(
            model: model, noiseDeviation: deviation * interval, errorBound: bound * interval,
            floodedBound: norm * interval, ownerErrorBound: design.plan.errorBound * interval, policy: policy,
            queries: packing.blockCount)
    }
}
