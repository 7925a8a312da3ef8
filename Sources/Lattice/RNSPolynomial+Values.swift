import CKernels
import Foundation

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
        update { words, q, _ in tacit_vector_from_signed(words, source, n, q) }
    }

    /// Residues of N reals, each rounded to the nearest integer (ties to even). Magnitudes may exceed 2⁶³.
    /// - Errors: `invalidCoefficient` for NaN and infinities, with the first bad position.
    public init(rounding values: [Double], basis: RNSBasis, isSecret: Bool = false) throws(LatticeError) {
        precondition(values.count == basis.ring.degree, "values: got \(values.count), want \(basis.ring.degree)")
        if let bad = values.firstIndex(where: { !$0.isFinite }) {
            throw LatticeError(
                code: .invalidCoefficient, message: "coefficient \(bad): got \(values[bad]), want a finite number")
        }
        self.init(uninitialized: basis, isSecret: isSecret)
        let n = degree
        values.withUnsafeBufferPointer { buffer in
            nonisolated(unsafe) let source = buffer.baseAddress!
            update(cost: 1) { words, q, _ in tacit_vector_from_double(words, source, n, q) }
        }
    }

    /// The coefficients as reals: the representatives in (−B/2, B/2] where B is the product of the basis' primes.
    ///
    /// Mixed-radix digits (Garner) of the magnitude, so that the relative error is at most count · 2⁻⁵³ however small the
    /// coefficient is against B.
    /// - Cost: count²/2 products per coefficient; drop to the fewest primes that hold the values first.
    public func centredValues() -> [Double] {
        let k = count
        let moduli = basis.moduli
        // inverse[i][j]: q_i⁻¹ mod q_j for i < j
        let inverse = (0..<k).map { i in
            (0..<k).map { j in i < j ? moduli[j].inverse(moduli[i].value % moduli[j].value) : 0 }
        }
        let half = Self.mixedRadixHalf(moduli)
        let pointers = (0..<k).map { limb($0) }
        return withExtendedLifetime(self) {
            [Double](unsafeUninitializedCapacity: degree) { buffer, filled in
                var digits = [UInt64](repeating: 0, count: k)
                for n in 0..<degree {
                    for j in 0..<k {
                        let q = moduli[j].value
                        var r = pointers[j][n]
                        for i in 0..<j {
                            let d = digits[i] >= q ? digits[i] % q : digits[i]
                            r = moduli[j].multiply(r >= d ? r - d : r + q - d, inverse[i][j])
                        }
                        digits[j] = r
                    }
                    // B − 1 has the digits q_j − 1, so subtracting from it needs no borrows.
                    let isNegative = half.reversed().lexicographicallyPrecedes(digits.reversed())
                    var value = 0.0
                    for j in (0..<k).reversed() {
                        let digit = isNegative ? moduli[j].value - 1 - digits[j] : digits[j]
                        value = value * Double(moduli[j].value) + Double(digit)
                    }
                    buffer[n] = isNegative ? -(value + 1) : value
                }
                filled = degree
            }
        }
    }

    /// Digits of (B − 1)/2, B odd: by halving the digits q_j − 1 (all even) no carries arise.
    private static func mixedRadixHalf(_ moduli: [Modulus]) -> [UInt64] { moduli.map { ($0.value - 1) / 2 } }
}
