import Foundation
import Lattice

// Products: with ciphertexts, plaintexts, constants. Each uses one level, integers and i none.
extension CKKSEvaluator {
    /// a · b, slot by slot: relinearised, rescaled.
    /// - Errors: `exhaustedLevels` at level 0, `missingKey` without a relinearisation key.
    public func multiply(_ a: CKKSCiphertext, _ b: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try settled(try multiplyLazily(a, b))
    }

    /// a², slot by slot: a product less than `multiply(a, a)`.
    public func square(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try settled(try squareLazily(a))
    }

    /// a · b in three parts and at the product of the scales; sums of such share what ``settled(_:)`` costs.
    public func multiplyLazily(_ a: CKKSCiphertext, _ b: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try check("multiply", a, b)
        var (x, y) = (try settled(a), try settled(b))
        let level = min(x.level, y.level)
        guard level > 0 else { throw exhausted("multiply", needs: 1, had: 0) }
        if x.level > level { x = try lowered(x, to: level) }
        if y.level > level { y = try lowered(y, to: level) }
        record?.note(.tensor, level: level)
        var result = productState(x, y)
        if !x.isPlanned {
            result.parts = RLWECiphertext(parts: x.parts).tensorProduct(RLWECiphertext(parts: y.parts)).parts
        }
        return try finish("multiply", result)
    }

    /// a² in three parts, not rescaled.
    public func squareLazily(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try check("square", a)
        let x = try settled(a)
        guard x.level > 0 else { throw exhausted("square", needs: 1, had: 0) }
        record?.note(.tensor, level: x.level)
        var result = productState(x, x)
        if !x.isPlanned { result.parts = RLWECiphertext(parts: x.parts).tensorSquare().parts }
        return try finish("square", result)
    }

    private func productState(_ x: CKKSCiphertext, _ y: CKKSCiphertext) -> CKKSCiphertext {
        var result = x
        result.parts = []
        result.size = 3
        result.scale = x.scale * y.scale
        result.slots = max(x.slots, y.slots)
        result.magnitude = x.magnitude * y.magnitude
        result.deviation =
            x.magnitude * y.deviation + y.magnitude * x.deviation
            + CKKSCiphertext.boundFactor * x.deviation * y.deviation
        return result
    }

    // MARK: Plaintexts

    /// a · p, slot by slot, rescaled.
    public func multiply(_ a: CKKSCiphertext, _ p: CKKSPlaintext) throws(CKKSError) -> CKKSCiphertext {
        try settled(try multiplyLazily(a, p))
    }

    /// a · p, not rescaled.
    public func multiplyLazily(_ a: CKKSCiphertext, _ p: CKKSPlaintext) throws(CKKSError) -> CKKSCiphertext {
        try check("multiply", a)
        var x = needsRescaling(a) ? try settled(a) : a
        guard x.level > 0 else { throw exhausted("multiply", needs: 1, had: 0) }
        // A plaintext of a lower level takes the ciphertext down to it.
        if p.level < x.level { x = try dropping(x, to: p.level) }
        let p = try matched("multiply", x, p)
        record?.note(.multiplyPlain, level: x.level)
        var result = x
        result.scale = x.scale * p.scale
        result.slots = max(x.slots, p.slots)
        result.magnitude = x.magnitude * p.magnitude
        result.deviation =
            x.magnitude * p.deviation + p.magnitude * x.deviation
            + CKKSCiphertext.boundFactor * x.deviation * p.deviation
        if !x.isPlanned {
            guard let polynomial = p.polynomial else {
                throw CKKSError(code: .plannedOnly, message: "multiply: this plaintext was made for planning")
            }
            result.parts = RLWECiphertext(parts: x.parts).multiplied(by: polynomial).parts
        }
        return try finish("multiply", result)
    }

    /// a · values, slot by slot, rescaled. Fewer values than slots are padded with zeros.
    public func multiply(_ a: CKKSCiphertext, _ values: [Double]) throws(CKKSError) -> CKKSCiphertext {
        let x = try settled(a)
        return try multiply(x, try encode(values, multiplying: x))
    }

    /// A plaintext at the level of a ciphertext whose product has the canonical scale after rescaling.
    public func encode(
        _ real: [Double], imaginary: [Double] = [], multiplying a: CKKSCiphertext
    ) throws(CKKSError) -> CKKSPlaintext {
        guard a.level > 0 else { throw exhausted("multiply", needs: 1, had: 0) }
        record?.note(.encode, level: a.level)
        return try context.encode(
            real, imaginary: imaginary, level: a.level, scale: factorScale(a),
            slots: max(a.slots, try context.slots(for: real.count)))
    }

    /// Δ_{l−1}·q_l/scale: what a factor's scale must be for a canonical product.
    package func factorScale(_ a: CKKSCiphertext) -> Double {
        chain.scales[a.level - 1] * chain.moduli[a.level] / a.scale
    }

    // MARK: Constants

    /// a · c, rescaled. Integers up to 2⁴⁰ use no level.
    public func multiply(_ a: CKKSCiphertext, _ constant: Double) throws(CKKSError) -> CKKSCiphertext {
        if constant == constant.rounded(), abs(constant) < exp2(40) { return try multiply(a, integer: Int(constant)) }
        return try settled(try multiplyLazily(a, constant))
    }

    /// a · c, not rescaled, at scale Δ_{l−1}·q_l, so that such products can be summed.
    public func multiplyLazily(_ a: CKKSCiphertext, _ constant: Double) throws(CKKSError) -> CKKSCiphertext {
        try check("multiply", a)
        try requireFinite("multiply", constant)
        let x = needsRescaling(a) ? try settled(a) : a
        guard x.level > 0 else { throw exhausted("multiply", needs: 1, had: 0) }
        record?.note(.scale, level: x.level)
        let factor = factorScale(x)
        let rounded = (constant * factor).rounded(.toNearestOrEven)
        var result = x
        result.scale = x.scale * factor
        result.magnitude = x.magnitude * abs(constant)
        result.deviation = x.deviation * abs(rounded / factor) + x.magnitude * abs(rounded / factor - constant)
        result = try finish("multiply", result)
        if !x.isPlanned {
            let residues = residues(rounded, level: x.level)
            for index in result.parts.indices { result.parts[index].multiply(byResidues: residues) }
        }
        return result
    }

    /// a · n for an integer: no level, no rounding.
    public func multiply(_ a: CKKSCiphertext, integer n: Int) throws(CKKSError) -> CKKSCiphertext {
        try check("multiply", a)
        var result = a
        result.magnitude = a.magnitude * abs(Double(n))
        result.deviation = a.deviation * abs(Double(n))
        result = try finish("multiply", result)
        record?.note(.scale, level: a.level)
        for index in result.parts.indices { result.parts[index].multiply(byInteger: Int64(n)) }
        return result
    }

    /// a · i: no level, no rounding.
    public func multiplyByI(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try check("multiply by i", a)
        record?.note(.scale, level: a.level)
        var result = a
        for index in result.parts.indices { multiplyByI(&result.parts[index]) }
        return try finish("multiply by i", result)
    }

    /// X^(N/2) is i at the exponents that are 1 modulo 4, the first half of the evaluations, and −i at the others.
    private func multiplyByI(_ polynomial: inout RNSPolynomial<Evaluations>) {
        let n = chain.degree
        for j in 0..<polynomial.count {
            let q = polynomial.basis[j]
            let root = context.ring.moduli[j].power(context.ring.root(j), UInt64(n / 2))
            polynomial.withMutableLimb(j) { words in
                for i in 0..<n / 2 { words[i] = q.multiply(words[i], root) }
                for i in n / 2..<n { words[i] = q.multiply(words[i], q.value - root) }
            }
        }
    }
}
