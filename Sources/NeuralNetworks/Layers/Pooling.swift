/// The largest or the average value in sliding windows, channel by channel. Padding never is a largest value, and does
/// not count in an average.
public final class Pooling<Scalar: NetworkScalar>: Layer {
    public enum Kind: String, Hashable, Sendable, Codable { case maximum, average }

    public let inputShape: [Int]
    public let outputShape: [Int]
    public let kind: Kind
    private let window: WindowGeometry

    init(
        inputShape: [Int], _ kind: Kind, window size: Int, stride: Int, padding: Int
    ) throws(NeuralNetworksError) {
        window = try WindowGeometry("pooling", inputShape: inputShape, window: size, stride: stride, padding: padding)
        guard padding * 2 <= size else {
            throw .architecture("pooling: got padding \(padding), want at most half the window of \(size)")
        }
        self.inputShape = inputShape
        outputShape = [window.outputHeight, window.outputWidth, window.channels]
        self.kind = kind
    }

    /// The rows or columns of the image that window `index` covers.
    @inline(__always)
    private func span(_ index: Int, _ limit: Int) -> Range<Int> {
        let start = index * window.stride - window.padding
        return max(start, 0)..<min(start + window.size, limit)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        let output = cache.rows(0, count: input.count, width: outputWidth)
        switch kind {
        case .maximum:
            if cache.indices.count < output.scalarCount {
                cache.indices = [Int32](repeating: 0, count: output.scalarCount)
            }
            cache.indices.withUnsafeMutableBufferPointer { maxima(input, output, $0.baseAddress!) }
        case .average: averages(input, output)
        }
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func maxima(_ input: Rows<Scalar>, _ output: Rows<Scalar>, _ places: UnsafeMutablePointer<Int32>) {
        let channels = window.channels
        for row in 0..<input.count {
            let image = input[row]
            var best = output[row]
            var place = places + row * output.width
            for y in 0..<window.outputHeight {
                let lines = span(y, window.height)
                for x in 0..<window.outputWidth {
                    let columns = span(x, window.width)
                    let first = (lines.lowerBound * window.width + columns.lowerBound) * channels
                    Scalar.maximum(
                        image + first, lineStride: window.width * channels, lines: lines.count, columns: columns.count,
                        channels: channels, first: first, best, place)
                    best += channels
                    place += channels
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func averages(_ input: Rows<Scalar>, _ output: Rows<Scalar>) {
        let channels = window.channels
        for row in 0..<input.count {
            var target = output[row]
            for y in 0..<window.outputHeight {
                let lines = span(y, window.height)
                for x in 0..<window.outputWidth {
                    let columns = span(x, window.width)
                    let factor = 1 / Scalar(lines.count * columns.count)
                    for channel in 0..<channels { target[channel] = 0 }
                    for line in lines {
                        for column in columns {
                            let source = input[row] + (line * window.width + column) * channels
                            for channel in 0..<channels { target[channel] += factor * source[channel] }
                        }
                    }
                    target += channels
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        guard needsInput else { return outputGradient }
        let gradient = cache.rows(1, count: outputGradient.count, width: inputWidth)
        gradient.clear()
        switch kind {
        case .maximum:
            cache.indices.withUnsafeBufferPointer { scatter(outputGradient, gradient, $0.baseAddress!) }
        case .average: spread(outputGradient, gradient)
        }
        return gradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func scatter(_ outputGradient: Rows<Scalar>, _ gradient: Rows<Scalar>, _ places: UnsafePointer<Int32>) {
        let width = outputGradient.width
        for row in 0..<outputGradient.count {
            let target = gradient[row]
            let source = outputGradient[row]
            for index in 0..<width { target[Int(places[row * width + index])] += source[index] }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func spread(_ outputGradient: Rows<Scalar>, _ gradient: Rows<Scalar>) {
        let channels = window.channels
        for row in 0..<outputGradient.count {
            var source = outputGradient[row]
            for y in 0..<window.outputHeight {
                let lines = span(y, window.height)
                for x in 0..<window.outputWidth {
                    let columns = span(x, window.width)
                    let factor = 1 / Scalar(lines.count * columns.count)
                    for line in lines {
                        for column in columns {
                            let target = gradient[row] + (line * window.width + column) * channels
                            for channel in 0..<channels { target[channel] += factor * source[channel] }
                        }
                    }
                    source += channels
                }
            }
        }
    }
}
