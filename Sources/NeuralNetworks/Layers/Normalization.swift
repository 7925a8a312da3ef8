/// Brings groups of numbers of each row to mean 0 and variance 1, then scales and shifts each channel.
///
/// Group normalisation: channels are divided into groups, and a group is normalised over all positions of the row.
/// Layer normalisation: every position is normalised over its channels. Neither looks at other rows, so both can be
/// trained privately.
/// - Reference: Wu and He 2018; Ba, Kiros, Hinton 2016.
public final class RowNormalization<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }
    private let affine: ScaleShift<Scalar>
    /// Channels in a group, and positions that are normalised together.
    private let groupWidth: Int
    private let together: Int
    private let channels: Int

    public var parameters: [Parameter<Scalar>] { affine.parameters }

    /// - Parameter groups: nil for layer normalisation.
    init(inputShape: [Int], groups: Int?) throws(NeuralNetworksError) {
        guard let channels = inputShape.last, channels > 0 else {
            throw .architecture("normalisation: got input \(inputShape), want channels as its last extent")
        }
        let groupCount = groups ?? 1
        guard groupCount > 0, channels % groupCount == 0 else {
            throw .architecture("group normalisation: got \(groupCount) groups, want a divisor of \(channels)")
        }
        self.inputShape = inputShape
        self.channels = channels
        groupWidth = channels / groupCount
        together = groups == nil ? 1 : inputShape.dropLast().reduce(1, *)
        affine = ScaleShift(channels: channels)
    }

    static var epsilon: Scalar { 1e-5 }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        let normalised = cache.rows(0, count: input.count, width: input.width)
        let blocks = input.scalarCount / (groupWidth * together)
        normalise(input.base, normalised.base, cache.memory(1, blocks), input.scalarCount / (channels * together))
        let output = cache.rows(2, count: input.count, width: input.width)
        affine.apply(normalised, to: output)
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func normalise(
        _ x: UnsafeMutablePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>, _ inverse: UnsafeMutablePointer<Scalar>,
        _ stacks: Int
    ) {
        let groups = channels / groupWidth
        let size = Scalar(groupWidth * together)
        for stack in 0..<stacks {
            for group in 0..<groups {
                let start = stack * channels * together + group * groupWidth
                var mean: Scalar = 0
                for t in 0..<together {
                    for c in 0..<groupWidth { mean += x[start + t * channels + c] }
                }
                mean /= size
                var variance: Scalar = 0
                for t in 0..<together {
                    for c in 0..<groupWidth {
                        let difference = x[start + t * channels + c] - mean
                        variance += difference * difference
                    }
                }
                let factor = 1 / (variance / size + Self.epsilon).squareRoot()
                inverse[stack * groups + group] = factor
                for t in 0..<together {
                    for c in 0..<groupWidth {
                        let index = start + t * channels + c
                        y[index] = (x[index] - mean) * factor
                    }
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        cache.outputGradient = outputGradient
        guard needsInput else { return outputGradient }
        let result = cache.rows(3, count: outputGradient.count, width: outputGradient.width)
        let count = outputGradient.scalarCount
        differentiate(
            cache.memory(0, count), outputGradient.base, result.base,
            cache.memory(1, count / (groupWidth * together)), count / (channels * together))
        return result
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func differentiate(
        _ x: UnsafeMutablePointer<Scalar>, _ g: UnsafeMutablePointer<Scalar>, _ result: UnsafeMutablePointer<Scalar>,
        _ inverse: UnsafeMutablePointer<Scalar>, _ stacks: Int
    ) {
        let groups = channels / groupWidth
        let size = Scalar(groupWidth * together)
        for stack in 0..<stacks {
            for group in 0..<groups {
                let start = stack * channels * together + group * groupWidth
                let scale = affine.scale.values + group * groupWidth
                var mean: Scalar = 0
                var projection: Scalar = 0
                for t in 0..<together {
                    for c in 0..<groupWidth {
                        let index = start + t * channels + c
                        let scaled = g[index] * scale[c]
                        mean += scaled
                        projection += scaled * x[index]
                    }
                }
                mean /= size
                projection /= size
                let factor = inverse[stack * groups + group]
                for t in 0..<together {
                    for c in 0..<groupWidth {
                        let index = start + t * channels + c
                        result[index] = factor * (g[index] * scale[c] - mean - x[index] * projection)
                    }
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        let gradient = cache.outputGradient!
        affine.addSquaredNorms(
            cache.rows(0, count: gradient.count, width: gradient.width), gradient, cache, units: units, to: norms)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into vector: UnsafeMutablePointer<Scalar>
    ) {
        let gradient = cache.outputGradient!
        affine.accumulate(
            cache.rows(0, count: gradient.count, width: gradient.width), gradient, weights: weights, into: vector)
    }
}

/// Normalises every channel over all positions of all rows of the batch, and in inference by running averages.
///
/// A row's output depends on the other rows, so no row has a gradient of its own: private training refuses this layer.
/// - Reference: Ioffe and Szegedy 2015.
public final class BatchNormalization<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }
    public var couplesRows: Bool { true }
    public var refusal: String? {
        "batch normalisation mixes the rows of a batch, so that no row has a gradient of its own to clip; use group "
            + "normalisation"
    }
    private let affine: ScaleShift<Scalar>
    private let runningMean: Parameter<Scalar>
    private let runningVariance: Parameter<Scalar>
    private let channels: Int
    /// The part of a new batch in the running averages.
    private let momentum: Scalar = 0.1

    public var parameters: [Parameter<Scalar>] { affine.parameters }
    public var statistics: [Parameter<Scalar>] { [runningMean, runningVariance] }

    init(inputShape: [Int]) throws(NeuralNetworksError) {
        guard let channels = inputShape.last, channels > 0 else {
            throw .architecture("normalisation: got input \(inputShape), want channels as its last extent")
        }
        self.inputShape = inputShape
        self.channels = channels
        affine = ScaleShift(channels: channels)
        runningMean = Parameter("mean", shape: [channels], decays: false) { 0 }
        runningVariance = Parameter("variance", shape: [channels], decays: false) { 1 }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        cache.pass = pass
        let normalised = cache.rows(0, count: input.count, width: input.width)
        let mean = cache.memory(1, channels)
        let variance = cache.memory(2, channels)
        let inverse = cache.memory(3, channels)
        let vectors = input.scalarCount / channels
        if pass.isTraining {
            let size = Scalar(vectors)
            for c in 0..<channels {
                mean[c] = 0
                variance[c] = 0
            }
            for t in 0..<vectors {
                for c in 0..<channels { mean[c] += input.base[t * channels + c] / size }
            }
            for t in 0..<vectors {
                for c in 0..<channels {
                    let difference = input.base[t * channels + c] - mean[c]
                    variance[c] += difference * difference / size
                }
            }
        } else {
            mean.update(from: runningMean.values, count: channels)
            variance.update(from: runningVariance.values, count: channels)
        }
        for c in 0..<channels { inverse[c] = 1 / (variance[c] + RowNormalization<Scalar>.epsilon).squareRoot() }
        for t in 0..<vectors {
            for c in 0..<channels {
                normalised.base[t * channels + c] = (input.base[t * channels + c] - mean[c]) * inverse[c]
            }
        }
        let output = cache.rows(4, count: input.count, width: input.width)
        affine.apply(normalised, to: output)
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        cache.outputGradient = outputGradient
        guard needsInput else { return outputGradient }
        let count = outputGradient.scalarCount
        let g = outputGradient.base
        let x = cache.memory(0, count)
        let inverse = cache.memory(3, channels)
        let result = cache.rows(5, count: outputGradient.count, width: outputGradient.width)
        let means = cache.memory(6, 2 * channels)
        means.update(repeating: 0, count: 2 * channels)
        let vectors = count / channels
        // In inference the averages are constants, and nothing flows through them.
        if cache.pass.isTraining {
            for t in 0..<vectors {
                for c in 0..<channels {
                    let index = t * channels + c
                    means[c] += g[index] / Scalar(vectors)
                    means[channels + c] += g[index] * x[index] / Scalar(vectors)
                }
            }
        }
        for t in 0..<vectors {
            for c in 0..<channels {
                let index = t * channels + c
                result.base[index] =
                    affine.scale.values[c] * inverse[c] * (g[index] - means[c] - x[index] * means[channels + c])
            }
        }
        return result
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        preconditionFailure("batch normalisation has no gradients of single rows")
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into vector: UnsafeMutablePointer<Scalar>
    ) {
        let gradient = cache.outputGradient!
        affine.accumulate(
            cache.rows(0, count: gradient.count, width: gradient.width), gradient, weights: weights, into: vector)
    }

    public func updateStatistics(_ cache: LayerCache<Scalar>) {
        guard cache.pass.isTraining, let gradient = cache.outputGradient else { return }
        let vectors = Scalar(gradient.scalarCount / channels)
        let mean = cache.memory(1, channels)
        let variance = cache.memory(2, channels)
        for c in 0..<channels {
            runningMean.values[c] += momentum * (mean[c] - runningMean.values[c])
            // The running variance is the unbiased one, as elsewhere.
            let unbiased = vectors > 1 ? variance[c] * vectors / (vectors - 1) : variance[c]
            runningVariance.values[c] += momentum * (unbiased - runningVariance.values[c])
        }
    }
}
