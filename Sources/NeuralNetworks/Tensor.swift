/// Numbers with a shape, row-major: the form in which weights and examples enter and leave.
public struct Tensor<Scalar: NetworkScalar>: Hashable, Sendable {
    public let shape: [Int]
    public var values: [Scalar]

    public init(shape: [Int], values: [Scalar]) {
        precondition(
            shape.allSatisfy { $0 >= 0 } && shape.reduce(1, *) == values.count,
            "values: got \(values.count), want the product of \(shape)")
        self.shape = shape
        self.values = values
    }

    public init(shape: [Int], repeating value: Scalar) {
        self.init(shape: shape, values: [Scalar](repeating: value, count: shape.reduce(1, *)))
    }
}

/// Numbers that training changes: part of the network's one vector of parameters, so that optimisers, noise and
/// checkpoints make one pass over memory.
public final class Parameter<Scalar: NetworkScalar>: @unchecked Sendable {
    /// Unique in the network, such as `0.weight`.
    public internal(set) var name: String
    public let shape: [Int]
    public let count: Int
    /// Whether weight decay applies: to products, not to biases and scales.
    public let decays: Bool
    /// Position in the network's vector.
    private(set) var offset = 0
    private var owner: Buffer<Scalar>
    /// The current values; written by the optimiser between passes and by nobody during one.
    private(set) var values: UnsafeMutablePointer<Scalar>

    init(_ name: String, shape: [Int], decays: Bool, _ fill: () -> Scalar) {
        self.name = name
        self.shape = shape
        self.decays = decays
        count = shape.reduce(1, *)
        owner = Buffer(count: count)
        values = owner.base
        for index in 0..<count { values[index] = fill() }
    }

    /// Moves the values into the network's vector.
    func move(to vector: Buffer<Scalar>, at offset: Int) {
        (vector.base + offset).update(from: values, count: count)
        self.offset = offset
        owner = vector
        values = vector.base + offset
    }

    func set(_ numbers: [Scalar]) {
        precondition(numbers.count == count, "values: got \(numbers.count), want \(count)")
        for index in 0..<count { values[index] = numbers[index] }
    }

    public var tensor: Tensor<Scalar> {
        Tensor(shape: shape, values: Array(UnsafeBufferPointer(start: values, count: count)))
    }
}
