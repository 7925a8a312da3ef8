import CKKS
import Foundation

/// What a prediction computes, for choosing parameters and for telling what it takes: scores of encrypted rows under a
/// clear model, or of clear rows under an encrypted model.
public struct LinearScoreCircuit: CKKSCircuit, Sendable {
    /// Of encrypted rows.
    public let layout: SlotFeatureLayout
    public let columnCount: Int
    public let rowCount: Int
    /// Whether the model is encrypted and the rows are clear; ``layout`` says nothing then.
    public let isModelEncrypted: Bool

    public init(
        layout: SlotFeatureLayout, columnCount: Int, rowCount: Int = 1, isModelEncrypted: Bool = false
    ) {
        precondition(columnCount > 0 && rowCount > 0, "columns, rows: want at least one")
        self.layout = layout
        self.columnCount = columnCount
        self.rowCount = rowCount
        self.isModelEncrypted = isModelEncrypted
    }

    /// Scores are brought within ±1, so this is about the share of their range.
    public static let standardErrorBound = 0x1p-16

    /// Times that the slots are filled with rows.
    private func chunks(_ maximumSlots: Int) -> Int { (rowCount + maximumSlots - 1) / maximumSlots }

    public func inputs(maximumSlots: Int) -> [CircuitInput] {
        func inputs(_ slots: Int, _ count: Int) -> [CircuitInput] {
            [CircuitInput](
                repeating: CircuitInput(slots: slots, magnitude: 1, underPublicKey: true), count: count)
        }
        if isModelEncrypted { return inputs(1, columnCount + 1) }
        switch layout {
        case .columns: return inputs(maximumSlots, columnCount * chunks(maximumSlots))
        // A ring with fewer slots than columns gets an input that no ciphertext of it holds, and is refused.
        case .rows: return inputs(LinearScores.slots(columnCount), rowCount)
        }
    }

    public func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        let slots = evaluator.context.maximumSlots
        guard isModelEncrypted || layout == .columns || LinearScores.slots(columnCount) <= slots else {
            throw CKKSError(
                code: .invalidSlots, message: "columns: got \(columnCount), want at most \(slots), the slots")
        }
        let weights = [Double](repeating: 1 / Double(columnCount + 1), count: columnCount)
        let constant = 1 / Double(columnCount + 1)
        var scores: [CKKSCiphertext] = []
        if isModelEncrypted {
            let column = [Double](repeating: 1, count: slots)
            for _ in 0..<chunks(slots) {
                scores.append(
                    try LinearScores.ofEncrypted(
                        weights: Array(inputs.dropLast()), constant: inputs[columnCount],
                        columns: [[Double]](repeating: column, count: columnCount), evaluator))
            }
            return scores
        }
        switch layout {
        case .columns:
            for start in stride(from: 0, to: inputs.count, by: columnCount) {
                scores.append(
                    try LinearScores.ofColumns(
                        Array(inputs[start..<start + columnCount]), weights: weights, constant: constant, evaluator))
            }
        case .rows:
            for row in inputs {
                scores.append(try LinearScores.ofRow(row, weights: weights, constant: constant, evaluator))
            }
        }
        return scores
    }
}

/// How encrypted features lie in slots.
public enum SlotFeatureLayout: String, Codable, Hashable, Sendable, CaseIterable {
    /// A ciphertext a column, N/2 rows in it: most rows a second, no evaluation keys.
    case columns
    /// A ciphertext a row, for the shortest time from one row to its score: log₂ d rotations, which need keys.
    case rows
}

/// The arithmetic of scores, for planned and real ciphertexts. One level.
enum LinearScores {
    /// The period of a row.
    static func slots(_ columns: Int) -> Int {
        columns < 2 ? 2 : 1 << (Int.bitWidth - (columns - 1).leadingZeroBitCount)
    }

    static func ofColumns(
        _ columns: [CKKSCiphertext], weights: [Double], constant: Double, _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> CKKSCiphertext {
        var products: [CKKSCiphertext] = []
        for (column, weight) in zip(columns, weights) { products.append(try evaluator.multiplyLazily(column, weight)) }
        return try evaluator.add(evaluator.settled(evaluator.sum(products)), constant)
    }

    static func ofRow(
        _ row: CKKSCiphertext, weights: [Double], constant: Double, _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> CKKSCiphertext {
        var total = try evaluator.multiply(row, weights)
        // The period of the slots is that of the row: the sum is the same in every slot, and nothing but the sum is left.
        var step = 1
        while step < row.slots {
            total = try evaluator.add(total, evaluator.rotate(total, by: step))
            step *= 2
        }
        let bound = weights.reduce(0) { $0 + abs($1) }
        return try evaluator.add(total.declaring(magnitude: max(bound, 1e-300)), constant)
    }

    /// Encrypted weights and clear columns.
    static func ofEncrypted(
        weights: [CKKSCiphertext], constant: CKKSCiphertext, columns: [[Double]], _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> CKKSCiphertext {
        // Weights were scaled so that no score leaves ±1; sums wrap around and back, so only the whole must fit.
        let share = 1 / Double(weights.count + 1)
        var products: [CKKSCiphertext] = []
        for (weight, column) in zip(weights, columns) {
            let product = try evaluator.multiplyLazily(weight, evaluator.encode(column, multiplying: weight))
            products.append(product.declaring(magnitude: share))
        }
        return try evaluator.add(
            evaluator.settled(evaluator.sum(products)), constant.declaring(magnitude: share))
    }
}

/// Features within ±1 and a model for them, from a plan's public bounds: x = centre + half·v.
struct UnitFeatures {
    let centres: [Double]
    let halves: [Double]

    init(plan: EncodingPlan, features: [String]) throws(PrivateLearningError) {
        var (centres, halves): ([Double], [Double]) = ([], [])
        for name in features {
            let encoding = plan.columns[try plan.index(of: name)].encoding
            centres.append((encoding.lower + encoding.upper) / 2)
            halves.append(max((encoding.upper - encoding.lower) / 2, 1e-12))
        }
        self.centres = centres
        self.halves = halves
    }

    /// Column by column, from row-major numbers in the columns' own units.
    func columns(_ rows: [Double]) -> [[Double]] {
        let width = centres.count
        return (0..<width).map { column in
            stride(from: column, to: rows.count, by: width).map {
                min(max((rows[$0] - centres[column]) / halves[column], -1), 1)
            }
        }
    }

    /// Weights and constant for such columns, divided by 2^scaleBits so that no score leaves ±1.
    /// - Errors: `invalidParameter` for a model whose scores are not finite.
    func scaled(_ model: LinearModel) throws(PrivateLearningError) -> (
        weights: [Double], constant: Double, scaleBits: Int
    ) {
        let weights = zip(model.coefficients, halves).map { $0 * $1 }
        let constant = zip(model.coefficients, centres).reduce(model.intercept) { $0 + $1.0 * $1.1 }
        let reach = weights.reduce(abs(constant)) { $0 + abs($1) }
        guard reach.isFinite, reach < 0x1p500 else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "model: its scores within the declared bounds are not finite")
        }
        let bits = reach > 0 ? Int(log2(reach).rounded(.up)) : 0
        let unit = exp2(Double(-bits))
        return (weights.map { $0 * unit }, constant * unit, bits)
    }
}
