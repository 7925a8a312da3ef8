/// A convolution in which every channel has its own window and no channel sees another; weights [window, window,
/// channels].
public final class DepthwiseConvolution<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    private let weight: Parameter<Scalar>
    private let bias: Parameter<Scalar>?
    private let window: WindowGeometry

    public var workPerRow: Int { 4 * weight.count * window.outputHeight * window.outputWidth }
    public var parameters: [Parameter<Scalar>] { [weight] + (bias.map { [$0] } ?? []) }

    init(
        inputShape: [Int], window size: Int, stride: Int, padding: Int, hasBias: Bool,
        using random: inout SeededGenerator
    ) throws(NeuralNetworksError) {
        let window = try WindowGeometry(
            "depth-wise convolution", inputShape: inputShape, window: size, stride: stride, padding: padding)
        self.window = window
        self.inputShape = inputShape
        outputShape = [window.outputHeight, window.outputWidth, window.channels]
        let limit = 1 / Double(size)
        weight = Parameter("weight", shape: [size, size, window.channels], decays: true) {
            random.uniform(within: limit)
        }
        bias =
            hasBias
            ? Parameter("bias", shape: [window.channels], decays: false) { random.uniform(within: limit) } : nil
    }

    /// Calls `body` for every output position and place in the window with the numbers' positions in the output row,
    /// the padded input row and the weights.
    @inline(__always)
    private func forEachLine(_ body: (_ output: Int, _ input: Int, _ weight: Int) -> Void) {
        let channels = window.channels
        for y in 0..<window.outputHeight {
            for x in 0..<window.outputWidth {
                for dy in 0..<window.size {
                    for dx in 0..<window.size {
                        body(
                            (y * window.outputWidth + x) * channels,
                            ((y * window.stride + dy) * window.paddedWidth + x * window.stride + dx) * channels,
                            (dy * window.size + dx) * channels)
                    }
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        let padded = window.padded(input, cache, slot: 2)
        cache.input = padded
        let output = cache.rows(0, count: input.count, width: outputWidth)
        let channels = window.channels
        for row in 0..<input.count {
            let source = padded[row]
            let target = output[row]
            if let bias {
                for start in stride(from: 0, to: output.width, by: channels) {
                    (target + start).update(from: bias.values, count: channels)
                }
            } else {
                target.update(repeating: 0, count: output.width)
            }
            forEachLine { y, x, w in
                for c in 0..<channels { target[y + c] += source[x + c] * weight.values[w + c] }
            }
        }
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        cache.outputGradient = outputGradient
        guard needsInput else { return outputGradient }
        let padded = cache.rows(3, count: outputGradient.count, width: window.paddedWidthOfRow)
        padded.clear()
        let channels = window.channels
        for row in 0..<outputGradient.count {
            let source = outputGradient[row]
            let target = padded[row]
            forEachLine { y, x, w in
                for c in 0..<channels { target[x + c] += source[y + c] * weight.values[w + c] }
            }
        }
        return window.unpadded(padded, cache, slot: 1)
    }

    /// Adds the gradient of some rows: weights, then bias.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func add(
        _ cache: LayerCache<Scalar>, _ rows: Range<Int>, weights: UnsafeMutablePointer<Scalar>,
        biases: UnsafeMutablePointer<Scalar>?
    ) {
        let channels = window.channels
        for row in rows {
            let source = cache.input![row]
            let gradient = cache.outputGradient![row]
            forEachLine { y, x, w in
                for c in 0..<channels { weights[w + c] += source[x + c] * gradient[y + c] }
            }
            if let biases {
                for start in stride(from: 0, to: outputWidth, by: channels) {
                    for c in 0..<channels { biases[c] += gradient[start + c] }
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        let count = weight.count + (bias?.count ?? 0)
        let sums = cache.memory(100, count)
        for unit in 0..<units.count {
            sums.update(repeating: 0, count: count)
            add(
                cache, units.starts[unit]..<units.starts[unit + 1], weights: sums,
                biases: bias == nil ? nil : sums + weight.count)
            norms[unit] += Scalar.sumOfSquares(sums, count)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into vector: UnsafeMutablePointer<Scalar>
    ) {
        weights.scale(cache.outputGradient!)
        add(
            cache, 0..<cache.outputGradient!.count, weights: vector + weight.offset,
            biases: bias.map { vector + $0.offset })
    }
}
