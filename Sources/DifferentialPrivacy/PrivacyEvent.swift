/// What was released, as far as its privacy matters: the node type of the tree that accountants and ledgers read.
///
/// A *noise multiplier* is the scale of the noise divided by the bound C on the norm of one unit's contribution to the
/// sum that is released. The sensitivity is then C under ``Neighbouring/addOrRemoveOne`` and 2C under
/// ``Neighbouring/replaceOne``, and the accountants use it so: the same release costs more under the second relation.
/// Integer mechanisms give C itself (`contribution`). Where the sensitivity Δ of another query is known directly under
/// `replaceOne`, C is Δ/2.
public indirect enum PrivacyEvent: Hashable, Sendable, Codable {
    /// Nothing about the data was released.
    case nothing
    /// A sum with Gaussian noise of deviation `noiseMultiplier`·C, contributions bounded in ℓ₂.
    case gaussian(noiseMultiplier: Double)
    /// A number with Laplace noise of density exp(−|x|/b)/2b, b = `noiseMultiplier`·C.
    case laplace(noiseMultiplier: Double)
    /// An integer with noise of mass ∝ exp(−x²/2σ²).
    case discreteGaussian(deviation: Double, contribution: Int)
    /// An integer with noise of mass ∝ exp(−|x|/b).
    case discreteLaplace(scale: Double, contribution: Int)
    /// Any mechanism that is (ε, δ)-differentially private under the relation in force.
    case approximate(epsilon: Double, delta: Double)
    /// Any mechanism of zero-concentrated loss ρ (Bun, Steinke 2016) under the relation in force.
    case zeroConcentrated(rho: Double)
    /// `event` on a subset to which each unit belongs with probability `rate`, independently.
    case poissonSampled(rate: Double, event: PrivacyEvent)
    /// `event` on a uniformly chosen subset of `batch` of `population` units.
    case sampledWithoutReplacement(population: Int, batch: Int, event: PrivacyEvent)
    /// Running sums of `steps` rows by the binary tree, each node with Gaussian noise, every unit in one row only.
    case treeAggregation(noiseMultiplier: Double, steps: Int)
    /// All of these, in any order, each chosen before the first was seen or adaptively with parameters fixed before.
    case composed([PrivacyEvent])
    /// `count` times the same, each with fresh randomness.
    case repeated(PrivacyEvent, count: Int)
}

extension PrivacyEvent {
    /// The leaves with their multiplicities, `composed` and `repeated` resolved.
    /// - Throws: ``DifferentialPrivacyError`` when a parameter is out of range or a count overflows.
    func visitLeaves(
        times: Int = 1, _ body: (PrivacyEvent, Int) throws(DifferentialPrivacyError) -> Void
    ) throws(DifferentialPrivacyError) {
        switch self {
        case .nothing: return
        case .composed(let events): for event in events { try event.visitLeaves(times: times, body) }
        case .repeated(let event, let count):
            guard count >= 0 else { throw .parameter("count", count, "at least 0") }
            let (product, overflow) = times.multipliedReportingOverflow(by: count)
            guard !overflow, product <= Self.mostRepetitions else {
                throw .parameter("count", "more than \(Self.mostRepetitions) in all", "fewer")
            }
            if product > 0 { try event.visitLeaves(times: product, body) }
        default:
            try checkLeaf()
            try body(self, times)
        }
    }

    /// Counts beyond it would not be exact as doubles in all places where they are multiplied.
    static let mostRepetitions = 1 << 40

    private func checkLeaf() throws(DifferentialPrivacyError) {
        switch self {
        case .gaussian(let multiplier), .laplace(let multiplier):
            _ = try positive("noiseMultiplier", multiplier)
        case .discreteGaussian(let deviation, let contribution):
            _ = try positive("deviation", deviation)
            guard contribution > 0 else { throw .parameter("contribution", contribution, "at least 1") }
        case .discreteLaplace(let scale, let contribution):
            _ = try positive("scale", scale)
            guard contribution > 0 else { throw .parameter("contribution", contribution, "at least 1") }
        case .approximate(let epsilon, let delta):
            _ = try nonNegative("epsilon", epsilon)
            _ = try checkedDelta(delta)
        case .zeroConcentrated(let rho): _ = try nonNegative("rho", rho)
        case .poissonSampled(let rate, _):
            guard rate >= 0, rate <= 1 else { throw .parameter("rate", rate, "a number in [0, 1]") }
        case .sampledWithoutReplacement(let population, let batch, _):
            guard population > 0 else { throw .parameter("population", population, "at least 1") }
            guard (0...population).contains(batch) else {
                throw .parameter("batch", batch, "a number in [0, \(population)]")
            }
        case .treeAggregation(let multiplier, let steps):
            _ = try positive("noiseMultiplier", multiplier)
            guard steps > 0 else { throw .parameter("steps", steps, "at least 1") }
        case .nothing, .composed, .repeated: break
        }
    }

    /// The event of a sample, when it is one Gaussian or several on the same sample; the multiplier of the one Gaussian
    /// that is equivalent to all of them.
    func gaussianMultiplier() throws(DifferentialPrivacyError) -> Double? {
        var precision = 0.0
        var isGaussian = true
        try visitLeaves { event, count throws(DifferentialPrivacyError) in
            if case .gaussian(let multiplier) = event {
                precision = (precision + Double(count) / multiplier / multiplier).nextUp
            } else {
                isGaussian = false
            }
        }
        return isGaussian && precision > 0 ? (1 / precision.squareRoot()).nextDown.nextDown : nil
    }
}

extension PrivacyEvent: CustomStringConvertible {
    /// One line for people.
    public var description: String {
        switch self {
        case .nothing: "nothing"
        case .gaussian(let multiplier): "Gaussian noise, multiplier \(multiplier)"
        case .laplace(let multiplier): "Laplace noise, multiplier \(multiplier)"
        case .discreteGaussian(let deviation, let contribution):
            "discrete Gaussian noise, deviation \(deviation), contribution \(contribution)"
        case .discreteLaplace(let scale, let contribution):
            "discrete Laplace noise, scale \(scale), contribution \(contribution)"
        case .approximate(let epsilon, let delta): "(\(epsilon), \(delta))-differential privacy"
        case .zeroConcentrated(let rho): "\(rho)-zero-concentrated differential privacy"
        case .poissonSampled(let rate, let event): "[\(event)] on a Poisson sample at rate \(rate)"
        case .sampledWithoutReplacement(let population, let batch, let event):
            "[\(event)] on \(batch) of \(population) units"
        case .treeAggregation(let multiplier, let steps):
            "running sums of \(steps) rows by a tree, noise multiplier \(multiplier)"
        case .composed(let events): events.map(\.description).joined(separator: "; ")
        case .repeated(let event, let count): "\(count) times [\(event)]"
        }
    }
}
