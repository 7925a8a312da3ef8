import Foundation

/// Arithmetic on which the modular reduction runs: on ciphertexts, or on plain numbers with made-up noise.
protocol ReductionArithmetic {
    associatedtype Value
    /// (Σ m·a·b + Σ l·v + c) / D_depth on the integers that the values stand for, one level down.
    func evaluate(_ step: ReductionStep<Value>) -> Value
}

/// A value with what the circuit knows about it.
struct ReductionNode<Value> {
    let value: Value
    /// What the true number was multiplied by.
    let scale: Double
    /// Levels of the reduction used so far.
    let depth: Int
}

/// One level of the circuit. Multipliers are integers held in doubles.
struct ReductionStep<Value> {
    struct Product {
        let left: ReductionNode<Value>
        /// nil for a square.
        let right: ReductionNode<Value>?
        let multiplier: Double
    }
    struct Multiple {
        let node: ReductionNode<Value>
        let multiplier: Double
    }
    /// The level at which the products are made; all operands are at this or an earlier one.
    var depth: Int
    var products: [Product] = []
    var multiples: [Multiple] = []
    var constant = 0.0
    /// Of the sum before the division.
    var scale: Double
}

/// x ↦ x − ⌊x⌉ near the integers |I| ≤ K, by way of E = exp(2πi·x).
///
/// From y = x/K′ a polynomial gives exp(2πi·x/2^d) (degree 31, five levels), d squarings give E, and
///
///     Im(W) = sin θ · (4 − cos θ)/3 = θ·(1 − θ⁴/30 + …),   W = (8E − E²)/6,   θ = 2π·(x − ⌊x⌉),
///
/// one more level, where an arcsine correction of a cosine takes two.
/// - Reference: homomorphic modular reduction by trigonometric functions: Cheon, Han, Kim, Kim, Song 2018
///   (ePrint 2018/153); halving the angle: Han, Ki 2020 (ePrint 2019/688); sines of multiples of the angle that cancel
///   the cubic error: Jutla, Manohar 2021 (ePrint 2021/572). The complex basis is our own.
struct ModularReduction: Sendable {
    static let degree = 31
    static let polynomialDepth = 5

    let polynomial: ExponentialPolynomial
    let doublings: Int
    /// D_k, what level k divides by.
    let divisors: [Double]
    /// K′: y = x/K′ is in [−1, 1].
    let range: Double

    var depth: Int { Self.polynomialDepth + doublings + 1 }

    init(range: Double, doublings: Int, divisors: [Double]) {
        precondition(divisors.count == Self.polynomialDepth + doublings + 1)
        self.range = range
        self.doublings = doublings
        self.divisors = divisors
        polynomial = ExponentialPolynomial(
            frequency: 2 * Double.pi * range / exp2(Double(doublings)), degree: Self.degree)
    }

    /// W from U₁ = i·x/K′.
    func run<Arithmetic: ReductionArithmetic>(
        _ input: Arithmetic.Value, scale: Double, on arithmetic: Arithmetic
    ) -> ReductionNode<Arithmetic.Value> {
        var e = polynomialValue(ReductionNode(value: input, scale: scale, depth: 0), arithmetic)
        for depth in Self.polynomialDepth..<Self.polynomialDepth + doublings {
            e = finish(
                ReductionStep(
                    depth: depth, products: [.init(left: e, right: nil, multiplier: 1)], scale: e.scale * e.scale),
                arithmetic)
        }
        // (8E − E²)/6
        return finish(
            ReductionStep(
                depth: e.depth, products: [.init(left: e, right: nil, multiplier: -1)],
                multiples: [.init(node: e, multiplier: (8 * e.scale).rounded())], scale: 6 * e.scale * e.scale),
            arithmetic)
    }

    /// The scale of W, without computing anything.
    func outputScale(from scale: Double) -> Double {
        struct Nothing: ReductionArithmetic { func evaluate(_ step: ReductionStep<Void>) {} }
        return run((), scale: scale, on: Nothing()).scale
    }

    private func finish<Arithmetic: ReductionArithmetic>(
        _ step: ReductionStep<Arithmetic.Value>, _ arithmetic: Arithmetic
    ) -> ReductionNode<Arithmetic.Value> {
        ReductionNode(
            value: arithmetic.evaluate(step), scale: step.scale / divisors[step.depth], depth: step.depth + 1)
    }

    private func polynomialValue<Arithmetic: ReductionArithmetic>(
        _ first: ReductionNode<Arithmetic.Value>, _ arithmetic: Arithmetic
    ) -> ReductionNode<Arithmetic.Value> {
        var basis: [Int: ReductionNode<Arithmetic.Value>] = [1: first]
        // The usual scale at each depth is that of U_{2^depth}.
        func usual(_ depth: Int) -> Double { basis[1 << depth]!.scale }
        // U_{a+b}, a ≥ b
        func make(_ a: Int, _ b: Int) {
            let (left, right) = (basis[a]!, basis[b]!)
            let depth = max(left.depth, right.depth)
            // An operand from further up may have a smaller scale: an integer makes up for it without loss.
            let lift =
                max(1, (usual(depth) / left.scale).rounded()) * max(1, (usual(depth) / right.scale).rounded())
            var step = ReductionStep<Arithmetic.Value>(depth: depth, scale: lift * left.scale * right.scale)
            step.products = [.init(left: left, right: a == b ? nil : right, multiplier: 2 * lift)]
            let sign = b % 2 == 0 ? -1.0 : 1.0
            if a == b {
                step.constant = sign * step.scale
            } else {
                let node = basis[a - b]!
                step.multiples = [.init(node: node, multiplier: (sign * step.scale / node.scale).rounded())]
            }
            basis[a + b] = finish(step, arithmetic)
        }
        for (a, b) in [(1, 1), (2, 1), (2, 2), (4, 1), (3, 3), (4, 3), (4, 4), (8, 8)] { make(a, b) }

        // Adds p to a sum that is made at a depth and has a scale there.
        func accumulate(_ p: ExponentialPolynomial, into step: inout ReductionStep<Arithmetic.Value>) {
            let usable = (0...p.degree).allSatisfy { k in k == 0 || (basis[k].map { $0.depth <= step.depth } ?? false) }
            if usable {
                step.constant += (p.coefficients[0] * step.scale).rounded()
                for k in 1..<max(1, p.degree + 1) {
                    let multiplier = (p.coefficients[k] * step.scale / basis[k]!.scale).rounded()
                    step.multiples.append(.init(node: basis[k]!, multiplier: multiplier))
                }
                return
            }
            var m = 1
            while 2 * m <= p.degree { m *= 2 }
            let (quotient, rest) = p.divided(by: m)
            let factor = basis[m]!
            let q = value(of: quotient, depth: step.depth, scale: step.scale / factor.scale)
            step.products.append(.init(left: q, right: factor, multiplier: 1))
            accumulate(rest, into: &step)
        }
        // p at a depth with a scale.
        func value(
            of p: ExponentialPolynomial, depth: Int, scale: Double
        ) -> ReductionNode<Arithmetic.Value> {
            var step = ReductionStep<Arithmetic.Value>(depth: depth - 1, scale: scale * divisors[depth - 1])
            accumulate(p, into: &step)
            return finish(step, arithmetic)
        }
        let last = Self.polynomialDepth - 1
        return value(
            of: polynomial, depth: Self.polynomialDepth, scale: usual(last) * usual(last) / divisors[last])
    }
}
