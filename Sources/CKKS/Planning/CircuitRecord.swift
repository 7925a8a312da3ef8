import Synchronization

/// What a circuit did, or would do: operations by level, keys, the lowest level.
///
/// Give one to an evaluator; run the circuit on real or planned ciphertexts; read the counts.
public final class CircuitRecord: Sendable {
    /// The operations that cost something.
    public enum Operation: String, Hashable, Sendable, CaseIterable, Codable {
        /// Sum of two ciphertexts, or with a plaintext.
        case add
        /// By a constant, without encoding.
        case scale
        /// By an encoded plaintext.
        case multiplyPlain
        /// The three products of two ciphertexts.
        case tensor
        /// One key switch, decomposition included.
        case keySwitch
        /// Splitting into digits for hoisted rotations.
        case decompose
        /// One rotation of a ciphertext already split.
        case hoistedRotation
        case rescale
        /// Encoding of values into a plaintext.
        case encode
        case bootstrap
    }
    /// An operation at a level.
    public struct Entry: Hashable, Sendable {
        public let operation: Operation
        public let level: Int
    }

    struct State {
        var counts: [Entry: Int] = [:]
        var keys = CKKSKeyRequirements()
        var lowestLevel = Int.max
        var liveBytes = 0
        var peakBytes = 0
    }
    let state = Mutex(State())

    public init() {}

    public var counts: [Entry: Int] { state.withLock { $0.counts } }
    /// The evaluation keys that the circuit used.
    public var keys: CKKSKeyRequirements { state.withLock { $0.keys } }
    /// The lowest level that a result had; nil before the first operation.
    public var lowestLevel: Int? { state.withLock { $0.lowestLevel == Int.max ? nil : $0.lowestLevel } }
    /// The most bytes that ciphertexts made by the circuit took at one time; planning only.
    public var peakBytes: Int { state.withLock { $0.peakBytes } }

    public func count(_ operation: Operation) -> Int {
        counts.reduce(0) { $1.key.operation == operation ? $0 + $1.value : $0 }
    }

    package func note(_ operation: Operation, level: Int, times: Int = 1) {
        state.withLock { $0.counts[Entry(operation: operation, level: level), default: 0] += times }
    }

    package func noteLevel(_ level: Int) { state.withLock { $0.lowestLevel = min($0.lowestLevel, level) } }
    package func noteKeys(_ body: (inout CKKSKeyRequirements) -> Void) { state.withLock { body(&$0.keys) } }
}

/// Counts the bytes that one planned ciphertext would take, as long as it lives.
final class PlannedMemory: Sendable {
    private let record: CircuitRecord
    private let bytes: Int

    init(_ record: CircuitRecord, bytes: Int) {
        self.record = record
        self.bytes = bytes
        record.state.withLock {
            $0.liveBytes += bytes
            $0.peakBytes = max($0.peakBytes, $0.liveBytes)
        }
    }

    deinit { record.state.withLock { $0.liveBytes -= bytes } }
}
