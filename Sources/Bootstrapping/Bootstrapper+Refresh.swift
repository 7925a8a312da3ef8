import CKKS
import Foundation
import Lattice

extension Bootstrapper {
    /// The same values at ``outputLevel``.
    ///
    /// Values up to q₀/2^r over the scale, about 1 to 2 with the predefined parameters, go through as they are; greater
    /// ones are divided by a power of two before and multiplied by it after.
    /// - Errors: `missingKey`, with all keys that are missing; `keyMismatch`; `parameterMismatch`; `invalidSlots` for a
    ///   ciphertext of a greater period; `overflow` for values that do not fit q₀ at level 0; `exhaustedLevels` for a
    ///   ciphertext at level 0 whose scale is not canonical.
    public func refresh(_ ciphertext: CKKSCiphertext, with evaluator: CKKSEvaluator) throws(CKKSError)
        -> CKKSCiphertext
    {
        try evaluator.check("refresh", ciphertext)
        guard evaluator.context.chain == context.chain else {
            throw CKKSError(
                code: .parameterMismatch, message: "refresh: got \(evaluator.context), want \(context)")
        }
        guard ciphertext.slots <= slots else {
            throw CKKSError(
                code: .invalidSlots,
                message:
                    "refresh: got a ciphertext of \(ciphertext.slots) slots, want at most \(slots), for which this "
                    + "bootstrapper was made")
        }
        let available = ciphertext.isPlanned ? nil : try checkedKeys(ciphertext, evaluator)
        let (input, shift) = try lowered(ciphertext, evaluator)
        var result = input
        if let (keys, evaluation) = available {
            let refreshed = try refreshed(
                RawCiphertext(c0: input.parts[0], c1: input.parts[1]), keys: keys, evaluation: evaluation)
            result.parts = [refreshed.c0, refreshed.c1]
            for index in result.parts.indices where shift > 1 {
                result.parts[index].multiply(byInteger: Int64(shift))
            }
        }
        if let record = evaluator.record { note(record) }
        result = CKKSCiphertext(
            context: ciphertext.context, parts: result.parts, level: outputLevel,
            scale: context.chain.scales[outputLevel], slots: ciphertext.slots, magnitude: ciphertext.magnitude,
            deviation: (input.deviation + errors.deviation(magnitude: input.magnitude)) * shift, key: ciphertext.key)
        return try evaluator.finish("refresh", result)
    }

    /// At level 0 and the message's scale, divided by the power of two that is returned.
    private func lowered(
        _ ciphertext: CKKSCiphertext, _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> (CKKSCiphertext, Double) {
        let settled = try evaluator.settled(ciphertext)
        let shift = shrink(settled.magnitude)
        let target = parameters.messageScale / shift
        var result: CKKSCiphertext
        if settled.level > 0 {
            result = try evaluator.lowered(settled, to: 0, scale: target)
        } else {
            // The message's scale is a power of two times the canonical one.
            let factor = target / settled.scale
            guard factor >= 1, abs(factor.rounded() / factor - 1) < exp2(-40) else {
                throw CKKSError(
                    code: factor >= 1 ? .exhaustedLevels : .overflow,
                    message: "refresh: at level 0 values of magnitude \(settled.magnitude) and scale "
                        + "2^\(log2(settled.scale)) do not fit; refresh at level 1, or declare a tighter magnitude")
            }
            result = try evaluator.multiply(settled, integer: Int(factor.rounded()))
            result = CKKSCiphertext(
                context: result.context, parts: result.parts, level: 0, scale: target, slots: result.slots,
                magnitude: settled.magnitude, deviation: settled.deviation, key: result.key)
        }
        result = CKKSCiphertext(
            context: result.context, parts: result.parts, level: 0, scale: target * shift, slots: result.slots,
            magnitude: result.magnitude / shift, deviation: result.deviation / shift, key: result.key)
        return (result, shift)
    }

    /// Everything that will be needed, so that nothing is missing after minutes of work.
    private func checkedKeys(
        _ ciphertext: CKKSCiphertext, _ evaluator: CKKSEvaluator
    ) throws(CKKSError) -> (BootstrappingKeys, CKKSEvaluationKeys) {
        guard let keys else {
            throw CKKSError(
                code: .missingKey,
                message: "refresh: this bootstrapper was made for planning; give it BootstrappingKeys")
        }
        guard keys.identity == ciphertext.key else {
            throw CKKSError(
                code: .keyMismatch,
                message: "refresh: the bootstrapping keys belong to \(keys.identity), the ciphertext to "
                    + "\(ciphertext.key)")
        }
        let evaluation = try evaluator.checkKeys("refresh", ciphertext)
        let logDegree = context.chain.logDegree
        var missing: [String] = []
        if evaluation.relinearisation == nil { missing.append("relinearisation") }
        if evaluation.galois[GaloisElement.conjugation(logDegree: logDegree).exponent] == nil {
            missing.append("conjugation")
        }
        let steps = keyRequirements.rotations.filter {
            evaluation.galois[GaloisElement.rotation(by: $0, logDegree: logDegree).exponent] == nil
        }
        if !steps.isEmpty { missing.append("rotations by \(steps.sorted().map(String.init).joined(separator: ", "))") }
        guard missing.isEmpty else {
            throw CKKSError(
                code: .missingKey,
                message: "refresh: the evaluation keys lack \(missing.joined(separator: "; ")); generate them with the "
                    + "bootstrapper's keyRequirements")
        }
        return (keys, evaluation)
    }

    private func refreshed(
        _ input: RawCiphertext, keys: BootstrappingKeys, evaluation: CKKSEvaluationKeys
    ) throws(CKKSError) -> RawCiphertext {
        let (ring, logDegree) = (context.ring, context.chain.logDegree)
        let galois = evaluation.galois
        let conjugation = galois[GaloisElement.conjugation(logDegree: logDegree).exponent]!
        func rotation(_ step: Int) -> GaloisKey {
            galois[GaloisElement.rotation(by: step, logDegree: logDegree).exponent]!
        }
        let matrices = try matrices()
        var z = keys.raised(input, ring: ring, primes: toCoefficientsPrimes[0])
        for step in traceSteps { z.add(z.applying(rotation(step))) }
        for transform in matrices.toCoefficients {
            z = try transform.applied(to: z, keys: galois, logDegree: logDegree)
        }
        let arithmetic = EncryptedReduction(
            relinearisation: evaluation.relinearisation!, ring: ring, primes: reductionPrimes)
        func reduced(_ u: RawCiphertext) -> RawCiphertext {
            reduction.run(u, scale: reductionScale, on: arithmetic).value
        }
        var v: RawCiphertext
        let mirrored = z.applying(conjugation)
        if isFull {
            // i·(z + z̄) = 2i·Re z and z − z̄ = 2i·Im z
            var real = z
            real.add(mirrored)
            real.multiplyByI()
            var imaginary = z
            imaginary.subtract(mirrored)
            var w1 = reduced(real)
            let w2 = reduced(imaginary)
            // (−i·W₁ + W₂) + conj(−i·W₁ − W₂) = 2·(Im W₁ + i·Im W₂)
            w1.multiplyByI()
            v = w2
            v.subtract(w1)
            var other = w1
            other.add(w2)
            // conj(−i·W₁ − W₂) = −conj(i·W₁ + W₂)
            v.subtract(other.applying(conjugation))
        } else {
            z.subtract(mirrored)
            v = reduced(z)
            v.subtract(v.applying(conjugation))
        }
        v = v.dropping(to: toSlotsPrimes[0])
        for (index, transform) in matrices.toSlots.enumerated() {
            v = try transform.applied(to: v, keys: galois, logDegree: logDegree)
            if index == 0 { for step in joinSteps { v.add(v.applying(rotation(step))) } }
        }
        return v
    }

    /// What a refresh does, for planning.
    private func note(_ record: CircuitRecord) {
        record.noteKeys { $0.formUnion(keyRequirements) }
        record.noteLevel(0)
        let top = toCoefficientsPrimes[0] - 1
        record.note(.keySwitch, level: 0)
        record.note(.keySwitch, level: top, times: 1 + traceSteps.count)
        func note(_ plans: [TransformPlan], _ primes: [Int]) {
            for (plan, primes) in zip(plans, primes) {
                let level = primes - 1
                let giants = plan.giants.count { $0.step != 0 }
                record.note(.decompose, level: level, times: 1 + giants)
                record.note(.hoistedRotation, level: level, times: plan.babies.count { $0 != 0 } + giants)
                record.note(.multiplyPlain, level: level, times: plan.count)
                record.note(.rescale, level: level)
            }
        }
        note(toCoefficients, toCoefficientsPrimes)
        record.note(.keySwitch, level: reductionPrimes[0] - 1)
        let lanes = isFull ? 2 : 1
        struct Counter: ReductionArithmetic {
            let note: (Int, Bool) -> Void
            func evaluate(_ step: ReductionStep<Void>) { note(step.depth, !step.products.isEmpty) }
        }
        let counter = Counter { depth, isProduct in
            let level = self.reductionPrimes[depth] - 1
            if isProduct {
                record.note(.tensor, level: level, times: lanes)
                record.note(.keySwitch, level: level, times: lanes)
            }
            record.note(.rescale, level: level, times: lanes)
        }
        _ = reduction.run((), scale: reductionScale, on: counter)
        record.note(.keySwitch, level: reductionPrimes.last! - 1, times: 1 + joinSteps.count)
        note(toSlots, toSlotsPrimes)
    }
}
