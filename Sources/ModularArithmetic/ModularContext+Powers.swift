import BigIntegers
import Parallelism

extension ModularContext {
    /// baseᵢ^exponent mod modulus for each base.
    ///
    /// - Parameter exponent: ≥ 0.
    public func powers(of bases: [BigInteger], exponent: Exponent) -> [BigInteger] {
        precondition(exponent.value.signum >= 0, "exponent: want a number of at least 0")
        if exponent.value.isZero { return [BigInteger](repeating: 1, count: bases.count) }
        #if arch(x86_64)
            if let lanes = lanes(for: bases.count, lanesInProducts: exponent.isSecret ? 0.95 : 1.5) {
                return exponent.isSecret
                    ? lanes.powers(of: bases, exponents: [exponent.value], secret: true)
                    : lanes.powers(of: bases, publicExponent: exponent.value)
            }
        #endif
        return parallelMap(bases.count) { self.gmpPower(bases[$0], exponent.value, secret: exponent.isSecret) }
    }

    /// baseᵢ^exponentᵢ mod modulus.
    ///
    /// - Parameters:
    ///   - exponents: one for each base, ≥ 0. The time depends on the longest; sorting by length is left to the caller.
    ///   - secret: whether time and memory accesses must not depend on the exponents' bits. The length of the longest
    ///     is not hidden.
    public func powers(of bases: [BigInteger], exponents: [BigInteger], secret: Bool) -> [BigInteger] {
        precondition(bases.count == exponents.count, "exponents: got \(exponents.count), want \(bases.count)")
        precondition(exponents.allSatisfy { $0.signum >= 0 }, "exponents: want numbers of at least 0")
        #if arch(x86_64)
            if let lanes = lanes(for: bases.count, lanesInProducts: secret ? 0.95 : 1.5) {
                return lanes.powers(of: bases, exponents: exponents, secret: secret)
            }
        #endif
        return parallelMap(bases.count) { index in
            exponents[index].isZero ? 1 : self.gmpPower(bases[index], exponents[index], secret: secret)
        }
    }

    /// One power by GMP; `exponent` > 0.
    func gmpPower(_ base: BigInteger, _ exponent: BigInteger, secret: Bool) -> BigInteger {
        secret
            ? base.powerConstantTime(exponent, modulo: modulus)
            : base.power(exponent, modulo: modulus, variableTime: true)!
    }
}
