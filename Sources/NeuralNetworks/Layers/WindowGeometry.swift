/// Which pixels a sliding window sees: shared by convolutions and pooling.
struct WindowGeometry: Sendable {
    let height: Int
    let width: Int
    let channels: Int
    let size: Int
    let stride: Int
    let padding: Int
    let outputHeight: Int
    let outputWidth: Int

    init(
        _ name: String, inputShape: [Int], window: Int, stride: Int, padding: Int
    ) throws(NeuralNetworksError) {
        guard inputShape.count == 3 else {
            throw .architecture("\(name): got input \(inputShape), want [height, width, channels]")
        }
        guard window > 0, stride > 0, padding >= 0, padding < window,
            inputShape[0] + 2 * padding >= window, inputShape[1] + 2 * padding >= window
        else {
            throw .architecture(
                "\(name): got window \(window), stride \(stride), padding \(padding) on \(inputShape), want a window "
                    + "that fits and padding below it")
        }
        height = inputShape[0]
        width = inputShape[1]
        channels = inputShape[2]
        size = window
        self.stride = stride
        self.padding = padding
        outputHeight = (height + 2 * padding - window) / stride + 1
        outputWidth = (width + 2 * padding - window) / stride + 1
    }

    var paddedHeight: Int { height + 2 * padding }
    var paddedWidth: Int { width + 2 * padding }
    /// Numbers of one padded image.
    var paddedWidthOfRow: Int { paddedHeight * paddedWidth * channels }

    /// First number of every window in the padded image, output pixel by output pixel.
    var positionOffsets: [Int32] {
        (0..<outputHeight).flatMap { y in
            (0..<outputWidth).map { x in Int32((y * stride * paddedWidth + x * stride) * channels) }
        }
    }

    /// Places within a window: row, column, then `count` channels from `first`.
    func inputOffsets(from first: Int, count: Int) -> [Int32] {
        (0..<size).flatMap { y in
            (0..<size).flatMap { x in (0..<count).map { Int32((y * paddedWidth + x) * channels + first + $0) } }
        }
    }

    /// The images with zeros around; the images themselves without padding.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func padded<Scalar: NetworkScalar>(
        _ input: Rows<Scalar>, _ cache: LayerCache<Scalar>, slot: Int
    ) -> Rows<Scalar> {
        guard padding > 0 else { return input }
        let result = cache.rows(slot, count: input.count, width: paddedWidthOfRow)
        let line = width * channels
        for row in 0..<input.count {
            let target = result[row]
            let source = input[row]
            let stride = paddedWidth * channels
            let edge = padding * channels
            target.update(repeating: 0, count: padding * stride + edge)
            for y in 0..<height {
                let start = target + (y + padding) * stride + edge
                start.update(from: source + y * line, count: line)
                // From the end of this line to the beginning of the next.
                (start + line).update(repeating: 0, count: 2 * edge)
            }
            let end = (height + padding) * stride + edge
            (target + end).update(repeating: 0, count: paddedWidthOfRow - end)
        }
        return result
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func unpadded<Scalar: NetworkScalar>(
        _ padded: Rows<Scalar>, _ cache: LayerCache<Scalar>, slot: Int
    ) -> Rows<Scalar> {
        guard padding > 0 else { return padded }
        let result = cache.rows(slot, count: padded.count, width: height * width * channels)
        let line = width * channels
        for row in 0..<padded.count {
            for y in 0..<height {
                (result[row] + y * line).update(
                    from: padded[row] + ((y + padding) * paddedWidth + padding) * channels, count: line)
            }
        }
        return result
    }

    /// Adds the gradient of every window to the image it was taken from.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func addWindows<Scalar: NetworkScalar>(
        _ windows: Rows<Scalar>, _ rule: ProductGradient<Scalar>, to image: UnsafeMutablePointer<Scalar>
    ) {
        let run = rule.inputs / (size * size)
        // With all channels in one group, a line of the window is contiguous in the image.
        let length = run == channels ? run * size : run
        for (position, offset) in rule.positionOffsets.enumerated() {
            var source = windows[position]
            var k = 0
            while k < rule.inputs {
                let target = image + Int(offset) + Int(rule.inputOffsets[k])
                for index in 0..<length { target[index] += source[index] }
                source += length
                k += length
            }
        }
    }
}
