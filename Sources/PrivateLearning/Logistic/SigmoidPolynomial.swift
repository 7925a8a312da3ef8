import Foundation

/// An odd polynomial in place of the sigmoid: σ(u) ≈ ½ + R-scaled odd powers, for circuits that can only add and
/// multiply.
///
/// In x = u/R it is ½ + Σ bₖ x^(2k+1); among all odd polynomials of the degree it has the least mean squared error over
/// |u| ≤ R. Outside the interval it leaves the sigmoid: with a positive leading coefficient (degrees 1, 5, 9) it goes on
/// rising, so that gradient steps push a score back that has gone too far; with a negative one (3, 7) it turns round, and
/// training that leaves the interval diverges. Degree 5 is therefore the default.
public struct SigmoidPolynomial: Hashable, Sendable, Codable {
    /// 1, 3 or 5.
    public let degree: Int
    /// R > 0.
    public let interval: Double
    /// b₀, b₁ … of x, x³, …, with x = u/R.
    public let coefficients: [Double]

    /// Degree 5 on [−8, 8].
    public static let standard = SigmoidPolynomial(uncheckedDegree: 5, interval: 8)

    /// Fits the polynomial.
    /// - Errors: `invalidParameter` for a degree other than 1, 3 and 5, or an interval outside (0, 64].
    /// - Cost: a few thousand evaluations of the sigmoid.
    public init(degree: Int, interval: Double) throws(PrivateLearningError) {
        guard [1, 3, 5].contains(degree) else {
            throw PrivateLearningError(code: .invalidParameter, message: "degree: got \(degree), want 1, 3 or 5")
        }
        guard interval > 0, interval <= 64 else {
            throw PrivateLearningError(code: .invalidParameter, message: "interval: got \(interval), want (0, 64]")
        }
        self.init(uncheckedDegree: degree, interval: interval)
    }

    private init(uncheckedDegree degree: Int, interval: Double) {
        self.degree = degree
        self.interval = interval
        // The projection on Legendre's P₁, P₃, P₅, which are orthogonal on [−1, 1]; midpoint sums on a fine grid.
        let legendre: [(Double) -> Double] = [
            { $0 }, { (5 * $0 * $0 - 3) * $0 / 2 }, { x in (63 * x * x * x * x - 70 * x * x + 15) * x / 8 },
        ]
        let powers: [[Double]] = [[1, 0, 0], [-1.5, 2.5, 0], [15.0 / 8, -70.0 / 8, 63.0 / 8]]
        var result = [Double](repeating: 0, count: 3)
        let steps = 4096
        for order in 0...(degree - 1) / 2 {
            var sum = 0.0
            for step in 0..<steps {
                let x = (Double(step) + 0.5) / Double(steps)
                sum += (Link.logit.mean(interval * x) - 0.5) * legendre[order](x)
            }
            // ∫ over [−1, 1] is twice that over [0, 1]; the norm of P_k is 2/(2k + 1).
            let weight = Double(4 * order + 3) * sum / Double(steps)
            for index in 0..<3 { result[index] += weight * powers[order][index] }
        }
        coefficients = Array(result.prefix((degree + 1) / 2))
    }

    private enum Keys: String, CodingKey { case degree, interval }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        do {
            try self.init(
                degree: values.decode(Int.self, forKey: .degree),
                interval: values.decode(Double.self, forKey: .interval))
        } catch let error as PrivateLearningError {
            throw DecodingError.dataCorrupted(.init(codingPath: values.codingPath, debugDescription: error.message))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(degree, forKey: .degree)
        try values.encode(interval, forKey: .interval)
    }

    /// The value at u.
    public func callAsFunction(_ u: Double) -> Double { 0.5 + odd(u / interval) }

    /// Σ bₖ x^(2k+1).
    func odd(_ x: Double) -> Double {
        let square = x * x
        return x * coefficients.reversed().reduce(0) { $0 * square + $1 }
    }

    /// The greatest |value − sigmoid| on the interval, on a grid of 2,000 points.
    public var maximumError: Double {
        (0...2000).map { index in
            let u = interval * Double(index) / 2000
            return abs(self(u) - Link.logit.mean(u))
        }.max()!
    }

    /// The greatest slope on the interval, per unit of u, on a grid: the curvature of a row's loss is at most this.
    public var maximumSlope: Double {
        (0...2000).map { index in
            let square = pow(Double(index) / 2000, 2)
            var (sum, power) = (0.0, 1.0)
            for (order, coefficient) in coefficients.enumerated() {
                sum += Double(2 * order + 1) * coefficient * power
                power *= square
            }
            return sum / interval
        }.max()!
    }
}
