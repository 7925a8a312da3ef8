import Foundation
import HomomorphicCircuits
import Testing

@Suite struct PolynomialFitTests {
    /// The greatest error at points that the certificate did not use.
    static func seen(_ fit: PolynomialFit, _ value: (Double) -> Double) -> Double {
        fit.domain.reduce(0.0) { worst, piece in
            (0...50_021).reduce(worst) { worst, i in
                let x =
                    piece.lowerBound + (piece.upperBound - piece.lowerBound) * min(1, Double(i) / 50_021.0)
                return max(worst, abs(fit.polynomial.value(at: x) - value(x)))
            }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let function: RealFunction
        let interval: ClosedRange<Double>
        let degree: Int
        var testDescription: String { "\(function.name) on \(interval), degree \(degree)" }
    }

    static let cases: [Case] = [
        Case(function: .sigmoid, interval: -8...8, degree: 7), Case(function: .sigmoid, interval: -8...8, degree: 15),
        Case(function: .sigmoid, interval: -3...12, degree: 10), Case(function: .tanh, interval: -4...4, degree: 15),
        Case(function: .exponential, interval: -4...1, degree: 8),
        Case(function: .reciprocal, interval: 0.1...2, degree: 15),
        Case(function: .reciprocalSquareRoot, interval: 0.05...1, degree: 12),
        Case(function: .squareRoot, interval: 0.01...1, degree: 9),
        Case(function: .logarithm, interval: 0.2...3, degree: 9),
        Case(function: .sine(), interval: -3...3, degree: 9),
        Case(function: .cosine(angularFrequency: 2), interval: -3...3, degree: 14),
        Case(function: .arcsine, interval: -0.5...0.5, degree: 7),
        Case(function: .rectifier, interval: -1...1, degree: 8),
        Case(function: .absolute, interval: -2...2, degree: 8),
        Case(function: .gaussianErrorLinear, interval: -5...5, degree: 12),
    ]

    @Test(arguments: cases) func boundsHoldAndAreTight(_ one: Case) throws {
        let minimax = try PolynomialFit(minimax: one.function, on: one.interval, degree: one.degree)
        let interpolation = try PolynomialFit(interpolating: one.function, on: one.interval, degree: one.degree)
        let squares = try PolynomialFit(leastSquares: one.function, on: one.interval, degree: one.degree)
        for fit in [minimax, interpolation, squares] {
            let seen = Self.seen(fit) { one.function.value(at: $0) }
            #expect(seen <= fit.maximumError)
            #expect(fit.maximumError < seen * 1.02 + 1e-12)
            #expect(fit.certificate.isProof)
            #expect(fit.degree <= one.degree)
        }
        #expect(minimax.maximumError <= interpolation.maximumError * 1.001)
        #expect(minimax.maximumError <= squares.maximumError * 1.001)
        #expect(minimax.maximumError > interpolation.maximumError / 12)
    }

    /// The error of the best approximation alternates: it reaches ±E at degree + 2 points.
    @Test func minimaxErrorAlternates() throws {
        let fit = try PolynomialFit(minimax: .exponential, on: -1...1, degree: 5)
        var (turns, last) = (0, 0.0)
        for i in 0...20_000 {
            let x = -1 + Double(i) / 10_000
            let error = exp(x) - fit.polynomial.value(at: x)
            if abs(error) > 0.99 * fit.maximumError, error * last <= 0 { (turns, last) = (turns + 1, error) }
        }
        #expect(turns == 7)
        // Bernstein's estimate of the best error of eˣ: 1/(2^d (d+1)!).
        #expect(abs(fit.maximumError / (1 / (32.0 * 720)) - 1) < 0.1)
    }

    @Test func leastDegreeIsLeast() throws {
        for (function, interval, error) in [
            (RealFunction.sigmoid, -8.0...8.0, 1e-3), (.exponential, -2...2, 1e-9), (.reciprocal, 0.25...1, 1e-6),
        ] {
            let fit = try PolynomialFit(minimax: function, on: interval, error: error)
            #expect(fit.maximumError <= error)
            let step = fit.polynomial.parity == .odd ? 2 : 1
            let less = try PolynomialFit(minimax: function, on: interval, degree: fit.degree - step)
            #expect(less.maximumError > error)
        }
        #expect(throws: HomomorphicCircuitsError.self) {
            try PolynomialFit(minimax: .sign, on: -1...1, error: 0.1, maximumDegree: 15)
        }
    }

    /// Least-squares fits of the sigmoid on [−8, 8] in powers of x/8: degrees 3 and 7 as Kim et al. 2018 state them, degree 5
    /// as NumPy integrates it.
    @Test func leastSquaresMatchesKnownSigmoids() throws {
        let published: [(Int, [Double])] = [
            (3, [1.20096, -0.81562]), (5, [1.53043909, -2.35317858, 1.38379830]),
            (7, [1.73496, -4.19407, 5.43402, -2.50739]),
        ]
        for (degree, coefficients) in published {
            let fit = try PolynomialFit(leastSquares: .sigmoid, on: -8...8, degree: degree)
            #expect(fit.polynomial.parity == .odd)
            let powers = fit.polynomial.powers
            for (i, wanted) in coefficients.enumerated() {
                #expect(abs(powers[2 * i + 1] * pow(8, Double(2 * i + 1)) - wanted) < 2e-3 * abs(wanted))
            }
        }
    }

    @Test func clustersNeedFewerDegreesThanTheirHull() throws {
        let cosine = RealFunction.cosine(angularFrequency: 2 * .pi / 4, shift: 0.25)
        let radius = 1.0 / 1024
        let clusters: [ClosedRange<Double>] = (-12...12).map { centre in
            let middle = Double(centre)
            return middle - radius...middle + radius
        }
        let clustered = try PolynomialFit(minimax: cosine, on: clusters, degree: 36)
        let whole = try PolynomialFit(minimax: cosine, on: clusters[0].lowerBound...clusters[24].upperBound, degree: 36)
        #expect(Self.seen(clustered) { cosine.value(at: $0) } <= clustered.maximumError)
        #expect(clustered.maximumError < whole.maximumError / 10)
        #expect(clustered.certificate.isProof)
    }

    @Test func ownFunctionsSayWhatTheirBoundRestsOn() throws {
        let unknown = RealFunction(name: "mine") { abs(sin($0)) }
        #expect(!(try PolynomialFit(minimax: unknown, on: -4...4, degree: 9)).certificate.isProof)
        let known = RealFunction(name: "mine", smoothness: .lipschitz(1)) { abs(sin($0)) }
        let fit = try PolynomialFit(minimax: known, on: -4...4, degree: 9)
        #expect(fit.certificate.isProof)
        #expect(Self.seen(fit) { abs(sin($0)) } <= fit.maximumError)
    }

    @Test func badInputIsRefused() {
        #expect(throws: HomomorphicCircuitsError.self) {
            try PolynomialFit(minimax: .reciprocal, on: -1...1, degree: 7)
        }
        #expect(throws: HomomorphicCircuitsError.self) {
            try PolynomialFit(minimax: .sigmoid, on: 0 ... .infinity, degree: 3)
        }
        #expect(throws: HomomorphicCircuitsError.self) { try PolynomialFit(minimax: .sigmoid, on: 1...1, degree: 3) }
        #expect(throws: HomomorphicCircuitsError.self) { try PolynomialFit(minimax: .sigmoid, on: 0...1, degree: -1) }
        #expect(throws: HomomorphicCircuitsError.self) { try ChebyshevPolynomial(coefficients: []) }
        #expect(throws: HomomorphicCircuitsError.self) { try ChebyshevPolynomial(coefficients: [.nan]) }
        #expect(throws: HomomorphicCircuitsError.self) { try CompositeSign(gap: 0, error: 0.1) }
    }

    @Test(arguments: [(0.1, 0.01), (0.01, 1e-3), (0x1p-8, 0x1p-8), (0x1p-12, 0x1p-12)])
    func compositeSign(gap: Double, error: Double) throws {
        let sign = try CompositeSign(gap: gap, error: error)
        #expect(sign.maximumError <= error)
        var inner = 0.0
        for i in 0...20_000 {
            let x = gap + (1 - gap) * pow(Double(i) / 20_000, 4)
            #expect(abs(sign.value(at: x) - 1) <= sign.maximumError)
            #expect(abs(sign.value(at: -x) + 1) <= sign.maximumError)
            inner = max(inner, abs(sign.value(at: gap * Double(i) / 20_000)))
        }
        #expect(inner <= sign.bound)
        // Published compositions for 8 and 12 bits take 11 or 12 and 16 or 17 levels.
        #expect(Double(sign.depth) <= 2 + 1.3 * (log2(1 / gap) + log2(1 / error)) / 2)
    }
}
