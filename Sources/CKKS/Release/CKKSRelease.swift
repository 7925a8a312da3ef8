import Foundation
import Lattice
import Randomness

/// Decrypted values that may leave the key owner, with noise that hides the key.
public struct CKKSRelease: Sendable, CustomStringConvertible {
    public let real: [Double]
    /// Empty unless imaginary parts were released.
    public let imaginary: [Double]
    /// Bound on |released − true| of every value: the ciphertext's own bound and nine deviations of the noise, which hold
    /// but with probability 2⁻⁶² a value.
    public let errorBound: Double
    /// The bound that the key owner's own decryption has.
    public let ownerErrorBound: Double
    /// Standard deviation of the noise in every value.
    public let noiseDeviation: Double
    public let policy: CKKSReleasePolicy
    /// Statistical distance that the sampler adds to the policy's, for this release.
    public let samplerDistance: Double

    /// Bits after the point that are right.
    public var precisionBits: Double { -log2(errorBound) }
    /// Bits fewer than in the owner's own decryption.
    public var bitsLost: Double { log2(errorBound / ownerErrorBound) }

    public var description: String {
        "\(real.count) values within \(errorBound); \(policy) cost \(String(format: "%.1f", bitsLost)) bits of precision"
    }

    /// Deviations of the noise in ``errorBound``.
    package static let tail = 9.0

    package init(
        real: [Double], imaginary: [Double], errorBound: Double, ownerErrorBound: Double, noiseDeviation: Double,
        policy: CKKSReleasePolicy, samplerDistance: Double
    ) {
        self.real = real
        self.imaginary = imaginary
        self.errorBound = errorBound
        self.ownerErrorBound = ownerErrorBound
        self.noiseDeviation = noiseDeviation
        self.policy = policy
        self.samplerDistance = samplerDistance
    }
}

extension CKKSSecretKey {
    /// Decrypts values that leave the owner: the way by default.
    ///
    /// Values x̃ₖ, each within B of the true ones, are rounded to multiples of a power of two g and get discrete Gaussian
    /// noise on that grid of deviation σ = √(12·q)·2^(s/2)·√k·(B + g). Only the first `count` values are decoded for
    /// release: fewer values need less noise, so ask for those that are wanted. B is the bound that the library states for
    /// the ciphertext, which does not depend on the data.
    /// - Parameters:
    ///   - count: values released, from slot 0; all slots when nil.
    ///   - includingImaginary: the imaginary parts too.
    ///   - errorBound: a bound that the owner knows to hold, for instance of the same circuit planned by the owner. The
    ///     greater of this and the ciphertext's is used: one whose maker lies about it would be released with too little
    ///     noise.
    /// - Guarantee: ``CKKSReleasePolicy``. Every vector released under a key counts as one query, also the same one again.
    /// - Errors: `keyMismatch`, `parameterMismatch`, `plannedOnly`; `invalidSlots` for a count that is not there;
    ///   `noPrecision` when the noise would be as great as the values.
    public func release(
        _ ciphertext: CKKSCiphertext, count: Int? = nil, includingImaginary: Bool = false,
        policy: CKKSReleasePolicy = .standard, errorBound owners: Double = 0, using random: inout some SecureRandom
    ) throws(CKKSError) -> CKKSRelease {
        let count = count ?? ciphertext.slots
        guard (1...ciphertext.slots).contains(count) else {
            throw CKKSError(
                code: .invalidSlots, message: "release: got a count of \(count), want 1...\(ciphertext.slots)")
        }
        let plan = try ReleaseNoise(ciphertext, values: count, policy: policy, errorBound: owners)
        let opened = try decryptForOwner(ciphertext)
        var parts = [Array(opened.real.prefix(count))]
        if includingImaginary { parts.append(Array(opened.imaginary.prefix(count))) }
        let noise = FloodingNoise(count: count * parts.count, deviation: plan.units, using: &random)
        noise.withValues(SecretAccess("noise of a release")) { samples in
            for part in parts.indices {
                for index in 0..<count {
                    // Both terms are multiples of the grid: the sum's rounding to a double sees nothing else.
                    let onGrid = (parts[part][index] / plan.grid).rounded(.toNearestOrEven)
                    parts[part][index] = (onGrid + Double(samples[part * count + index])) * plan.grid
                }
            }
        }
        let deviation = noise.deviation * plan.grid
        return CKKSRelease(
            real: parts[0], imaginary: parts.count > 1 ? parts[1] : [],
            errorBound: plan.bound + plan.grid + CKKSRelease.tail * deviation, ownerErrorBound: plan.bound,
            noiseDeviation: deviation, policy: policy,
            samplerDistance: FloodingNoise.distance * Double(count * parts.count))
    }

    /// With the system's randomness.
    public func release(
        _ ciphertext: CKKSCiphertext, count: Int? = nil, includingImaginary: Bool = false,
        policy: CKKSReleasePolicy = .standard, errorBound: Double = 0
    ) throws(CKKSError) -> CKKSRelease {
        var random = SystemRandom()
        return try release(
            ciphertext, count: count, includingImaginary: includingImaginary, policy: policy, errorBound: errorBound,
            using: &random)
    }
}

/// The noise of a release, from public numbers only.
private struct ReleaseNoise {
    /// B, decoding included.
    let bound: Double
    /// g
    let grid: Double
    /// σ/g
    let units: Double

    init(
        _ ciphertext: CKKSCiphertext, values: Int, policy: CKKSReleasePolicy, errorBound: Double
    ) throws(CKKSError) {
        let stated = max(ciphertext.errorBound, errorBound)
        // No ciphertext is more exact than a fresh one of the key; decoding itself has 53 bits.
        let least =
            CKKSCiphertext.boundFactor
            * ciphertext.context.chain.slotDeviation(coefficient: SmallPolynomial.sigma, scale: ciphertext.scale)
        bound = max(stated, least) + (ciphertext.magnitude + stated) * 0x1p-46
        let factor = policy.noiseMultiplier * Double(values).squareRoot()
        // A grid of B/256 or less costs nothing; it is coarser only where the noise would not fit the sampler.
        let exponent = max(log2(bound).rounded(.down) - 8, log2(bound * factor).rounded(.up) - 55)
        guard bound.isFinite, exponent > -900, exponent < 900 else {
            throw CKKSError(code: .invalidValue, message: "release: got an error bound of \(bound), want a usable one")
        }
        grid = exp2(exponent)
        units = (bound + grid) * factor / grid
        guard bound + CKKSRelease.tail * units * grid < ciphertext.magnitude else {
            throw CKKSError(
                code: .noPrecision,
                message: "release: values up to \(ciphertext.magnitude) with error \(bound) would get noise up to "
                    + "\(CKKSRelease.tail * units * grid) for \(policy); release fewer values, use parameters of a greater "
                    + "scale, or a policy of fewer queries")
        }
    }
}
