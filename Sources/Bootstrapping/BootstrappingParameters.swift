import CKKS
import Foundation
import Lattice

/// A CKKS parameter set with the primes that bootstrapping consumes, and how it consumes them.
///
/// From the top, a refreshed ciphertext passes through CoeffsToSlots, the modular reduction and SlotsToCoeffs; each of
/// their levels divides by one or two primes. What is left are `depth` levels for the caller.
public struct BootstrappingParameters: Hashable, Sendable, CustomStringConvertible {
    /// What a caller writes down; see ``init(_:)`` for what is checked.
    public struct Literal: Hashable, Sendable, Codable {
        /// log₂ N
        public var logDegree: Int
        /// Bits of q₀, to which a ciphertext is brought down before it is raised.
        public var firstModulusBits: Int
        /// log₂ of the scale that the caller computes at.
        public var scaleBits: Int
        /// Levels left after bootstrapping.
        public var depth: Int
        /// Bits of the primes of each level, in the order of use.
        public var coefficientsToSlots: [[Int]]
        /// 5 levels for the polynomial, one per doubling of the angle, one for the correction.
        public var modularReduction: [[Int]]
        public var slotsToCoefficients: [[Int]]
        /// log₂ of the scale with which the reduction starts: its noise is that of 1/scale.
        public var reductionScaleBits: Int
        /// Values of magnitude 1 are at most 2^−r of q₀: the error of the reduction falls with 2^(−4r), noise grows
        /// with 2^r.
        public var messageRatioBits: Int
        /// K: multiples of q₀ that the reduction removes.
        public var interval: Int
        /// Hamming weight of the ephemeral secret.
        public var ephemeralWeight: Int
        /// Bits of the primes that switching to the ephemeral secret multiplies q₀ with.
        public var encapsulationBits: [Int]
        public var specialModuliBits: [Int]
        public var security: RingParameters.Security

        public init(
            logDegree: Int, firstModulusBits: Int = 50, scaleBits: Int, depth: Int, coefficientsToSlots: [[Int]],
            modularReduction: [[Int]], slotsToCoefficients: [[Int]], reductionScaleBits: Int, messageRatioBits: Int = 9,
            interval: Int = 12, ephemeralWeight: Int = 32, encapsulationBits: [Int] = [33, 34],
            specialModuliBits: [Int], security: RingParameters.Security = .classical128
        ) {
            self.logDegree = logDegree
            self.firstModulusBits = firstModulusBits
            self.scaleBits = scaleBits
            self.depth = depth
            self.coefficientsToSlots = coefficientsToSlots
            self.modularReduction = modularReduction
            self.slotsToCoefficients = slotsToCoefficients
            self.reductionScaleBits = reductionScaleBits
            self.messageRatioBits = messageRatioBits
            self.interval = interval
            self.ephemeralWeight = ephemeralWeight
            self.encapsulationBits = encapsulationBits
            self.specialModuliBits = specialModuliBits
            self.security = security
        }
    }

    public let literal: Literal
    public let ckks: CKKSParameters
    /// The small ring with q₀ and the primes of the encapsulation.
    package let encapsulation: RingParameters

    public var description: String {
        "\(ckks), bootstrapping to level \(literal.depth), ephemeral secret of weight \(literal.ephemeralWeight)"
    }

    /// log₂ of the modulus at which the ephemeral secret is used.
    public var log2Encapsulation: Double { encapsulation.log2QP }

    /// The greatest log₂(q₀·P′) at which an ephemeral secret of this weight is held to have 128 bits of security, by ring.
    ///
    /// The published tables do not cover sparse secrets: docs/bootstrapping.md, "The ephemeral secret", has the estimate.
    public static func ephemeralLimit(logDegree: Int, weight: Int) -> Double? {
        guard let least = [15: 40, 16: 32][logDegree], weight >= least else { return nil }
        return 121
    }

    /// - Errors: `invalidParameters`; `insecureParameters` when a table's limit is exceeded, for the ring or for the
    ///   ephemeral secret.
    public init(_ literal: Literal) throws(CKKSError) {
        func invalid(_ message: String) -> CKKSError { CKKSError(code: .invalidParameters, message: message) }
        guard literal.modularReduction.count >= ModularReduction.polynomialDepth + 2 else {
            throw invalid(
                "modularReduction: got \(literal.modularReduction.count) levels, want 5 for the polynomial, at least one "
                    + "doubling and one correction")
        }
        guard !literal.coefficientsToSlots.isEmpty, !literal.slotsToCoefficients.isEmpty else {
            throw invalid("coefficientsToSlots, slotsToCoefficients: got none, want at least one level each")
        }
        let groups = literal.coefficientsToSlots + literal.modularReduction + literal.slotsToCoefficients
        guard groups.allSatisfy({ !$0.isEmpty }) else { throw invalid("levels: got one without primes") }
        guard (4...20).contains(literal.messageRatioBits) else {
            throw invalid("messageRatioBits: got \(literal.messageRatioBits), want 4...20")
        }
        guard literal.firstModulusBits - literal.messageRatioBits >= literal.scaleBits - 4 else {
            throw invalid(
                "messageRatioBits: got \(literal.messageRatioBits), want at most firstModulusBits − scaleBits + 4 = "
                    + "\(literal.firstModulusBits - literal.scaleBits + 4)")
        }
        guard (1...64).contains(literal.interval) else {
            throw invalid("interval: got \(literal.interval), want 1...64")
        }
        guard (1...1 << max(0, min(20, literal.logDegree))).contains(literal.ephemeralWeight) else {
            throw invalid("ephemeralWeight: got \(literal.ephemeralWeight), want 1...N")
        }
        guard !literal.specialModuliBits.isEmpty, !literal.encapsulationBits.isEmpty else {
            throw invalid("specialModuliBits, encapsulationBits: got none, want at least one prime each")
        }
        self.literal = literal
        ckks = try CKKSParameters(
            .init(
                logDegree: literal.logDegree, firstModulusBits: literal.firstModulusBits, scaleBits: literal.scaleBits,
                depth: literal.depth, bootstrappingBits: Array(groups.flatMap { $0 }.reversed()),
                specialModuliBits: literal.specialModuliBits, security: literal.security))
        let q0 = ckks.ring.moduli[0]
        let bits = literal.encapsulationBits
        encapsulation = try wrapping(.invalidParameters) { () throws(LatticeError) in
            var used: Set<UInt64> = [q0.value]
            var special: [Modulus] = []
            for size in bits {
                let found = try Modulus.primes(
                    bits: size, count: 1, congruentToOneModulo: 2 << UInt64(literal.logDegree), excluding: used)[0]
                used.insert(found.value)
                special.append(found)
            }
            return try RingParameters(
                logDegree: literal.logDegree, moduli: [q0], specialModuli: special, security: literal.security)
        }
        if literal.security != .insecureForTestsOnly {
            let limit = Self.ephemeralLimit(logDegree: literal.logDegree, weight: literal.ephemeralWeight)
            guard literal.security == .classical128, let limit, encapsulation.log2QP <= limit else {
                throw CKKSError(
                    code: .insecureParameters,
                    message: "ephemeral secret: got weight \(literal.ephemeralWeight) at log2(q0 P') = "
                        + String(format: "%.1f", encapsulation.log2QP) + " with N = \(1 << literal.logDegree), want "
                        + (limit.map { "at most \($0) for 128 bits" }
                            ?? "weight 40 in the ring of 2^15 or 32 in that of 2^16"))
            }
        }
    }

    // MARK: Derived

    /// The scale at q₀: a power of two times the canonical one, so that level 0 needs no further level.
    var messageScale: Double {
        let target = ckks.chain.moduli[0] * exp2(-Double(literal.messageRatioBits))
        return ckks.chain.scales[0] * exp2((log2(target / ckks.chain.scales[0])).rounded(.down))
    }

    /// K′
    var range: Double { Double(literal.interval) + exp2(-Double(literal.messageRatioBits - 2)) }

    var doublings: Int { literal.modularReduction.count - ModularReduction.polynomialDepth - 1 }

    /// The probability that some coefficient needs more than K multiples of q₀, in one refresh of a full ciphertext.
    ///
    /// I is the rounded sum of h + 1 numbers uniform on ±1/2 (Irwin, Hall): Pr(|I| > K) = 2·F(h/2 − K), and a union
    /// bound over the coefficients.
    public func failureProbability(slots: Int) -> Double {
        let count = literal.ephemeralWeight + 1
        let x = Double(count) / 2 - Double(literal.interval) - 0.5
        guard x > 0 else { return 0 }
        // Σ_k (−1)^k·C(n, k)·(x − k)^n / n!
        var sum = 0.0
        for k in 0...Int(x) {
            let log =
                Double(count) * Foundation.log(x - Double(k)) - lgamma(Double(k) + 1)
                - lgamma(Double(count - k) + 1)
            sum += (k % 2 == 0 ? 1 : -1) * exp(log)
        }
        return min(1, 2 * Double(2 * slots) * sum)
    }
}
