import Foundation
import HomomorphicCircuits
import Randomness
import TacitTestSupport
import Testing

@Suite struct EvaluationPlanTests {
    @Test(arguments: [ChebyshevPolynomial.Parity.none, .odd, .even])
    func plansMatchClenshawAtTheLeastDepth(_ parity: ChebyshevPolynomial.Parity) throws {
        var random = SeededRandom(seed: 7)
        for degree in 1...130 {
            if parity == .odd && degree % 2 == 0 || parity == .even && degree % 2 == 1 { continue }
            let coefficients = (0...degree).map { k -> Double in
                let isPresent = parity == .none || k == 0 || (k % 2 == 1) == (parity == .odd)
                return isPresent ? Double(random.nextUInt64() >> 11) * 0x1p-52 - 1 : 0
            }
            let p = try ChebyshevPolynomial(coefficients: coefficients)
            let plan = try EvaluationPlan(p)
            #expect(plan.depth == Int(ceil(log2(Double(degree + 1)))))
            for root in plan.roots { #expect(root.depth <= plan.depth) }
            for t in stride(from: -1.0, through: 1, by: 0.13) {
                #expect(abs(plan.values(at: t)[0] - p.value(at: t)) < 1e-11 * Double(degree))
            }
            // √(2d) + log₂ d + O(1), the count of Paterson and Stockmeyer; the fewest relinearisations may take two
            // products more.
            let most = (2 * Double(degree)).squareRoot() + log2(Double(degree)) + 5
            #expect(Double(plan.products) <= most, "degree \(degree): \(plan.products)")
            #expect(plan.relinearisations <= plan.products)
        }
    }

    @Test func powersMatchToo() throws {
        let fit = try PolynomialFit(minimax: .sigmoid, on: -3...5, degree: 11)
        let plan = try EvaluationPlan(fit.polynomial, basis: .powers)
        #expect(plan.depth == 4)
        for x in stride(from: -3.0, through: 5, by: 0.21) {
            #expect(abs(plan.values(at: x)[0] - fit.polynomial.value(at: x)) < 1e-9)
        }
    }

    @Test func severalPolynomialsShareTheirPowers() throws {
        let polynomials = try [RealFunction.sigmoid, .tanh, .exponential].map {
            try PolynomialFit(minimax: $0, on: -2...2, degree: 15).polynomial
        }
        let plan = try EvaluationPlan(polynomials)
        let alone = try polynomials.reduce(0) { try $0 + EvaluationPlan($1).products }
        #expect(plan.products < alone)
        for x in stride(from: -2.0, through: 2, by: 0.1) {
            for (value, p) in zip(plan.values(at: x / 2), polynomials) { #expect(abs(value - p.value(at: x)) < 1e-12) }
        }
    }

    /// Figures of the documentation.
    @Test func countsAreAsDocumented() throws {
        let counts: [(degree: Int, step: Int, products: Int, relinearisations: Int)] = [
            (7, 1, 5, 4), (15, 1, 8, 7), (31, 1, 13, 10), (63, 1, 18, 15), (127, 1, 27, 20), (63, 2, 17, 14),
        ]
        for wanted in counts {
            var coefficients = [Double](repeating: 0, count: wanted.degree + 1)
            for k in stride(from: wanted.degree, through: 0, by: -wanted.step) {
                coefficients[k] = 1 / Double(k + 2).squareRoot()
            }
            let plan = try EvaluationPlan(ChebyshevPolynomial(coefficients: coefficients))
            #expect(plan.products == wanted.products)
            #expect(plan.relinearisations == wanted.relinearisations)
        }
    }
}
