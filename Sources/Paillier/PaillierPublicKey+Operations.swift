import BigIntegers
import ModularArithmetic
import Parallelism

/// Arithmetic on plaintexts under encryption; needs no secret and draws no randomness.
///
/// Results are determined by the operands: before one leaves its owner it must be re-randomised (see
/// ``PaillierEncryptor/rerandomise(_:using:)``), or whoever knows the operands can tell what was done to them. Sums and
/// products are modulo n; keeping them inside (−n/2, n/2) is the caller's task, or ``PackingLayout``'s.
extension PaillierPublicKey {
    private func requireEqual(_ left: Int, _ right: Int, _ what: String) throws(PaillierError) {
        guard left == right else {
            throw PaillierError(code: .countMismatch, message: "\(what): got \(right), want \(left)")
        }
    }

    private func requireRange(_ factors: [BigInteger], _ what: String) throws(PaillierError) {
        for factor in factors where !canEncrypt(factor) {
            throw PaillierError(
                code: .plaintextOutOfRange,
                message: "\(what): got \(factor.bitWidth) bits, want a number between −n/2 and n/2")
        }
    }

    private func wrap(_ values: [BigInteger]) -> [PaillierCiphertext] {
        values.map { PaillierCiphertext(value: $0, keyTag: keyTag) }
    }

    private func inverses(_ values: [BigInteger]) throws(PaillierError) -> [BigInteger] {
        guard let result = BigInteger.inverses(of: values, modulo: modulusSquared) else {
            throw PaillierError(code: .invalidCiphertext, message: "ciphertexts: want numbers coprime to the modulus")
        }
        return result
    }

    /// Ciphertexts of aᵢ + bᵢ.
    /// - Throws: `keyMismatch`, `countMismatch`.
    /// - Cost: one product modulo n² each.
    public func add(
        _ a: [PaillierCiphertext], _ b: [PaillierCiphertext]
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try requireEqual(a.count, b.count, "second operand's ciphertexts")
        try check(a)
        try check(b)
        return wrap(context.products(a.map(\.value), b.map(\.value)))
    }

    /// Ciphertexts of aᵢ − bᵢ.
    /// - Throws: `keyMismatch`, `countMismatch`.
    /// - Cost: four products each and one inversion for all.
    public func subtract(
        _ a: [PaillierCiphertext], _ b: [PaillierCiphertext]
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try add(a, negate(b))
    }

    /// Ciphertexts of −aᵢ.
    public func negate(_ a: [PaillierCiphertext]) throws(PaillierError) -> [PaillierCiphertext] {
        try check(a)
        return wrap(try inverses(a.map(\.value)))
    }

    /// The elementwise sum of many vectors of one length.
    /// - Throws: `keyMismatch`; `countMismatch` also for no vectors at all.
    public func sum(_ vectors: [[PaillierCiphertext]]) throws(PaillierError) -> [PaillierCiphertext] {
        guard let first = vectors.first else {
            throw PaillierError(code: .countMismatch, message: "vectors: got none, want at least 1")
        }
        for vector in vectors {
            try requireEqual(first.count, vector.count, "a vector's ciphertexts")
            try check(vector)
        }
        return wrap(context.product(ofColumns: vectors.map { $0.map(\.value) }))
    }

    /// The sum of the vector's own elements; for none, the ciphertext 1 of 0.
    public func total(_ vector: [PaillierCiphertext]) throws(PaillierError) -> PaillierCiphertext {
        try check(vector)
        return PaillierCiphertext(value: context.product(of: vector.map(\.value)), keyTag: keyTag)
    }

    /// 1 + m·n = (1 + n)^m mod n², a ciphertext of m that hides nothing.
    func unblinded(_ plaintext: BigInteger) throws(PaillierError) -> BigInteger {
        guard canEncrypt(plaintext) else {
            throw PaillierError(
                code: .plaintextOutOfRange,
                message: "plaintext: got \(plaintext.bitWidth) bits, want a number between −n/2 and n/2")
        }
        return plaintext.modulo(modulus) * modulus + 1
    }

    /// Ciphertexts of aᵢ + plaintextsᵢ.
    /// - Throws: `keyMismatch`, `countMismatch`, `plaintextOutOfRange`.
    public func add(
        _ a: [PaillierCiphertext], plaintexts: [BigInteger]
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try requireEqual(a.count, plaintexts.count, "plaintexts")
        try check(a)
        var factors: [BigInteger] = []
        factors.reserveCapacity(plaintexts.count)
        for plaintext in plaintexts { factors.append(try unblinded(plaintext)) }
        return wrap(context.products(a.map(\.value), factors))
    }

    /// Ciphertexts of aᵢ · factorsᵢ.
    ///
    /// - Parameter variableTime: whether the time may depend on the factors. When not, only the bit length of the
    ///   longest shows, not signs or zeros.
    /// - Throws: `keyMismatch`, `countMismatch`, `plaintextOutOfRange`.
    /// - Cost: an exponentiation by the factor each.
    public func multiply(
        _ a: [PaillierCiphertext], by factors: [BigInteger], variableTime: Bool
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try requireEqual(a.count, factors.count, "factors")
        try check(a)
        try requireRange(factors, "factor")
        let values = a.map(\.value)
        if !variableTime { return wrap(try secretPowers(values, factors)) }
        var bases = values
        let negative = factors.indices.filter { factors[$0].signum < 0 }
        for (index, inverse) in zip(negative, try inverses(negative.map { values[$0] })) { bases[index] = inverse }
        return wrap(context.powers(of: bases, exponents: factors.map(\.magnitude), secret: false))
    }

    /// Ciphertexts of aᵢ · factor, for one public factor.
    public func multiply(
        _ a: [PaillierCiphertext], by factor: BigInteger
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try multiply(a, by: [BigInteger](repeating: factor, count: a.count), variableTime: true)
    }

    /// vᵢ^kᵢ = vᵢ^(kᵢ + 2^B) · vᵢ^(−2^B): the first exponent is positive and of B + 1 bits whatever kᵢ is.
    private func secretPowers(
        _ values: [BigInteger], _ factors: [BigInteger]
    ) throws(PaillierError) -> [BigInteger] {
        let offset = BigInteger(1) << factors.reduce(1) { max($0, $1.bitWidth) }
        let shifted = context.powers(of: values, exponents: factors.map { $0 + offset }, secret: true)
        let corrections = context.powers(of: try inverses(values), exponent: .variableTime(offset))
        return context.products(shifted, corrections)
    }

    /// For each row of weights a ciphertext of Σᵢ aᵢ · rowᵢ.
    ///
    /// - Parameter variableTime: whether the time may depend on the weights. When not, only the bit length of the longest
    ///   shows.
    /// - Throws: `keyMismatch`, `countMismatch`, `plaintextOutOfRange`.
    /// - Cost: a multi-exponentiation a row, whose squarings are shared by the row.
    public func linearCombinations(
        _ a: [PaillierCiphertext], weights rows: [[BigInteger]], variableTime: Bool
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try check(a)
        for row in rows {
            try requireEqual(a.count, row.count, "weights")
            try requireRange(row, "weight")
        }
        return wrap(
            context.multiExponentiations(bases: a.map(\.value), exponentRows: rows, secret: !variableTime))
    }

    /// For each row of ciphertexts one of Σᵢ rowᵢ · weightsᵢ: one row of weights for all, as when a model scores many
    /// rows of a table.
    ///
    /// - Parameter variableTime: whether the time may depend on the weights.
    /// - Throws: `keyMismatch`, `countMismatch`, `plaintextOutOfRange`.
    /// - Cost: as ``linearCombinations(_:weights:variableTime:)``, eight rows at a time where the machine can.
    public func linearCombinations(
        ofRows rows: [[PaillierCiphertext]], weights: [BigInteger], variableTime: Bool
    ) throws(PaillierError) -> [PaillierCiphertext] {
        for row in rows {
            try requireEqual(weights.count, row.count, "a row's ciphertexts")
            try check(row)
        }
        try requireRange(weights, "weight")
        return wrap(
            context.multiExponentiations(
                baseRows: rows.map { $0.map(\.value) }, exponents: weights, secret: !variableTime))
    }

    /// A ciphertext of Σᵢ aᵢ · weightsᵢ.
    public func linearCombination(
        _ a: [PaillierCiphertext], weights: [BigInteger], variableTime: Bool
    ) throws(PaillierError) -> PaillierCiphertext {
        try linearCombinations(a, weights: [weights], variableTime: variableTime)[0]
    }
}
