import DifferentialPrivacy
import Randomness

/// The guarantee under which a model is fitted. Nothing in it has a default.
public struct PrivacyTerms: Hashable, Sendable, Codable {
    /// ε of the whole fit.
    public let epsilon: Double
    /// δ of the whole fit.
    public let delta: Double
    public let neighbouring: Neighbouring
    public let unit: PrivacyUnit
    /// Rows that one unit contributes at most; what it has beyond is left out.
    public let rowsPerUnit: Int

    /// - Errors: `invalidParameter` unless ε is in (0, 20], δ in (0, 1) and `rowsPerUnit` in 1...2¹⁶.
    public init(
        epsilon: Double, delta: Double, neighbouring: Neighbouring, unit: PrivacyUnit, rowsPerUnit: Int
    ) throws(PrivateLearningError) {
        guard epsilon > 0, epsilon <= 20 else { throw .parameter("epsilon", epsilon, "a number in (0, 20]") }
        guard delta > 0, delta < 1 else { throw .parameter("delta", delta, "a number in (0, 1)") }
        guard (1...1 << 16).contains(rowsPerUnit) else {
            throw .parameter("rows per unit", rowsPerUnit, "a number in 1...65536")
        }
        self.epsilon = epsilon
        self.delta = delta
        self.neighbouring = neighbouring
        self.unit = unit
        self.rowsPerUnit = rowsPerUnit
    }

    /// How far a sum over rows moves between neighbours when each row's term has a norm of at most `rowNorm`.
    func sensitivity(rowNorm: Double) -> Double {
        // The room is for sums that are exact as integers and rounded once when they become doubles.
        rowNorm * Double(rowsPerUnit) * neighbouring.sensitivityOfSum * (1 + 0x1p-20)
    }
}

extension PrivateLearningError {
    static func parameter(_ name: String, _ value: some CustomStringConvertible, _ want: String) -> Self {
        Self(code: .invalidParameter, message: "\(name): got \(value), want \(want)")
    }
}

/// A way to fit a model under differential privacy.
///
/// What a fit costs is known before it sees any row, so that a ledger can authorise it first. The number of rows is not
/// used unless it is itself released with noise.
public protocol PrivateEstimator<Model>: Sendable {
    associatedtype Model: Sendable
    var terms: PrivacyTerms { get }
    /// What one call of `fit` releases.
    var event: PrivacyEvent { get }
    /// Fits a model. Each call costs ``event`` once; nothing else about the rows leaves it but errors about rows that do
    /// not fit the estimator.
    func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> Model
}

extension PrivateEstimator {
    /// With noise from the operating system's source.
    public func fit(_ rows: BoundedRows) throws -> Model {
        var random = SystemRandom()
        return try fit(rows, using: &random)
    }
}

/// Several Gaussian releases that together have the ε and δ of some terms.
///
/// Every release gets a share of the precision Σ(Δ/σ)², which adds up for Gaussians, so that nothing is lost by
/// dividing. What the grid of ``GaussianMechanism`` costs beside is taken off first.
struct GaussianBudget: Sendable {
    struct Release: Sendable {
        /// Of the precision; all shares together make 1 at most.
        var share: Double
        /// Numbers released each time.
        var dimension: Int
        var times = 1
    }
    let terms: PrivacyTerms
    private let releases: [Release]
    /// Deviation over sensitivity if there were one release only.
    let multiplier: Double

    init(_ terms: PrivacyTerms, _ releases: [Release]) throws {
        self.terms = terms
        self.releases = releases
        let used = releases.reduce(0) { $0 + $1.share }
        precondition(used > 0 && used <= 1 + 1e-12, "shares: want them to make 1 at most")
        var (epsilon, delta) = (terms.epsilon, terms.delta)
        for release in releases {
            let cost = GaussianMechanism.gridCost(dimension: release.dimension)
            epsilon -= Double(release.times) * cost.epsilon
            delta -= Double(release.times) * cost.delta
        }
        guard epsilon > 0, delta > 0 else {
            throw PrivateLearningError.parameter(
                "epsilon, delta", "(\(terms.epsilon), \(terms.delta))", "more than the noise's own grid costs")
        }
        // So that an accountant's discretisation does not show more than was asked for.
        multiplier = try NoiseCalibration.gaussianDeviation(
            epsilon: epsilon * (1 - 1e-4), delta: delta * (1 - 1e-9), sensitivity: 1)
    }

    /// The mechanism of a release whose rows have terms of norm at most `rowNorm`; it may be used `times` times.
    func mechanism(_ index: Int, rowNorm: Double) throws -> GaussianMechanism {
        let release = releases[index]
        let sensitivity = terms.sensitivity(rowNorm: rowNorm)
        let deviation = multiplier * (Double(release.times) / release.share).squareRoot() * sensitivity * (1 + 1e-12)
        return try GaussianMechanism(
            deviation: deviation, sensitivity: sensitivity, dimension: release.dimension,
            neighbouring: terms.neighbouring, unit: terms.unit, sampling: .none)
    }

    /// All releases; the mechanisms' scale does not matter to it.
    func event() throws -> PrivacyEvent {
        .composed(
            try releases.indices.map { index in
                let one = try mechanism(index, rowNorm: 1).event
                return releases[index].times == 1 ? one : .repeated(one, count: releases[index].times)
            })
    }
}
