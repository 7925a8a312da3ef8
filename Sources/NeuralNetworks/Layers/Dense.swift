/// y = x·W + b, on the last extent of the input: a vector, or every vector of a sequence.
public final class Dense<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    let weight: Parameter<Scalar>
    let bias: Parameter<Scalar>?
    private let rule: ProductGradient<Scalar>
    private let inputs: Int
    private let outputs: Int
    private let positions: Int

    public var workPerRow: Int { positions * inputs * outputs }
    public var parameters: [Parameter<Scalar>] { [weight] + (bias.map { [$0] } ?? []) }

    init(
        inputShape: [Int], outputs: Int, hasBias: Bool, using random: inout SeededGenerator
    ) throws(NeuralNetworksError) {
        guard let inputs = inputShape.last, outputs > 0 else {
            throw .architecture("dense: got \(outputs) outputs of \(inputShape), want at least 1 of a vector")
        }
        self.inputShape = inputShape
        outputShape = inputShape.dropLast() + [outputs]
        self.inputs = inputs
        self.outputs = outputs
        positions = inputShape.dropLast().reduce(1, *)
        // Uniform within 1/√inputs, as PyTorch does by default.
        let limit = 1 / Double(inputs).squareRoot()
        weight = Parameter("weight", shape: [inputs, outputs], decays: true) { random.uniform(within: limit) }
        bias =
            hasBias
            ? Parameter("bias", shape: [outputs], decays: false) { random.uniform(within: limit) } : nil
        rule = ProductGradient(
            weight: weight, bias: bias, inputs: inputs, outputs: outputs,
            positionOffsets: (0..<positions).map { [inputs] in Int32($0 * inputs) },
            inputOffsets: (0..<inputs).map(Int32.init))
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        cache.input = input
        let output = cache.rows(0, count: input.count, width: outputWidth)
        let vectors = input.count * positions
        if let bias {
            for index in 0..<vectors { (output.base + index * outputs).update(from: bias.values, count: outputs) }
        }
        Scalar.multiply(
            input.base, rowStride: inputs, innerStride: 1, weight.values, bStride: outputs, bTransposed: false,
            into: output.base, cStride: outputs, rows: vectors, columns: outputs, inner: inputs,
            accumulate: bias != nil)
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
        let gradient = cache.rows(1, count: outputGradient.count, width: inputWidth)
        Scalar.multiply(
            outputGradient.base, rowStride: outputs, innerStride: 1, weight.values, bStride: outputs,
            bTransposed: true, into: gradient.base, cStride: inputs, rows: outputGradient.count * positions,
            columns: inputs, inner: outputs, accumulate: false)
        return gradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        rule.addSquaredNorms(input: cache.input!, gradient: cache.outputGradient!, cache, units: units, to: norms)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
    ) {
        if cache.unitGradients.isEmpty { weights.scale(cache.outputGradient!) }
        rule.accumulate(
            input: cache.input!, gradient: cache.outputGradient!, cache, weights: weights, into: gradient)
    }
}
