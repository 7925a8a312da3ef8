import DifferentialPrivacy
import Foundation
import Randomness

/// Private logistic regression by a random linear term in the objective, released as a noisy approximate minimum.
///
/// With rows z = (1, x) of norm at most R,
///
///     F(w) = Σ log(1 + e^(∓z·w)) + ½λ‖w‖² + b·w,   b ~ N(0, σ²I),
///
/// is minimised until its gradient has a norm of at most γ. The theory of objective perturbation speaks of the exact
/// minimum w*. The one found is within γ/λ of it; so it is released with Gaussian noise for a sensitivity of 2γ/λ, which
/// covers at the same time that b lies on a grid. That noise is some 10⁻⁵ of what b causes.
///
/// - Guarantee: ``terms``. See ``ObjectivePerturbationLoss`` for w*; 1 % of ε and δ goes to the release.
/// - Cost: Newton's method, O(n·d²) a step, ten to thirty steps.
/// - Errors: `invalidParameter` for a target that is not 0 and 1, or when the arithmetic does not reach γ.
/// - Reference: Chaudhuri, Monteleoni, Sarwate 2011; Kifer, Smith, Thakurta 2012; approximate minima: Iyengar et al.
///   2019, Algorithm 1; losses of generalised linear models: Redberg, Koskela, Wang 2023.
public struct ObjectivePerturbation: PrivateEstimator {
    public let terms: PrivacyTerms
    public let scaling: PrivateScaling
    public let shape: FeatureShape
    public let event: PrivacyEvent
    /// λ over R²/4, the largest curvature of one row.
    public let relativeRidge: Double
    /// σ over R.
    public let noise: Double
    private let moments: GaussianBudget?
    private let release: PrivacyTerms
    /// Of (1, z): sets the penalty, not the guarantee.
    private static let usualWeightNorm = 5.0

    /// - Parameter ridge: λ for rows of norm 1, at least; it is raised to what ε asks for.
    public init(
        _ terms: PrivacyTerms, shape: FeatureShape, scaling: PrivateScaling = .noisyMoments(share: 0.1),
        ridge: Double = 0
    ) throws {
        guard shape.width <= 1000 else {
            throw PrivateLearningError.parameter("features", shape.width, "at most 1000")
        }
        guard ridge >= 0, ridge.isFinite else { throw PrivateLearningError.parameter("lambda", ridge, "at least 0") }
        try scaling.check()
        // What the grid of the linear term costs comes off first, and room for an accountant's discretisation.
        let grid = GaussianMechanism.gridCost(dimension: shape.width + 1)
        func part(_ share: Double) throws -> PrivacyTerms {
            try PrivacyTerms(
                epsilon: (terms.epsilon - grid.epsilon) * share * (1 - 1e-4),
                delta: (terms.delta - grid.delta) * share * (1 - 1e-12), neighbouring: terms.neighbouring,
                unit: terms.unit, rowsPerUnit: terms.rowsPerUnit)
        }
        let rest = 1 - scaling.share
        let main = try part(0.99 * rest)
        release = try part(0.01 * rest)
        let loss = ObjectivePerturbationLoss(
            neighbouring: terms.neighbouring, rowsPerUnit: terms.rowsPerUnit, dimension: shape.width + 1)
        // Three tenths of ε for the curvature, the rest for the noise. Where that leaves a penalty which lets the noise
        // move the weights by more than weights of standardised features usually are, it is raised.
        var relative = max(4 * ridge, loss.relativeRidge(curvatureLoss: 0.3 * main.epsilon))
        let first = loss.noise(epsilon: main.epsilon, delta: main.delta, relativeRidge: relative)
        let size = Double(shape.width + 1)
        relative = max(relative, 4 * first * size.squareRoot() / (shape.normBound * Self.usualWeightNorm))
        relativeRidge = relative
        noise = loss.noise(epsilon: main.epsilon, delta: main.delta, relativeRidge: relative)
        self.terms = terms
        self.scaling = scaling
        self.shape = shape
        var events = [
            PrivacyEvent.approximate(epsilon: main.epsilon, delta: main.delta),
            .approximate(epsilon: grid.epsilon, delta: grid.delta),
            .approximate(epsilon: release.epsilon, delta: release.delta),
        ]
        if scaling.share > 0 {
            let budget = try GaussianBudget(
                part(scaling.share), [.init(share: 1, dimension: NoisyMoments.dimension(shape.numbers.count))])
            moments = budget
            events.append(try budget.event())
        } else {
            moments = nil
        }
        event = .composed(events)
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> LinearModel {
        try rows.requireBinaryTarget("logistic regression")
        try rows.require(shape)
        var scaling = RowScaling(shape)
        if let moments {
            let released = try NoisyMoments(
                rows.numberColumns, count: rows.rowCount,
                moments.mechanism(0, rowNorm: NoisyMoments.rowNorm(shape.numbers.count)), using: &random)
            scaling = RowScaling(shape, means: released.means, deviations: released.deviations)
        }
        let size = shape.width + 1
        let bound = scaling.normBound
        let deviation = noise * bound * (1 + 1e-9)
        let ridge = relativeRidge * bound * bound / 4 * (1 + 1e-9)
        // Draws only: there is nothing to add them to.
        let draws = try GaussianMechanism(
            deviation: deviation, sensitivity: deviation, dimension: size, neighbouring: terms.neighbouring,
            unit: terms.unit, sampling: .none)
        let linear = try draws.release([Double](repeating: 0, count: size), using: &random)
        let objective = LogisticObjective(
            rows: scaling.rows(rows), width: size, targets: rows.targets, ridge: ridge, linear: linear,
            rowNorm: bound)
        let tolerance = deviation * 0x1p-20
        let weights = try objective.minimiser(tolerance: tolerance)
        // What b is off a continuous draw counts as gradient.
        let distance = 2 * (tolerance + draws.granularity * Double(size).squareRoot()) / ridge
        let last = try GaussianMechanism(
            epsilon: release.epsilon, delta: release.delta, sensitivity: distance * (1 + 1e-9), dimension: size,
            neighbouring: terms.neighbouring, unit: terms.unit, sampling: .none)
        let (coefficients, intercept) = scaling.unscaled(try last.release(weights, using: &random))
        return LinearModel(
            kind: "logistic", link: .logit, target: rows.target ?? "", featureNames: shape.names,
            coefficients: coefficients, intercept: intercept, ridge: ridge, rowCount: 0, rank: shape.width,
            plan: rows.plan)
    }
}

/// The privacy loss of the exact minimum of a perturbed logistic objective.
///
/// b is a function of w*, since ∇F(w*) = 0; so the density of w* is that of b times |det ∇²F|. Let one data set have
/// k rows more. Their gradients at w* are c_i(w*)·z_i with |c_i| < 1, a vector g of norm at most kR in a space of
/// dimension r ≤ k that does not depend on w*, though g does. With b ~ N(0, σ²I) the density's part of the loss is
/// ±b·g/σ² + ‖g‖²/2σ² ≤ μχ + μ²/2, where μ = kR/σ and χ is the norm of b's projection onto that space over σ, which has
/// a χ distribution with r degrees of freedom. The determinants' part is at most log det(I + H⁻¹A) for
/// H ⪰ λI and A of rank r and trace at most kR²/4, that is r·log(1 + kR²/(4rλ)). When rows are replaced, twice as many
/// rows enter the gradients, while in the determinants those that come and those that go pull in opposite ways. Hence
///
///     δ(ε) ≤ E[(1 − e^(ε′ − μχ − μ²/2))⁺],   ε′ = ε − r·log(1 + k/(r·ρ)),   ρ = 4λ/R².
///
/// - Reference: for k = 1 and adding or removing, Redberg, Koskela, Wang 2023, Theorem 3.2.
package struct ObjectivePerturbationLoss {
    /// k of the determinants, and rows in g.
    private let rows: Double
    private let gradients: Double
    /// r of both.
    private let rank: Double
    private let freedom: Int

    package init(neighbouring: Neighbouring, rowsPerUnit: Int, dimension: Int) {
        rows = Double(rowsPerUnit)
        gradients = rows * neighbouring.sensitivityOfSum
        rank = Double(min(rowsPerUnit, dimension))
        freedom = min(Int(gradients), dimension)
    }

    /// r·log(1 + k/(r·ρ)), upward.
    package func curvatureLoss(relativeRidge: Double) -> Double {
        rank * log1p(rows / (rank * relativeRidge)) * (1 + 1e-14)
    }

    package func relativeRidge(curvatureLoss: Double) -> Double {
        rows / rank / expm1(curvatureLoss / rank) * (1 + 1e-12)
    }

    /// P(χ > x) for χ with `freedom` degrees of freedom, upward.
    package func tail(_ x: Double) -> Double {
        guard x > 0 else { return 1 }
        let y = x * x / 2
        // Q(a, y) from Q(½, y) = erfc √y or Q(1, y) = e^−y by Q(a + 1, y) = Q(a, y) + y^a·e^−y/Γ(a + 1).
        var a = freedom % 2 == 1 ? 0.5 : 1.0
        var sum = freedom % 2 == 1 ? erfc(y.squareRoot()) : exp(-y)
        var logTerm = a * log(y) - y - lgamma(a + 1)
        while a < Double(freedom) / 2 {
            sum += exp(logTerm)
            a += 1
            logTerm += log(y) - log(a)
        }
        return min(1, sum * (1 + 1e-12) + 1e-300)
    }

    /// An upper bound of δ at ε, for σ = `noise`·R.
    package func delta(epsilon: Double, noise: Double, relativeRidge: Double) -> Double {
        let rest = epsilon - curvatureLoss(relativeRidge: relativeRidge)
        let mu = gradients / noise * (1 + 1e-14)
        // ∫ e^(ε′ − w)·P(W > w) dw over w ≥ ε′, the tail taken at the lower end of every interval.
        let start = max(rest, mu * mu / 2)
        var total = rest < mu * mu / 2 ? -expm1(rest - mu * mu / 2) : 0
        let step = min(1, mu) / 512
        var w = start
        while true {
            let chance = tail((w - mu * mu / 2) / mu * (1 - 1e-14))
            let weight = exp(rest - w)
            total += weight * -expm1(-step) * chance
            w += step
            if weight * chance < 1e-30 { return min(1, (total + weight * chance) * (1 + 1e-10)) }
        }
    }

    /// The least σ/R for (ε, δ), found from above.
    package func noise(epsilon: Double, delta wanted: Double, relativeRidge: Double) -> Double {
        func suffices(_ noise: Double) -> Bool {
            delta(epsilon: epsilon, noise: noise, relativeRidge: relativeRidge) <= wanted
        }
        var high = 1.0
        while !suffices(high) { high *= 2 }
        var low = high / 2
        while suffices(low), low > 1e-3 { (low, high) = (low / 2, low) }
        while high - low > 1e-4 * high {
            let middle = (low + high) / 2
            if suffices(middle) { high = middle } else { low = middle }
        }
        return high
    }
}
