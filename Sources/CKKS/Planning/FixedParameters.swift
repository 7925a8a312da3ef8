import Foundation
import Lattice
import Parallelism

extension CKKSCircuit {
    /// What the circuit takes with parameters that are given, such as those of keys that exist.
    /// - Parameters:
    ///   - refresher: a bootstrapper made for planning, where the circuit is to use one.
    ///   - furtherBytes: memory beside keys and ciphertexts, such as the bootstrapper's matrices.
    /// - Errors: `exhaustedLevels` when the parameters have too few; errors of the circuit itself.
    public func plan(
        with parameters: CKKSParameters, refresher: (any CKKSRefreshing)? = nil, furtherBytes: Int = 0,
        cost: CostModel = .measured()
    ) throws(CKKSError) -> CircuitPlan {
        let context = CKKSContext(planning: parameters.chain)
        let (record, outputs) = try rehearse(context, refresher: refresher)
        let lowest = record.lowestLevel ?? parameters.chain.top
        return summary(
            parameters, depth: parameters.chain.top - lowest, record, outputs, cost: cost, furtherBytes: furtherBytes)
    }
}

extension CKKSParameters {
    /// One evaluation key in memory: both halves, one word per residue.
    public var keyMemoryBytes: Int {
        guard ring.digitSize > 0 else { return 0 }
        let digits = (ring.moduli.count + ring.digitSize - 1) / ring.digitSize
        return digits * 2 * (ring.moduli.count + ring.specialModuli.count) * ring.degree * 8
    }

    /// A ciphertext in memory.
    public func ciphertextMemoryBytes(level: Int) -> Int { 2 * (level + 1) * ring.degree * 8 }
}

/// Memory that something takes, compared with what there is.
public enum MemoryNeed {
    /// - Parameters:
    ///   - what: begins the sentence, for instance "training".
    ///   - available: what the machine has left; nil when it does not say, which refuses nothing.
    /// - Errors: `insufficientMemory`.
    public static func require(
        _ bytes: Int, for what: String, advice: String, available: Int? = SystemMemory.availableBytes
    ) throws(CKKSError) {
        guard let available, available < bytes else { return }
        throw CKKSError(
            code: .insufficientMemory,
            message: "memory: \(what) takes about \(CircuitPlan.bytes(bytes)), the machine has "
                + "\(CircuitPlan.bytes(available)) left; \(advice)")
    }
}
