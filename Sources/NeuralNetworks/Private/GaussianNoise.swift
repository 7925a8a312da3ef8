import CKernels
import Randomness
import Synchronization

/// Noise for sums of clipped gradients.
///
/// A conforming type adds to each number an independent draw whose distribution is that of N(0, deviation²) as far as
/// its documentation says, from a cryptographic source. Several threads use one value for different parts of a vector.
public protocol VectorNoise: Sendable {
    func add(deviation: Double, to values: UnsafeMutablePointer<Float>, count: Int)
}

/// Gaussian noise at memory speed, released on a grid.
///
/// The sum is rounded to a multiple x of g = 2^(⌊log₂ σ⌋ − 12), and x + z to a multiple of g again (as long as the sum stays
/// below 4·10⁶·g, beyond which single precision itself is coarser: there the noise alone is rounded): the grid is
/// post-processing of the continuous mechanism on x, and low bits of the result carry nothing about the sum. The
/// continuous draw is by Box and Muller from 64 random bits a pair, in single precision; the tail beyond 5.3σ is refined
/// with 64 further bits, so that it reaches 11.6σ.
/// - Guarantee: that of the Gaussian mechanism, up to the relative error of about 10⁻⁶ of single-precision logarithm,
///   sine and cosine in the draw, which is not accounted for.
/// - Cost: four random bytes a number, about as much time as drawing them. A value keeps its sources, so that a call
///   makes no system call.
/// - Reference: Box and Muller 1958; Mironov 2012 for what the grid is against.
public struct GridGaussianNoise: VectorNoise {
    private let sources = SourcePool()

    public init() {}

    public func add(deviation: Double, to values: UnsafeMutablePointer<Float>, count: Int) {
        var random = sources.take()
        add(deviation: deviation, to: values, count: count, using: &random)
        sources.giveBack(random)
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
        let most = min(block, (count + 31) / 32 * 32)
        withUnsafeTemporaryAllocation(byteCount: spare * 8 + most * 4, alignment: 64) { bytes in
            defer { tacit_zeroise(bytes.baseAddress, bytes.count) }
            let tail = bytes.baseAddress!.assumingMemoryBound(to: UInt64.self)
            let words = (bytes.baseAddress! + spare * 8).assumingMemoryBound(to: UInt32.self)
            var start = 0
            while start < count {
                let size = min(block, count - start)
                // The kernel reads whole groups of 32 words.
                let needed = spare * 8 + (size + 31) / 32 * 128
                random.fill(UnsafeMutableRawBufferPointer(rebasing: bytes[..<needed]))
                tacit_network_add_gaussian(words, tail, spare, Float(deviation), values + start, size)
                start += size
            }
        }
    }
}

/// Sources that threads take turns with: one system call and one key for each of them and not for each call.
private final class SourcePool: Sendable {
    /// Not shared: a source is either in here or in the hands of one thread.
    private struct Idle: @unchecked Sendable { var sources: [SystemRandom] = [] }
    private let idle = Mutex(Idle())

    func take() -> SystemRandom { idle.withLock { $0.sources.popLast() } ?? SystemRandom() }

    func giveBack(_ source: SystemRandom) {
        struct Handed: @unchecked Sendable { let source: SystemRandom }
        let handed = Handed(source: source)
        idle.withLock { $0.sources.append(handed.source) }
    }
}
