/// A convolution of images [height, width, channels] with square windows, strides, zero padding and groups.
///
/// The matrix of windows is never written down: the product reads the padded image through tables of offsets. Weights
/// are [window, window, channels of one group, filters]; with as many groups as channels this is the depth-wise
/// convolution, for which ``DepthwiseConvolution`` is faster.
public final class Convolution<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    let weight: Parameter<Scalar>
    let bias: Parameter<Scalar>?
    private let window: WindowGeometry
    private let filters: Int
    private let groups: Int
    private let rules: [ProductGradient<Scalar>]

    public var workPerRow: Int { weight.count * window.positionOffsets.count }
    public var parameters: [Parameter<Scalar>] { [weight] + (bias.map { [$0] } ?? []) }

    init(
        inputShape: [Int], filters: Int, window size: Int, stride: Int, padding: Int, groups: Int, hasBias: Bool,
        using random: inout SeededGenerator
    ) throws(NeuralNetworksError) {
        let window = try WindowGeometry(
            "convolution", inputShape: inputShape, window: size, stride: stride, padding: padding)
        let channels = window.channels
        guard filters > 0, groups > 0, channels % groups == 0, filters % groups == 0 else {
            throw .architecture(
                "convolution: got \(groups) groups, want a divisor of \(channels) channels and \(filters) filters")
        }
        self.window = window
        self.inputShape = inputShape
        outputShape = [window.outputHeight, window.outputWidth, filters]
        self.filters = filters
        self.groups = groups
        let depth = size * size * (channels / groups)
        let limit = 1 / Double(depth).squareRoot()
        let each = filters / groups
        weight = Parameter(
            "weight",
            shape: groups == 1 ? [size, size, channels, filters] : [groups, size, size, channels / groups, each],
            decays: true
        ) {
            random.uniform(within: limit)
        }
        bias =
            hasBias
            ? Parameter("bias", shape: [filters], decays: false) { random.uniform(within: limit) } : nil
        var rules: [ProductGradient<Scalar>] = []
        for group in 0..<groups {
            var rule = ProductGradient(
                weight: weight, bias: bias, inputs: depth, outputs: each, positionOffsets: window.positionOffsets,
                inputOffsets: window.inputOffsets(from: group * channels / groups, count: channels / groups))
            rule.weightStart = group * depth * each
            rule.outputStart = group * each
            rule.outputStride = filters
            rule.slot = 100 + 10 * group
            rules.append(rule)
        }
        self.rules = rules
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        let padded = window.padded(input, cache, slot: 2)
        cache.input = padded
        let output = cache.rows(0, count: input.count, width: outputWidth)
        let positions = window.positionOffsets.count
        if let bias {
            for index in 0..<input.count * positions {
                (output.base + index * filters).update(from: bias.values, count: filters)
            }
        }
        for rule in rules {
            for row in 0..<input.count {
                Scalar.multiply(
                    padded[row], rowOffsets: rule.positionOffsets, innerOffsets: rule.inputOffsets,
                    weight.values + rule.weightStart, bStride: rule.outputs, bTransposed: false,
                    into: output[row] + rule.outputStart, cStride: filters, rows: positions, columns: rule.outputs,
                    inner: rule.inputs, accumulate: bias != nil)
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
        cache.unitGradients = [:]
        guard needsInput else { return outputGradient }
        let padded = cache.rows(3, count: outputGradient.count, width: window.paddedWidthOfRow)
        padded.clear()
        let positions = window.positionOffsets.count
        for rule in rules {
            let columns = cache.rows(4, count: positions, width: rule.inputs)
            for row in 0..<outputGradient.count {
                Scalar.multiply(
                    outputGradient[row] + rule.outputStart, rowStride: filters, innerStride: 1,
                    weight.values + rule.weightStart, bStride: rule.outputs, bTransposed: true, into: columns.base,
                    cStride: rule.inputs, rows: positions, columns: rule.inputs, inner: rule.outputs,
                    accumulate: false)
                window.addWindows(columns, rule, to: padded[row])
            }
        }
        return window.unpadded(padded, cache, slot: 1)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        for rule in rules {
            rule.addSquaredNorms(input: cache.input!, gradient: cache.outputGradient!, cache, units: units, to: norms)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
    ) {
        if cache.unitGradients.count < rules.count {
            cache.unitGradients = [:]
            weights.scale(cache.outputGradient!)
        }
        for rule in rules {
            rule.accumulate(
                input: cache.input!, gradient: cache.outputGradient!, cache, weights: weights, into: gradient)
        }
    }
}
