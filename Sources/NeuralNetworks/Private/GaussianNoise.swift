import CKernels
import Randomness

/// Noise for sums of clipped gradients.
///
/// A conforming type adds to each number an independent draw whose distribution is that of N(0, deviation²) as far as
/// its documentation says, from a cryptographic source. Several threads use one value for different parts of a vector.
public protocol VectorNoise: Sendable {
    func add(deviation: Double, to values: UnsafeMutablePointer<Float>, count: Int)
}

/// Gaussian noise at memory speed, released on a grid.
///
/// Sum and noise are both rounded to multiples of g = 2^⌊log₂ σ⌋ − 12 and added exactly (as long as the sum stays below 2²³·g,
/// beyond which single precision itself is coarser). Since the rounded sum x is a multiple of g, x + round(z) is
/// round(x + z): the grid is post-processing of the continuous mechanism on x, and low bits of the result carry nothing
/// about the sum. The continuous draw is by Box and Muller from 64 random bits a pair, in single precision; the tail
/// beyond 5.3σ is refined with 64 further bits, so that it reaches 11.6σ.
/// - Guarantee: that of the Gaussian mechanism, up to the relative error of about 10⁻⁶ of single-precision logarithm,
///   sine and cosine in the draw, which is not accounted for.
/// - Cost: about one ChaCha20 byte a bit of… see the benchmarks.
/// - Reference: Box and Muller 1958; Mironov 2012 for what the grid is against.
public struct GridGaussianNoise: VectorNoise {
    public init() {}

    public func add(deviation: Double, to values: UnsafeMutablePointer<Float>, count: Int) {
        var random = SystemRandom()
        add(deviation: deviation, to: values, count: count, using: &random)
    }

    /// The same from a given source.
    public func add(
        deviation: Double, to values: UnsafeMutablePointer<Float>, count: Int, using random: inout some SecureRandom
    ) {
        precondition(deviation >= 0 && deviation.isFinite, "deviation: want a finite number, at least 0")
        guard deviation > 0 else { return }
        let block = 8192
        // Words for the block, then a few for the tail: more than sixteen in a block happen with probability below 1e-30.
        let spare = 16
        withUnsafeTemporaryAllocation(byteCount: block * 4 + spare * 8, alignment: 64) { bytes in
            defer { tacit_zeroise(bytes.baseAddress, bytes.count) }
            var start = 0
            while start < count {
                let size = min(block, count - start)
                random.fill(bytes)
                let words = bytes.baseAddress!.assumingMemoryBound(to: UInt32.self)
                let tail = (bytes.baseAddress! + block * 4).assumingMemoryBound(to: UInt64.self)
                tacit_network_add_gaussian(words, tail, spare, Float(deviation), values + start, size)
                start += size
            }
        }
    }
}
