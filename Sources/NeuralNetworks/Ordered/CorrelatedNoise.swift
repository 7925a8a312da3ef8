/// Noise for the steps of training on data in order, correlated so that much of it cancels in sums of steps.
///
/// What is released is a stream z of vectors with independent Gaussian noise of deviation σ, from which the noise n_t of
/// step t is computed; the sums of the noise up to t, on which the weights depend, grow far more slowly than those of
/// independent noise of the same privacy.
package protocol CorrelatedNoise {
    /// Turns the noise of the next step into a buffer that belongs to the noise.
    /// - Parameter draw: fills a vector with independent N(0, 1).
    mutating func next(_ draw: (inout [Float]) -> Void) -> [Float]
}

/// The binary tree (Kairouz et al. 2021) with the combination of a node's own noise and its children's of Honaker 2015:
/// the noise of a sum over 2^h steps has 1/(2 − 2^−h) times the variance of a single draw, and the sum up to t is that of
/// the subtrees that t is made of.
///
/// - Guarantee: with σ times the bound of one step as deviation, a unit in one step of at most T is in ⌊log₂ T⌋ + 1 nodes:
///   (⌊log₂ T⌋ + 1)/(2σ²)-zero-concentrated.
package struct TreeNoise: CorrelatedNoise {
    private let count: Int
    /// Complete subtrees by height, the noise of their sums; at most one of each height.
    private var subtrees: [(height: Int, noise: [Float])] = []
    /// The noise of the sum up to the last step.
    private var before: [Float]

    package init(count: Int) {
        self.count = count
        before = [Float](repeating: 0, count: count)
    }

    package mutating func next(_ draw: (inout [Float]) -> Void) -> [Float] {
        var node = [Float](repeating: 0, count: count)
        draw(&node)
        var height = 0
        while let last = subtrees.last, last.height == height {
            subtrees.removeLast()
            height += 1
            var own = [Float](repeating: 0, count: count)
            draw(&own)
            // Weights inverse to the variances: 1 of the node's own, 2v of the children's sum.
            let children = 2 * Self.variance(ofHeight: height - 1)
            let weight = Float(children / (1 + children))
            for i in 0..<count { node[i] = weight * own[i] + (1 - weight) * (last.noise[i] + node[i]) }
        }
        subtrees.append((height, node))
        var sum = [Float](repeating: 0, count: count)
        for subtree in subtrees { for i in 0..<count { sum[i] += subtree.noise[i] } }
        for i in 0..<count { node[i] = sum[i] - before[i] }
        before = sum
        return node
    }

    /// Of the noise of a complete subtree's sum, in units of a draw's variance.
    package static func variance(ofHeight height: Int) -> Double {
        // v₀ = 1 and 1/v_h = 1 + 1/(2·v_{h−1}).
        (0..<height).reduce(1.0) { value, _ in 1 / (1 + 1 / (2 * value)) }
    }
}

/// n = C⁻¹z for a banded lower triangular Toeplitz matrix C: n_t = (z_t − Σ_{j≥1} c_j·n_{t−j})/c₀.
package struct BandedNoise: CorrelatedNoise {
    private let count: Int
    private let coefficients: [Float]
    /// The noise of the last b − 1 steps, the latest first.
    private var history: [[Float]] = []

    package init(_ factorization: BandedFactorization, count: Int) {
        self.count = count
        coefficients = factorization.coefficients.map(Float.init)
    }

    package mutating func next(_ draw: (inout [Float]) -> Void) -> [Float] {
        var noise = [Float](repeating: 0, count: count)
        draw(&noise)
        for (lag, past) in history.enumerated() {
            let c = coefficients[lag + 1]
            for i in 0..<count { noise[i] -= c * past[i] }
        }
        for i in 0..<count { noise[i] /= coefficients[0] }
        if coefficients.count > 1 {
            history.insert(noise, at: 0)
            if history.count == coefficients.count { history.removeLast() }
        }
        return noise
    }
}
