/// Layers with their parameters, which lie in one vector.
///
/// The parameters are written by optimisers and loaders between passes; one value must not be trained and used at the
/// same time.
public final class Network<Scalar: NetworkScalar>: @unchecked Sendable {
    public let layers: [LayerDescription]
    public let inputShape: [Int]
    public let outputShape: [Int]
    /// In the order of the vector.
    public let parameters: [Parameter<Scalar>]
    /// Running averages and the like.
    public let statistics: [Parameter<Scalar>]
    let root: LayerSequence<Scalar>
    let vector: Buffer<Scalar>
    /// Numbers that training changes.
    public let parameterCount: Int

    public var inputWidth: Int { inputShape.reduce(1, *) }
    public var outputWidth: Int { outputShape.reduce(1, *) }

    /// - Parameters:
    ///   - layers: from input to output; the output is scores, the loss applies softmax or the logistic function.
    ///   - input: extents of one example; images are height, width, channels.
    ///   - seed: of the initial weights; no secret.
    /// - Throws: ``NeuralNetworksError`` with code `invalidArchitecture`, naming the layer.
    public init(_ layers: [LayerDescription], input: [Int], seed: UInt64 = 0) throws(NeuralNetworksError) {
        guard !input.isEmpty, input.allSatisfy({ $0 > 0 && $0 <= 1 << 26 }) else {
            throw .architecture("input: got \(input), want extents of at least 1")
        }
        var random = SeededGenerator(seed: seed)
        root = try LayerDescription.makeSequence(layers, inputShape: input, Scalar.self, using: &random)
        self.layers = layers
        inputShape = input
        outputShape = root.outputShape
        parameters = root.parameters
        statistics = root.statistics
        parameterCount = parameters.reduce(0) { $0 + $1.count }
        vector = Buffer(count: parameterCount)
        var offset = 0
        for parameter in parameters {
            parameter.move(to: vector, at: offset)
            offset += parameter.count
        }
    }

    /// The rows of outputs for rows of inputs.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func predict(_ inputs: [Scalar]) -> [Scalar] {
        precondition(inputs.count % inputWidth == 0, "inputs: got \(inputs.count), want a multiple of \(inputWidth)")
        let count = inputs.count / inputWidth
        var result = [Scalar](repeating: 0, count: count * outputWidth)
        let cache = root.makeCache()
        let chunk = 64
        let room = Buffer<Scalar>(count: min(count, chunk) * inputWidth)
        for start in stride(from: 0, to: count, by: chunk) {
            let rows = min(chunk, count - start)
            inputs.withUnsafeBufferPointer {
                room.base.update(from: $0.baseAddress! + start * inputWidth, count: rows * inputWidth)
            }
            let output = root.forward(
                Rows(base: room.base, count: rows, width: inputWidth), .inference, cache)
            for index in 0..<rows * outputWidth { result[start * outputWidth + index] = output.base[index] }
        }
        return result
    }

    /// All numbers that training changes, in the order of ``parameters``.
    public var parameterVector: [Scalar] {
        get { Array(UnsafeBufferPointer(start: vector.base, count: parameterCount)) }
        set {
            precondition(newValue.count == parameterCount, "parameters: got \(newValue.count), want \(parameterCount)")
            newValue.withUnsafeBufferPointer {
                if let base = $0.baseAddress { vector.base.update(from: base, count: parameterCount) }
            }
        }
    }

    /// Refuses examples that do not fit: widths, labels, numbers that are not finite, indices outside a table.
    public func check(_ examples: Examples<Scalar>, loss: Loss) throws(NeuralNetworksError) {
        guard examples.width == inputWidth else {
            throw .data("examples: got \(examples.width) features, want \(inputWidth)")
        }
        guard Self.areFinite(examples.features) else {
            throw .data("examples: got a feature that is infinite or not a number")
        }
        if case .embedding(let count, _)? = layers.first {
            try checkIndices(examples, count)
        } else if case .embeddingBag(let count, _)? = layers.first {
            try checkIndices(examples, count)
        }
        try loss.check(examples, outputs: outputWidth)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private static func areFinite(_ numbers: [Scalar]) -> Bool {
        for number in numbers where !number.isFinite { return false }
        return true
    }

    private func checkIndices(_ examples: Examples<Scalar>, _ count: Int) throws(NeuralNetworksError) {
        let limit = Scalar(count)
        guard examples.features.allSatisfy({ $0 >= 0 && $0 < limit && $0 == $0.rounded(.down) }) else {
            throw .data("examples: got an index outside 0..<\(count)")
        }
    }
}
