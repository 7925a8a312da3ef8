import Foundation

/// Adds up zero-concentrated losses ρ: Σ ρ, the simplest accountant for Gaussian noise.
///
/// - Reference: Bun, Steinke 2016; conversion by Canonne, Kamath, Steinke 2020, Corollary 13, the order optimised
///   numerically.
public struct ZeroConcentratedAccountant: PrivacyAccountant {
    public let neighbouring: Neighbouring
    public private(set) var rho = 0.0

    public init(neighbouring: Neighbouring) { self.neighbouring = neighbouring }

    public mutating func compose(_ event: PrivacyEvent, count: Int) throws(DifferentialPrivacyError) {
        guard count >= 0 else { throw .parameter("count", count, "at least 0") }
        var changed = rho
        let sensitivity = neighbouring.sensitivityOfSum
        func gaussian(_ ratio: Double) -> Double { ratio * ratio / 2 }
        try PrivacyEvent.repeated(event, count: count).visitLeaves { leaf, times throws(DifferentialPrivacyError) in
            let one: Double
            switch leaf {
            case .gaussian(let multiplier): one = gaussian(sensitivity / multiplier)
            case .discreteGaussian(let deviation, let contribution):
                one = gaussian(sensitivity * Double(contribution) / deviation)
            case .treeAggregation(let multiplier, let steps):
                one = Double(Int.bitWidth - steps.leadingZeroBitCount) * gaussian(sensitivity / multiplier)
            case .laplace(let multiplier): one = gaussian(sensitivity / multiplier)
            case .discreteLaplace(let scale, let contribution):
                one = gaussian(sensitivity * Double(contribution) / scale)
            case .approximate(let epsilon, let delta) where delta == 0: one = epsilon * epsilon / 2
            case .zeroConcentrated(let rho): one = rho
            default:
                throw DifferentialPrivacyError(
                    code: .unsupportedEvent, message: "\(leaf): has no zero-concentrated loss; use another accountant")
            }
            changed = (changed + Double(times) * one * (1 + 1e-15)).nextUp
        }
        rho = changed
    }

    public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
        let delta = try checkedDelta(delta)
        guard rho > 0 else { return 0 }
        guard delta > 0 else { return .infinity }
        func at(_ logOrder: Double) -> Double {
            let order = 1 + exp(logOrder)
            return RenyiAccountant.epsilon(order: order, divergence: order * rho * (1 + 1e-15), delta: delta)
        }
        return Self.minimum(at)
    }

    public func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
        guard epsilon >= 0 else { throw .parameter("epsilon", epsilon, "at least 0") }
        guard rho > 0 else { return 0 }
        func at(_ logOrder: Double) -> Double {
            let order = 1 + exp(logOrder)
            let log = (order - 1) * (order * rho * (1 + 1e-15) - epsilon + log1p(-1 / order)) - Foundation.log(order)
            return exp(min(0, log)) * (1 + 1e-14 * (2 + abs(log)))
        }
        return min(1, Self.minimum(at))
    }

    /// The least value over a grid of orders 1 + e^x and a refinement around it: every order gives a valid bound.
    private static func minimum(_ value: (Double) -> Double) -> Double {
        var best = (x: 0.0, value: Double.infinity)
        for i in -160...400 where value(Double(i) / 20) < best.value { best = (Double(i) / 20, value(Double(i) / 20)) }
        var step = 0.025
        while step > 1e-9 {
            for x in [best.x - step, best.x + step] where value(x) < best.value { best = (x, value(x)) }
            step /= 2
        }
        return best.value
    }
}
