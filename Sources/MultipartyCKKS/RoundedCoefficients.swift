import BinaryCoding
import Lattice

/// The coefficients of a polynomial modulo Q without their lowest bits: what a sum needs of them when noise covers the rest.
///
/// Coefficient x stands as round(x/2^d) in 0…⌈Q/2^d⌉, so that each is off by at most 2^(d−1). Rounding is of what everybody
/// may see, so it hides nothing and needs no care.
struct RoundedCoefficients: Sendable, Hashable {
    /// The 32 low bits of all values, then the rest of all values.
    private let packed: [UInt8]

    init(_ polynomial: borrowing RNSPolynomial<Coefficients>, dropped: Int) {
        let half: UInt128 = dropped == 0 ? 0 : 1 << UInt128(dropped - 1)
        let values = MixedRadix(polynomial.basis).integers(polynomial).map { ($0 + half) >> UInt128(dropped) }
        let bits = Self.bits(polynomial.basis, dropped: dropped)
        let low = min(bits, Self.lowBits)
        var bytes = BitPacking.packed(values.map { UInt64(truncatingIfNeeded: $0) & (1 << low - 1) }, bits: low)
        if bits > low { bytes += BitPacking.packed(values.map { UInt64($0 >> UInt128(low)) }, bits: bits - low) }
        packed = bytes
    }

    /// Adds the integers back into residues.
    func add(to sum: inout RNSPolynomial<Coefficients>, dropped: Int) {
        let basis = sum.basis
        let values = Self.values(packed, basis: basis, dropped: dropped)
        for j in 0..<basis.count {
            let q = basis[j]
            // Halves below 2^64 and products of residues, instead of divisions of 128 bits.
            let shift = q.power(2, UInt64(dropped))
            let high = q.power(2, 64)
            sum.withMutableLimb(j) { words in
                for i in words.indices {
                    let value = values[i]
                    let residue =
                        UInt64(truncatingIfNeeded: value) % q.value
                        + q.multiply(UInt64(truncatingIfNeeded: value >> 64) % q.value, high)
                    words[i] = (words[i] + q.multiply(residue % q.value, shift)) % q.value
                }
            }
        }
    }

    // MARK: Bytes

    private static let lowBits = 32
    /// Of a value: what is behind the low ones is packed from words of 64 bits, seven of which a byte may already fill.
    static let greatestBits = lowBits + 56

    /// Bits of one value.
    static func bits(_ basis: RNSBasis, dropped: Int) -> Int {
        UInt128.bitWidth - greatest(basis, dropped: dropped).leadingZeroBitCount
    }

    private static func greatest(_ basis: RNSBasis, dropped: Int) -> UInt128 {
        (MixedRadix(basis).product >> UInt128(dropped)) + 1
    }

    /// Bytes of one polynomial.
    static func byteCount(_ basis: RNSBasis, dropped: Int) -> Int {
        let bits = bits(basis, dropped: dropped)
        let degree = basis.ring.degree
        return (min(bits, lowBits) * degree + 7) / 8 + (max(0, bits - lowBits) * degree + 7) / 8
    }

    private static func values(_ packed: [UInt8], basis: RNSBasis, dropped: Int) -> [UInt128] {
        let bits = bits(basis, dropped: dropped)
        let low = min(bits, lowBits)
        let degree = basis.ring.degree
        let split = (low * degree + 7) / 8
        let first = BitPacking.unpacked(packed[..<split], count: degree, bits: low)
        guard bits > low else { return first.map { UInt128($0) } }
        let rest = BitPacking.unpacked(packed[split...], count: degree, bits: bits - low)
        return zip(first, rest).map { UInt128($0) | UInt128($1) << UInt128(low) }
    }

    func encode(into encoder: inout BinaryEncoder) { encoder.encodeRaw(packed) }

    /// - Errors: `invalidEncoding` for values beyond the greatest.
    init(decoding decoder: inout BinaryDecoder, basis: RNSBasis, dropped: Int) throws(MultipartyError) {
        let limit = Self.greatest(basis, dropped: dropped)
        packed = try wrappingCoding { () throws(BinaryCodingError) in
            let bytes = try decoder.decodeRaw(Self.byteCount(basis, dropped: dropped), "coefficients")
            let values = Self.values(bytes, basis: basis, dropped: dropped)
            if let bad = values.firstIndex(where: { $0 > limit }) {
                throw BinaryCodingError(
                    code: .invalidValue, message: "coefficient \(bad): got one beyond the modulus")
            }
            return bytes
        }
    }
}

/// Integers from residues by mixed-radix digits; for products of primes below 2^126.
struct MixedRadix: Sendable {
    private let moduli: [Modulus]
    /// [j][i]: the inverse of qᵢ modulo qⱼ for i < j.
    private let inverses: [[UInt64]]
    /// Q
    let product: UInt128

    init(_ basis: RNSBasis) {
        let moduli = basis.moduli
        self.moduli = moduli
        inverses = moduli.indices.map { j in (0..<j).map { moduli[j].inverse(moduli[$0].value % moduli[j].value) } }
        product = moduli.reduce(1) { $0 * UInt128($1.value) }
    }

    /// In 0..<Q.
    func integers(_ polynomial: borrowing RNSPolynomial<Coefficients>) -> [UInt128] {
        let degree = polynomial.degree
        var result = [UInt128](repeating: 0, count: degree)
        var digits: [[UInt64]] = []
        var weight: UInt128 = 1
        for j in moduli.indices {
            let q = moduli[j]
            var digit = polynomial.withLimb(j) { Array($0) }
            for (i, earlier) in digits.enumerated() {
                let inverse = inverses[j][i]
                for k in 0..<degree {
                    let other = earlier[k] % q.value
                    let difference = digit[k] >= other ? digit[k] - other : digit[k] + q.value - other
                    digit[k] = q.multiply(difference, inverse)
                }
            }
            for k in 0..<degree { result[k] += UInt128(digit[k]) * weight }
            digits.append(digit)
            weight *= UInt128(q.value)
        }
        return result
    }
}
