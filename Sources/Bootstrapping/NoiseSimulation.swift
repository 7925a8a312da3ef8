import Foundation

/// A complex number.
struct Complex: Hashable, Sendable {
    var re: Double
    var im: Double
    init(_ re: Double, _ im: Double = 0) {
        self.re = re
        self.im = im
    }
    static func + (a: Self, b: Self) -> Self { Self(a.re + b.re, a.im + b.im) }
    static func - (a: Self, b: Self) -> Self { Self(a.re - b.re, a.im - b.im) }
    static func * (a: Self, b: Self) -> Self { Self(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re) }
    static func * (a: Self, s: Double) -> Self { Self(a.re * s, a.im * s) }
    var conjugate: Self { Self(re, -im) }
}

/// The reduction on plain numbers, with the noise that ciphertexts would have at each level: how its error is known
/// before it is run.
struct NoiseSimulation: ReductionArithmetic {
    /// Deviation of a slot's noise, as an integer, after each division.
    let slotNoise: Double
    let divisors: [Double]
    private let generator: NumberSequence

    init(slotNoise: Double, divisors: [Double], generator: NumberSequence) {
        self.slotNoise = slotNoise
        self.divisors = divisors
        self.generator = generator
    }

    func evaluate(_ step: ReductionStep<[Complex]>) -> [Complex] {
        let count = (step.products.first?.left ?? step.multiples[0].node).value.count
        let after = step.scale / divisors[step.depth]
        return (0..<count).map { index in
            var sum = Complex(step.constant / step.scale)
            for product in step.products {
                let right = product.right ?? product.left
                let weight = product.multiplier * (product.left.scale / step.scale) * right.scale
                sum = sum + product.left.value[index] * right.value[index] * weight
            }
            for multiple in step.multiples {
                sum = sum + multiple.node.value[index] * (multiple.multiplier * (multiple.node.scale / step.scale))
            }
            // The deviation is that of a complex number.
            let noise = Complex(generator.normal(), generator.normal()) * (slotNoise / 2.0.squareRoot() / after)
            return sum + noise
        }
    }
}

/// Numbers that look random, the same in every run; for estimates only, nothing secret depends on them.
final class NumberSequence {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    /// In [0, 1).
    func uniform() -> Double {
        // SplitMix64
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        return Double(z >> 11) * 0x1p-53
    }

    func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }
}

extension ModularReduction {
    /// Error of x − ⌊x⌉ by simulation.
    struct Accuracy: Sendable, Hashable {
        /// Deviation over the integers I that occur.
        let deviation: Double
        /// Greatest relative error for |x − ⌊x⌉| up to the message's bound, without noise.
        let relative: Double
        /// Greatest absolute error over all |I| ≤ K, without noise and message.
        let worstFit: Double
    }

    /// - Parameters:
    ///   - inputDeviation: of x.
    ///   - weight: of the sparse secret: I is a sum of weight + 1 uniform numbers.
    ///   - message: bound of |x − ⌊x⌉|.
    func accuracy(
        scale: Double, inputDeviation: Double, slotNoise: Double, weight: Int, message: Double, bound: Int
    ) -> Accuracy {
        let generator = NumberSequence(seed: 1)
        func reduced(_ points: [Double], noise: Double) -> [Double] {
            let simulation = NoiseSimulation(slotNoise: noise, divisors: divisors, generator: generator)
            let node = run(points.map { Complex(0, $0 / range) }, scale: scale, on: simulation)
            return node.value.map { $0.im / (2 * Double.pi) }
        }
        let integers = (0..<8192).map { _ -> Double in
            let sum = (0...weight).reduce(0.0) { total, _ in total + generator.uniform() - 0.5 }
            return sum.rounded()
        }
        let noisy = reduced(integers.map { $0 + inputDeviation * generator.normal() }, noise: slotNoise)
        let square = noisy.reduce(0) { $0 + $1 * $1 } / Double(noisy.count)
        let messages = [-1, -0.5, 0.5, 1].map { $0 * message }
        let relative = zip(messages, reduced(messages, noise: 0)).reduce(0) { max($0, abs($1.1 / $1.0 - 1)) }
        let fit = reduced((-bound...bound).map(Double.init), noise: 0).reduce(0) { max($0, abs($1)) }
        return Accuracy(deviation: square.squareRoot(), relative: relative, worstFit: fit)
    }
}
