import BigIntegers
import Foundation
import Paillier

/// How scores of a linear model are computed in integers, S·score = Σ Wⱼ·Xⱼ + W₀, and lie in slots of equal width.
///
/// Xⱼ are the plan's integers, Wⱼ = round(S·wⱼ / multiplierⱼ). S is the largest power of two for which no row within the
/// declared bounds gives a score of `slotBits` bits or more, so slots cannot run over.
struct ScoreEncoding {
    /// Magnitudes of scores stay below 2^slotBits.
    static let slotBits = 60
    /// Ties the two sides together; more would be lost in a double anyway.
    static let maximumScaleBits = 52

    /// log2 of S.
    let scaleBits: Int
    /// W₁ … W_d.
    let weights: [BigInteger]
    /// W₀.
    let intercept: BigInteger

    /// - Throws: `invalidParameter` when even the coarsest scale runs over.
    init(model: LinearModel, plan: EncodingPlan, features: [Int]) throws(PrivateLearningError) {
        let limit = BigInteger(1) << Self.slotBits
        for bits in stride(from: Self.maximumScaleBits, through: 0, by: -1) {
            let scale = Double(Int64(1) << Int64(bits))
            // A model from a file may have any finite numbers; their products need not be finite.
            let constant = (model.intercept * scale).rounded()
            guard constant.isFinite else { continue }
            var weights: [BigInteger] = []
            var reach = BigInteger(truncating: constant).magnitude
            var isFinite = true
            for (coefficient, index) in zip(model.coefficients, features) {
                let encoding = plan.columns[index].encoding
                let value = (coefficient * scale / Double(encoding.scale.multiplier)).rounded()
                guard value.isFinite else {
                    isFinite = false
                    break
                }
                let weight = BigInteger(truncating: value)
                weights.append(weight)
                let bounds = encoding.integerBounds
                reach += weight.magnitude * BigInteger(max(bounds.lowerBound.magnitude, bounds.upperBound.magnitude))
            }
            if isFinite, reach < limit {
                scaleBits = bits
                self.weights = weights
                intercept = BigInteger(truncating: constant)
                return
            }
        }
        throw PrivateLearningError(
            code: .invalidParameter,
            message: "weights: scores within the declared bounds need more than \(Self.slotBits) bits")
    }

    /// One slot a row.
    static func layout(rows: Int, modulusBits: Int) throws(PaillierError) -> PackingLayout {
        let limit = BigInteger(1) << slotBits
        return try PackingLayout(
            runs: [PackingLayout.Run(count: rows, bounds: -limit...limit)], maximumWeight: .one,
            modulusBits: modulusBits)
    }
}
