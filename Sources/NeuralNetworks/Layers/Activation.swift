/// A function applied to every number.
public enum ActivationFunction: Hashable, Sendable, Codable {
    case relu
    /// min(max(x, 0), 6).
    case relu6
    case tanh
    case sigmoid
    /// Σ coefficients[i]·xⁱ: what can be evaluated under encryption.
    case polynomial([Double])
}

/// y = f(x), element by element.
public final class Activation<Scalar: NetworkScalar>: Layer {
    public let inputShape: [Int]
    public var outputShape: [Int] { inputShape }
    public let function: ActivationFunction

    init(inputShape: [Int], _ function: ActivationFunction) throws(NeuralNetworksError) {
        if case .polynomial(let coefficients) = function {
            guard !coefficients.isEmpty, coefficients.allSatisfy(\.isFinite) else {
                throw .architecture("polynomial: got \(coefficients.count) coefficients, want at least 1, all finite")
            }
        }
        self.inputShape = inputShape
        self.function = function
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func forward(_ input: Rows<Scalar>, _ pass: Pass, _ cache: LayerCache<Scalar>) -> Rows<Scalar> {
        cache.input = input
        let output = cache.rows(0, count: input.count, width: input.width)
        apply(input.base, output.base, input.scalarCount)
        return output
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func apply(_ x: UnsafeMutablePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>, _ count: Int) {
        switch function {
        case .relu: Scalar.rectify(x, y, count)
        case .relu6: for i in 0..<count { y[i] = x[i] > 6 ? 6 : (x[i] > 0 ? x[i] : 0) }
        case .tanh: for i in 0..<count { y[i] = Scalar.hyperbolicTangent(x[i]) }
        case .sigmoid: for i in 0..<count { y[i] = logistic(x[i]) }
        case .polynomial(let coefficients):
            for i in 0..<count {
                var value: Scalar = 0
                for coefficient in coefficients.reversed() { value = value * x[i] + Scalar(coefficient) }
                y[i] = value
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    public func backward(
        _ outputGradient: Rows<Scalar>, needsInput: Bool, _ cache: LayerCache<Scalar>
    ) -> Rows<Scalar> {
        guard needsInput else { return outputGradient }
        differentiate(
            cache.input!.base, cache.memory(0, outputGradient.scalarCount), outputGradient.base,
            outputGradient.scalarCount)
        return outputGradient
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func differentiate(
        _ x: UnsafeMutablePointer<Scalar>, _ y: UnsafeMutablePointer<Scalar>, _ g: UnsafeMutablePointer<Scalar>,
        _ count: Int
    ) {
        switch function {
        case .relu: Scalar.mask(byPositive: x, g, count)
        case .relu6: for i in 0..<count { g[i] = x[i] > 0 && x[i] < 6 ? g[i] : 0 }
        case .tanh: for i in 0..<count { g[i] *= 1 - y[i] * y[i] }
        case .sigmoid: for i in 0..<count { g[i] *= y[i] * (1 - y[i]) }
        case .polynomial(let coefficients):
            for i in 0..<count {
                var slope: Scalar = 0
                for (power, coefficient) in coefficients.enumerated().dropFirst().reversed() {
                    slope = slope * x[i] + Scalar(power) * Scalar(coefficient)
                }
                g[i] *= slope
            }
        }
    }
}

/// 1 / (1 + e⁻ˣ) without overflow.
@inline(__always)
func logistic<Scalar: NetworkScalar>(_ x: Scalar) -> Scalar {
    let e = Scalar.exponential(-abs(x))
    return x >= 0 ? 1 / (1 + e) : e / (1 + e)
}
