import BinaryCoding
import Lattice
import Synchronization

/// What all values of one parameter set share: the ring with its tables and the transform between slots and
/// coefficients. Made once, used from any thread.
///
/// A context for planning has a scale chain and nothing else: circuits run on it to be measured (``CircuitRecord``).
public final class CKKSContext: Sendable, CustomStringConvertible {
    /// nil for planning with a chain that no ring has.
    public let parameters: CKKSParameters?
    public let chain: ScaleChain
    private let cachedRing = Mutex<Ring?>(nil)
    private let cachedTransform = Mutex<SlotTransform?>(nil)
    public let fingerprint: Fingerprint

    public var description: String { parameters?.description ?? "CKKS planning, N = \(chain.degree)" }
    public var maximumSlots: Int { chain.maximumSlots }

    /// Cheap: tables are made at first use.
    public init(_ parameters: CKKSParameters) {
        self.parameters = parameters
        chain = parameters.chain
        fingerprint = parameters.fingerprint
    }

    /// For planning only.
    public init(planning chain: ScaleChain) {
        parameters = nil
        self.chain = chain
        fingerprint = .none
    }

    /// The ring with its tables.
    public var ring: Ring {
        guard let parameters else { preconditionFailure("ring: this context is for planning only") }
        return cachedRing.withLock { cached in
            if let cached { return cached }
            let made = Ring(parameters.ring)
            cached = made
            return made
        }
    }

    package var transform: SlotTransform {
        cachedTransform.withLock { cached in
            if let cached { return cached }
            let made = SlotTransform(logDegree: chain.logDegree)
            cached = made
            return made
        }
    }

    /// Whether values of both contexts may meet.
    func matches(_ other: CKKSContext) -> Bool {
        self === other || (parameters != nil && parameters == other.parameters)
    }
}
