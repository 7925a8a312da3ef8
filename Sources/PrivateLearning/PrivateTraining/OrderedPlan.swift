import DifferentialPrivacy
import NeuralNetworks

/// What a run on data in order will release: one event, fixed before the data are read.
///
/// Neighbours differ in one row, in whose place one of them has nothing; the other rows keep their places.
public struct OrderedPlan: Hashable, Sendable, Codable {
    public let epsilon: Double
    public let delta: Double
    public let noise: OrderedNoise
    public let passes: Int
    /// The most steps that a pass may have; decides the height of a tree, and nothing for banded matrices.
    public let mostStepsOfPass: Int
    public let noiseMultiplier: Double
    public let epsilonOfAllSteps: Double

    /// The least noise for which the run keeps (ε, δ).
    /// - Throws: ``PrivateLearningError`` with code `invalidParameter`.
    public init(
        epsilon: Double, delta: Double, noise: OrderedNoise, passes: Int, mostStepsOfPass: Int
    ) throws(PrivateLearningError) {
        try DescentPlan.check(epsilon: epsilon, delta: delta)
        guard (1...1 << 20).contains(passes), (1...1 << 30).contains(mostStepsOfPass) else {
            throw .plan("ordered training: got \(passes) passes of \(mostStepsOfPass) steps, want at least 1 of each")
        }
        self.epsilon = epsilon
        self.delta = delta
        self.noise = noise
        self.passes = passes
        self.mostStepsOfPass = mostStepsOfPass
        do throws(DifferentialPrivacyError) {
            let accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            let multiplier = try NoiseCalibration.noiseMultiplier(
                epsilon: epsilon, delta: delta, accountant: accountant
            ) { Self.event(noise, $0, passes: passes, of: passes, mostStepsOfPass) }
            noiseMultiplier = multiplier
            var spent = accountant
            try spent.compose(Self.event(noise, multiplier, passes: passes, of: passes, mostStepsOfPass))
            epsilonOfAllSteps = try spent.epsilon(delta: delta)
        } catch {
            throw .plan(error.message)
        }
    }

    /// All of it in the accountant's words.
    public var event: PrivacyEvent { Self.event(noise, noiseMultiplier, passes: passes, of: passes, mostStepsOfPass) }

    /// A tree is one Gaussian for each level, a banded matrix one for all passes.
    private static func event(
        _ noise: OrderedNoise, _ multiplier: Double, passes: Int, of all: Int, _ steps: Int
    ) -> PrivacyEvent {
        switch noise {
        case .tree:
            .repeated(
                .gaussian(noiseMultiplier: multiplier), count: passes * (Int.bitWidth - steps.leadingZeroBitCount))
        case .banded:
            .gaussian(noiseMultiplier: multiplier * (Double(all) / Double(passes)).squareRoot().nextDown)
        }
    }

    /// ε after so many passes.
    public func epsilon(after passes: Int) throws(PrivateLearningError) -> Double {
        guard passes > 0 else { return 0 }
        do throws(DifferentialPrivacyError) {
            var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            try accountant.compose(Self.event(noise, noiseMultiplier, passes: passes, of: self.passes, mostStepsOfPass))
            return try accountant.epsilon(delta: delta)
        } catch {
            throw .plan(error.message)
        }
    }
}
