import Foundation

/// exp(i·z·y) on −1 ≤ y ≤ 1 as Σ d_k·U_k(y) with U_k = i^k·T_k, T_k the Chebyshev polynomials.
///
/// In this basis all coefficients are real: d₀ = J₀(z), d_k = 2·J_k(z) (Jacobi and Anger), and for a ≥ b
/// U_{a+b} = 2·U_a·U_b − (−1)^b·U_{a−b}. Starting from U₁ = i·y everything stays as cheap as for a cosine alone.
struct ExponentialPolynomial: Sendable, Hashable {
    /// d₀ … d_n
    let coefficients: [Double]

    var degree: Int { coefficients.count - 1 }

    init(frequency z: Double, degree: Int) {
        coefficients = (0...degree).map { (k: Int) -> Double in (k == 0 ? 1 : 2) * Self.bessel(k, z) }
    }

    init(coefficients: [Double]) { self.coefficients = coefficients }

    /// J_k(z) = 1/π · ∫₀^π cos(kτ − z·sin τ) dτ; the trapezoidal rule converges exponentially for periodic functions.
    static func bessel(_ k: Int, _ z: Double) -> Double {
        let points = 512
        var sum = 0.0
        for index in 0..<points {
            let t = 2 * Double.pi * Double(index) / Double(points)
            sum += cos(Double(k) * t - z * sin(t))
        }
        return sum / Double(points)
    }

    /// p = q·U_m + r with deg q ≤ m and deg r < m, for deg p < 2m.
    func divided(by m: Int) -> (quotient: ExponentialPolynomial, rest: ExponentialPolynomial) {
        precondition(degree >= m && degree < 2 * m)
        var rest = Array(coefficients[0..<m])
        var quotient = [coefficients[m]]
        for j in 1..<(degree - m + 1) {
            // U_{m+j} = 2·U_m·U_j − (−1)^j·U_{m−j}
            quotient.append(2 * coefficients[m + j])
            rest[m - j] -= (j % 2 == 0 ? 1 : -1) * coefficients[m + j]
        }
        return (Self(coefficients: quotient), Self(coefficients: rest))
    }
}
