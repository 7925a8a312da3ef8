import Foundation

/// The numbers of a parameter set that scales, levels and error estimates depend on; no polynomial arithmetic.
///
/// A *level* l is the number of rescalings that are left: a ciphertext at level l is held modulo q₀ ⋯ q_l. Each level has
/// a *canonical scale* Δ_l, and Δ_{l−1} = Δ_l²/q_l for 1 ≤ l ≤ `top`, so that a product of two ciphertexts at their
/// canonical scale is at its canonical scale again after one rescaling, exactly and not nearly.
/// - Reference: the canonical scales of Kim, Papadimitriou, Polyakov 2020 (ePrint 2020/1118), section 3.
public struct ScaleChain: Hashable, Sendable {
    /// log₂ N
    public let logDegree: Int
    /// q₀ … q_L
    public let moduli: [Double]
    /// Δ₀ … Δ_L
    public let scales: [Double]
    /// The level at which fresh ciphertexts are made; levels above it serve bootstrapping only.
    public let top: Int
    /// log₂ of the special primes' product; 0 without them.
    public let log2P: Double
    /// Primes in one digit of a key switch; 0 without special primes.
    public let digitSize: Int
    /// Ternary secrets that add up to the key.
    public let keyHolders: Int
    /// log₂(q₀ ⋯ q_l) for each l.
    private let log2Products: [Double]

    init(
        logDegree: Int, moduli: [Double], scales: [Double], top: Int, log2P: Double, digitSize: Int,
        keyHolders: Int = 1
    ) {
        self.logDegree = logDegree
        self.moduli = moduli
        self.scales = scales
        self.top = top
        self.log2P = log2P
        self.digitSize = digitSize
        self.keyHolders = keyHolders
        var total = 0.0
        log2Products = moduli.map { modulus in
            total += log2(modulus)
            return total
        }
    }

    public var degree: Int { 1 << logDegree }
    /// N/2, the most values in a ciphertext.
    public var maximumSlots: Int { 1 << (logDegree - 1) }

    /// log₂(q₀ ⋯ q_l)
    public func log2Q(level: Int) -> Double { log2Products[level] }

    /// For planning: levels without end, every prime and scale a power of two.
    public static func unbounded(
        logDegree: Int, firstModulusBits: Int, scaleBits: Int, levels: Int = 4096, keyHolders: Int = 1
    ) -> ScaleChain {
        let scale = exp2(Double(scaleBits))
        return ScaleChain(
            logDegree: logDegree,
            moduli: [exp2(Double(firstModulusBits))] + [Double](repeating: scale, count: levels),
            scales: [Double](repeating: scale, count: levels + 1), top: levels,
            log2P: Double(max(firstModulusBits, scaleBits)), digitSize: 1, keyHolders: keyHolders)
    }

    // MARK: Error estimates

    // All deviations are those of one slot, a complex number: with coefficients of deviation c it is √N·c/scale.

    /// Of a slot, for coefficients of the given deviation.
    package func slotDeviation(coefficient: Double, scale: Double) -> Double {
        (Double(degree)).squareRoot() * coefficient / scale
    }

    /// Variance of a coefficient of the secret: 2/3 for each ternary secret in the sum.
    package var secretVariance: Double { 2 * Double(keyHolders) / 3 }

    /// Variance of a coefficient of the errors in a public key and in Galois keys: σ² from each key holder.
    package var keyErrorVariance: Double { 3.2 * 3.2 * Double(keyHolders) }

    /// The same for a relinearisation key. Made by several holders (ePrint 2020/304, protocol 2) its error is
    /// s·e₀ + u·e₁ + e₂ + e₃, each letter a sum over the holders, u as the secret.
    package var relinearisationErrorVariance: Double {
        keyHolders == 1 ? keyErrorVariance : keyErrorVariance * (2 * Double(degree) * secretVariance + 2)
    }

    /// Rounding of the two halves when a prime is divided off: √((1 + N·`secretVariance`)/12).
    package var roundingDeviation: Double { ((1 + Double(degree) * secretVariance) / 12).squareRoot() }

    /// Key switching at a level: digits times the keys' errors, and the rounding of the division by P.
    package func keySwitchDeviation(level: Int, isRelinearisation: Bool = false) -> Double {
        guard digitSize > 0 else { return 0 }
        let n = Double(degree)
        var digits = 0.0
        for first in stride(from: 0, through: level, by: digitSize) {
            let size = moduli[first...min(first + digitSize - 1, level)].reduce(0) { $0 + log2($1) }
            digits += exp2(2 * (size - log2P)) / 12
        }
        let error = isRelinearisation ? relinearisationErrorVariance : keyErrorVariance
        return (n * error * digits + roundingDeviation * roundingDeviation).squareRoot()
    }

    /// Fresh encryption under the secret key: σ. Under a public key with error e: v·e + e₀ + e₁·s, which is
    /// σ√(1 + 4N/3) for one key holder.
    package func freshDeviation(publicKey: Bool) -> Double {
        guard publicKey else { return 3.2 }
        let n = Double(degree)
        return (2 * n / 3 * keyErrorVariance + 3.2 * 3.2 * (1 + n * secretVariance)).squareRoot()
    }
}
