/// What a round gives.
public struct AggregationOutcome: Sendable {
    /// Σ of the survivors' updates; exact within the round's bound, else modulo 2^b in [−2^(b−1), 2^(b−1)).
    public let sum: [Int64]
    /// Members whose update is in the sum, ascending.
    public let survivors: [UInt32]
    /// Members that were lost, and while what was collected. Those lost after the masked inputs are in the sum.
    public let lost: [(member: UInt32, phase: AggregationCoordinator.Phase)]
    /// Members that gave a wrong share or seed; the sum is right all the same.
    public let suspects: [UInt32]
}
