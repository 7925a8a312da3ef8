import Foundation

/// An approximation of sign(x) on ε ≤ |x| ≤ 1 by polynomials applied one after the other.
///
/// One polynomial needs a degree of order 1/ε; composed, each stage narrows the range of |x| around 1, and depth grows
/// with log(1/ε) only. Every stage is odd, maps [−1, 1] into itself and is the best of its degree for what the stage
/// before leaves.
/// - Reference: Lee, Lee, No, Kim 2022 (ePrint 2020/834), composition of minimax polynomials of least depth.
public struct CompositeSign: Hashable, Sendable {
    /// Applied in this order, each odd, on [−1, 1].
    public let stages: [ChebyshevPolynomial]
    /// ε
    public let gap: Double
    /// |f(x) − sign(x)| ≤ this for ε ≤ |x| ≤ 1.
    public let maximumError: Double
    /// |f(x)| ≤ this on all of [−1, 1].
    public let bound: Double

    /// Levels that evaluation takes.
    public var depth: Int { stages.reduce(0) { $0 + EvaluationPlan.depth(ofDegree: $1.degree) } }

    public func value(at x: Double) -> Double { stages.reduce(x) { $1.value(at: $0) } }

    /// The composition of least depth, and among those of fewest products, that errs by at most `error`.
    ///
    /// - Parameter gap: ε; closer to 0 nothing is promised but |f| ≤ `bound`.
    /// - Parameter maximumStageDegree: 3, 7, 15 or 31.
    /// - Errors: `invalidArgument` unless 0 < ε < 1 and 0 < error < 1; `errorOutOfReach` beyond 40 levels.
    public init(gap: Double, error: Double, maximumStageDegree: Int = 31) throws(HomomorphicCircuitsError) {
        guard gap > 0, gap < 1, error > 0, error < 1 else {
            throw .init(
                code: .invalidArgument, message: "gap, error: got \(gap), \(error), want both between 0 and 1")
        }
        // bests[D]: the composition of depth D that leaves the narrowest range. Narrower is better for every later stage,
        // so the best of depth D extends the best of depth D − depth(stage).
        var bests: [Partial?] = [Partial(lower: gap)]
        while true {
            let depth = bests.count
            guard depth <= 40 else {
                throw .init(
                    code: .errorOutOfReach, message: "sign: want an error of at most \(error) within 40 levels")
            }
            var best: Partial?
            for stageDepth in 2...5 where depth >= stageDepth && (1 << stageDepth) - 1 <= maximumStageDegree {
                guard let start = bests[depth - stageDepth] else { continue }
                let degree = 1 << stageDepth - 1
                let next = try start.appending(degree: degree)
                if next.error < best?.error ?? .infinity { best = next }
            }
            bests.append(best)
            if let best, best.error <= error {
                self = try best.thinned(to: error).finished(gap: gap)
                return
            }
        }
    }

    private init(stages: [ChebyshevPolynomial], gap: Double, maximumError: Double, bound: Double) {
        self.stages = stages
        self.gap = gap
        self.maximumError = maximumError
        self.bound = bound
    }

    /// Stages that map [gap, 1] into [lower, 1], and what the last does without the rescaling to 1.
    private struct Partial {
        var stages: [ChebyshevPolynomial] = []
        var lowers: [Double]
        var last: (polynomial: ChebyshevPolynomial, error: Double)?

        init(lower: Double) { lowers = [lower] }

        var error: Double { last?.error ?? .infinity }

        func appending(degree: Int) throws(HomomorphicCircuitsError) -> Partial {
            var next = self
            let lower = lowers[lowers.count - 1]
            let fit = try PolynomialFit(minimax: .sign, on: [-1 ... -lower, lower...1], degree: degree)
            let τ = fit.maximumError
            next.last = (fit.polynomial, τ)
            // Divided by 1 + τ the stage stays within 1. A margin keeps it there when noise is added to it.
            let margin = 1 + τ + 0x1p-20
            next.stages.append(fit.polynomial.scaled(by: 1 / margin))
            next.lowers.append((1 - τ) / margin)
            return next
        }

        /// Lower degrees for the last stage while the error allows.
        func thinned(to error: Double) throws(HomomorphicCircuitsError) -> Partial {
            var best = self
            var start = self
            let top = start.stages.removeLast().degree
            start.lowers.removeLast()
            for degree in stride(from: top - 2, through: 3, by: -2) {
                let next = try start.appending(degree: degree)
                guard next.error <= error else { break }
                best = next
            }
            return best
        }

        func finished(gap: Double) throws(HomomorphicCircuitsError) -> CompositeSign {
            let final = last!.polynomial
            let inner = Array(stages.dropLast())
            for stage in inner { _ = try Self.greatest(stage, atMost: 1) }
            let bound = try Self.greatest(final, atMost: 1 + 2 * last!.error)
            return CompositeSign(stages: inner + [final], gap: gap, maximumError: last!.error, bound: bound)
        }

        /// max |p| on [−1, 1].
        static func greatest(
            _ polynomial: ChebyshevPolynomial, atMost limit: Double
        ) throws(HomomorphicCircuitsError) -> Double {
            let zero = RealFunction(name: "0", smoothness: .analytic { _, _ in 0 }) { _ in 0 }
            let bound = try zero.certifiedError(of: polynomial, on: [-1...1]).bound
            guard bound <= limit * (1 + 1e-2) else {
                throw .init(code: .errorOutOfReach, message: "sign: a stage reaches \(bound), want \(limit)")
            }
            return bound
        }
    }
}

extension CompositeSign {
    /// |ReLU(x) − x·(1 + f(x))/2| on [−1, 1]: τ/2 beyond the gap, ε·(1 + bound)/2 inside it.
    public var rectifierError: Double { max(maximumError / 2, gap * (1 + bound) / 2) }

    /// Stages for (1 + sign(x))/2, which costs nothing more: the last stage is halved.
    public var stepStages: [ChebyshevPolynomial] {
        stages.dropLast() + [stages[stages.count - 1].scaled(by: 0.5).adding(0.5)]
    }
}
