import Foundation
import NeuralNetworks

/// A network that ciphertexts can run: affine maps with polynomials between them.
///
/// Layers without activations that follow each other are multiplied together, batch normalisation and dropout included, so
/// that each group takes one level. A polynomial a·x² + b·x + c is a·(x + b/2a)² + (c − b²/4a), and all of it but the
/// square goes into the maps beside it: any polynomial of degree 2 takes one level.
public struct PolynomialNetwork: Sendable {
    /// What is computed after a map.
    enum Nonlinearity: Hashable, Sendable {
        case square
        /// Σ coefficients[i]·xⁱ, of degree 3 or more.
        case polynomial([Double])

        func value(_ x: Double) -> Double {
            switch self {
            case .square: x * x
            case .polynomial(let coefficients): coefficients.reversed().reduce(0) { $0 * x + $1 }
            }
        }

        /// Where values lie for x in an interval. A polynomial's extremes are bounded term by term.
        func range(_ x: ClosedRange<Double>) -> ClosedRange<Double> {
            let reach = max(abs(x.lowerBound), abs(x.upperBound))
            switch self {
            case .square: return 0...(reach * reach)
            case .polynomial(let coefficients):
                var (low, high, power) = (0.0, 0.0, 1.0)
                for (degree, coefficient) in coefficients.enumerated() {
                    let odd = degree % 2 == 1
                    let (bottom, top) =
                        degree == 0 ? (1.0, 1.0) : (odd ? -power : 0, power)
                    low += min(coefficient * bottom, coefficient * top)
                    high += max(coefficient * bottom, coefficient * top)
                    power *= reach
                }
                return low...high
            }
        }

        var depth: Int {
            switch self {
            case .square: 1
            case .polynomial(let coefficients): Int(log2(Double(coefficients.count)).rounded(.up))
            }
        }
    }

    /// A map and the polynomial after it; none after the last.
    struct Stage: Sendable {
        var map: AffineMap
        var nonlinearity: Nonlinearity?
        /// Extents of the map's output when it is an image.
        var outputShape: [Int]
        /// The product of the strides of convolutions and pooling when the map slides over an image; nil when it mixes
        /// everything.
        var stride: Int?
        /// The network's layers in it, for people.
        var layers: [String]
    }

    public let inputShape: [Int]
    public let outputCount: Int
    let stages: [Stage]

    public var inputCount: Int { inputShape.reduce(1, *) }
    /// Levels: one for each map and those of the polynomials.
    public var depth: Int { stages.reduce(0) { $0 + 1 + ($1.nonlinearity?.depth ?? 0) } }

    /// - Throws: `invalidParameter` that names the first layer that ciphertexts cannot run and what to do.
    public init(_ network: Network<Float>) throws(PrivateLearningError) {
        var builder = PolynomialNetworkBuilder(network)
        stages = try builder.stages()
        inputShape = network.inputShape
        outputCount = network.outputWidth
    }

    /// Scores in double precision: what the encrypted ones are compared with.
    public func scores(_ input: [Double]) -> [Double] { trace(input).last! }

    /// The numbers before each polynomial, and the scores.
    func trace(_ input: [Double]) -> [[Double]] {
        precondition(input.count == inputCount, "input: got \(input.count) numbers, want \(inputCount)")
        var (x, result) = (input, [[Double]]())
        for stage in stages {
            x = stage.map.apply(x)
            result.append(x)
            if let function = stage.nonlinearity { for index in x.indices { x[index] = function.value(x[index]) } }
        }
        return result
    }
}
