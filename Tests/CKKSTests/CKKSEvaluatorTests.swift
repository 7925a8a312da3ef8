import CKKS
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

/// Keys and tools of one parameter set.
struct Workbench {
    let context: CKKSContext
    let secret: CKKSSecretKey
    let encryptor: CKKSEncryptor
    let evaluator: CKKSEvaluator
    var random = SeededRandom(seed: 7)

    init(_ literal: CKKSParameters.Literal, keys: CKKSKeyRequirements) throws {
        context = CKKSContext(try CKKSParameters(literal))
        secret = CKKSSecretKey(context, using: &random)
        encryptor = CKKSEncryptor(secret)
        evaluator = CKKSEvaluator(context, keys: try CKKSEvaluationKeys(secret, for: keys, using: &random))
    }

    mutating func values(_ count: Int, magnitude: Double = 1) -> [Double] {
        (0..<count).map { _ in (Double(random.nextUInt64() >> 11) * 0x1p-52 - 1) * magnitude }
    }
}

/// The greatest difference, and whether it is within the bound.
func difference(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } }

@Suite struct CKKSEvaluatorTests {
    static let small = CKKSParameters.Literal(
        logDegree: 12, firstModulusBits: 50, scaleBits: 40, depth: 4, security: .insecureForTestsOnly)

    @Test func operationsMatchPlainArithmeticWithinTheStatedBound() throws {
        var bench = try Workbench(
            Self.small, keys: CKKSKeyRequirements(relinearisation: true, conjugation: true, rotations: [1, 5, 7]))
        let evaluator = bench.evaluator
        let n = 2048
        let (x, y) = (bench.values(n), bench.values(n))
        let a = try bench.encryptor.encrypt(x, using: &bench.random)
        let b = try bench.encryptor.encrypt(y, using: &bench.random)
        func check(_ name: String, _ c: CKKSCiphertext, _ wanted: [Double]) throws {
            let d = try bench.secret.decryptForOwner(c)
            let worst = difference(d.real, wanted)
            #expect(worst <= d.errorBound, "\(name)")
            // A bound that is absurdly wide would prove nothing.
            #expect(d.errorBound < 1e-5, "\(name)")
            #expect(worst > d.errorBound * 1e-4, "\(name): \(worst) against \(d.errorBound)")
        }
        try check("fresh", a, x)
        try check("add", evaluator.add(a, b), zip(x, y).map(+))
        try check("subtract", evaluator.subtract(a, b), zip(x, y).map(-))
        try check("negate", evaluator.negate(a), x.map(-))
        try check("multiply", evaluator.multiply(a, b), zip(x, y).map(*))
        try check("square", evaluator.square(a), x.map { $0 * $0 })
        try check("plain", evaluator.multiply(a, y), zip(x, y).map(*))
        try check("constant", evaluator.multiply(a, 0.37), x.map { $0 * 0.37 })
        try check("integer", evaluator.multiply(a, -3), x.map { $0 * -3 })
        try check("add constant", evaluator.add(a, 1.25), x.map { $0 + 1.25 })
        try check("add plain", evaluator.add(a, y), zip(x, y).map(+))
        try check("rotate", evaluator.rotate(a, by: 5), (0..<n).map { x[($0 + 5) % n] })
        let hoisted = try evaluator.rotations(a, by: [0, 1, 7])
        for (step, c) in zip([0, 1, 7], hoisted) { try check("hoisted", c, (0..<n).map { x[($0 + step) % n] }) }
        let i = try evaluator.multiplyByI(a)
        let opened = try bench.secret.decryptForOwner(i)
        #expect(difference(opened.imaginary, x) < 1e-7)
        let conjugate = try bench.secret.decryptForOwner(evaluator.conjugate(i))
        #expect(difference(conjugate.imaginary, x.map(-)) < 1e-7)
        // Levels differ: x³ + x.
        let cube = try evaluator.multiply(evaluator.square(a), a)
        try check("cube", evaluator.add(cube, a), x.map { $0 * $0 * $0 + $0 })
        // Sum of lazy products.
        let lazy = try evaluator.add(evaluator.multiplyLazily(a, b), evaluator.multiplyLazily(a, a))
        #expect(lazy.size == 3)
        try check("lazy", evaluator.settled(lazy), zip(x, y).map { $0 * $1 + $0 * $0 })
    }
}
