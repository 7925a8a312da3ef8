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

    func bootstrapper(slots: Int?) throws -> Bootstrapper {
        try Bootstrapper(parameters, context: context, slots: slots, keys: keys)
    }

    mutating func evaluator(_ bootstrapper: Bootstrapper) throws -> CKKSEvaluator {
        let evaluation = try CKKSEvaluationKeys(secret, for: bootstrapper.keyRequirements, using: &random)
        return CKKSEvaluator(context, keys: evaluation, refresher: bootstrapper)
    }

    mutating func encrypt(
        _ values: ComplexValues, magnitude: Double = 1, level: Int
    ) throws -> CKKSCiphertext {
        try CKKSEncryptor(secret).encrypt(
            values.real, imaginary: values.imaginary, magnitude: magnitude, level: level, using: &random)
    }

    mutating func values(_ count: Int, magnitude: Double = 1) -> ComplexValues {
        func draw() -> [Double] {
            (0..<count).map { _ in (Double(random.nextUInt64() >> 11) * 0x1p-52 - 1) * magnitude * 0.5.squareRoot() }
        }
        return ComplexValues(real: draw(), imaginary: draw())
    }

    /// Errors of a ciphertext's slots, and what it states.
    func errors(_ ciphertext: CKKSCiphertext, _ wanted: ComplexValues) throws -> Errors {
        let d = try secret.decryptForOwner(ciphertext)
        let all = wanted.real.indices.map {
            hypot(d.real[$0] - wanted.real[$0], d.imaginary[$0] - wanted.imaginary[$0])
        }
        return Errors(
            worst: all.max()!, deviation: (all.reduce(0) { $0 + $1 * $1 } / Double(all.count)).squareRoot(),
            statedBound: ciphertext.errorBound, statedDeviation: ciphertext.deviation)
    }

    struct Errors {
        var worst: Double
        var deviation: Double
        var statedBound: Double
        var statedDeviation: Double
    }
}

struct ComplexValues {
    var real: [Double]
    var imaginary: [Double]
}
