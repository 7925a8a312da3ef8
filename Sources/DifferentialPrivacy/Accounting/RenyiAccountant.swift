import Foundation

/// Adds up Rényi divergences at a set of orders: the moments accountant in its present form. Faster than
/// ``PrivacyLossAccountant`` and looser, but it knows more events.
///
/// - Reference: Mironov 2017; conversion to (ε, δ) by Canonne, Kamath, Steinke 2020, Proposition 12.
public struct RenyiAccountant: PrivacyAccountant {
    public let neighbouring: Neighbouring
    public let orders: [Double]
    /// Σ D_α at each order.
    public private(set) var divergences: [Double]

    /// 1.1 … 10.9, 11 … 63, 64, 128, …, 1024.
    public static let defaultOrders: [Double] = {
        var orders: [Double] = []
        for tenths in 1...99 { orders.append(1 + Double(tenths) / 10) }
        for order in 11...64 { orders.append(Double(order)) }
        orders += [128, 256, 512, 1024]
        return orders
    }()

    /// - Throws: ``DifferentialPrivacyError`` unless every order is finite and above 1.
    public init(
        neighbouring: Neighbouring, orders: [Double] = defaultOrders
    ) throws(DifferentialPrivacyError) {
        guard !orders.isEmpty else { throw .parameter("orders", "none", "at least one") }
        for order in orders where !(order > 1 && order.isFinite) {
            throw .parameter("order", order, "a finite number above 1")
        }
        self.neighbouring = neighbouring
        self.orders = orders
        divergences = Array(repeating: 0, count: orders.count)
    }

    public mutating func compose(_ event: PrivacyEvent, count: Int) throws(DifferentialPrivacyError) {
        var changed = divergences
        guard count >= 0 else { throw .parameter("count", count, "at least 0") }
        try PrivacyEvent.repeated(event, count: count).visitLeaves { leaf, times throws(DifferentialPrivacyError) in
            for (i, order) in orders.enumerated() {
                changed[i] += Double(times) * (try divergence(leaf, order))
                changed[i] *= 1 + 2.3e-16
            }
        }
        divergences = changed
    }

    /// D_α of one release under the relation in force.
    private func divergence(_ leaf: PrivacyEvent, _ order: Double) throws(DifferentialPrivacyError) -> Double {
        let sensitivity = neighbouring.sensitivityOfSum
        switch leaf {
        case .gaussian(let multiplier): return RenyiDivergences.gaussian(order, multiplier: multiplier / sensitivity)
        case .laplace(let multiplier): return RenyiDivergences.laplace(order, scale: multiplier / sensitivity)
        case .discreteGaussian(let deviation, let contribution):
            // Canonne, Kamath, Steinke 2020, Theorem 4: as the continuous one.
            return RenyiDivergences.gaussian(order, multiplier: deviation / (sensitivity * Double(contribution)))
        case .discreteLaplace(let scale, let contribution):
            return RenyiDivergences.pure(order, epsilon: sensitivity * Double(contribution) / scale)
        case .approximate(let epsilon, let delta):
            guard delta == 0 else {
                throw unsupported(leaf, "δ above 0 has no Rényi divergence; use the privacy-loss accountant")
            }
            return RenyiDivergences.pure(order, epsilon: epsilon)
        case .zeroConcentrated(let rho): return order * rho
        case .treeAggregation(let multiplier, let steps):
            let levels = Double(Int.bitWidth - steps.leadingZeroBitCount)
            return levels * RenyiDivergences.gaussian(order, multiplier: multiplier / sensitivity)
        case .poissonSampled(let rate, let event):
            if rate == 0 { return 0 }
            if rate == 1 { return try whole(event, order) }
            guard neighbouring == .addOrRemoveOne, let multiplier = try event.gaussianMultiplier() else {
                throw unsupported(leaf, "the Rényi accountant knows Gaussian noise under addOrRemoveOne here")
            }
            return RenyiDivergences.sampledGaussian(order, rate: rate, multiplier: multiplier)
        case .sampledWithoutReplacement(let population, let batch, let event):
            if batch == 0 { return 0 }
            if batch == population { return try whole(event, order) }
            guard neighbouring == .replaceOne, let multiplier = try event.gaussianMultiplier() else {
                throw unsupported(leaf, "the Rényi accountant knows Gaussian noise under replaceOne here")
            }
            // Divergences grow with the order, so a fraction is bounded by the next integer.
            return RenyiDivergences.withoutReplacement(
                Int(order.rounded(.up)), rate: Double(batch) / Double(population),
                multiplier: multiplier / sensitivity)
        case .nothing, .composed, .repeated: return 0
        }
    }

    private func whole(_ event: PrivacyEvent, _ order: Double) throws(DifferentialPrivacyError) -> Double {
        var sum = 0.0
        try event.visitLeaves { leaf, times throws(DifferentialPrivacyError) in
            sum += Double(times) * (try divergence(leaf, order))
        }
        return sum
    }

    private func unsupported(_ event: PrivacyEvent, _ reason: String) -> DifferentialPrivacyError {
        DifferentialPrivacyError(code: .unsupportedEvent, message: "\(event): \(reason)")
    }

    public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
        best(delta: try checkedDelta(delta)).epsilon
    }

    /// The order at which ε is least.
    public func bestOrder(delta: Double) throws(DifferentialPrivacyError) -> Double {
        best(delta: try checkedDelta(delta)).order
    }

    private func best(delta: Double) -> (epsilon: Double, order: Double) {
        var best = (epsilon: Double.infinity, order: orders[0])
        for (order, divergence) in zip(orders, divergences) {
            let epsilon = Self.epsilon(order: order, divergence: divergence, delta: delta)
            if epsilon < best.epsilon { best = (epsilon, order) }
        }
        return best
    }

    /// ε of (α, D)-Rényi differential privacy at δ.
    static func epsilon(order: Double, divergence: Double, delta: Double) -> Double {
        guard divergence.isFinite else { return .infinity }
        guard divergence > 0 else { return 0 }
        // Total variation by Bretagnolle and Huber: D_α ≥ D₁.
        if delta * delta > -expm1(-divergence) * (1 + 1e-14) { return 0 }
        guard delta > 0, order > 1.01 else { return .infinity }
        let epsilon = divergence + log1p(-1 / order) - (log(delta) + log(order)) / (order - 1)
        return max(0, epsilon + 1e-15 * (abs(epsilon) + divergence - log(delta)))
    }

    public func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
        guard epsilon >= 0 else { throw .parameter("epsilon", epsilon, "at least 0") }
        var best = 1.0
        for (order, divergence) in zip(orders, divergences) {
            if divergence == 0 { return 0 }
            guard divergence.isFinite, order > 1.01 else { continue }
            let variation = (-expm1(-divergence)).squareRoot() * (1 + 1e-15)
            let log = (order - 1) * (divergence - epsilon + log1p(-1 / order)) - Foundation.log(order)
            best = min(best, variation, exp(min(0, log)) * (1 + 1e-14 * (2 + abs(log))))
        }
        return best
    }
}
