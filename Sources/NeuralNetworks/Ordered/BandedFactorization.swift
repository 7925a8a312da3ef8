/// C of the factorisation A = B·C of the prefix sums A, banded and Toeplitz: what decides the noise of banded DP-FTRL.
///
/// Steps t and t′ of a unit with |t − t′| ≥ bands use columns of C that do not overlap, so a unit that takes part k times,
/// always at least `bands` steps apart, moves C·g by at most √k times the norm of a column times the bound of a step.
/// - Reference: Choquette-Choo et al. 2023, "(Amplified) banded matrix factorization", theorem 2; Kalinin and Lampert
///   2024 for the truncated square root.
public struct BandedFactorization: Hashable, Sendable, Codable {
    /// c₀, c₁, …: the first column of C; c₀ > 0.
    public let coefficients: [Double]

    public var bands: Int { coefficients.count }

    /// - Throws: ``NeuralNetworksError`` with code `invalidParameter` unless there are 1 to 4096 finite numbers, c₀ above 0.
    public init(coefficients: [Double]) throws(NeuralNetworksError) {
        guard (1...4096).contains(coefficients.count), coefficients[0] > 0, coefficients.allSatisfy(\.isFinite) else {
            throw .parameter("banded matrix: got \(coefficients.count) coefficients, want 1 to 4096, the first above 0")
        }
        self.coefficients = coefficients
    }

    /// The square root of the prefix sums, (1 − x)^(−1/2), cut off after `bands` terms.
    public static func squareRoot(bands: Int) throws(NeuralNetworksError) -> BandedFactorization {
        guard (1...4096).contains(bands) else { throw .parameter("bands: got \(bands), want 1 to 4096") }
        var coefficients = [1.0]
        for j in 1..<max(bands, 1) { coefficients.append(coefficients[j - 1] * (Double(j) - 0.5) / Double(j)) }
        return try BandedFactorization(coefficients: coefficients)
    }

    /// The norm of a column: how far C·g moves when one step moves by 1.
    public var columnNorm: Double { coefficients.reduce(0) { $0 + $1 * $1 }.squareRoot() }

    /// How far C·g moves, when one unit takes part `participations` times at least ``bands`` steps apart.
    public func sensitivity(participations: Int) -> Double {
        columnNorm * Double(max(0, participations)).squareRoot()
    }

    /// The mean over `steps` steps of the squared error of the prefix sums, for noise that makes a single participation as
    /// private as one Gaussian of multiplier 1: ‖A·C⁻¹‖²_F·‖column‖²/steps.
    public func meanSquaredError(steps: Int) -> Double {
        var inverse: [Double] = []
        var prefix = 0.0
        var sum = 0.0
        for t in 0..<steps {
            var value = t == 0 ? 1.0 : 0
            for j in 1..<max(1, min(bands, t + 1)) { value -= coefficients[j] * inverse[t - j] }
            inverse.append(value / coefficients[0])
            prefix += inverse[t]
            // Entry (s, s − t) of A·C⁻¹ is this prefix for every s ≥ t.
            sum += prefix * prefix * Double(steps - t)
        }
        return sum * columnNorm * columnNorm / Double(steps)
    }

    /// From the square root by coordinate descent on ``meanSquaredError(steps:)``.
    public static func optimised(bands: Int, steps: Int) throws(NeuralNetworksError) -> BandedFactorization {
        var best = try squareRoot(bands: bands)
        guard bands > 1, steps > 0 else { return best }
        var error = best.meanSquaredError(steps: steps)
        var width = 0.1
        while width > 1e-3 {
            var improved = false
            for index in 1..<bands {
                for direction in [1.0, -1.0] {
                    var candidate = best.coefficients
                    candidate[index] *= 1 + direction * width
                    let next = try BandedFactorization(coefficients: candidate)
                    let value = next.meanSquaredError(steps: steps)
                    if value < error * (1 - 1e-9) {
                        (best, error, improved) = (next, value, true)
                    }
                }
            }
            if !improved { width /= 2 }
        }
        return best
    }
}
