import CKKS
import Foundation

/// A training run on encrypted rows, as a circuit: the same code is planned, measured and run.
///
/// The state is in units of the sigmoid's interval, v = V·R, so that all values stay near 1. With z the scaled rows, β and α
/// of the plan, n the rows of the batch and P the odd part of the polynomial, an iteration is
///
///     x = z·V,   G = Σ_r c·z·q(x)·x,   V⁺ = (1 + β)(1 − αλ)V − β W + s·S − G
///
/// with S = Σ z, s = (1 + β)α/2Rn, and the polynomial written so that it needs no constant at the end: degree 5 as
/// b₂x((x² − h)² + e), degree 3 as b₁x(x² + e), where the leading coefficient and (1 + β)α/Rn are in c, a constant that
/// meets the rows at a level they give up anyway. Levels: the product with the rows, the squares, the product with c·z·x.
/// - Reference: Kim et al. 2018, section 3, for the recurrence; packing as in ``RowPacking``.
public struct GradientCircuit: CKKSCircuit, Sendable {
    public let plan: TrainingPlan
    public let rowCount: Int
    public let columnCount: Int
    /// No entry of a row is greater.
    public let entryBound: Double

    /// The Euclidean norm of the weights, in units of the interval, is expected within; the one who decrypts checks it.
    public static let weightBound = 4.0
    /// No score, in the same units, is expected beyond: 1.75 intervals.
    public static let scoreBound = 1.75
    /// The error of weights, in units of the interval, that parameters are chosen for, by the library's bound. What is
    /// measured is some thousand times less: the bound adds up sixteen deviations and the worst course of the momentum.
    public static let standardErrorBound = 0x1p-6

    /// - Parameters:
    ///   - columnCount: columns of the encrypted rows: the constant, the features and, for a squared loss, the target.
    ///   - entryBound: of the rows' numbers; public.
    public init(plan: TrainingPlan, rowCount: Int, columnCount: Int, entryBound: Double) {
        precondition(rowCount > 0 && columnCount > 0 && entryBound > 0, "rows, columns, bound: want positive numbers")
        self.plan = plan
        self.rowCount = rowCount
        self.columnCount = columnCount
        self.entryBound = entryBound
    }

    /// The layout in a ring with that many slots.
    public func packing(maximumSlots: Int) throws(PrivateLearningError) -> RowPacking {
        try RowPacking(
            rowCount: rowCount, columnCount: columnCount, batches: plan.batches, squarings: squarings,
            maximumSlots: maximumSlots)
    }

    private var squarings: Int { plan.levelsPerIteration - 2 }

    public func inputs(maximumSlots: Int) -> [CircuitInput] {
        guard let packing = try? packing(maximumSlots: maximumSlots) else { return [] }
        return [CircuitInput](
            repeating: CircuitInput(slots: packing.slots, magnitude: entryBound, underPublicKey: true),
            count: packing.ciphertextCount)
    }

    /// Weights after the last iteration, one ciphertext a block, in units of the interval.
    public func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        let packing: RowPacking
        do { packing = try self.packing(maximumSlots: evaluator.context.maximumSlots) } catch {
            throw CKKSError(code: .invalidParameters, message: error.message)
        }
        guard inputs.count == packing.ciphertextCount else {
            throw CKKSError(
                code: .invalidParameters,
                message: "rows: got \(inputs.count) ciphertexts, want \(packing.ciphertextCount)")
        }
        var run = GradientRun(circuit: self, parts: [packing], rows: inputs, evaluator: evaluator)
        for iteration in 0..<plan.iterations { try run.advance(iteration) }
        return run.weights
    }
}
