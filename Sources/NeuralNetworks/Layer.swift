/// One step of a network. Layers hold parameters and shapes; all that depends on the examples is in a ``LayerCache``,
/// of which every worker has its own, so that one network is used by several threads at once.
///
/// The passes of one batch, always in this order:
/// 1. ``forward(_:_:_:)``: outputs from inputs.
/// 2. ``backward(_:needsInput:_:)``: the gradient of the loss with respect to the inputs; keeps in the cache what the
///    gradients of the parameters need.
/// 3. For private training ``addSquaredNorms(_:units:to:)``: the squared norm of every unit's own gradient, without
///    writing these gradients down where that is dearer.
/// 4. ``accumulateGradient(_:weights:into:)``: the sum over the rows of weight × gradient. With weights all 1 this is
///    the ordinary gradient; with the clipping factors it is the clipped sum.
public protocol Layer<Scalar>: AnyObject, Sendable {
    associatedtype Scalar: NetworkScalar

    /// Extents of one example; images are height, width, channels.
    var inputShape: [Int] { get }
    var outputShape: [Int] { get }
    /// In a fixed order; empty for most layers.
    var parameters: [Parameter<Scalar>] { get }
    /// Numbers that training changes without gradients, such as running averages.
    var statistics: [Parameter<Scalar>] { get }
    /// Whether a row's output depends on other rows of the batch. Such a batch cannot be divided.
    var couplesRows: Bool { get }
    /// Why this layer, and those inside it, cannot be trained privately; nil when it can.
    var refusal: String? { get }

    /// About how many multiplications a row needs in the forward pass.
    var workPerRow: Int { get }
    /// About how many numbers the cache holds for a row.
    var scalarsPerRow: Int { get }

    func makeCache() -> LayerCache<Scalar>
    func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar>
    /// May overwrite `outputGradient`, and must not need it after ``accumulateGradient(_:weights:into:)``.
    func backward(_ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>) -> Rows<Scalar>
    func addSquaredNorms(_ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>)
    /// - Parameters:
    ///   - weights: one for each row.
    ///   - gradient: the network's vector; each parameter adds at its own offset.
    func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into gradient: UnsafeMutablePointer<Scalar>)
    /// Called after an ordinary training step with the cache of its single worker; for running averages.
    func updateStatistics(_ cache: LayerCache<Scalar>)
}

extension Layer {
    public var parameters: [Parameter<Scalar>] { [] }
    public var statistics: [Parameter<Scalar>] { [] }
    public var couplesRows: Bool { false }
    public var refusal: String? { nil }
    public var workPerRow: Int { outputWidth }
    public var scalarsPerRow: Int { inputWidth + outputWidth }
    public func makeCache() -> LayerCache<Scalar> { LayerCache() }
    public func addSquaredNorms(
        _ cache: LayerCache<Scalar>, units: Units, to norms: UnsafeMutablePointer<Scalar>
    ) {}
    public func accumulateGradient(
        _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>, into gradient: UnsafeMutablePointer<Scalar>
    ) {}
    public func updateStatistics(_ cache: LayerCache<Scalar>) {}

    var inputWidth: Int { inputShape.reduce(1, *) }
    var outputWidth: Int { outputShape.reduce(1, *) }
}

/// What a forward pass is for.
public struct Pass: Sendable {
    /// Whether dropout is active and batches make their own statistics.
    public var isTraining: Bool
    /// Different for every step; with the number of the row it decides what dropout keeps, whatever the division into
    /// chunks.
    public var dropoutSeed: UInt64
    /// The number of the chunk's first row in the batch.
    public var firstRow: Int

    public static let inference = Pass(isTraining: false, dropoutSeed: 0, firstRow: 0)

    public init(isTraining: Bool, dropoutSeed: UInt64, firstRow: Int) {
        self.isTraining = isTraining
        self.dropoutSeed = dropoutSeed
        self.firstRow = firstRow
    }
}

/// Consecutive rows that belong to one privacy unit: unit u is the rows `starts[u]..<starts[u + 1]`.
public struct Units: Sendable {
    public let starts: [Int]
    /// Every unit is one row.
    public let areRows: Bool

    public var count: Int { starts.count - 1 }

    public init(starts: [Int]) {
        precondition(!starts.isEmpty && starts[0] == 0, "starts: want at least one number, the first 0")
        self.starts = starts
        areRows = starts.indices.allSatisfy { starts[$0] == $0 }
    }

    public static func rows(_ count: Int) -> Units { Units(starts: Array(0...count)) }
}

/// The factors with which the gradients of rows enter a sum.
public enum RowWeights<Scalar: NetworkScalar>: @unchecked Sendable {
    /// All 1.
    case ones
    /// One for each row, equal for rows of one unit.
    case each(UnsafePointer<Scalar>, units: Units)
}

/// What one worker keeps for one layer between the passes.
public final class LayerCache<Scalar: NetworkScalar>: @unchecked Sendable {
    var children: [LayerCache<Scalar>]
    var input: Rows<Scalar>?
    var outputGradient: Rows<Scalar>?
    /// Per-unit gradients that computing norms has written down anyway, if it has.
    var unitGradients: [Int: Rows<Scalar>] = [:]
    /// Indices such as the places of maxima.
    var indices: [Int32] = []
    var pass = Pass.inference
    private var buffers: [Int: Buffer<Scalar>] = [:]

    init(children: [LayerCache<Scalar>] = []) { self.children = children }

    /// Memory that stays the layer's until it asks for the same slot again.
    func rows(_ slot: Int, count: Int, width: Int) -> Rows<Scalar> {
        Rows(base: memory(slot, count * width), count: count, width: width)
    }

    func memory(_ slot: Int, _ count: Int) -> UnsafeMutablePointer<Scalar> {
        if let buffer = buffers[slot] { return buffer.reserve(count) }
        let buffer = Buffer<Scalar>(count: count)
        buffers[slot] = buffer
        return buffer.base
    }

    /// Bytes held, children included.
    var byteCount: Int {
        buffers.values.reduce(children.reduce(0) { $0 + $1.byteCount }) {
            $0 + $1.capacity * MemoryLayout<Scalar>.stride
        } + indices.capacity * 4
    }
}
