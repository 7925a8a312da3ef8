import CKernels
import Randomness

/// Small secret polynomials: N signed integers in memory that is wiped.
///
/// All samplers run in a time that does not depend on what they return.
public final class SmallPolynomial: Sendable {
    nonisolated(unsafe) private let storage: UnsafeMutableBufferPointer<Int64>
    public var count: Int { storage.count }

    fileprivate init(count: Int) {
        storage = .allocate(capacity: count)
        storage.initialize(repeating: 0)
    }

    deinit {
        tacit_zeroise(storage.baseAddress, storage.count * 8)
        storage.deallocate()
    }

    /// Lends the coefficients.
    public func withValues<Result, Failure: Error>(
        _ access: SecretAccess, _ body: (UnsafeBufferPointer<Int64>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeBufferPointer(storage))
    }

    /// The polynomial over a basis, marked secret.
    public func polynomial(_ basis: RNSBasis) -> RNSPolynomial<Coefficients> {
        precondition(count == basis.ring.degree, "count: got \(count), want \(basis.ring.degree)")
        return RNSPolynomial(signed: UnsafeBufferPointer(storage), basis: basis, isSecret: true)
    }

    fileprivate func fill(_ body: (UnsafeMutableBufferPointer<Int64>) -> Void) { body(storage) }

    /// From coefficients that another place holds, for decoders.
    convenience init(copying values: UnsafeBufferPointer<Int64>) {
        self.init(count: values.count)
        _ = storage.update(from: values)
    }
}

/// Random words in wiped memory.
private func withRandomWords(
    _ count: Int, using random: inout some SecureRandom, _ body: (UnsafeMutableBufferPointer<UInt64>) -> Void
) {
    let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
    random.fill(UnsafeMutableRawBufferPointer(words))
    body(words)
    tacit_zeroise(words.baseAddress, count * 8)
    words.deallocate()
}

extension SmallPolynomial {
    /// N independent coefficients uniform on {−1, 0, 1}: exact, from bytes below 3⁵ by base-3 digits. Only rejected bytes,
    /// which leave no trace in the result, influence the time.
    public static func ternary(count: Int, using random: inout some SecureRandom) -> SmallPolynomial {
        let result = SmallPolynomial(count: count)
        result.fill { values in
            var filled = 0
            while filled < count {
                let needed = (count - filled + 4) / 5
                withRandomWords((needed + 7) / 8 + 1, using: &random) { words in
                    for byte in UnsafeRawBufferPointer(words) {
                        guard filled < count else { break }
                        guard byte < 243 else { continue }
                        var digits = UInt32(byte)
                        for _ in 0..<5 where filled < count {
                            let quotient = (digits &* 171) >> 9  // digits / 3, exact below 256
                            values[filled] = Int64(digits &- 3 &* quotient) &- 1
                            digits = quotient
                            filled &+= 1
                        }
                    }
                }
            }
        }
        return result
    }

    /// Exactly `weight` coefficients ±1 at uniformly distributed places, the rest 0.
    ///
    /// Sorts 62 random bits with the values attached by a fixed network; the distance from uniform is at most N²/2⁶³,
    /// the chance that two keys are equal. The published security tables do not cover such secrets.
    /// - Errors: `invalidHammingWeight` outside 1…count.
    /// - Parameter count: a power of two.
    public static func sparseTernary(
        count: Int, weight: Int, using random: inout some SecureRandom
    ) throws(LatticeError) -> SmallPolynomial {
        precondition(count > 0 && count.nonzeroBitCount == 1, "count: want a power of two")
        guard (1...count).contains(weight) else {
            throw LatticeError(
                code: .invalidHammingWeight, message: "Hamming weight: got \(weight), want 1...\(count)")
        }
        let result = SmallPolynomial(count: count)
        result.fill { values in
            withRandomWords(count + (weight + 63) / 64, using: &random) { words in
                for i in 0..<count {
                    let sign = i < weight ? words[count + i / 64] >> UInt64(i % 64) & 1 : 0
                    words[i] = words[i] & ~3 | (i < weight ? 2 &* sign : 1)  // 0, 1, 2 for −1, 0, 1
                }
                tacit_sort_network(words.baseAddress, count)
                for i in 0..<count { values[i] = Int64(words[i] & 3) &- 1 }
            }
        }
        return result
    }

    /// Standard deviation of the error distribution.
    public static let sigma = 3.2
    /// No sample is greater in magnitude; the mass beyond is 2⁻⁶⁵·³.
    public static let gaussianTail = 29

    /// Entry j is ⌊2⁶³ · Pr(|X| ≤ j)⌋ for X ∝ exp(−x² / (2 · 3.2²)) on the integers.
    package static let gaussianTable: [UInt64] = [
        1_149_872_835_429_266_008, 3_340_023_666_152_832_877, 5_231_742_854_224_525_755, 6_713_673_034_491_318_533,
        7_766_573_326_200_196_558, 8_445_050_402_542_556_633, 8_841_576_285_654_612_683, 9_051_758_678_878_186_096,
        9_152_802_451_769_415_979, 9_196_859_074_767_746_705, 9_214_281_206_174_004_120, 9_220_529_764_022_708_440,
        9_222_562_339_745_873_205, 9_223_161_995_634_596_963, 9_223_322_447_917_711_088, 9_223_361_386_320_111_732,
        9_223_369_956_674_611_011, 9_223_371_667_508_612_690, 9_223_371_977_254_386_295, 9_223_372_028_116_140_532,
        9_223_372_035_690_845_298, 9_223_372_036_713_969_870, 9_223_372_036_839_307_001, 9_223_372_036_853_232_777,
        9_223_372_036_854_636_067, 9_223_372_036_854_764_319, 9_223_372_036_854_774_950, 9_223_372_036_854_775_749,
        9_223_372_036_854_775_804,
    ]

    /// N independent samples of the discrete Gaussian with σ = 3.2, cut at ±29.
    ///
    /// One 64-bit word per coefficient: a sign and 63 bits that are compared with every entry of the cumulative table.
    /// Statistical distance from the uncut distribution: at most 2⁻⁵⁸ per coefficient.
    /// - Parameter count: a multiple of 8.
    public static func gaussian(count: Int, using random: inout some SecureRandom) -> SmallPolynomial {
        gaussian(count: count, cumulative: gaussianTable, using: &random)
    }

    /// The same for another symmetric distribution on the integers.
    /// - Parameter table: entry j is ⌊2⁶³ · Pr(|X| ≤ j)⌋.
    package static func gaussian(
        count: Int, cumulative table: [UInt64], using random: inout some SecureRandom
    ) -> SmallPolynomial {
        precondition(count % 8 == 0, "count: want a multiple of 8")
        let result = SmallPolynomial(count: count)
        result.fill { values in
            withRandomWords(count, using: &random) { words in
                tacit_sample_gaussian(
                    values.baseAddress, words.baseAddress, count, table, table.count)
            }
        }
        return result
    }
}
