import DifferentialPrivacy

/// What a run of noisy gradient descent will release, fixed before any data are read.
///
/// Sampling rate, steps and noise follow from what the user asks for alone, so that a ledger can be asked, and can
/// refuse, before a file is opened.
/// - Guarantee: all steps together are (``epsilonOfAllSteps``, ``delta``)-differentially private for neighbours that differ
///   by adding or removing one unit, by the upper bound of ``PrivacyLossAccountant``.
public struct DescentPlan: Hashable, Sendable, Codable {
    /// The ε that was wanted.
    public let epsilon: Double
    public let delta: Double
    /// The probability with which each unit takes part in a step.
    public let samplingRate: Double
    public let steps: Int
    /// Deviation of the noise over the bound of one unit's gradient.
    public let noiseMultiplier: Double
    /// Shown by the accountant for all steps; at most ``epsilon``.
    public let epsilonOfAllSteps: Double

    /// The least noise for which the run keeps (ε, δ).
    /// - Throws: ``PrivateLearningError`` with code `invalidParameter` for numbers out of range, and when no noise will do.
    /// - Cost: some dozen compositions, about a second.
    public init(epsilon: Double, delta: Double, samplingRate: Double, steps: Int) throws(PrivateLearningError) {
        try Self.check(epsilon: epsilon, delta: delta)
        guard samplingRate > 0, samplingRate <= 1 else {
            throw .plan("sampling rate: got \(samplingRate), want a number in (0, 1]")
        }
        guard steps > 0, steps <= 1 << 30 else { throw .plan("steps: got \(steps), want 1 to 2³⁰") }
        self.epsilon = epsilon
        self.delta = delta
        self.samplingRate = samplingRate
        self.steps = steps
        do throws(DifferentialPrivacyError) {
            let accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            let multiplier = try NoiseCalibration.noiseMultiplier(
                epsilon: epsilon, delta: delta, accountant: accountant
            ) { .repeated(Self.step(samplingRate, $0), count: steps) }
            noiseMultiplier = multiplier
            epsilonOfAllSteps = try Self.epsilon(samplingRate, multiplier, steps, delta)
        } catch {
            throw .plan(error.message)
        }
    }

    /// Refuses what no private training can be asked for.
    public static func check(epsilon: Double, delta: Double) throws(PrivateLearningError) {
        guard epsilon > 0, epsilon.isFinite else {
            throw .plan("epsilon: got \(epsilon), want a finite number above 0")
        }
        guard delta > 0, delta < 1 else { throw .plan("delta: got \(delta), want a number in (0, 1)") }
    }

    /// One step in the accountant's and the ledger's words.
    public var step: PrivacyEvent { Self.step(samplingRate, noiseMultiplier) }

    private static func step(_ rate: Double, _ multiplier: Double) -> PrivacyEvent {
        .poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: multiplier))
    }

    /// ε after so many steps.
    public func epsilon(after steps: Int) throws(PrivateLearningError) -> Double {
        do throws(DifferentialPrivacyError) {
            return steps == 0 ? 0 : try Self.epsilon(samplingRate, noiseMultiplier, steps, delta)
        } catch {
            throw .plan(error.message)
        }
    }

    private static func epsilon(
        _ rate: Double, _ multiplier: Double, _ steps: Int, _ delta: Double
    ) throws(DifferentialPrivacyError) -> Double {
        var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
        try accountant.compose(step(rate, multiplier), count: steps)
        return try accountant.epsilon(delta: delta)
    }
}

extension PrivateLearningError {
    static func plan(_ message: String) -> Self { Self(code: .invalidParameter, message: message) }
}
