/// The same numbers under another shape: images to vectors.
public final class Flatten<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { [inputShape.reduce(1, *)] }

    init(inputShape: [Int]) { self.inputShape = inputShape }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> { input }
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> { outputGradient }
}

/// Sets each number to zero with probability `rate` during training and multiplies the others by 1/(1 − rate).
///
/// What is kept follows from the step's seed, the row's number in the batch and the place in the row: the same for any
/// number of threads.
public final class Dropout<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }
    public let rate: Double
    /// Distinguishes the dropout layers of a network.
    private let salt: UInt64

    init(inputShape: [Int], rate: Double, using random: inout SeededGenerator) throws(NeuralNetworksError) {
        guard rate >= 0, rate < 1 else { throw .architecture("dropout: got rate \(rate), want a number in [0, 1)") }
        self.inputShape = inputShape
        self.rate = rate
        salt = random.next()
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        cache.pass = pass
        guard pass.isTraining, rate > 0 else { return input }
        let output = cache.rows(0, count: input.count, width: input.width)
        mask(input, output, pass)
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        if cache.pass.isTraining, rate > 0, needsInput { mask(outputGradient, outputGradient, cache.pass) }
        return outputGradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func mask(_ input: Rows<Scalar>, _ output: Rows<Scalar>, _ pass: Pass) {
        let limit = UInt64(rate * 0x1p32)
        let factor = Scalar(1 / (1 - rate))
        for row in 0..<input.count {
            let seed = SeededGenerator.mix(
                pass.dropoutSeed ^ salt ^ (UInt64(pass.firstRow + row) &* 0x9E37_79B9_7F4A_7C15))
            let source = input[row]
            let target = output[row]
            for index in 0..<input.width {
                let word = SeededGenerator.mix(seed &+ UInt64(index) &* 0xD1B5_4A32_D192_ED03)
                target[index] = word >> 32 < limit ? 0 : source[index] * factor
            }
        }
    }
}
