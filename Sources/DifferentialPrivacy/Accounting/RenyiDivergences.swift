import Foundation

/// Rényi divergences D_α of elementary releases, rounded up by a bound on the arithmetic's error.
enum RenyiDivergences {
    /// log(e^a + e^b)
    static func logAdd(_ a: Double, _ b: Double) -> Double {
        let (low, high) = a < b ? (a, b) : (b, a)
        return low == -.infinity ? high : high + log1p(exp(low - high))
    }

    /// log(e^a − e^b) for a ≥ b.
    private static func logSubtract(_ a: Double, _ b: Double) -> Double {
        b == -.infinity ? a : a <= b ? -.infinity : a + log(-expm1(b - a))
    }

    /// α/(2σ²)
    static func gaussian(_ alpha: Double, multiplier: Double) -> Double {
        alpha / (2 * multiplier * multiplier) * (1 + 1e-15)
    }

    /// Mironov 2017, Proposition 6.
    static func laplace(_ alpha: Double, scale: Double) -> Double {
        let rate = 1 / scale
        let a = log(alpha / (2 * alpha - 1)) + rate * (alpha - 1)
        let b = log((alpha - 1) / (2 * alpha - 1)) - rate * alpha
        return min(rate, max(0, logAdd(a, b) / (alpha - 1)) + 1e-15 * (1 + rate) * alpha / (alpha - 1))
    }

    /// Bun, Steinke 2016, Proposition 3.3: ε-differential privacy gives D_α ≤ min(ε, αε²/2).
    static func pure(_ alpha: Double, epsilon: Double) -> Double { min(epsilon, alpha * epsilon * epsilon / 2) }

    /// A Gaussian on a Poisson sample at rate q, add or remove one.
    /// - Reference: Mironov, Talwar, Zhang 2019, Sections 3.3 (integers) and 3.3.2 (fractions).
    static func sampledGaussian(_ alpha: Double, rate q: Double, multiplier sigma: Double) -> Double {
        let logA = alpha == alpha.rounded() ? integer(Int(alpha), q, sigma) : fractional(alpha, q, sigma)
        guard logA.value.isFinite else { return .infinity }
        return max(0, logA.value + logA.error) / (alpha - 1)
    }

    /// Σ_i binom(α, i)·(1 − q)^(α − i)·q^i·e^((i² − i)/2σ²)
    private static func integer(_ alpha: Int, _ q: Double, _ sigma: Double) -> (value: Double, error: Double) {
        var total = -Double.infinity
        var largest = 0.0
        var binomial = 0.0
        for i in 0...alpha {
            let k = Double(i)
            let exponent = (k * k - k) / (2 * sigma * sigma)
            total = logAdd(total, binomial + k * log(q) + (Double(alpha) - k) * log1p(-q) + exponent)
            largest = max(largest, abs(binomial), exponent, k * abs(log(q)))
            binomial += log(Double(alpha - i)) - log(k + 1)
        }
        return (total, 2e-16 * (8 + abs(total)) + (total > 1e-3 ? 4e-16 * largest * 4 : 0))
    }

    /// The two series around z₀ where both mixture components are equal, until their terms vanish.
    private static func fractional(_ alpha: Double, _ q: Double, _ sigma: Double) -> (value: Double, error: Double) {
        let z0 = sigma * sigma * log(1 / q - 1) + 0.5
        var (first, second) = (-Double.infinity, -Double.infinity)
        var (firstMinus, secondMinus) = (-Double.infinity, -Double.infinity)
        var coefficient = 0.0  // log |binom(α, i)|
        var sign = 1.0
        var i = 0
        let (logQ, logRest, inverse) = (log(q), log1p(-q), 1 / (2 * sigma * sigma))
        while i < 100_000 {
            let k = Double(i)
            let j = alpha - k
            // ½·erfc(x/√2) is the upper tail of the normal distribution.
            var a: Double = coefficient + k * logQ + j * logRest
            a += (k * k - k) * inverse + GaussianLoss.logUpperTail((k - z0) / sigma)
            var b: Double = coefficient + j * logQ + k * logRest
            b += (j * j - j) * inverse + GaussianLoss.logUpperTail((z0 - j) / sigma)
            if sign > 0 {
                first = logAdd(first, a)
                second = logAdd(second, b)
            } else {
                firstMinus = logAdd(firstMinus, a)
                secondMinus = logAdd(secondMinus, b)
            }
            if k > alpha, max(a, b) < max(first, second) - 45 { break }
            coefficient += log(abs(alpha - k)) - log(k + 1)
            if alpha - k < 0 { sign = -sign }
            i += 1
        }
        let plus = logAdd(first, second)
        let total = logSubtract(plus, logAdd(firstMinus, secondMinus))
        return (total, 4e-15 * (8 + abs(total)) * max(1, exp(min(30, plus - total))))
    }

    /// Gaussian noise on a subset of fixed size, replace one, for integer orders; σ relative to the sensitivity under
    /// replacement.
    /// - Reference: Wang, Balle, Kasiviswanathan 2019, Theorem 27.
    static func withoutReplacement(_ alpha: Int, rate: Double, multiplier sigma: Double) -> Double {
        func divergence(_ order: Double) -> Double { gaussian(order, multiplier: sigma) }
        guard alpha >= 2 else { return divergence(Double(alpha)) }
        // log E[(R − 1)^k] for even k, R the likelihood ratio.
        var central: [Double] = []
        for half in 0...((alpha + 1) / 2) { central.append(half == 0 ? 0 : centralMoment(2 * half, sigma)) }
        var total = 0.0
        var binomial = log(Double(alpha)) + log(Double(alpha - 1)) - log(2.0)
        for j in 2...alpha {
            let k = Double(j)
            var term = (k - 1) * divergence(k) + log(2.0)
            if j == 2 {
                term = min(log(4.0) + log(expm1(divergence(2))), term)
            } else {
                term = min(log(4.0) + 0.5 * (central[j / 2] + central[(j + 1) / 2]), term)
            }
            total = logAdd(total, binomial + k * log(rate) + term)
            if j < alpha { binomial += log(Double(alpha - j)) - log(k + 1) }
        }
        return min(divergence(Double(alpha)), (total + 4e-15) * (1 + 1e-12) / (Double(alpha) - 1))
    }

    /// log ∫ (e^(x/σ − 1/2σ²) − 1)^k φ(x) dx by the trapezoidal rule, which is exact to rounding for such integrands.
    private static func centralMoment(_ k: Int, _ sigma: Double) -> Double {
        let step = 1.0 / 16
        let end = 40 + Double(k) / sigma
        var total = -Double.infinity
        var x = -40.0
        while x <= end {
            let distance = abs(expm1(x / sigma - 1 / (2 * sigma * sigma)))
            if distance > 0 { total = logAdd(total, Double(k) * log(distance) - x * x / 2) }
            x += step
        }
        return total + log(step) - 0.5 * log(2 * Double.pi) + 1e-13 * (1 + Double(k))
    }
}
