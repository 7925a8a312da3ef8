import CKernels

extension RNSPolynomial<Coefficients> {
    /// Residues of N signed integers.
    /// - Parameter values: N integers of magnitude below the smallest prime.
    public init(signed values: [Int64], basis: RNSBasis, isSecret: Bool = false) {
        precondition(values.count == basis.ring.degree, "values: got \(values.count), want \(basis.ring.degree)")
        self = values.withUnsafeBufferPointer { Self(signed: $0, basis: basis, isSecret: isSecret) }
    }

    init(signed values: UnsafeBufferPointer<Int64>, basis: RNSBasis, isSecret: Bool) {
        let smallest = basis.moduli.map(\.value).min()!
        precondition(values.allSatisfy { $0.magnitude < smallest }, "values: want magnitudes below \(smallest)")
        self.init(uninitialized: basis, isSecret: isSecret)
        nonisolated(unsafe) let source = values.baseAddress!
        let n = degree
        update { out, q, _ in tacit_vector_from_signed(out, source, n, q) }
    }

    /// Residues of N reals, each rounded to the nearest integer (ties to even). Magnitudes may exceed 2⁶³.
    ///
    /// No branch or address depends on a value below 2⁵² in magnitude.
    /// - Errors: `invalidCoefficient` for NaN and infinities, with the first bad position.
    public init(rounding values: [Double], basis: RNSBasis, isSecret: Bool = false) throws(LatticeError) {
        let made = values.withUnsafeBufferPointer { buffer -> Result<Self, LatticeError> in
            Result { () throws(LatticeError) in try Self(rounding: buffer, basis: basis, isSecret: isSecret) }
        }
        self = try made.get()
    }

    /// The same from memory of the caller.
    public init(
        rounding values: UnsafeBufferPointer<Double>, basis: RNSBasis, isSecret: Bool = false
    ) throws(LatticeError) {
        precondition(values.count == basis.ring.degree, "values: got \(values.count), want \(basis.ring.degree)")
        nonisolated(unsafe) let source = values.baseAddress!
        let bad = tacit_first_not_finite(source, values.count)
        guard bad == values.count else {
            throw LatticeError(
                code: .invalidCoefficient, message: "coefficient \(bad): got \(values[bad]), want a finite number")
        }
        self.init(uninitialized: basis, isSecret: isSecret)
        let n = degree
        update(cost: 0.3) { out, q, _ in tacit_vector_from_double(out, source, n, q) }
    }

    /// The coefficients as reals: the representatives in (−B/2, B/2] where B is the product of the basis' primes.
    ///
    /// With one or two primes the nearest double. With more, mixed-radix digits (Garner) of the magnitude, so that the
    /// relative error is at most count · 2⁻⁵³ however small the coefficient is against B. No branch or address depends on
    /// a coefficient.
    /// - Cost: count²/2 products per coefficient; drop to the fewest primes that hold the values first.
    public func centredValues() -> [Double] {
        [Double](unsafeUninitializedCapacity: degree) { buffer, filled in
            writeCentredValues(to: buffer.baseAddress!)
            filled = degree
        }
    }

    /// The same to N doubles of the caller's.
    package func writeCentredValues(to target: UnsafeMutablePointer<Double>) {
        let k = count
        precondition(k <= Int(TACIT_CONVERSION_SOURCES), "primes: got \(k), want at most \(TACIT_CONVERSION_SOURCES)")
        let moduli = basis.moduli
        // [i·k + j]: q_i⁻¹ mod q_j for i < j
        var inverse = [UInt64](repeating: 0, count: k * k)
        for i in 0..<k {
            for j in i + 1..<max(k, i + 1) { inverse[i * k + j] = moduli[j].inverse(moduli[i].value % moduli[j].value) }
        }
        let constants = moduli.map(\.constants)
        let limbs = (0..<k).map { Optional(limb($0)) }
        let step = min(degree, 1024)
        constants.withUnsafeBufferPointer { constants in
            inverse.withUnsafeBufferPointer { inverse in
                nonisolated(unsafe) let garner = tacit_garner(
                    primes: k, moduli: constants.baseAddress, inverse: inverse.baseAddress)
                nonisolated(unsafe) let (limbs, target) = (limbs, target)
                // Costs are per coefficient of the whole polynomial.
                let cost = 0.5 * Double(k * (k + 1)) * Double(step) / Double(degree)
                basis.ring.forEachLimb(degree / step, cost: cost) { part in
                    withUnsafePointer(to: garner) {
                        tacit_centred(target + part * step, limbs, $0, part * step, step)
                    }
                }
            }
        }
        withExtendedLifetime(self) {}
    }
}
