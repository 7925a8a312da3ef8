import BigIntegers
import Parallelism

/// Whether the running time may depend on an exponent's value.
public enum Exponent: Sendable {
    /// A public exponent: the fastest method is used.
    case variableTime(BigInteger)
    /// A secret exponent: time and memory accesses depend on its size only.
    case secret(BigInteger)
}

/// Arithmetic modulo one odd number, on many operands at a time.
///
/// All operands are residues in [0, modulus); results too. Work is spread over the cores of ``Cores``.
public final class ModularContext: Sendable {
    public let modulus: BigInteger

    /// - Parameter modulus: odd, greater than 1.
    public init(modulus: BigInteger) {
        precondition(modulus.isOdd && modulus > 1, "modulus: want an odd number greater than 1")
        self.modulus = modulus
    }

    /// baseᵢ^exponent mod modulus for each base; the exponent is positive.
    public func powers(of bases: [BigInteger], exponent: Exponent) -> [BigInteger] {
        parallelMap(bases.count) { index in
            switch exponent {
            case .variableTime(let value): bases[index].power(value, modulo: self.modulus, variableTime: true)!
            case .secret(let value): bases[index].powerConstantTime(value, modulo: self.modulus)
            }
        }
    }
}
