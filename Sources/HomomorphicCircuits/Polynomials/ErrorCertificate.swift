import Foundation

/// An upper bound of |f − p| on a set of intervals, and what it rests on.
public struct ErrorCertificate: Hashable, Sendable {
    /// How the values between samples are accounted for.
    public enum Argument: Hashable, Sendable {
        /// f is within `tail` of a polynomial of degree `degree` (Bernstein: f is analytic and bounded on an ellipse), and a
        /// polynomial of degree n is nowhere greater than 1/cos(πn/2M) times its greatest value at M Chebyshev points
        /// (Ehlich, Zeller 1964).
        case analytic(degree: Int, tail: Double)
        /// Samples at most `spacing` apart and a Lipschitz constant of f − p.
        case lipschitz(constant: Double, spacing: Double)
        /// Samples only: between them the error may be greater.
        case sampled
    }

    /// The bound, rounding errors of the evaluation in doubles included.
    public let bound: Double
    public let argument: Argument
    /// Number of samples.
    public let samples: Int

    /// Whether the bound is more than an observation.
    public var isProof: Bool { argument != .sampled }
}

/// Bounds |f(x) − p(x)| on one piece, on which f has no breakpoint.
struct PieceCertifier {
    let function: RealFunction
    let polynomial: ChebyshevPolynomial
    let piece: ClosedRange<Double>

    private var centre: Double { piece.lowerBound / 2 + piece.upperBound / 2 }
    private var half: Double { piece.upperBound / 2 - piece.lowerBound / 2 }

    func certificate() -> ErrorCertificate {
        guard half > 0 else {
            let error = abs(function.evaluate(centre, 1) - polynomial.value(at: centre)) + rounding(slope: 0, value: 0)
            return ErrorCertificate(bound: error, argument: .analytic(degree: polynomial.degree, tail: 0), samples: 1)
        }
        switch function.smoothness {
        case .analytic(let bound):
            if let (degree, tail) = polynomialDegree(bound) { return analytic(degree: degree, tail: tail) }
            return sampled(constant: nil)
        case .lipschitz(let constant): return sampled(constant: constant)
        case .unknown: return sampled(constant: nil)
        }
    }

    /// n and τ such that some polynomial of degree n is within τ of f on the piece: the truncated Chebyshev series, by
    /// 2Mρ^−n/(ρ − 1) for f bounded by M on the ellipse with half axes half·(ρ ± 1/ρ)/2.
    private func polynomialDegree(
        _ bound: (ClosedRange<Double>, RealFunction.Ellipse) -> Double?
    ) -> (degree: Int, tail: Double)? {
        var best: (degree: Int, tail: Double)?
        var ρ = 1e6
        while ρ > 1.0005 {
            defer { ρ = 1 + (ρ - 1) / 1.3 }
            let ellipse = RealFunction.Ellipse(
                centre: centre, realRadius: half * (ρ + 1 / ρ) / 2, imaginaryRadius: half * (ρ - 1 / ρ) / 2)
            guard let m = bound(piece, ellipse), m.isFinite, m >= 0 else { continue }
            let wanted = 0x1p-56 * max(abs(function.evaluate(centre, 0)), 1e-3)
            // In logarithms: M may be near the greatest double.
            let needed = max(0, log(m) + log(2 / (ρ - 1)) - log(wanted)) / log(ρ)
            guard needed < 1e6 else { continue }
            let degree = max(polynomial.degree, Int(needed.rounded(.up)))
            if best == nil || degree < best!.degree {
                best = (degree, exp(log(m) + log(2 / (ρ - 1)) - Double(degree) * log(ρ)))
            }
        }
        return best.flatMap { $0.degree <= 20_000 ? $0 : nil }
    }

    private func analytic(degree: Int, tail: Double) -> ErrorCertificate {
        let count = max(64, 32 * degree)
        // The roots of T_count on the piece.
        let worst = worstError((0..<count).map { cos((Double($0) + 0.5) / Double(count) * .pi) })
        let inflation = 1 / cos(.pi * Double(degree) / (2 * Double(count)))
        return ErrorCertificate(
            bound: (worst + tail) * inflation + tail, argument: .analytic(degree: degree, tail: tail), samples: count)
    }

    private func sampled(constant: Double?) -> ErrorCertificate {
        let count = max(20_000, 200 * polynomial.degree)
        let spacing = 2 * half / Double(count)
        let worst = worstError((0...count).map { 1 - 2 * Double($0) / Double(count) })
        guard let constant else { return ErrorCertificate(bound: worst, argument: .sampled, samples: count + 1) }
        let total = constant + polynomial.derivative().coefficientNorm
        return ErrorCertificate(
            bound: worst + total * spacing / 2, argument: .lipschitz(constant: total, spacing: spacing),
            samples: count + 1)
    }

    /// The greatest error at centre + half·t, plus what rounding may have hidden.
    private func worstError(_ points: [Double]) -> Double {
        var (worst, slope, value) = (0.0, 0.0, 0.0)
        var last: (x: Double, y: Double)?
        for t in points {
            let x = min(max(centre + half * t, piece.lowerBound), piece.upperBound)
            let y = function.evaluate(x, centre > 0 ? 1 : -1)
            worst = max(worst, abs(y - polynomial.value(at: x)))
            value = max(value, abs(y))
            if let last, last.x != x { slope = max(slope, abs((y - last.y) / (x - last.x))) }
            last = (x, y)
        }
        return worst + rounding(slope: slope, value: value)
    }

    /// Clenshaw's recurrence on [−1, 1] errs by a few units per step; x itself is rounded, which f and p amplify.
    private func rounding(slope: Double, value: Double) -> Double {
        let size = max(abs(piece.lowerBound), abs(piece.upperBound))
        return 0x1p-52
            * (2 * value + Double(polynomial.degree + 4) * polynomial.coefficientNorm + 2 * size * slope)
    }
}

extension RealFunction {
    /// An upper bound of |f − p| on the union of `domain`.
    ///
    /// - Errors: `invalidInterval` where f is not finite.
    /// - Cost: 32·n evaluations of both per piece, n being the degree at which f is a polynomial up to rounding.
    public func certifiedError(
        of polynomial: ChebyshevPolynomial, on domain: [ClosedRange<Double>]
    ) throws(HomomorphicCircuitsError) -> ErrorCertificate {
        let certificates = pieces(of: domain).map {
            PieceCertifier(function: self, polynomial: polynomial, piece: $0).certificate()
        }
        guard let worst = certificates.max(by: { $0.bound < $1.bound }), worst.bound.isFinite,
            certificates.allSatisfy({ !$0.bound.isNaN })
        else {
            throw .init(code: .invalidInterval, message: "\(name): want an interval where it is finite, got \(domain)")
        }
        // A chain of arguments is as strong as its weakest.
        let argument = certificates.first { !$0.isProof }?.argument ?? worst.argument
        return ErrorCertificate(
            bound: worst.bound, argument: argument, samples: certificates.reduce(0) { $0 + $1.samples })
    }

    /// The intervals, cut at the breakpoints.
    func pieces(of domain: [ClosedRange<Double>]) -> [ClosedRange<Double>] {
        domain.flatMap { interval in
            let inner = breakpoints.filter { $0 > interval.lowerBound && $0 < interval.upperBound }.sorted()
            let ends = [interval.lowerBound] + inner + [interval.upperBound]
            return zip(ends, ends.dropFirst()).map { $0...$1 }
        }
    }
}
