import BigIntegers
import CKernels
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

    #if arch(x86_64)
        private let laneModulus: LaneModulus?
    #endif

    /// - Parameter modulus: odd, greater than 1.
    public init(modulus: BigInteger) {
        precondition(modulus.isOdd && modulus > 1, "modulus: want an odd number greater than 1")
        self.modulus = modulus
        #if arch(x86_64)
            laneModulus = LaneModulus(modulus)
        #endif
    }

    /// left · right mod modulus.
    func product(_ left: BigInteger, _ right: BigInteger) -> BigInteger { (left * right).modulo(modulus) }

    #if arch(x86_64)
        /// The eight-lane kernels, when the machine has them and they beat GMP for this many operands.
        ///
        /// Eight lanes cost what GMP takes for `lanesInProducts` operands, however few are in use, and occupy one core. (For
        /// powers with a secret exponent that is less than 1: GMP's constant-time function takes longer than its other one.)
        func lanes(for count: Int, lanesInProducts: Double = 1.5) -> LaneModulus? {
            guard let laneModulus, tacit_cpu_tier() >= TACIT_TIER_AVX512_IFMA else { return nil }
            let cores = Cores.count
            let lanes = Double(((count + 7) / 8 + cores - 1) / cores) * lanesInProducts
            return lanes < Double((count + cores - 1) / cores) ? laneModulus : nil
        }
    #endif

    /// Whether the eight-lane kernels serve this many operands.
    func hasLanes(for count: Int) -> Bool {
        #if arch(x86_64)
            lanes(for: count) != nil
        #else
            false
        #endif
    }
}
