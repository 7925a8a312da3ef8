import Foundation

/// A real function with what is needed to bound how well a polynomial approximates it.
public struct RealFunction: Sendable {
    /// An ellipse in the complex plane around a piece of the real line: foci at the piece's ends.
    public struct Ellipse: Sendable {
        public let centre: Double
        /// Half of the axis along the real line.
        public let realRadius: Double
        public let imaginaryRadius: Double
    }

    /// How the error between samples is bounded.
    public enum Smoothness: Sendable {
        /// A bound of |f| on an ellipse around a piece between two breakpoints, for the analytic continuation of f from
        /// that piece; nil when f has a singularity there.
        case analytic(@Sendable (_ piece: ClosedRange<Double>, _ ellipse: Ellipse) -> Double?)
        /// |f(x) − f(y)| ≤ constant·|x − y| between breakpoints.
        case lipschitz(Double)
        /// Nothing is known: errors are stated for samples only.
        case unknown
    }

    public let name: String
    /// Of f − f(0); used only on intervals symmetric around 0.
    public let parity: ChebyshevPolynomial.Parity
    /// Points where f or its derivatives jump. Intervals are cut there, and each piece counts both of its ends with the
    /// limit from inside.
    public let breakpoints: [Double]
    public let smoothness: Smoothness
    /// f(x); at a breakpoint the limit from the side of the second argument's sign.
    let evaluate: @Sendable (_ x: Double, _ side: Double) -> Double

    public init(
        name: String, parity: ChebyshevPolynomial.Parity = .none, smoothness: Smoothness = .unknown,
        value: @escaping @Sendable (Double) -> Double
    ) {
        self.init(name: name, parity: parity, breakpoints: [], smoothness: smoothness) { x, _ in value(x) }
    }

    init(
        name: String, parity: ChebyshevPolynomial.Parity, breakpoints: [Double], smoothness: Smoothness,
        evaluate: @escaping @Sendable (Double, Double) -> Double
    ) {
        self.name = name
        self.parity = parity
        self.breakpoints = breakpoints
        self.smoothness = smoothness
        self.evaluate = evaluate
    }

    public func value(at x: Double) -> Double { evaluate(x, 0) }
}

// MARK: Functions with known bounds

extension RealFunction {
    /// 1/(1 + e^−x). Where |Im z| ≤ π/2, Re e^−z ≥ 0 and therefore |f| ≤ 1.
    public static let sigmoid = RealFunction(
        name: "sigmoid", parity: .odd,
        smoothness: .analytic { _, ellipse in ellipse.imaginaryRadius <= .pi / 2 ? 1 : nil }
    ) { 1 / (1 + exp(-$0)) }

    /// tanh x = 2·sigmoid(2x) − 1. |f| ≤ 1 where |Im z| ≤ π/4.
    public static let tanh = RealFunction(
        name: "tanh", parity: .odd,
        smoothness: .analytic { _, ellipse in ellipse.imaginaryRadius <= .pi / 4 ? 1 : nil }
    ) { Foundation.tanh($0) }

    public static let exponential = RealFunction(
        name: "exp",
        smoothness: .analytic { _, ellipse in exp(ellipse.centre + ellipse.realRadius) }
    ) { exp($0) }

    /// 1/x on one side of 0.
    public static let reciprocal = RealFunction(
        name: "1/x",
        smoothness: .analytic { _, ellipse in
            let distance = abs(ellipse.centre) - ellipse.realRadius
            return distance > 0 ? 1 / distance : nil
        }
    ) { 1 / $0 }

    /// x^(−1/2) for x > 0.
    public static let reciprocalSquareRoot = RealFunction(
        name: "1/sqrt(x)",
        smoothness: .analytic { _, ellipse in
            let distance = ellipse.centre - ellipse.realRadius
            return distance > 0 ? 1 / distance.squareRoot() : nil
        }
    ) { 1 / $0.squareRoot() }

    /// √x for x > 0.
    public static let squareRoot = RealFunction(
        name: "sqrt(x)",
        smoothness: .analytic { _, ellipse in
            ellipse.centre > ellipse.realRadius ? (ellipse.centre + ellipse.realRadius).squareRoot() : nil
        }
    ) { $0.squareRoot() }

    /// ln x for x > 0: |ln z| ≤ |ln|z|| + π/2 in the right half plane.
    public static let logarithm = RealFunction(
        name: "log",
        smoothness: .analytic { _, ellipse in
            let (near, far) = (ellipse.centre - ellipse.realRadius, ellipse.centre + ellipse.realRadius)
            return near > 0 ? max(abs(log(near)), abs(log(far))) + .pi / 2 : nil
        }
    ) { log($0) }

    /// sin(ωx): |sin z| ≤ cosh(Im z).
    public static func sine(angularFrequency ω: Double = 1) -> RealFunction {
        RealFunction(
            name: "sin(\(ω)x)", parity: .odd,
            smoothness: .analytic { _, ellipse in cosh(ω * ellipse.imaginaryRadius) }
        ) { sin(ω * $0) }
    }

    /// cos(ω(x − shift)).
    public static func cosine(angularFrequency ω: Double = 1, shift: Double = 0) -> RealFunction {
        RealFunction(
            name: "cos(\(ω)(x - \(shift)))", parity: shift == 0 ? .even : .none,
            smoothness: .analytic { _, ellipse in cosh(ω * ellipse.imaginaryRadius) }
        ) { cos(ω * ($0 - shift)) }
    }

    /// arcsin x for |x| < 1: the Taylor coefficients are positive, hence |arcsin z| ≤ arcsin |z|.
    public static let arcsine = RealFunction(
        name: "arcsin", parity: .odd,
        smoothness: .analytic { _, ellipse in
            let radius = abs(ellipse.centre) + ellipse.realRadius
            return radius < 1 ? asin(radius) : nil
        }
    ) { asin($0) }

    /// −1, 0, 1 for negative x, zero, positive x.
    public static let sign = RealFunction(
        name: "sign", parity: .odd, breakpoints: [0], smoothness: .analytic { _, _ in 1 }
    ) { x, side in x > 0 || x == 0 && side > 0 ? 1 : x < 0 || side < 0 ? -1 : 0 }

    /// max(x, 0). On the left of 0 it continues as 0, on the right as z.
    public static let rectifier = RealFunction(
        name: "ReLU", parity: .none, breakpoints: [0],
        smoothness: .analytic { _, ellipse in abs(ellipse.centre) + ellipse.realRadius }
    ) { x, _ in max(x, 0) }

    /// |x|
    public static let absolute = RealFunction(
        name: "abs", parity: .even, breakpoints: [0],
        smoothness: .analytic { _, ellipse in abs(ellipse.centre) + ellipse.realRadius }
    ) { x, _ in abs(x) }

    /// x·Φ(x) with Φ the normal distribution function (GELU).
    ///
    /// Entire: |Φ(z)| ≤ 1 + e^(b²/2)·b/√(2π) for |Im z| ≤ b, by integrating from Re z straight up.
    public static let gaussianErrorLinear = RealFunction(
        name: "GELU",
        smoothness: .analytic { _, ellipse in
            let b = ellipse.imaginaryRadius
            let radius = abs(ellipse.centre) + max(ellipse.realRadius, b)
            return radius * (1 + exp(b * b / 2) * b / (2 * Double.pi).squareRoot())
        }
    ) { $0 * erfc(-$0 / 2.0.squareRoot()) / 2 }
}
