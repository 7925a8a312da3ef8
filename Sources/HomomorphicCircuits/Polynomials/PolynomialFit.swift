import Foundation

/// A polynomial that stands for a function, with a bound of its error.
public struct PolynomialFit: Hashable, Sendable {
    /// The function's name.
    public let function: String
    public let polynomial: ChebyshevPolynomial
    /// Where the error is bounded; the polynomial's interval is the hull.
    public let domain: [ClosedRange<Double>]
    public let certificate: ErrorCertificate

    /// |f(x) − p(x)| is at most this on the domain; see ``ErrorCertificate/argument`` for what the bound rests on.
    public var maximumError: Double { certificate.bound }
    public var degree: Int { polynomial.degree }
    /// Multiplicative levels that evaluation takes: ⌈log₂(degree + 1)⌉.
    public var depth: Int { EvaluationPlan.depth(ofDegree: degree) }

    /// A polynomial made elsewhere, its error bounded here.
    /// - Errors: `invalidInterval`.
    public init(
        _ polynomial: ChebyshevPolynomial, for function: RealFunction, on domain: [ClosedRange<Double>]
    ) throws(HomomorphicCircuitsError) {
        self.function = function.name
        self.polynomial = polynomial
        self.domain = domain
        certificate = try function.certifiedError(of: polynomial, on: domain)
    }

    /// The polynomial of at most this degree with the least greatest error (minimax), by Remez' exchange.
    ///
    /// On an interval symmetric around 0 the parity of f − f(0) is kept.
    /// - Parameter domain: disjoint intervals in ascending order.
    /// - Errors: `invalidInterval`; `invalidArgument` unless 0 ≤ degree ≤ 500.
    public init(
        minimax function: RealFunction, on domain: [ClosedRange<Double>], degree: Int
    ) throws(HomomorphicCircuitsError) {
        guard (0...500).contains(degree) else {
            throw .init(code: .invalidArgument, message: "degree: got \(degree), want 0...500")
        }
        let hull = try Self.hull(domain)
        let parity = Self.usableParity(function, domain)
        let offset = parity == .none ? 0 : function.value(at: 0)
        let indices = (0...degree).filter { k in
            switch parity {
            case .none: true
            case .odd: k % 2 == 1
            case .even: k % 2 == 0
            }
        }
        guard !indices.isEmpty else {
            try self.init(ChebyshevPolynomial(coefficients: [offset], interval: hull), for: function, on: domain)
            return
        }
        // Half of a symmetric domain decides.
        let pieces = function.pieces(of: domain).compactMap { piece -> ClosedRange<Double>? in
            guard parity != .none else { return piece }
            guard piece.upperBound > 0 else { return nil }
            return max(0, piece.lowerBound)...piece.upperBound
        }
        let side: Double = parity == .none && hull.upperBound <= 0 ? -1 : 1
        let exchange = RemezExchange(
            value: { function.evaluate($0, side) - offset }, weight: { _ in 1 }, pieces: pieces, hull: hull,
            indices: indices)
        if let solution = exchange.solve() {
            var coefficients = [Double](repeating: 0, count: degree + 1)
            for (k, c) in zip(indices, solution.coefficients) { coefficients[k] = c }
            coefficients[0] += offset
            try self.init(ChebyshevPolynomial(coefficients: coefficients, interval: hull), for: function, on: domain)
            return
        }
        try self.init(interpolating: function, on: hull, degree: degree)
    }

    /// As above, on one interval.
    public init(
        minimax function: RealFunction, on interval: ClosedRange<Double>, degree: Int
    ) throws(HomomorphicCircuitsError) {
        try self.init(minimax: function, on: [interval], degree: degree)
    }

    /// The minimax polynomial of the least degree whose bound is at most `error`.
    /// - Errors: `errorOutOfReach` when degree `maximumDegree` does not do; the message says what it reaches.
    /// - Cost: about 2·log₂(degree) exchanges.
    public init(
        minimax function: RealFunction, on domain: [ClosedRange<Double>], error: Double, maximumDegree: Int = 255
    ) throws(HomomorphicCircuitsError) {
        guard error > 0 else { throw .init(code: .invalidArgument, message: "error: got \(error), want more than 0") }
        var (low, high) = (0, 1)
        var found: PolynomialFit
        while true {
            found = try PolynomialFit(minimax: function, on: domain, degree: min(high, maximumDegree))
            if found.maximumError <= error { break }
            guard high < maximumDegree else {
                throw .init(
                    code: .errorOutOfReach,
                    message: "\(function.name): degree \(maximumDegree) reaches \(found.maximumError), want \(error)")
            }
            low = high
            high = 2 * high + 1
        }
        high = min(high, maximumDegree)
        // Degree low fails, high does.
        while high - low > 1 {
            let middle = (low + high) / 2
            let fit = try PolynomialFit(minimax: function, on: domain, degree: middle)
            if fit.maximumError <= error { (high, found) = (middle, fit) } else { low = middle }
        }
        self = found
    }

    /// As above, on one interval.
    public init(
        minimax function: RealFunction, on interval: ClosedRange<Double>, error: Double, maximumDegree: Int = 255
    ) throws(HomomorphicCircuitsError) {
        try self.init(minimax: function, on: [interval], error: error, maximumDegree: maximumDegree)
    }

    /// The best polynomial that `depth` levels evaluate: of degree 2^depth − 1.
    public init(
        minimax function: RealFunction, on interval: ClosedRange<Double>, depth: Int
    ) throws(HomomorphicCircuitsError) {
        guard (1...8).contains(depth) else {
            throw .init(code: .invalidArgument, message: "depth: got \(depth), want 1...8")
        }
        try self.init(minimax: function, on: [interval], degree: 1 << depth - 1)
    }

    /// The polynomial equal to f at the degree + 1 roots of T_(degree+1): within a factor 2 + (2/π)·ln(degree + 1) of the
    /// minimax error.
    public init(
        interpolating function: RealFunction, on interval: ClosedRange<Double>, degree: Int
    ) throws(HomomorphicCircuitsError) {
        guard (0...4000).contains(degree) else {
            throw .init(code: .invalidArgument, message: "degree: got \(degree), want 0...4000")
        }
        try ChebyshevPolynomial.check(interval)
        let polynomial = try ChebyshevPolynomial(
            interpolating: { function.value(at: $0) }, degree: degree, interval: interval)
        let parity = Self.usableParity(function, [interval])
        try self.init(polynomial.keeping(parity), for: function, on: [interval])
    }

    /// The polynomial with the least ∫ (f − p)² over the interval, as used for logistic regression on encrypted data.
    ///
    /// With as little error on average as possible it errs more at the ends than the minimax polynomial does.
    /// - Reference: Kim, Song, Kim, Lee, Cheon 2018, section 3.2.
    public init(
        leastSquares function: RealFunction, on interval: ClosedRange<Double>, degree: Int
    ) throws(HomomorphicCircuitsError) {
        guard (0...100).contains(degree) else {
            throw .init(code: .invalidArgument, message: "degree: got \(degree), want 0...100")
        }
        try ChebyshevPolynomial.check(interval)
        let polynomial = try ChebyshevPolynomial(
            projecting: { x, side in function.evaluate(x, side) }, pieces: function.pieces(of: [interval]),
            degree: degree, interval: interval)
        let parity = Self.usableParity(function, [interval])
        try self.init(polynomial.keeping(parity), for: function, on: [interval])
    }

    private static func hull(_ domain: [ClosedRange<Double>]) throws(HomomorphicCircuitsError) -> ClosedRange<Double> {
        guard let first = domain.first, let last = domain.last,
            zip(domain, domain.dropFirst()).allSatisfy({ $0.upperBound < $1.lowerBound })
        else {
            throw .init(code: .invalidInterval, message: "domain: want disjoint intervals in ascending order")
        }
        let hull = first.lowerBound...last.upperBound
        try ChebyshevPolynomial.check(hull)
        return hull
    }

    private static func usableParity(
        _ function: RealFunction, _ domain: [ClosedRange<Double>]
    ) -> ChebyshevPolynomial.Parity {
        let symmetric = zip(domain, domain.reversed()).allSatisfy {
            $0.lowerBound == -$1.upperBound && $0.upperBound == -$1.lowerBound
        }
        return symmetric ? function.parity : .none
    }
}

extension ChebyshevPolynomial {
    /// Without the coefficients that vanish but for rounding.
    func keeping(_ parity: Parity) -> ChebyshevPolynomial {
        guard parity != .none else { return self }
        let kept = coefficients.enumerated().map { k, c in k == 0 || (k % 2 == 1) == (parity == .odd) ? c : 0 }
        return ChebyshevPolynomial(unchecked: kept, interval: interval)
    }

    /// The polynomial of this degree equal to f at the roots of T_(degree+1) on the interval.
    /// - Errors: `notFinite`.
    /// - Cost: O(degree²).
    public init(
        interpolating value: (Double) -> Double, degree: Int, interval: ClosedRange<Double>
    ) throws(HomomorphicCircuitsError) {
        let n = degree + 1
        let centre = interval.lowerBound / 2 + interval.upperBound / 2
        let half = interval.upperBound / 2 - interval.lowerBound / 2
        let values = (0..<n).map { value(centre + half * cos(.pi * (Double($0) + 0.5) / Double(n))) }
        let coefficients = (0..<n).map { k in
            var sum = 0.0
            for j in 0..<n {
                // The angle is reduced as an integer, exactly.
                let angle = k * (2 * j + 1) % (4 * n)
                sum += values[j] * cos(.pi * Double(angle) / Double(2 * n))
            }
            return sum * (k == 0 ? 1 : 2) / Double(n)
        }
        try self.init(coefficients: coefficients, interval: interval)
    }

    /// The orthogonal projection of f with respect to ∫ f·g over the interval.
    ///
    /// The normal equations in Legendre polynomials are diagonal; integrals by Gauss' rule on every piece.
    init(
        projecting value: (Double, Double) -> Double, pieces: [ClosedRange<Double>], degree: Int,
        interval: ClosedRange<Double>
    ) throws(HomomorphicCircuitsError) {
        let width = interval.upperBound - interval.lowerBound
        let rule = GaussRule(count: max(64, 2 * degree))
        var moments = [Double](repeating: 0, count: degree + 1)
        for piece in pieces {
            let (centre, half) = (
                piece.lowerBound / 2 + piece.upperBound / 2, piece.upperBound / 2 - piece.lowerBound / 2
            )
            // Pieces of a piece, since f may be steep.
            let parts = 16
            for part in 0..<parts {
                for (node, weight) in zip(rule.nodes, rule.weights) {
                    let local = (2 * Double(part) + 1 + node) / Double(parts) - 1
                    let x = centre + half * local
                    let t = ((x - interval.lowerBound) - (interval.upperBound - x)) / width
                    let f = value(x, centre > 0 ? 1 : -1) * weight * half / Double(parts)
                    for (k, p) in GaussRule.legendre(degree, t).enumerated() { moments[k] += f * p }
                }
            }
        }
        // ∫ P_k² dx = width / (2k + 1)
        let weights = moments.enumerated().map { k, m in m * Double(2 * k + 1) / width }
        try self.init(
            interpolating: { x in
                let t = ((x - interval.lowerBound) - (interval.upperBound - x)) / width
                return zip(weights, GaussRule.legendre(degree, t)).reduce(0) { $0 + $1.0 * $1.1 }
            }, degree: degree, interval: interval)
    }
}

/// Gauss–Legendre quadrature on [−1, 1].
struct GaussRule {
    let nodes: [Double]
    let weights: [Double]

    init(count n: Int) {
        // Newton's method from the asymptotic roots of P_n.
        let pairs = (0..<n).map { i -> (Double, Double) in
            var x = cos(.pi * (Double(i) + 0.75) / (Double(n) + 0.5))
            var slope = 1.0
            for _ in 0..<50 {
                let p = Self.legendre(n, x)
                slope = Double(n) * (x * p[n] - p[n - 1]) / (x * x - 1)
                let step = p[n] / slope
                x -= step
                if abs(step) < 1e-16 { break }
            }
            return (x, 2 / ((1 - x * x) * slope * slope))
        }
        nodes = pairs.map(\.0)
        weights = pairs.map(\.1)
    }

    /// P_0(t) … P_n(t)
    static func legendre(_ n: Int, _ t: Double) -> [Double] {
        var values = [1.0]
        if n > 0 { values.append(t) }
        for k in 1..<max(1, n) {
            values.append((Double(2 * k + 1) * t * values[k] - Double(k) * values[k - 1]) / Double(k + 1))
        }
        return values
    }
}
