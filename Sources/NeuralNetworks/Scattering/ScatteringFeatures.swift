import Parallelism

/// Scattering coefficients, each image's normalised in groups of channels: (x − mean)/deviation over the values of a
/// group. Every image is normalised by itself, so that no statistic of a data set is used and no privacy is spent.
/// - Reference: Tramèr and Boneh 2021, section 2.2, group normalisation.
public struct ScatteringFeatures: Hashable, Sendable, Codable {
    public let height: Int
    public let width: Int
    public let orientations: Int
    /// Divides the number of channels; neighbouring channels are of like frequency.
    public let groups: Int

    public init(height: Int, width: Int, orientations: Int, groups: Int) {
        self.height = height
        self.width = width
        self.orientations = orientations
        self.groups = groups
    }

    /// Height, width, channels; the extents of what ``of(_:)`` gives for one image.
    public var outputShape: [Int] {
        [(height + 4) / 4 - 1, (width + 4) / 4 - 1, 1 + 2 * orientations + orientations * orientations]
    }

    /// - Parameter images: grey values from 0 to 1, row-major, one image after the other.
    /// - Throws: ``NeuralNetworksError`` with code `invalidParameter` for sizes out of range and groups that do not divide
    ///   the channels.
    public func of(_ images: [Float]) throws(NeuralNetworksError) -> [Float] {
        let transform = try ScatteringTransform(height: height, width: width, orientations: orientations)
        let channels = transform.outputShape[2]
        guard groups > 0, channels % groups == 0 else {
            throw .parameter("groups: got \(groups), want a divisor of \(channels)")
        }
        var result = transform(images)
        let size = transform.outputWidth
        let positions = size / channels
        result.withUnsafeMutableBufferPointer { values in
            nonisolated(unsafe) let values = values
            parallelFor(values.count / size, chunk: 64) { images in
                for image in images {
                    for group in 0..<groups {
                        let channels = group * (channels / groups)..<(group + 1) * (channels / groups)
                        Self.normalise(
                            values.baseAddress! + image * size, positions, stride: size / positions, channels)
                    }
                }
            }
        }
        return result
    }

    private static func normalise(
        _ values: UnsafeMutablePointer<Float>, _ positions: Int, stride: Int, _ channels: Range<Int>
    ) {
        var sum: Float = 0
        for position in 0..<positions { for channel in channels { sum += values[position * stride + channel] } }
        let count = Float(positions * channels.count)
        let mean = sum / count
        var squares: Float = 0
        for position in 0..<positions {
            for channel in channels {
                let difference = values[position * stride + channel] - mean
                squares += difference * difference
            }
        }
        // An image without any contrast becomes zeros.
        let factor = 1 / (squares / count + 1e-5).squareRoot()
        for position in 0..<positions {
            for channel in channels {
                values[position * stride + channel] = (values[position * stride + channel] - mean) * factor
            }
        }
    }
}
