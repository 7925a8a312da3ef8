/// Rows of a table, chosen by indices: every number of the input is an index below `count`.
///
/// As an embedding it turns n indices into n vectors, as a bag into their mean. Indices outside the table are refused
/// before training starts, see ``Network/check(_:)``.
public final class Embedding<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public let outputShape: [Int]
    let weight: Parameter<Scalar>
    public let count: Int
    private let dimension: Int
    private let isBag: Bool
    private let length: Int

    public var parameters: [Parameter<Scalar>] { [weight] }

    init(
        inputShape: [Int], count: Int, dimension: Int, isBag: Bool, using random: inout SeededGenerator
    ) throws(NeuralNetworksError) {
        guard inputShape.count == 1, inputShape[0] > 0, count > 0, dimension > 0 else {
            throw .architecture(
                "embedding: got \(count) vectors of \(dimension) numbers for \(inputShape), want at least 1 of each "
                    + "for a list of indices")
        }
        self.inputShape = inputShape
        length = inputShape[0]
        self.count = count
        self.dimension = dimension
        self.isBag = isBag
        outputShape = isBag ? [dimension] : [length, dimension]
        weight = Parameter("weight", shape: [count, dimension], decays: true) {
            // The sum of twelve uniform numbers less six: near enough to a normal one for initial values.
            var sum: Scalar = 0
            for _ in 0..<12 { sum += random.uniform(within: 0.5) }
            return sum
        }
    }

    @inline(__always)
    private func index(_ value: Scalar) -> Int {
        let index = Int(value)
        precondition(index >= 0 && index < count, "index: outside the table")
        return index
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        cache.input = input
        let output = cache.rows(0, count: input.count, width: outputWidth)
        if isBag { output.clear() }
        for row in 0..<input.count {
            for t in 0..<length {
                let vector = weight.values + index(input[row][t]) * dimension
                if isBag {
                    Scalar.add(1 / Scalar(length), times: vector, to: output[row], dimension)
                } else {
                    (output[row] + t * dimension).update(from: vector, count: dimension)
                }
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
        let gradient = cache.rows(1, count: outputGradient.count, width: inputWidth)
        gradient.clear()  // indices have no gradient
        return gradient
    }

    /// The gradient with respect to the vector chosen at place t of a row.
    @inline(__always)
    private func gradient(_ rows: Rows<Scalar>, _ row: Int, _ t: Int) -> UnsafeMutablePointer<Scalar> {
        rows[row] + (isBag ? 0 : t * dimension)
    }

    /// Σ over pairs of places with equal indices of g_s·g_t, found by sorting.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>) {
        let input = cache.input!
        let gradients = cache.outputGradient!
        let sum = cache.memory(2, dimension)
        let factor: Scalar = isBag ? 1 / Scalar(length) : 1
        for unit in 0..<units.count {
            var places: [(index: Int, row: Int, t: Int)] = []
            for row in units.starts[unit]..<units.starts[unit + 1] {
                for t in 0..<length { places.append((index(input[row][t]), row, t)) }
            }
            places.sort { ($0.index, $0.row, $0.t) < ($1.index, $1.row, $1.t) }
            var start = 0
            while start < places.count {
                sum.update(repeating: 0, count: dimension)
                var end = start
                while end < places.count, places[end].index == places[start].index {
                    Scalar.add(factor, times: gradient(gradients, places[end].row, places[end].t), to: sum, dimension)
                    end += 1
                }
                norms[unit] += Scalar.sumOfSquares(sum, dimension)
                start = end
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into vector: UnsafeMutablePointer<Scalar>
    ) {
        let input = cache.input!
        let factor: Scalar = isBag ? 1 / Scalar(length) : 1
        for row in 0..<input.count {
            var weightOfRow = factor
            if case .each(let factors, _) = weights { weightOfRow *= factors[row] }
            for t in 0..<length {
                Scalar.add(
                    weightOfRow, times: gradient(cache.outputGradient!, row, t),
                    to: vector + weight.offset + index(input[row][t]) * dimension, dimension)
            }
        }
    }
}
