import CGMP

extension BigInteger {
    public static func + (left: Self, right: Self) -> Self {
        make { r in left.read { a in right.read { b in __gmpz_add(r, a, b) } } }
    }
    public static func - (left: Self, right: Self) -> Self {
        make { r in left.read { a in right.read { b in __gmpz_sub(r, a, b) } } }
    }
    public static func * (left: Self, right: Self) -> Self {
        make { r in left.read { a in right.read { b in __gmpz_mul(r, a, b) } } }
    }
    public static prefix func - (value: Self) -> Self { make { r in value.read { __gmpz_neg(r, $0) } } }
    public static func += (left: inout Self, right: Self) { left = left + right }
    public static func -= (left: inout Self, right: Self) { left = left - right }
    public static func *= (left: inout Self, right: Self) { left = left * right }

    public static func << (value: Self, shift: Int) -> Self {
        make { r in value.read { __gmpz_mul_2exp(r, $0, mp_bitcnt_t(shift)) } }
    }
    /// Floor of the value divided by 2^`shift`.
    public static func >> (value: Self, shift: Int) -> Self {
        make { r in value.read { __gmpz_fdiv_q_2exp(r, $0, mp_bitcnt_t(shift)) } }
    }

    public var magnitude: Self { Self.make { r in read { __gmpz_abs(r, $0) } } }

    /// The residue in [0, `modulus`); `modulus` > 0.
    public func modulo(_ modulus: Self) -> Self {
        precondition(modulus.signum > 0, "modulus: want a positive number")
        return Self.make { r in read { a in modulus.read { m in __gmpz_mod(r, a, m) } } }
    }

    /// Floor division; `divisor` ≠ 0.
    public func dividedFloor(by divisor: Self) -> Self {
        precondition(!divisor.isZero, "divisor: want a number other than 0")
        return Self.make { r in read { a in divisor.read { b in __gmpz_fdiv_q(r, a, b) } } }
    }

    /// The quotient when the division is known to leave no remainder.
    public func dividedExactly(by divisor: Self) -> Self {
        precondition(!divisor.isZero, "divisor: want a number other than 0")
        return Self.make { r in read { a in divisor.read { b in __gmpz_divexact(r, a, b) } } }
    }

    /// The lowest `count` bits of a non-negative number.
    public func lowBits(_ count: Int) -> Self {
        Self.make { r in read { __gmpz_fdiv_r_2exp(r, $0, mp_bitcnt_t(count)) } }
    }

    public func greatestCommonDivisor(_ other: Self) -> Self {
        Self.make { r in read { a in other.read { b in __gmpz_gcd(r, a, b) } } }
    }

    public func leastCommonMultiple(_ other: Self) -> Self {
        Self.make { r in read { a in other.read { b in __gmpz_lcm(r, a, b) } } }
    }

    /// The inverse modulo `modulus`, or nil when there is none.
    public func inverse(modulo modulus: Self) -> Self? {
        precondition(modulus.signum > 0, "modulus: want a positive number")
        let storage = Storage()
        let exists = read { a in modulus.read { m in __gmpz_invert(storage.pointer, a, m) } }
        return exists != 0 ? BigInteger(storage: storage) : nil
    }

    /// self^exponent mod modulus; the time depends on the exponent. For a negative exponent the base must be
    /// invertible (nil otherwise).
    public func power(_ exponent: Self, modulo modulus: Self, variableTime: Bool) -> Self? {
        precondition(modulus.signum > 0, "modulus: want a positive number")
        precondition(variableTime, "for secret exponents use powerConstantTime")
        if exponent.signum < 0 {
            return inverse(modulo: modulus)?.power(-exponent, modulo: modulus, variableTime: true)
        }
        return Self.make { r in
            read { a in exponent.read { e in modulus.read { m in __gmpz_powm(r, a, e, m) } } }
        }
    }

    /// self^exponent mod modulus for an odd modulus and a positive exponent, in a time that depends on the operands'
    /// sizes only (GMP's `mpz_powm_sec`).
    public func powerConstantTime(_ exponent: Self, modulo modulus: Self) -> Self {
        precondition(modulus.isOdd && modulus.signum > 0, "modulus: want a positive odd number")
        precondition(exponent.signum > 0, "exponent: want a positive number")
        return Self.make { r in
            read { a in exponent.read { e in modulus.read { m in __gmpz_powm_sec(r, a, e, m) } } }
        }
    }

    /// Product of 1, 2, …, `count`.
    public static func factorial(_ count: Int) -> Self { make { __gmpz_fac_ui($0, UInt(count)) } }
}
