import NeuralNetworks

/// Layers as affine maps. Images are height, width, channels, as in the networks.
extension AffineMap {
    /// Which pixels the windows of a convolution or pooling see.
    private struct Windows {
        let (height, width, channels): (Int, Int, Int)
        let (size, stride, padding): (Int, Int, Int)
        var outputHeight: Int { (height + 2 * padding - size) / stride + 1 }
        var outputWidth: Int { (width + 2 * padding - size) / stride + 1 }

        init(_ shape: [Int], _ size: Int, _ stride: Int, _ padding: Int) {
            (height, width, channels) = (shape[0], shape[1], shape[2])
            (self.size, self.stride, self.padding) = (size, stride, padding)
        }

        /// (place in the window, number of the first channel's pixel) of everything inside the image.
        func pixels(_ y: Int, _ x: Int) -> [(place: Int, first: Int)] {
            var result: [(Int, Int)] = []
            for dy in 0..<size {
                let line = y * stride + dy - padding
                guard (0..<height).contains(line) else { continue }
                for dx in 0..<size {
                    let column = x * stride + dx - padding
                    guard (0..<width).contains(column) else { continue }
                    result.append((dy * size + dx, (line * width + column) * channels))
                }
            }
            return result
        }
    }

    /// Weights [inputs, outputs] on the last extent of the shape.
    static func dense(_ weight: Tensor<Float>, bias: Tensor<Float>?, shape: [Int]) -> AffineMap {
        let (inputs, outputs) = (weight.shape[0], weight.shape[1])
        let positions = shape.dropLast().reduce(1, *)
        var map = AffineMap(inputCount: positions * inputs)
        for position in 0..<positions {
            for output in 0..<outputs {
                map.append(
                    (0..<inputs).map { (position * inputs + $0, Double(weight.values[$0 * outputs + output])) },
                    bias: bias.map { Double($0.values[output]) } ?? 0)
            }
        }
        return map
    }

    /// Weights [window, window, channels, filters], or with groups [groups, window, window, channels of one, filters of
    /// one].
    static func convolution(
        _ weight: Tensor<Float>, bias: Tensor<Float>?, shape: [Int], window: Int, stride: Int, padding: Int,
        groups: Int, filters: Int
    ) -> AffineMap {
        let windows = Windows(shape, window, stride, padding)
        var map = AffineMap(inputCount: shape.reduce(1, *))
        let (depth, each) = (windows.channels / groups, filters / groups)
        for y in 0..<windows.outputHeight {
            for x in 0..<windows.outputWidth {
                let pixels = windows.pixels(y, x)
                for filter in 0..<filters {
                    let (group, own) = (filter / each, filter % each)
                    var entries: [(column: Int, weight: Double)] = []
                    for (place, first) in pixels {
                        for channel in 0..<depth {
                            let index = ((group * window * window + place) * depth + channel) * each + own
                            entries.append((first + group * depth + channel, Double(weight.values[index])))
                        }
                    }
                    map.append(entries, bias: bias.map { Double($0.values[filter]) } ?? 0)
                }
            }
        }
        return map
    }

    /// Weights [window, window, channels].
    static func depthwise(
        _ weight: Tensor<Float>, bias: Tensor<Float>?, shape: [Int], window: Int, stride: Int, padding: Int
    ) -> AffineMap {
        let windows = Windows(shape, window, stride, padding)
        var map = AffineMap(inputCount: shape.reduce(1, *))
        for y in 0..<windows.outputHeight {
            for x in 0..<windows.outputWidth {
                let pixels = windows.pixels(y, x)
                for channel in 0..<windows.channels {
                    map.append(
                        pixels.map {
                            ($0.first + channel, Double(weight.values[$0.place * windows.channels + channel]))
                        }, bias: bias.map { Double($0.values[channel]) } ?? 0)
                }
            }
        }
        return map
    }

    /// Padding does not count in an average.
    static func averagePooling(shape: [Int], window: Int, stride: Int, padding: Int) -> AffineMap {
        let windows = Windows(shape, window, stride, padding)
        var map = AffineMap(inputCount: shape.reduce(1, *))
        for y in 0..<windows.outputHeight {
            for x in 0..<windows.outputWidth {
                let pixels = windows.pixels(y, x)
                for channel in 0..<windows.channels {
                    map.append(pixels.map { ($0.first + channel, 1 / Double(pixels.count)) }, bias: 0)
                }
            }
        }
        return map
    }

    /// y = factor·x + offset, channel by channel.
    static func channelwise(factors: [Double], offsets: [Double], shape: [Int]) -> AffineMap {
        let count = shape.reduce(1, *)
        var map = AffineMap(inputCount: count)
        for index in 0..<count {
            let channel = index % factors.count
            map.append([(index, factors[channel])], bias: offsets[channel])
        }
        return map
    }
}
