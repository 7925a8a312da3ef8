/// Adds up the privacy loss of releases.
///
/// Implementations never understate: ε and δ are upper bounds, rounding included.
public protocol PrivacyAccountant: Sendable {
    /// The relation under which losses are stated.
    var neighbouring: Neighbouring { get }

    /// Adds `count` releases of an event, each with fresh randomness.
    /// - Throws: ``DifferentialPrivacyError`` for parameters out of range and for events that this accountant has no rule
    ///   for; the accountant is then unchanged.
    mutating func compose(_ event: PrivacyEvent, count: Int) throws(DifferentialPrivacyError)

    /// The least ε ≥ 0 that the accountant can show for this δ in [0, 1); ∞ when there is none.
    func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double

    /// The least δ in [0, 1] that the accountant can show for this ε ≥ 0.
    func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double
}

extension PrivacyAccountant {
    /// Adds one release.
    public mutating func compose(_ event: PrivacyEvent) throws(DifferentialPrivacyError) {
        try compose(event, count: 1)
    }
}
