import BigIntegers
import Parallelism

/// Whether the running time may depend on an exponent's value.
public enum Exponent: Sendable {
    /// A public exponent: the fastest method is used.
    case variableTime(BigInteger)
    /// A secret exponent: time and memory accesses depend on its size only.
    case secret(BigInteger)

    var value: BigInteger {
        switch self {
        case .variableTime(let value), .secret(let value): value
        }
    }

    var isSecret: Bool {
        switch self {
        case .variableTime: false
        case .secret: true
        }
    }
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

    /// left · right mod modulus.
    func product(_ left: BigInteger, _ right: BigInteger) -> BigInteger { (left * right).modulo(modulus) }
}
