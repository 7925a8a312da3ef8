import BinaryCoding
import Foundation

/// How much noise hides what decrypted values say about the secret key.
///
/// An approximate decryption is m + e, and e depends on the key: from (ciphertext, m + e) anyone solves for s (Li,
/// Micciancio 2021). A release adds Gaussian noise of deviation σ = μ·t, t bounding ‖e‖₂, to each of at most q vectors in
/// the key's life. What μ is depends on what shall be kept:
///
/// - *Indistinguishability* with s statistical bits: μ = √(12·q)·2^(s/2). Each release has Kullback–Leibler divergence
///   t²/2σ² from what could be made from m alone, they add up over adaptive releases, and by Pinsker's inequality all
///   together are within a total variation distance of 2^(−s/2)/√48.
/// - *Key recovery* at the price of l bits: μ = √(2·c·q·log₂e)/l with c = 128 + l. For an event of probability p without
///   the releases' errors, Rényi's inequality gives at most (p·R_α)^((α−1)/α) with them, log₂R_α ≤ α·log₂e·q·t²/2σ²; with
///   p = 2^−c and the best α = √c/√(log₂e·q·t²/2σ²) that is at most 2^−(c−l). It holds for what an adversary computes, such
///   as the key, not for what it tells apart.
/// - Reference: Li, Micciancio, Schultz, Sorrell 2022 (ePrint 2022/816) for the first, in its form for c computational and
///   s statistical bits; OpenFHE's flooded decryption uses the same multiplier with q = 1, on an estimate of e. The attack:
///   ePrint 2020/1533. The second is the argument of Boudgoust and Scholl 2023 (ePrint 2023/016) for threshold decryption.
public struct CKKSReleasePolicy: Hashable, Sendable, CustomStringConvertible {
    /// What stays true when all releases are seen.
    public enum Goal: Hashable, Sendable {
        /// Nothing can be told apart, but for s bits of statistical security.
        case indistinguishability(statisticalBits: Int)
        /// Finding the key is as hard as before, but for l bits.
        case keyRecovery(lossBits: Int)
    }
    public let goal: Goal
    /// q: vectors that may be released under one key in its whole life.
    public let queries: Int

    public static let statisticalBitsRange = 20...64
    public static let lossBitsRange = 1...16
    public static let queriesRange = 1...(1 << 30)
    /// Computational security that a loss is taken from, in bits.
    public static let computationalBits = 128

    /// 30 bits for 16 releases under one key.
    public static let standard = CKKSReleasePolicy(unchecked: .indistinguishability(statisticalBits: 30), queries: 16)

    public var description: String {
        switch goal {
        case .indistinguishability(let bits): "\(bits) statistical bits, \(queries) releases a key"
        case .keyRecovery(let loss): "key recovery at a loss of \(loss) bits, \(queries) releases a key"
        }
    }

    /// - Errors: `invalidParameters`.
    public init(_ goal: Goal, queries: Int) throws(CKKSError) {
        switch goal {
        case .indistinguishability(let bits) where !Self.statisticalBitsRange.contains(bits):
            throw CKKSError(code: .invalidParameters, message: "statisticalBits: got \(bits), want 20...64")
        case .keyRecovery(let loss) where !Self.lossBitsRange.contains(loss):
            throw CKKSError(code: .invalidParameters, message: "lossBits: got \(loss), want 1...16")
        default: break
        }
        guard Self.queriesRange.contains(queries) else {
            throw CKKSError(code: .invalidParameters, message: "queries: got \(queries), want 1...2^30")
        }
        self.init(unchecked: goal, queries: queries)
    }

    /// - Errors: `invalidParameters`.
    public init(statisticalBits: Int, queries: Int) throws(CKKSError) {
        try self.init(.indistinguishability(statisticalBits: statisticalBits), queries: queries)
    }

    private init(unchecked goal: Goal, queries: Int) {
        self.goal = goal
        self.queries = queries
    }

    /// μ = σ/t
    public var noiseMultiplier: Double {
        switch goal {
        case .indistinguishability(let bits): return (12 * Double(queries)).squareRoot() * exp2(Double(bits) / 2)
        case .keyRecovery(let loss):
            let c = Double(Self.computationalBits + loss)
            return (2 * c * Double(queries) * log2(M_E)).squareRoot() / Double(loss)
        }
    }

    /// Total variation distance that all releases together may have, sampler apart: 2^(−s/2)/√48; nil where the policy
    /// promises none.
    public var distance: Double? {
        guard case .indistinguishability(let bits) = goal else { return nil }
        return exp2(-Double(bits) / 2) / 48.0.squareRoot()
    }
}

extension CKKSReleasePolicy {
    /// Goal, its bits, queries.
    public func encode(into encoder: inout BinaryEncoder) {
        switch goal {
        case .indistinguishability(let bits):
            encoder.encode(1 as UInt8)
            encoder.encode(UInt8(bits))
        case .keyRecovery(let loss):
            encoder.encode(2 as UInt8)
            encoder.encode(UInt8(loss))
        }
        encoder.encode(UInt32(queries))
    }

    /// - Errors: `invalidEncoding`, `invalidParameters`.
    public init(decoding decoder: inout BinaryDecoder) throws(CKKSError) {
        let (code, bits, queries) = try decoding { () throws(BinaryCodingError) in
            (
                try decoder.decode(UInt8.self, "goal"), Int(try decoder.decode(UInt8.self, "bits of the goal")),
                Int(try decoder.decode(UInt32.self, "queries"))
            )
        }
        switch code {
        case 1: try self.init(.indistinguishability(statisticalBits: bits), queries: queries)
        case 2: try self.init(.keyRecovery(lossBits: bits), queries: queries)
        default: throw CKKSError(code: .invalidEncoding, message: "goal: got \(code), want 1 or 2")
        }
    }
}
