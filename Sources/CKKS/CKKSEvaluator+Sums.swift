import Foundation
import Lattice

// Sums and negation: no level is used, unless the operands are at different scales.
extension CKKSEvaluator {
    /// a + b, slot by slot.
    public func add(_ a: CKKSCiphertext, _ b: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try combined("add", a, b) { $0.add($1) }
    }

    /// a − b, slot by slot.
    public func subtract(_ a: CKKSCiphertext, _ b: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try combined("subtract", a, b) { $0.subtract($1) }
    }

    private func combined(
        _ operation: String, _ a: CKKSCiphertext, _ b: CKKSCiphertext,
        _ body: (inout RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>) -> Void
    ) throws(CKKSError) -> CKKSCiphertext {
        let (x, y) = try aligned(operation, a, b)
        record?.note(.add, level: x.level)
        var result = x
        result.size = max(x.size, y.size)
        result.slots = max(x.slots, y.slots)
        result.magnitude = x.magnitude + y.magnitude
        result.deviation = x.deviation + y.deviation
        if !x.isPlanned {
            while result.parts.count < y.parts.count {
                result.parts.append(RNSPolynomial(zero: y.parts[0].basis))
            }
            for index in y.parts.indices { body(&result.parts[index], y.parts[index]) }
        }
        return try finish(operation, result)
    }

    /// Σ aᵢ: at least one.
    public func sum(_ terms: [CKKSCiphertext]) throws(CKKSError) -> CKKSCiphertext {
        precondition(!terms.isEmpty, "terms: want at least one")
        var total = terms[0]
        for term in terms.dropFirst() { total = try add(total, term) }
        return total
    }

    /// −a
    public func negate(_ a: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try check("negate", a)
        var result = a
        for index in result.parts.indices { result.parts[index].negate() }
        return try finish("negate", result)
    }

    /// a + c in every slot.
    public func add(_ a: CKKSCiphertext, _ constant: Double) throws(CKKSError) -> CKKSCiphertext {
        try check("add", a)
        try requireFinite("add", constant)
        record?.note(.add, level: a.level)
        var result = a
        result.magnitude = a.magnitude + abs(constant)
        result.deviation = a.deviation + 0.5 / a.scale + abs(constant) * exp2(-52)
        // Checked first: the residues of what does not fit would be those of another number.
        let checked = try finish("add", result)
        result = checked
        if !a.isPlanned { result.parts[0].addConstant(residues: residues(constant * a.scale, level: a.level)) }
        return result
    }

    /// a + p, slot by slot, for a plaintext of the same scale; a higher level of p is dropped.
    /// - Errors: `exhaustedLevels` when p is at a lower level, `parameterMismatch` for another scale.
    public func add(_ a: CKKSCiphertext, _ p: CKKSPlaintext) throws(CKKSError) -> CKKSCiphertext {
        try check("add", a)
        let p = try matched("add", a, p)
        guard Self.agree(a.scale, p.scale) else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "add: the plaintext has scale 2^\(Self.text(log2(p.scale))), the ciphertext "
                    + "2^\(Self.text(log2(a.scale))); encode it with encode(_:addingTo:)")
        }
        record?.note(.add, level: a.level)
        var result = a
        result.slots = max(a.slots, p.slots)
        result.magnitude = a.magnitude + p.magnitude
        result.deviation = a.deviation + p.deviation
        result = try finish("add", result)
        if !a.isPlanned, let polynomial = p.polynomial { result.parts[0].add(polynomial) }
        return result
    }

    /// a + values, slot by slot. Fewer values than slots are padded with zeros.
    public func add(_ a: CKKSCiphertext, _ values: [Double]) throws(CKKSError) -> CKKSCiphertext {
        try add(a, try encode(values, addingTo: a))
    }

    /// A plaintext at the level and scale of a ciphertext.
    public func encode(
        _ real: [Double], imaginary: [Double] = [], addingTo a: CKKSCiphertext
    ) throws(CKKSError) -> CKKSPlaintext {
        record?.note(.encode, level: a.level)
        return try context.encode(
            real, imaginary: imaginary, level: a.level, scale: a.scale,
            slots: max(a.slots, try context.slots(for: real.count)))
    }

    /// A plaintext brought to the level of a ciphertext.
    func matched(_ operation: String, _ a: CKKSCiphertext, _ p: CKKSPlaintext) throws(CKKSError) -> CKKSPlaintext {
        guard p.context === context || p.context.matches(context) else {
            throw CKKSError(
                code: .parameterMismatch, message: "\(operation): got a plaintext with \(p.context), want \(context)")
        }
        guard p.level >= a.level else { throw exhausted("\(operation) with a plaintext", needs: a.level, had: p.level) }
        guard p.level > a.level else { return p }
        return CKKSPlaintext(
            context: p.context, polynomial: p.polynomial?.dropping(toCiphertextPrimes: a.level + 1), level: a.level,
            scale: p.scale, slots: p.slots, magnitude: p.magnitude, deviation: p.deviation)
    }

    func requireFinite(_ operation: String, _ value: Double) throws(CKKSError) {
        guard value.isFinite else {
            throw CKKSError(code: .invalidValue, message: "\(operation): got \(value), want a finite number")
        }
    }
}
