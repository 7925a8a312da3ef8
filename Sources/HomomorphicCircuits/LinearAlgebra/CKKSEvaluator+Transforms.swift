import CKKS
import Foundation
import Lattice

// Linear transforms of ciphertexts.
extension CKKSEvaluator {
    /// A·x: one level.
    /// - Errors: `invalidSlots` when the ciphertext's period is not the transform's; `exhaustedLevels`; `missingKey`, which
    ///   names the step.
    /// - Cost: one decomposition, a product with a key for each baby step, and per giant step a product, a decomposition
    ///   and a division by P; one rescaling.
    public func apply(_ transform: LinearTransform, to x: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try apply([transform], to: x)[0]
    }

    /// Several transforms of one ciphertext: baby steps that they share are made once.
    public func apply(_ transforms: [LinearTransform], to x: CKKSCiphertext) throws(CKKSError) -> [CKKSCiphertext] {
        let lazy = try applyLazily(transforms, to: x)
        var results: [CKKSCiphertext] = []
        for (transform, one) in zip(transforms, lazy) { results.append(try folded(one, transform)) }
        return results
    }

    /// Rescales, and adds up the parts where the result is shorter than the matrix.
    package func folded(_ a: CKKSCiphertext, _ transform: LinearTransform) throws(CKKSError) -> CKKSCiphertext {
        var result = try settled(a)
        for step in transform.foldingSteps {
            let turned = try rotate(result, by: step)
            let deviation = hypot(result.deviation, turned.deviation)
            result = try add(result, turned)
            if let assumptions = transform.assumptions {
                result = result.stating(
                    magnitude: assumptions.magnitude,
                    deviation: assumptions.hasUncorrelatedErrors ? deviation : result.deviation)
            }
        }
        return result.relabelled(slots: transform.outputSlots)
    }

    /// Before rescaling and folding, so that sums over blocks share both.
    package func applyLazily(
        _ transforms: [LinearTransform], to ciphertext: CKKSCiphertext
    ) throws(CKKSError) -> [CKKSCiphertext] {
        try check("linear transform", ciphertext)
        let x = try settled(ciphertext)
        guard x.level > 0 else {
            throw CKKSError(
                code: .exhaustedLevels, message: "linear transform: needs level 1, got 0; use parameters of more depth")
        }
        for transform in transforms
        where x.slots > transform.inputSlots || transform.matrix.slots > context.maximumSlots {
            throw CKKSError(
                code: .invalidSlots,
                message: "linear transform: got a ciphertext of \(x.slots) slots, want \(transform.inputSlots)")
        }
        let babies = transforms.reduce(into: Set<Int>()) { $0.formUnion($1.babies) }
        let rotations = try HoistedRotations(self, x, steps: babies)
        var results: [CKKSCiphertext] = []
        for transform in transforms { results.append(try rotations.applying(transform)) }
        return results
    }
}

extension CKKSCiphertext {
    /// The same ciphertext with what a caller knows of its values and errors.
    package func stating(magnitude: Double, deviation: Double) -> CKKSCiphertext {
        CKKSCiphertext(
            context: context, parts: parts, size: size, level: level, scale: scale, slots: slots, magnitude: magnitude,
            deviation: deviation, key: key)
    }

    /// The same slots, known to have another period.
    func relabelled(slots: Int) -> CKKSCiphertext {
        guard slots != self.slots else { return self }
        return CKKSCiphertext(
            context: context, parts: parts, size: size, level: level, scale: scale, slots: slots, magnitude: magnitude,
            deviation: deviation, key: key)
    }
}

/// Rotations of one ciphertext modulo Q·P, times P: not yet divided.
private struct HoistedRotations {
    typealias Pair = (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)

    let evaluator: CKKSEvaluator
    let x: CKKSCiphertext
    /// By step; empty when planning.
    var pairs: [Int: Pair] = [:]

    init(_ evaluator: CKKSEvaluator, _ x: CKKSCiphertext, steps: Set<Int>) throws(CKKSError) {
        self.evaluator = evaluator
        self.x = x
        let turning = steps.subtracting([0])
        if !turning.isEmpty {
            evaluator.record?.note(.decompose, level: x.level)
            evaluator.record?.note(.hoistedRotation, level: x.level, times: turning.count)
            evaluator.record?.noteKeys { $0.rotations.formUnion(turning) }
        }
        guard !x.isPlanned else { return }
        guard x.context.ring.parameters.digitSize > 0 else {
            throw CKKSError(code: .missingKey, message: "linear transform: the parameters have no special primes")
        }
        let decomposed =
            turning.isEmpty
            ? nil : try wrapping(.missingKey) { () throws(LatticeError) in try x.parts[1].decomposed() }
        for step in steps {
            if step == 0 {
                pairs[0] = (x.parts[0].timesSpecialPrimes(), x.parts[1].timesSpecialPrimes())
                continue
            }
            let key = try evaluator.galoisKey("linear transform", x, step: step)
            var (u0, u1) = key.key.product(decomposed!)
            u0.addTimesSpecialPrimes(x.parts[0])
            pairs[step] = (u0.applying(key.element), u1.applying(key.element))
        }
    }

    /// Σ_g rotate(Σ_b d′ ⊙ rotate(x, b), g), divided by P, not rescaled.
    func applying(_ transform: LinearTransform) throws(CKKSError) -> CKKSCiphertext {
        let (level, chain) = (x.level, evaluator.chain)
        let scale = evaluator.factorScale(x)
        let count = transform.matrix.diagonals.count
        let giants = transform.giants.filter { $0 != 0 }
        evaluator.record?.note(.multiplyPlain, level: level, times: count)
        // What remains besides: one switch per giant step, and the division of the sum.
        evaluator.record?.note(.keySwitch, level: level, times: giants.count)
        evaluator.record?.noteKeys { $0.rotations.formUnion(giants) }

        let switching = chain.slotDeviation(coefficient: chain.keySwitchDeviation(level: level), scale: x.scale)
        let rotated = hypot(x.deviation, switching)
        let isUncorrelated = transform.assumptions?.hasUncorrelatedErrors ?? false
        let norm = isUncorrelated ? transform.matrix.euclideanRowNorm : transform.matrix.rowNorm
        // Rounding of the diagonals' coefficients; they may repeat, hence nothing cancels for sure.
        let terms = isUncorrelated ? Double(count).squareRoot() : Double(count)
        let rounding =
            terms * (Double(2 * transform.matrix.slots) / 12).squareRoot() / scale + norm * exp2(-49)
        let product =
            (isUncorrelated
                ? hypot(norm * rotated, x.magnitude * rounding) : norm * rotated + x.magnitude * rounding)
            + CKKSCiphertext.boundFactor * rounding * rotated
        let final = Double(giants.count + 1).squareRoot() * switching / scale
        var parts: [RNSPolynomial<Evaluations>] = []
        if !x.isPlanned { parts = try self.parts(transform, scale: scale) }
        let result = CKKSCiphertext(
            context: x.context, parts: parts, size: 2, level: level, scale: x.scale * scale,
            slots: max(transform.matrix.slots, x.slots),
            magnitude: transform.assumptions?.magnitude ?? x.magnitude * norm,
            deviation: hypot(product, final), key: x.key)
        return try evaluator.finish("linear transform", result)
    }

    private func parts(
        _ transform: LinearTransform, scale: Double
    ) throws(CKKSError) -> [RNSPolynomial<Evaluations>] {
        let encoded = try transform.encoded(x.context, level: x.level, scale: scale)
        guard !encoded.isEmpty else {
            // The zero matrix.
            let zero = RNSPolynomial<Evaluations>(zero: x.parts[0].basis)
            return [zero, zero]
        }
        let steps = transform.babies.sorted()
        let positions = Dictionary(uniqueKeysWithValues: steps.enumerated().map { ($1, $0) })
        let lists = zip(transform.groups, encoded).map { group, factors in
            zip(group.babies, factors).map { baby, factor in
                PeriodicPolynomial.Term(source: positions[baby % transform.inputSlots]!, factor: factor)
            }
        }
        let sums = PeriodicPolynomial.combinations(of: steps.map { pairs[$0]! }, lists)
        var total: Pair?
        for (group, pair) in zip(transform.groups, sums) {
            var sum = pair
            if group.giant != 0 {
                let key = try evaluator.galoisKey("linear transform", x, step: group.giant)
                let half = sum.1.dividedByDroppedPrimes()
                let (u0, u1) = key.key.product(
                    try wrapping(.missingKey) { () throws(LatticeError) in try half.decomposed() })
                sum.0.add(u0)
                sum = (sum.0.applying(key.element), u1.applying(key.element))
            }
            if total == nil {
                total = sum
            } else {
                total!.0.add(sum.0)
                total!.1.add(sum.1)
            }
        }
        return [total!.0.dividedByDroppedPrimes(), total!.1.dividedByDroppedPrimes()]
    }
}
