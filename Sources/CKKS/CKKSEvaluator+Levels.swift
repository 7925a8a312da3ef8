import Foundation
import Lattice

// Rescaling, relinearising, and bringing operands to one level and scale.
extension CKKSEvaluator {
    /// Whether a product has not been rescaled yet.
    func needsRescaling(_ a: CKKSCiphertext) -> Bool {
        a.scale > chain.scales[a.level] * chain.moduli[a.level].squareRoot()
    }

    /// Divides by the last prime: one level and one factor of scale less.
    /// - Errors: `exhaustedLevels` at level 0.
    /// - Cost: one inverse and l forward transforms per part.
    public func rescaled(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try check("rescale", a)
        guard a.level > 0 else { throw exhausted("rescale", needs: 1, had: a.level) }
        record?.note(.rescale, level: a.level)
        var result = a
        result.scale = a.scale / chain.moduli[a.level]
        result.level = a.level - 1
        result.deviation = Self.quadrature(
            a.deviation, chain.slotDeviation(coefficient: chain.roundingDeviation, scale: result.scale))
        result.parts = a.parts.map { $0.dividedByDroppedPrimes() }
        return try finish("rescale", result)
    }

    /// Two parts again out of three.
    /// - Errors: `missingKey`, `keyMismatch`.
    public func relinearised(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        guard a.size == 3 else { return a }
        try check("relinearise", a)
        record?.note(.keySwitch, level: a.level)
        record?.noteKeys { $0.relinearisation = true }
        var result = a
        result.size = 2
        result.deviation = Self.quadrature(
            a.deviation,
            chain.slotDeviation(
                coefficient: chain.keySwitchDeviation(level: a.level, isRelinearisation: true), scale: a.scale))
        if !a.isPlanned {
            guard let key = try checkKeys("relinearise", a).relinearisation else {
                throw CKKSError(
                    code: .missingKey,
                    message: "relinearise: the evaluation keys have no relinearisation key; generate them with "
                        + "CKKSKeyRequirements(relinearisation: true)")
            }
            result.parts = key.relinearised(RLWECiphertext(parts: a.parts)).parts
        }
        return try finish("relinearise", result)
    }

    /// Relinearised, and rescaled with the same division if that is still to do.
    private func relinearisedAndRescaled(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        guard a.size == 3, a.level > 0, needsRescaling(a), !a.isPlanned,
            let key = try checkKeys("relinearise", a).relinearisation
        else { return try relinearised(a) }
        // What is public about the result is as if one came after the other; its error is a little less.
        var planned = a
        planned.parts = []
        var result = try rescaled(try relinearised(planned))
        result.memory = a.memory
        result.parts = key.relinearisedAndRescaled(RLWECiphertext(parts: a.parts)).parts
        return result
    }

    /// Relinearised and rescaled, if that is still to do.
    public func settled(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        var result = try relinearisedAndRescaled(a)
        while result.level > 0, needsRescaling(result) { result = try rescaled(result) }
        return result
    }

    /// Fewer primes, the same scale: for ciphertexts whose level is higher than needed.
    public func dropping(_ a: CKKSCiphertext, to level: Int) throws(CKKSError) -> CKKSCiphertext {
        guard level != a.level else { return a }
        guard (0..<a.level).contains(level) else { throw exhausted("drop levels", needs: level, had: a.level) }
        var result = a
        result.level = level
        result.parts = a.parts.map { $0.dropping(toCiphertextPrimes: level + 1) }
        return try finish("drop levels", result)
    }

    /// The same values at a lower level and its canonical scale, or another scale.
    ///
    /// Multiplies by an integer near scale·q/scale′ one level above the target and rescales, so it is exact to about
    /// 2^−40 and uses no level beyond those given up.
    /// - Errors: `exhaustedLevels` when `level` is above the ciphertext's, or equal with another scale.
    public func lowered(_ a: CKKSCiphertext, to level: Int, scale: Double? = nil) throws(CKKSError) -> CKKSCiphertext {
        let a = try settled(a)
        let scale = scale ?? chain.scales[level]
        guard level <= a.level else { throw exhausted("lower", needs: level, had: a.level) }
        if Self.agree(a.scale, scale) { return try dropping(a, to: level) }
        guard level < a.level else {
            throw exhausted("change the scale at level \(level)", needs: level + 1, had: level)
        }
        let above = try dropping(a, to: level + 1)
        let factor = (scale * chain.moduli[level + 1] / a.scale).rounded()
        guard factor >= 1024 else {
            throw exhausted("change the scale at level \(level)", needs: level + 2, had: a.level)
        }
        var product = above
        record?.note(.scale, level: above.level)
        if !above.isPlanned {
            let residues = residues(factor, level: above.level)
            for index in product.parts.indices { product.parts[index].multiply(byResidues: residues) }
        }
        product.scale = above.scale * factor
        var result = try rescaled(product)
        // The factor was rounded: the scale is set to what is wanted, the difference becomes error.
        result.deviation += result.magnitude * abs(result.scale / scale - 1)
        result.scale = scale
        return result
    }

    /// Both at one level and scale, for sums.
    func aligned(
        _ operation: String, _ a: CKKSCiphertext, _ b: CKKSCiphertext
    ) throws(CKKSError) -> (CKKSCiphertext, CKKSCiphertext) {
        try check(operation, a, b)
        if a.level == b.level, Self.agree(a.scale, b.scale) { return (a, b) }
        let (x, y) = (try settled(a), try settled(b))
        if x.level == y.level {
            if Self.agree(x.scale, y.scale) { return (x, y) }
            guard x.level > 0 else { throw exhausted("\(operation) at two scales", needs: 1, had: 0) }
            return (try lowered(x, to: x.level - 1), try lowered(y, to: y.level - 1))
        }
        return x.level > y.level
            ? (try lowered(x, to: y.level, scale: y.scale), y) : (x, try lowered(y, to: x.level, scale: x.scale))
    }

    /// Through the refresher.
    /// - Errors: `missingKey` when the evaluator has none.
    public func refreshed(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        guard let refresher else {
            throw CKKSError(
                code: .exhaustedLevels,
                message: "refresh: the ciphertext is at level \(a.level) and the evaluator has no bootstrapping keys")
        }
        record?.note(.bootstrap, level: a.level)
        return try refresher.refresh(a, with: self)
    }
}
