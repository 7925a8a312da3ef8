import Foundation
import Lattice

// Rotations and conjugation: one key switch each, no level.
extension CKKSEvaluator {
    /// Slot i + steps moves to slot i, cyclically in the `slots` values. Negative steps go the other way.
    /// - Errors: `missingKey`, which names the step and how to make the key.
    public func rotate(_ a: CKKSCiphertext, by steps: Int) throws(CKKSError) -> CKKSCiphertext {
        try check("rotate", a)
        let step = Self.modulo(steps, a.slots)
        guard step != 0 else { return a }
        let x = try settled(a)
        record?.note(.keySwitch, level: x.level)
        record?.noteKeys { $0.rotations.insert(step) }
        var result = switched(x)
        if !x.isPlanned {
            let key = try galoisKey("rotate", x, step: step)
            result.parts = key.applying(to: RLWECiphertext(parts: x.parts)).parts
        }
        return try finish("rotate", result)
    }

    /// Several rotations of one ciphertext; it is split into digits only once.
    /// - Cost: one decomposition, and per rotation the products with the key and the division by P.
    public func rotations(_ a: CKKSCiphertext, by steps: [Int]) throws(CKKSError) -> [CKKSCiphertext] {
        try check("rotate", a)
        let x = try settled(a)
        let wanted = steps.map { Self.modulo($0, x.slots) }
        let distinct = Set(wanted).subtracting([0])
        guard distinct.count > 1 else {
            var results: [CKKSCiphertext] = []
            for step in wanted { results.append(try rotate(x, by: step)) }
            return results
        }
        record?.note(.decompose, level: x.level)
        record?.note(.hoistedRotation, level: x.level, times: distinct.count)
        record?.noteKeys { $0.rotations.formUnion(distinct) }
        var byStep: [Int: CKKSCiphertext] = [0: x]
        let decomposed =
            x.isPlanned
            ? nil
            : try wrapping(.missingKey) { () throws(LatticeError) in try x.parts[1].decomposed() }
        for step in distinct.sorted() {
            var result = switched(x)
            if let decomposed {
                let key = try galoisKey("rotate", x, step: step)
                result.parts = key.applying(to: RLWECiphertext(parts: x.parts), decomposed: decomposed).parts
            }
            byStep[step] = try finish("rotate", result)
        }
        return wanted.map { byStep[$0]! }
    }

    /// The complex conjugate of every slot.
    public func conjugate(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try check("conjugate", a)
        let x = try settled(a)
        record?.note(.keySwitch, level: x.level)
        record?.noteKeys { $0.conjugation = true }
        var result = switched(x)
        if !x.isPlanned {
            let element = GaloisElement.conjugation(logDegree: chain.logDegree)
            guard let key = try checkKeys("conjugate", x).galois[element.exponent] else {
                throw CKKSError(
                    code: .missingKey,
                    message: "conjugate: the evaluation keys have no conjugation key; generate them with "
                        + "CKKSKeyRequirements(conjugation: true)")
            }
            result.parts = key.applying(to: RLWECiphertext(parts: x.parts)).parts
        }
        return try finish("conjugate", result)
    }

    private func switched(_ x: CKKSCiphertext) -> CKKSCiphertext {
        var result = x
        result.deviation = Self.quadrature(
            x.deviation,
            chain.slotDeviation(coefficient: chain.keySwitchDeviation(level: x.level), scale: x.scale))
        return result
    }

    /// The key for a step.
    package func galoisKey(_ operation: String, _ x: CKKSCiphertext, step: Int) throws(CKKSError) -> GaloisKey {
        let element = GaloisElement.rotation(by: step, logDegree: chain.logDegree)
        guard let key = try checkKeys(operation, x).galois[element.exponent] else {
            throw CKKSError(
                code: .missingKey,
                message: "\(operation): no key for step \(step); generate it with CKKSKeyRequirements(rotations: "
                    + "[\(step)])")
        }
        return key
    }

    static func modulo(_ steps: Int, _ slots: Int) -> Int { ((steps % slots) + slots) % slots }
}
