import CKKS
import Foundation
import HomomorphicCircuits
import Randomness
import TacitTestSupport
import Testing

/// Keys made for what a planned run records, and a way to compare encrypted with plain results.
struct Bench {
    let context: CKKSContext
    let secret: CKKSSecretKey
    var random: SeededRandom

    init(_ literal: CKKSParameters.Literal, seed: UInt64 = 1) throws {
        random = SeededRandom(seed: seed)
        context = CKKSContext(try CKKSParameters(literal))
        secret = CKKSSecretKey(context, using: &random)
    }

    mutating func values(_ count: Int, in interval: ClosedRange<Double> = -1...1) -> [Double] {
        (0..<count).map { _ in
            interval.lowerBound
                + (interval.upperBound - interval.lowerBound) * Double(random.nextUInt64() >> 11) * 0x1p-53
        }
    }

    mutating func encrypt(_ values: [Double], magnitude: Double = 1, level: Int? = nil) throws -> CKKSCiphertext {
        try CKKSEncryptor(secret).encrypt(values, magnitude: magnitude, level: level, using: &random)
    }

    /// Plans `circuit` on hollow ciphertexts, makes exactly the keys it records, runs it for real, and checks that
    /// metadata agree.
    mutating func run(
        _ inputs: [CKKSCiphertext], _ circuit: (CKKSEvaluator, [CKKSCiphertext]) throws -> [CKKSCiphertext]
    ) throws -> (outputs: [CKKSCiphertext], record: CircuitRecord) {
        let planned = CircuitRecord()
        let hollow = inputs.map {
            CKKSCiphertext.planned(context, level: $0.level, slots: $0.slots, magnitude: $0.magnitude)
        }
        let foreseen = try circuit(CKKSEvaluator(context, record: planned), hollow)
        let keys = try CKKSEvaluationKeys(secret, for: planned.keys, using: &random)
        let record = CircuitRecord()
        let outputs = try circuit(CKKSEvaluator(context, keys: keys, record: record), inputs)
        #expect(record.counts == planned.counts)
        #expect(record.keys == planned.keys)
        for (a, b) in zip(outputs, foreseen) {
            #expect(a.level == b.level)
            #expect(abs(a.errorBound / b.errorBound - 1) < 1e-6)
            #expect(a.magnitude == b.magnitude)
        }
        return (outputs, record)
    }

    /// The greatest error, which must be within the bound and not absurdly below it.
    @discardableResult
    func compare(_ c: CKKSCiphertext, _ wanted: [Double], slack: Double = 1e-6) throws -> Double {
        let d = try secret.decryptForOwner(c)
        let worst = zip(d.real, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(d.real.count >= wanted.count)
        #expect(worst <= d.errorBound)
        #expect(worst > d.errorBound * slack, "bound \(d.errorBound), seen \(worst)")
        return worst
    }
}

@Suite struct EncryptedPolynomialTests {
    static func literal(depth: Int) -> CKKSParameters.Literal {
        CKKSParameters.Literal(logDegree: 11, scaleBits: 40, depth: depth, security: .insecureForTestsOnly)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 11, 15, 16, 23, 27, 31, 47, 63])
    func polynomialsOfEveryShape(degree: Int) throws {
        for parity in [ChebyshevPolynomial.Parity.none, .odd, .even] {
            let depth = EvaluationPlan.depth(ofDegree: degree)
            var bench = try Bench(Self.literal(depth: depth), seed: UInt64(degree))
            var coefficients = bench.values(degree + 1).map { $0 / Double(degree) }
            for k in 1...degree where parity != .none && (k % 2 == 1) != (parity == .odd) { coefficients[k] = 0 }
            let p = try ChebyshevPolynomial(coefficients: coefficients)
            let x = bench.values(1024)
            let a = try bench.encrypt(x)
            let (out, record) = try bench.run([a]) { e, c in [try e.evaluate(p, on: c[0])] }
            #expect(out[0].level == depth - EvaluationPlan.depth(ofDegree: p.degree))
            let plan = try EvaluationPlan(p, basis: p.degree <= 3 ? .powers : .chebyshev)
            #expect(record.count(.keySwitch) == plan.relinearisations)
            #expect(record.count(.tensor) == plan.products)
            let worst = try bench.compare(out[0], x.map { p.value(at: $0) })
            #expect(worst < 1e-7)
        }
    }

    @Test func sigmoidOnAWideInterval() throws {
        let fit = try PolynomialFit(minimax: .sigmoid, on: -8...8, degree: 15)
        var bench = try Bench(Self.literal(depth: 5))
        let x = bench.values(1024, in: -8...8)
        let a = try bench.encrypt(x, magnitude: 8)
        let (out, _) = try bench.run([a]) { e, c in [try e.evaluate(fit.polynomial, on: c[0])] }
        #expect(out[0].level == 0)
        try bench.compare(out[0], x.map { fit.polynomial.value(at: $0) })
        let d = try bench.secret.decryptForOwner(out[0])
        for (x, y) in zip(x, d.real) { #expect(abs(y - 1 / (1 + exp(-x))) <= fit.maximumError + d.errorBound) }
        // Degree 3 in powers of x needs no normalisation.
        let cubic = try PolynomialFit(leastSquares: .sigmoid, on: -8...8, degree: 3)
        let (low, _) = try bench.run([a]) { e, c in [try e.evaluate(cubic.polynomial, on: c[0])] }
        #expect(low[0].level == 3)
        try bench.compare(low[0], x.map { cubic.polynomial.value(at: $0) })
    }

    @Test func severalPolynomials() throws {
        var bench = try Bench(Self.literal(depth: 5))
        let x = bench.values(1024, in: 0.5...2)
        let fits = try [RealFunction.reciprocal, .logarithm, .squareRoot].map {
            try PolynomialFit(minimax: $0, on: 0.5...2, degree: 14).polynomial
        }
        let (out, _) = try bench.run([try bench.encrypt(x, magnitude: 2)]) { e, c in try e.evaluate(fits, on: c[0]) }
        for (c, p) in zip(out, fits) { try bench.compare(c, x.map { p.value(at: $0) }) }
    }

    @Test func signRectifierAndMaximum() throws {
        let sign = try CompositeSign(gap: 0.05, error: 0.01)
        var bench = try Bench(Self.literal(depth: sign.depth + 1))
        var x = bench.values(1024).map { $0 / 2 }
        var y = bench.values(1024).map { $0 / 2 }
        (x[0], y[0]) = (0.25, 0.25)
        let (a, b) = (try bench.encrypt(x, magnitude: 0.5), try bench.encrypt(y, magnitude: 0.5))
        let (out, _) = try bench.run([a, b]) { e, c in
            [
                try e.sign(c[0], by: sign), try e.rectified(c[0], by: sign), try e.maximum(c[0], c[1], by: sign),
                try e.isGreater(c[0], than: c[1], by: sign), try e.absolute(c[0], by: sign),
            ]
        }
        #expect(out[0].level == 1)
        #expect(out[3].level == 1)
        #expect(out[1].level == 0)
        try bench.compare(out[0], x.map { sign.value(at: $0) })
        try bench.compare(out[1], x.map { $0 * (1 + sign.value(at: $0)) / 2 })
        try bench.compare(out[2], zip(x, y).map { ($0 + $1 + ($0 - $1) * sign.value(at: $0 - $1)) / 2 })
        try bench.compare(out[3], zip(x, y).map { (1 + sign.value(at: $0 - $1)) / 2 })
        let d = try bench.secret.decryptForOwner(out[1])
        for (x, r) in zip(x, d.real) { #expect(abs(r - max(x, 0)) <= sign.rectifierError + d.errorBound) }
        let e = try bench.secret.decryptForOwner(out[4])
        for (x, r) in zip(x, e.real) { #expect(abs(r - abs(x)) <= 2 * sign.rectifierError + e.errorBound) }
    }

    @Test func refusals() throws {
        var bench = try Bench(Self.literal(depth: 2))
        let a = try bench.encrypt([0.5], magnitude: 9)
        let evaluator = CKKSEvaluator(bench.context)
        let fit = try PolynomialFit(minimax: .sigmoid, on: -8...8, degree: 7)
        #expect(throws: CKKSError.self) { try evaluator.evaluate(fit.polynomial, on: a) }
        let b = try bench.encrypt([0.5], magnitude: 8)
        do {
            _ = try evaluator.evaluate(fit.polynomial, on: b)
            Issue.record("evaluated without levels")
        } catch {
            #expect(error.code == .exhaustedLevels)
            #expect(error.message.contains("needs level 3"))
        }
    }
}
