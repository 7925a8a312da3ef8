import BigIntegers
import Parallelism

/// Powers of one base with many secret exponents, from a table of the base's powers.
///
/// Time and memory accesses depend on `exponentBits` and on the number of exponents only (where so few powers are expected
/// that no table pays, also on the length of each exponent in 64-bit words).
public final class FixedBaseTable: Sendable {
    public let base: BigInteger
    public let context: ModularContext
    public let exponentBits: Int
    #if arch(x86_64)
        private let laneTable: LaneFixedBase?
    #endif
    /// Where the machine lacks the eight-lane kernels.
    private let scalarTable: ScalarFixedBase?
    /// Fewer powers than this are quicker without a table.
    private static let leastCount = 6

    /// - Parameters:
    ///   - base: a residue in [0, modulus).
    ///   - exponentBits: the greatest length of an exponent, ≥ 1.
    ///   - expectedCount: how many powers will be asked for; decides how large a table pays.
    public init(base: BigInteger, context: ModularContext, exponentBits: Int, expectedCount: Int) {
        precondition(exponentBits > 0, "exponentBits: want at least 1")
        precondition(expectedCount > 0, "expectedCount: want at least 1")
        self.base = base
        self.context = context
        self.exponentBits = exponentBits
        #if arch(x86_64)
            laneTable = context.lanes(for: 8 * Cores.count).map {
                LaneFixedBase(base: base, modulus: $0, bits: exponentBits, expectedCount: expectedCount)
            }
            let wantsScalar = laneTable == nil
        #else
            let wantsScalar = true
        #endif
        scalarTable =
            wantsScalar && expectedCount >= Self.leastCount
            ? ScalarFixedBase(
                base: base, modulus: context.modulus, bits: exponentBits, expectedCount: expectedCount) : nil
    }

    /// base^exponentᵢ mod modulus.
    ///
    /// - Parameter exponents: in [0, 2^exponentBits).
    public func powers(_ exponents: [BigInteger]) -> [BigInteger] {
        for exponent in exponents {
            precondition(exponent.signum >= 0 && exponent.bitWidth <= exponentBits, "exponent: out of range")
        }
        #if arch(x86_64)
            if let laneTable, context.lanes(for: exponents.count, lanesInProducts: 0.2) != nil {
                return laneTable.powers(exponents)
            }
        #endif
        if let scalarTable { return scalarTable.powers(exponents) }
        return parallelMap(exponents.count) { index in
            exponents[index].isZero ? 1 : self.context.gmpPower(self.base, exponents[index], secret: true)
        }
    }
}
