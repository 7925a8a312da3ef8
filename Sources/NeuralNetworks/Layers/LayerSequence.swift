/// Layers one after the other.
public final class LayerSequence<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    public let layers: [any Layer<Scalar>]
    /// Gradients with respect to inputs are needed down to this layer's outputs only, unless the caller asks for more.
    private let firstWithParameters: Int

    public var parameters: [Parameter<Scalar>] { layers.flatMap { $0.parameters } }
    public var statistics: [Parameter<Scalar>] { layers.flatMap { $0.statistics } }
    public var couplesRows: Bool { layers.contains { $0.couplesRows } }
    public var workPerRow: Int { layers.reduce(0) { $0 + $1.workPerRow } }
    public var scalarsPerRow: Int { layers.reduce(0) { $0 + $1.scalarsPerRow } }
    public var refusal: String? { layers.lazy.compactMap { $0.refusal }.first }

    init(inputShape: [Int], _ layers: [any Layer<Scalar>]) {
        self.inputShape = inputShape
        self.layers = layers
        outputShape = layers.last?.outputShape ?? inputShape
        firstWithParameters = layers.firstIndex { !$0.parameters.isEmpty } ?? layers.count
        for (index, layer) in layers.enumerated() {
            for parameter in layer.parameters + layer.statistics { parameter.name = "\(index).\(parameter.name)" }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func makeCache() -> LayerCache<Scalar> { LayerCache(children: layers.map { $0.makeCache() }) }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        var rows = input
        for (layer, child) in zip(layers, cache.children) { rows = layer.forward(rows, pass, child) }
        return rows
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        var gradient = outputGradient
        for index in layers.indices.reversed() where needsInput || index >= firstWithParameters {
            gradient = layers[index].backward(
                gradient, needsInput: needsInput || index > firstWithParameters, cache.children[index])
        }
        return gradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        for (layer, child) in zip(layers, cache.children) { layer.addSquaredNorms(child, units: units, to: norms) }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
    ) {
        for (layer, child) in zip(layers, cache.children) {
            layer.accumulateGradient(child, weights: weights, into: gradient)
        }
    }

    public func updateStatistics(_ cache: LayerCache<Scalar>) {
        for (layer, child) in zip(layers, cache.children) { layer.updateStatistics(child) }
    }
}

/// y = x + f(x), f a sequence of layers that keeps the shape; with a projection y = p(x) + f(x).
public final class Residual<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { branch.outputShape }
    private let branch: LayerSequence<Scalar>
    private let projection: LayerSequence<Scalar>?

    public var parameters: [Parameter<Scalar>] { branch.parameters + (projection?.parameters ?? []) }
    public var statistics: [Parameter<Scalar>] { branch.statistics + (projection?.statistics ?? []) }
    public var couplesRows: Bool { branch.couplesRows || projection?.couplesRows == true }
    public var workPerRow: Int { branch.workPerRow + (projection?.workPerRow ?? 0) }
    public var scalarsPerRow: Int {
        inputWidth + 2 * outputWidth + branch.scalarsPerRow + (projection?.scalarsPerRow ?? 0)
    }
    public var refusal: String? { branch.refusal ?? projection?.refusal }

    init(branch: LayerSequence<Scalar>, projection: LayerSequence<Scalar>?) throws(NeuralNetworksError) {
        let direct = projection?.outputShape ?? branch.inputShape
        guard branch.outputShape == direct else {
            throw .architecture("residual: got \(branch.outputShape) to be added to \(direct), want equal shapes")
        }
        inputShape = branch.inputShape
        self.branch = branch
        self.projection = projection
        for parameter in branch.parameters + branch.statistics { parameter.name = "branch.\(parameter.name)" }
        for parameter in (projection?.parameters ?? []) + (projection?.statistics ?? []) {
            parameter.name = "projection.\(parameter.name)"
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func makeCache() -> LayerCache<Scalar> {
        LayerCache(children: [branch.makeCache()] + (projection.map { [$0.makeCache()] } ?? []))
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        let direct = projection?.forward(input, pass, cache.children[1]) ?? input
        let inner = branch.forward(input, pass, cache.children[0])
        let output = cache.rows(0, count: input.count, width: outputWidth)
        output.copy(from: inner)
        output.add(direct)
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        // Both paths may overwrite what they are given.
        let copy = cache.rows(1, count: outputGradient.count, width: outputGradient.width)
        copy.copy(from: outputGradient)
        let inner = branch.backward(copy, needsInput: needsInput, cache.children[0])
        let direct = projection?.backward(outputGradient, needsInput: needsInput, cache.children[1]) ?? outputGradient
        guard needsInput else { return outputGradient }
        let gradient = cache.rows(2, count: outputGradient.count, width: inputWidth)
        gradient.copy(from: inner)
        gradient.add(direct)
        return gradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        branch.addSquaredNorms(cache.children[0], units: units, to: norms)
        projection?.addSquaredNorms(cache.children[1], units: units, to: norms)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
    ) {
        branch.accumulateGradient(cache.children[0], weights: weights, into: gradient)
        projection?.accumulateGradient(cache.children[1], weights: weights, into: gradient)
    }

    public func updateStatistics(_ cache: LayerCache<Scalar>) {
        branch.updateStatistics(cache.children[0])
        projection?.updateStatistics(cache.children[1])
    }
}
