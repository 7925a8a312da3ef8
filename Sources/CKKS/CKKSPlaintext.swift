import Foundation
import Lattice

/// Encoded values: a polynomial whose slots are the values times a scale.
public struct CKKSPlaintext: Sendable {
    public let context: CKKSContext
    /// nil when made for planning.
    package let polynomial: RNSPolynomial<Evaluations>?
    public let level: Int
    public let scale: Double
    /// The period of the slots; a power of two.
    public let slots: Int
    /// Bound of the values' absolute values.
    public let magnitude: Double
    /// Deviation of a slot through rounding the coefficients.
    public let deviation: Double
}

extension CKKSContext {
    /// The least power of two that holds `count` values.
    /// - Errors: `invalidSlots` for none or more than N/2.
    public func slots(for count: Int) throws(CKKSError) -> Int {
        guard (1...maximumSlots).contains(count) else {
            throw CKKSError(code: .invalidSlots, message: "values: got \(count), want 1...\(maximumSlots)")
        }
        return 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }

    /// Encodes complex values.
    /// - Parameters:
    ///   - real: at most N/2 values; padded with zeros to a power of two n, then repeated in all N/2 slots.
    ///   - imaginary: as many, or none for zeros.
    ///   - level: 0…L, the level of the ciphertexts that it will meet.
    ///   - scale: the canonical scale of the level when nil.
    ///   - slots: n when the caller wants more than the least power of two.
    /// - Errors: `invalidValue` for NaN and infinities, with the first bad place; `invalidSlots`; `overflow` when a value
    ///   times the scale does not fit the level's modulus.
    /// - Cost: one transform on n complex numbers, one number-theoretic transform per prime.
    public func encode(
        _ real: [Double], imaginary: [Double] = [], level: Int, scale: Double? = nil, slots: Int? = nil
    ) throws(CKKSError) -> CKKSPlaintext {
        precondition(imaginary.isEmpty || imaginary.count == real.count, "imaginary: want none or as many as real")
        precondition(chain.moduli.indices.contains(level), "level: got \(level), want 0...\(chain.moduli.count - 1)")
        let n: Int
        if let slots { n = slots } else { n = try self.slots(for: real.count) }
        guard n >= real.count, n.nonzeroBitCount == 1, n <= maximumSlots else {
            throw CKKSError(
                code: .invalidSlots,
                message: "slots: got \(n) for \(real.count) values, want a power of two up to \(maximumSlots)")
        }
        let scale = scale ?? chain.scales[level]
        var magnitude = 0.0
        for (name, values) in [("value", real), ("imaginary value", imaginary)] {
            for (index, value) in values.enumerated() {
                guard value.isFinite else {
                    throw CKKSError(
                        code: .invalidValue, message: "\(name) \(index): got \(value), want a finite number")
                }
                magnitude = max(magnitude, abs(value))
            }
        }
        if !imaginary.isEmpty {
            magnitude = zip(real, imaginary).reduce(0) { max($0, ($1.0 * $1.0 + $1.1 * $1.1).squareRoot()) }
        }
        guard log2(max(magnitude, 1e-300)) + log2(scale) < chain.log2Q(level: level) - 1 else {
            throw CKKSError(
                code: .overflow,
                message: "values: got magnitude \(magnitude) at level \(level), want below "
                    + "2^\(Int(chain.log2Q(level: level) - 1 - log2(scale)))")
        }
        // Each of the 2n coefficients is rounded, and the transform itself has 53 bits.
        let rounding = (Double(2 * n) / 12).squareRoot() / scale
        let deviation = rounding + magnitude * exp2(-49)
        var polynomial: RNSPolynomial<Evaluations>?
        if parameters != nil {
            let padded = real.count == n ? real : real + [Double](repeating: 0, count: n - real.count)
            let paddedImaginary =
                imaginary.isEmpty ? [] : imaginary + [Double](repeating: 0, count: n - imaginary.count)
            let scaled = [Double](unsafeUninitializedCapacity: chain.degree) { buffer, filled in
                transform.interpolate(
                    real: padded, imaginary: paddedImaginary.isEmpty ? nil : paddedImaginary, count: n, scale: scale,
                    to: buffer.baseAddress!)
                filled = chain.degree
            }
            polynomial = try wrapping(.invalidValue) { () throws(LatticeError) in
                try RNSPolynomial<Coefficients>(rounding: scaled, basis: ring.basis(level + 1))
            }.transformed()
        }
        return CKKSPlaintext(
            context: self, polynomial: polynomial, level: level, scale: scale, slots: n, magnitude: magnitude,
            deviation: deviation)
    }

    /// The values of a plaintext, n real and n imaginary parts.
    /// - Parameter polynomial: with coefficients below `bound` in magnitude, which lets most primes be dropped first.
    package func decode(
        _ polynomial: RNSPolynomial<Evaluations>, scale: Double, slots: Int, log2Bound: Double
    ) -> (real: [Double], imaginary: [Double]) {
        var primes = 1
        while primes < polynomial.count, chain.log2Q(level: primes - 1) < log2Bound + 2 { primes += 1 }
        let values = polynomial.dropping(toCiphertextPrimes: primes).transformed().centredValues()
        var imaginary = [Double](repeating: 0, count: slots)
        let real = [Double](unsafeUninitializedCapacity: slots) { buffer, filled in
            imaginary.withUnsafeMutableBufferPointer { imaginary in
                transform.evaluate(
                    values, count: slots, scale: 1 / scale, real: buffer.baseAddress!,
                    imaginary: imaginary.baseAddress!)
            }
            filled = slots
        }
        return (real, imaginary)
    }
}
