import Foundation

/// How much noise hides what decrypted values say about the secret key.
///
/// An approximate decryption is m + e, and e depends on the key: from (ciphertext, m + e) anyone solves for s (Li,
/// Micciancio 2021). A release adds Gaussian noise of deviation σ = √(12·q)·2^(s/2)·t, t bounding ‖e‖₂, so that q releases
/// are, but for a total variation distance of 2^(−s/2)/√48, what could be made from m alone: each has Kullback–Leibler
/// divergence t²/2σ², they add up over adaptive releases, and Pinsker's inequality gives the distance.
/// - Guarantee: s bits of statistical security on top of the ring's computational security, as long as no more than
///   `queries` vectors are released under one key, t is a true bound, and ciphertexts were made by honest computation.
/// - Reference: the approach is that of Li, Micciancio, Schultz, Sorrell 2022 (ePrint 2022/816); the constant is the one
///   derived above and was not compared with theirs. The attack: ePrint 2020/1533.
public struct CKKSReleasePolicy: Hashable, Sendable, CustomStringConvertible {
    /// s
    public let statisticalBits: Int
    /// q: vectors that may be released under one key in its whole life.
    public let queries: Int

    public static let statisticalBitsRange = 20...64
    public static let queriesRange = 1...(1 << 30)

    /// 30 bits for 16 releases under one key.
    public static let standard = CKKSReleasePolicy(uncheckedBits: 30, queries: 16)

    public var description: String { "\(statisticalBits) statistical bits, \(queries) releases a key" }

    /// - Errors: `invalidParameters`.
    public init(statisticalBits: Int, queries: Int) throws(CKKSError) {
        guard Self.statisticalBitsRange.contains(statisticalBits) else {
            throw CKKSError(
                code: .invalidParameters, message: "statisticalBits: got \(statisticalBits), want 20...64")
        }
        guard Self.queriesRange.contains(queries) else {
            throw CKKSError(code: .invalidParameters, message: "queries: got \(queries), want 1...2^30")
        }
        self.statisticalBits = statisticalBits
        self.queries = queries
    }

    private init(uncheckedBits statisticalBits: Int, queries: Int) {
        self.statisticalBits = statisticalBits
        self.queries = queries
    }

    /// σ/t
    public var noiseMultiplier: Double {
        (12 * Double(queries)).squareRoot() * exp2(Double(statisticalBits) / 2)
    }

    /// Total variation distance that all releases together may have, sampler apart: 2^(−s/2)/√48.
    public var distance: Double { exp2(-Double(statisticalBits) / 2) / 48.0.squareRoot() }
}
