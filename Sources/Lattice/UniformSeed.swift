import BinaryCoding
import CKernels
import Randomness

/// 32 bytes from which sender and receiver expand the same uniform polynomials.
///
/// Limb j of polynomial k under a label: words of the ChaCha20 stream with the seed as key, block counter from 0 and the
/// 64-bit nonce label · 2⁴⁸ + k · 2¹⁶ + j, where j numbers the ring's primes (special ones last). Of each little-endian
/// 64-bit word the low bitWidth(q_j) bits are taken, and left out when they are q_j or more; the first N that stay are
/// the evaluations in order. See docs/lattice.md.
public struct UniformSeed: Hashable, Sendable {
    /// 32 bytes.
    public let bytes: [UInt8]

    /// What a stream is for. Streams under different labels are independent even for equal seeds.
    public struct Label: Hashable, Sendable {
        public let code: UInt16
        /// - Parameter code: 256 and above for other modules.
        public init(code: UInt16) { self.code = code }
        public static let publicKey = Label(code: 1)
        public static let ciphertext = Label(code: 2)
        public static let keySwitchKey = Label(code: 3)
        /// The common random polynomials of protocols between several key holders.
        public static let commonReference = Label(code: 4)
    }

    public init(using random: inout some SecureRandom) { bytes = random.bytes(count: 32) }

    /// The bytes of a fingerprint: a seed that everyone computes from the same public bytes.
    public init(_ fingerprint: Fingerprint) { bytes = fingerprint.bytes }

    /// - Errors: `invalidEncoding` unless there are 32 bytes.
    public init(bytes: [UInt8]) throws(LatticeError) {
        guard bytes.count == 32 else {
            throw LatticeError(code: .invalidEncoding, message: "seed: got \(bytes.count) bytes, want 32")
        }
        self.bytes = bytes
    }

    /// A uniformly distributed element of the ring over `basis`, in evaluation form.
    ///
    /// Every limb has a stream of its own, so a smaller basis gives the same residues for the primes it has.
    /// - Parameters:
    ///   - index: number of the polynomial, below 2³².
    ///   - isSecret: for seeds that are keys, as of masks between two parties.
    public func polynomial(
        _ basis: RNSBasis, label: Label, index: Int = 0, isSecret: Bool = false
    ) -> RNSPolynomial<Evaluations> {
        precondition((0..<1 << 32).contains(index), "index: got \(index), want 0..<2^32")
        let base = UInt64(label.code) << 48 | UInt64(index) << 16
        let n = basis.ring.degree
        let seed = bytes
        var result = RNSPolynomial<Evaluations>(uninitialized: basis, isSecret: isSecret)
        result.update(cost: 4) { words, q, j in
            tacit_sample_uniform(words, n, q, seed, base | UInt64(basis.index(j)))
        }
        return result
    }
}
