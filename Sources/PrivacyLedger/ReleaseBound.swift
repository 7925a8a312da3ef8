import DifferentialPrivacy
import Foundation

/// What is known of one release, in the three ways in which a filter can use it. All values are rounded up.
package struct ReleaseBound {
    /// δᵢ of a release that is (εᵢ, δᵢ)-private and nothing better.
    let delta: Double
    /// εᵢ; nil when the loss is not bounded.
    let epsilon: Double?
    /// Gaussian noise without sampling.
    let isGaussian: Bool
    private let loss: Loss

    private enum Loss {
        case pure(Double)
        case laplace(scale: Double)
        /// D_α = ρ·α.
        case concentrated(Double)
        case sampledGaussian(rate: Double, multiplier: Double)
    }

    package init(_ event: PrivacyEvent, neighbouring: Neighbouring) throws(DifferentialPrivacyError) {
        // The accountants know the ranges of all parameters.
        if case .zeroConcentrated(let rho) = event {
            guard rho.isFinite, rho >= 0 else {
                throw DifferentialPrivacyError(
                    code: .invalidParameter, message: "rho: got \(rho), want a finite number, at least 0")
            }
        } else {
            var checker = PrivacyLossAccountant(neighbouring: neighbouring)
            try checker.compose(event, count: 1)
        }
        let sensitivity = neighbouring.sensitivityOfSum
        var (delta, epsilon, precision): (Double, Double?, Double?) = (0, nil, nil)
        switch event {
        case .nothing, .composed, .repeated:
            // Charges are leaves; a ledger that others wrote may say otherwise.
            throw DifferentialPrivacyError(
                code: .invalidParameter, message: "event: got \(event), want a single release")
        case .gaussian(let multiplier): precision = Self.square(sensitivity / multiplier)
        case .treeAggregation(let multiplier, let steps):
            // A row is in one node of each level.
            precision = Self.square(sensitivity / multiplier) * Double(Int.bitWidth - steps.leadingZeroBitCount)
        case .laplace(let multiplier): epsilon = (sensitivity / multiplier).nextUp
        case .discreteLaplace(let scale, let contribution):
            epsilon = (Double(contribution) * sensitivity / scale).nextUp.nextUp
        case .approximate(let bound, let failure): (epsilon, delta) = (bound, failure)
        case .poissonSampled(let rate, .approximate(let bound, let failure)) where neighbouring == .addOrRemoveOne:
            (epsilon, delta) = (Self.amplified(bound, rate), failure > 0 ? (rate * failure).nextUp : 0)
        case .poissonSampled(let rate, .laplace(let multiplier)) where neighbouring == .addOrRemoveOne:
            epsilon = Self.amplified((1 / multiplier).nextUp, rate)
        case .discreteGaussian, .zeroConcentrated, .poissonSampled, .sampledWithoutReplacement: break
        }
        (self.delta, self.epsilon, isGaussian) = (delta, epsilon, precision != nil)
        loss =
            switch event {
            case .laplace(let multiplier): .laplace(scale: (multiplier / sensitivity).nextDown)
            case .discreteGaussian(let deviation, let contribution):
                .concentrated((Self.square(Double(contribution) * sensitivity / deviation) / 2).nextUp)
            case .zeroConcentrated(let rho): .concentrated(rho)
            case .poissonSampled(let rate, let inner) where epsilon == nil && neighbouring == .addOrRemoveOne:
                if let multiplier = Self.multiplier(inner) {
                    .sampledGaussian(rate: rate, multiplier: multiplier)
                } else {
                    throw Self.refuse("[\(inner)] on a Poisson sample: has no rule in a privacy filter")
                }
            case _ where precision != nil: .concentrated((precision! / 2).nextUp)
            case _ where epsilon != nil: .pure(epsilon!)
            default: throw Self.refuse("\(event): has no rule in a privacy filter")
            }
    }

    private static func refuse(_ message: String) -> DifferentialPrivacyError {
        DifferentialPrivacyError(code: .unsupportedEvent, message: message)
    }

    private static func square(_ value: Double) -> Double { (value.nextUp * value.nextUp).nextUp }

    /// Balle, Barthe, Gaboardi 2018, Theorem 8.
    private static func amplified(_ epsilon: Double, _ rate: Double) -> Double {
        epsilon < 700 ? log1p(rate * expm1(epsilon)) * (1 + 1e-14) : epsilon
    }

    /// The multiplier of the one Gaussian that stands for all those taken on the same sample.
    private static func multiplier(_ event: PrivacyEvent) -> Double? {
        var charges = PrivacyCharges()
        guard (try? charges.add(event, count: 1)) != nil else { return nil }
        var precision = 0.0
        for (leaf, count) in charges.all {
            guard case .gaussian(let multiplier) = leaf else { return nil }
            precision += square(1 / multiplier) * Double(count)
        }
        return precision > 0 ? 1 / (precision * (1 + 1e-13)).squareRoot() : nil
    }

    /// An upper bound of the Rényi divergence of order α > 1 between neighbours, both ways; α an integer where samples are
    /// concerned.
    package func renyi(order: Double) -> Double {
        switch loss {
        // Bun and Steinke 2016, Proposition 3.3.
        case .pure(let epsilon): min(epsilon, order * epsilon * epsilon / 2)
        case .concentrated(let rho): rho * order
        case .laplace(let scale): Self.laplace(order, scale)
        case .sampledGaussian(let rate, let multiplier): Self.sampledGaussian(order, rate, multiplier)
        }
    }

    /// Mironov 2017, Proposition 6.
    private static func laplace(_ order: Double, _ scale: Double) -> Double {
        let general = min(1 / scale, order / scale / scale / 2)
        let (up, down) = ((order - 1) / scale, -order / scale)
        let sum = up + log(order / (2 * order - 1) + (order - 1) / (2 * order - 1) * exp(down - up))
        return min(general, (sum + 4e-16 * (2 + up)) / (order - 1))
    }

    /// Mironov, Talwar, Zhang 2019, section 3.3: for integers α the divergence is 1/(α − 1) times the logarithm of
    /// Σₖ C(α, k) (1 − q)^(α−k) qᵏ exp(k(k − 1)/2σ²). Terms are taken less their value without noise, which add up to 1,
    /// so that small rates lose no digits.
    private static func sampledGaussian(_ order: Double, _ rate: Double, _ multiplier: Double) -> Double {
        if rate == 0 { return 0 }
        if rate == 1 { return order / multiplier / multiplier / 2 }
        guard order == order.rounded(), order >= 2 else { return .infinity }
        var (logTerms, largest): ([Double], Double) = ([], -.infinity)
        for k in 2...Int(order) {
            let k = Double(k)
            let exponent = k * (k - 1) / multiplier / multiplier / 2
            let choose = lgamma(order + 1) - lgamma(k + 1) - lgamma(order - k + 1)
            let growth = exponent + log(-expm1(-exponent))
            let term = choose + k * log(rate) + (order - k) * log1p(-rate) + growth
            logTerms.append(term)
            largest = max(largest, term)
        }
        guard largest > -.infinity else { return 0 }
        let sum = largest + log(logTerms.reduce(0) { $0 + exp($1 - largest) })
        let logarithm = sum < 30 ? log1p(exp(sum)) : sum + log1p(exp(-sum))
        return logarithm / (order - 1) * (1 + 1e-11)
    }
}
