import Bootstrapping
import CKKS
import Foundation
import Lattice
import Randomness
import TacitTestSupport
import Testing

/// Keys and tools of one parameter set.
struct BootstrappingBench {
    let parameters: BootstrappingParameters
    let context: CKKSContext
    let secret: CKKSSecretKey
    let keys: BootstrappingKeys
    var random = SeededRandom(seed: 11)

    init(_ literal: BootstrappingParameters.Literal) throws {
        parameters = try BootstrappingParameters(literal)
        context = CKKSContext(parameters.ckks)
        secret = CKKSSecretKey(context, using: &random)
        keys = try BootstrappingKeys(secret, parameters: parameters, using: &random)
    }

    mutating func evaluator(slots: Int?) throws -> CKKSEvaluator {
        let bootstrapper = try Bootstrapper(parameters, context: context, slots: slots, keys: keys)
        let evaluation = try CKKSEvaluationKeys(secret, for: bootstrapper.keyRequirements, using: &random)
        return CKKSEvaluator(context, keys: evaluation, refresher: bootstrapper)
    }

    mutating func values(_ count: Int, magnitude: Double = 1) -> [Double] {
        (0..<count).map { _ in (Double(random.nextUInt64() >> 11) * 0x1p-52 - 1) * magnitude * 0.5.squareRoot() }
    }
}

@Suite struct BootstrapperTests {
    @Test func fullPackingComesBackWithinTheStatedBound() throws {
        var bench = try BootstrappingBench(.insecure4096)
        let evaluator = try bench.evaluator(slots: nil)
        let n = bench.context.maximumSlots
        let (re, im) = (bench.values(n), bench.values(n))
        let encryptor = CKKSEncryptor(bench.secret)
        let a = try encryptor.encrypt(re, imaginary: im, level: 0, using: &bench.random)
        let b = try evaluator.refreshed(a)
        #expect(b.level == 4)
        let d = try bench.secret.decryptForOwner(b)
        let errors = (0..<n).map { hypot(d.real[$0] - re[$0], d.imaginary[$0] - im[$0]) }
        let worst = errors.max()!
        let bootstrapper = evaluator.refresher as! Bootstrapper
        print("worst", log2(worst), "rms", log2((errors.reduce(0) { $0 + $1 * $1 } / Double(n)).squareRoot()))
        print("stated deviation", log2(b.deviation), "input", log2(a.deviation))
        for part in bootstrapper.errorReport { print(part.name, log2(part.deviation)) }
        #expect(worst <= d.errorBound)
        #expect(worst < exp2(-20))
    }
}
