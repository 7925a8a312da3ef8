import Foundation

/// p(x) = Σ_k c_k·T_k(t) with t = (2x − a − b)/(b − a), on the interval [a, b].
///
/// T_k(cos θ) = cos kθ. In this basis the coefficients of a bounded polynomial are bounded (|c_k| ≤ 2·max|p|), whereas
/// powers of x need coefficients that grow exponentially with the degree: with approximate arithmetic only the former
/// keeps its precision.
public struct ChebyshevPolynomial: Hashable, Sendable {
    /// c_0 … c_d, at least one, all finite.
    public let coefficients: [Double]
    /// [a, b], a < b.
    public let interval: ClosedRange<Double>

    /// Which coefficients beyond c_0 vanish. c_0 may be anything: a constant is added for free.
    public enum Parity: Hashable, Sendable {
        /// c_k = 0 for even k ≥ 2, as in x³ or 1/2 + x.
        case odd
        /// c_k = 0 for odd k.
        case even
        case none
    }

    /// - Errors: `invalidArgument` without coefficients, `notFinite`, `invalidInterval` unless −∞ < a < b < ∞.
    public init(coefficients: [Double], interval: ClosedRange<Double> = -1...1) throws(HomomorphicCircuitsError) {
        guard !coefficients.isEmpty else {
            throw .init(code: .invalidArgument, message: "coefficients: got none, want at least 1")
        }
        guard coefficients.allSatisfy(\.isFinite) else {
            throw .init(code: .notFinite, message: "coefficients: want finite numbers")
        }
        try Self.check(interval)
        self.init(unchecked: coefficients, interval: interval)
    }

    init(unchecked coefficients: [Double], interval: ClosedRange<Double>) {
        let used = coefficients.lastIndex { $0 != 0 } ?? 0
        self.coefficients = Array(coefficients[...used])
        self.interval = interval
    }

    static func check(_ interval: ClosedRange<Double>) throws(HomomorphicCircuitsError) {
        let width = interval.upperBound - interval.lowerBound
        guard width.isFinite, width > 0, width > 1e-12 * abs(interval.upperBound) else {
            throw .init(
                code: .invalidInterval, message: "interval: got \(interval), want a finite one of positive width")
        }
    }

    /// d, the index of the last coefficient that is not zero.
    public var degree: Int { coefficients.count - 1 }

    public var parity: Parity {
        let indices = coefficients.indices.filter { $0 > 0 && coefficients[$0] != 0 }
        if indices.allSatisfy({ $0 % 2 == 1 }) { return .odd }
        return indices.allSatisfy { $0 % 2 == 0 } ? .even : .none
    }

    /// t in [−1, 1] for x in [a, b].
    public func normalised(_ x: Double) -> Double {
        let (a, b) = (interval.lowerBound, interval.upperBound)
        return ((x - a) - (b - x)) / (b - a)
    }

    /// p(x) by Clenshaw's recurrence.
    public func value(at x: Double) -> Double { Self.clenshaw(coefficients, normalised(x)) }

    static func clenshaw(_ coefficients: [Double], _ t: Double) -> Double {
        var (b1, b2) = (0.0, 0.0)
        for c in coefficients.dropFirst().reversed() { (b1, b2) = (c + 2 * t * b1 - b2, b1) }
        return coefficients[0] + t * b1 - b2
    }

    /// Σ|c_k|, a bound of |p| on the interval.
    public var coefficientNorm: Double { coefficients.reduce(0) { $0 + abs($1) } }

    /// factor·p
    public func scaled(by factor: Double) -> ChebyshevPolynomial {
        ChebyshevPolynomial(unchecked: coefficients.map { $0 * factor }, interval: interval)
    }

    /// p + constant
    public func adding(_ constant: Double) -> ChebyshevPolynomial {
        var sum = coefficients
        sum[0] += constant
        return ChebyshevPolynomial(unchecked: sum, interval: interval)
    }

    /// dp/dx, by c′_(k−1) = c′_(k+1) + 2k·c_k.
    public func derivative() -> ChebyshevPolynomial {
        guard degree > 0 else { return ChebyshevPolynomial(unchecked: [0], interval: interval) }
        var result = [Double](repeating: 0, count: degree + 2)
        for k in stride(from: degree, through: 1, by: -1) {
            result[k - 1] = result[k + 1] + 2 * Double(k) * coefficients[k]
        }
        result[0] /= 2
        let slope = 2 / (interval.upperBound - interval.lowerBound)
        return ChebyshevPolynomial(unchecked: result.map { $0 * slope }, interval: interval)
    }
}

extension ChebyshevPolynomial {
    /// From coefficients of powers of x.
    /// - Errors: as ``init(coefficients:interval:)``.
    /// - Cost: O(d²).
    public init(
        powers: [Double], interval: ClosedRange<Double> = -1...1
    ) throws(HomomorphicCircuitsError) {
        try Self.check(interval)
        let centre = interval.lowerBound / 2 + interval.upperBound / 2
        let half = interval.upperBound / 2 - interval.lowerBound / 2
        // Horner: p ← p·x + a_k with x = centre + half·T_1 and T_1·T_k = (T_(k+1) + T_|k−1|)/2.
        var sum = [0.0]
        for a in powers.reversed() {
            var next = [Double](repeating: 0, count: sum.count + 1)
            for (k, c) in sum.enumerated() {
                next[k] += centre * c
                next[k + 1] += half * c * (k == 0 ? 1 : 0.5)
                if k > 0 { next[k - 1] += half * c / 2 }
            }
            next[0] += a
            sum = next
        }
        try self.init(coefficients: sum, interval: interval)
    }

    /// Coefficients of powers of x; for display and for comparison with tables in the literature.
    ///
    /// Loses about d bits to cancellation.
    public var powers: [Double] {
        let slope = 2 / (interval.upperBound - interval.lowerBound)
        let shift = -(interval.lowerBound + interval.upperBound) / (interval.upperBound - interval.lowerBound)
        // Powers of x of T_(k−1) and T_k.
        var (last, this) = ([1.0], [shift, slope])
        var result = [Double](repeating: 0, count: coefficients.count)
        result[0] = coefficients[0]
        for k in coefficients.indices.dropFirst() {
            for (i, value) in this.enumerated() { result[i] += coefficients[k] * value }
            var next = [Double](repeating: 0, count: this.count + 1)
            for (i, value) in this.enumerated() {
                next[i] += 2 * shift * value
                next[i + 1] += 2 * slope * value
            }
            for (i, value) in last.enumerated() { next[i] -= value }
            (last, this) = (this, next)
        }
        return result
    }
}
