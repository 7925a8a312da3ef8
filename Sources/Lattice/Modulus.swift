import CKernels

/// A prime q < 2⁵⁰ with the constants that reduction modulo q needs.
public struct Modulus: Hashable, Sendable, CustomStringConvertible {
    /// The widest prime: 4q must stay below 2⁵² for the lazy 52-bit transform, 8q below 2⁵³ for the one on doubles.
    public static let maximumBits = 50
    /// The narrowest prime; the kernels are tested from here on.
    public static let minimumBits = 15

    package let constants: tacit_modulus

    /// q
    public var value: UInt64 { constants.value }
    /// The number of bits of q.
    public var bitWidth: Int { Int(constants.bits) }
    public var description: String { String(value) }

    /// - Errors: `invalidModulus` unless q is a prime of 15 to 50 bits.
    public init(_ value: UInt64) throws(LatticeError) {
        guard value >> (Self.minimumBits - 1) > 0, value >> Self.maximumBits == 0, tacit_is_prime(value) == 1 else {
            throw LatticeError(
                code: .invalidModulus,
                message: "modulus: got \(value), want a prime of \(Self.minimumBits) to \(Self.maximumBits) bits")
        }
        constants = tacit_modulus_make(value)
    }

    public static func == (left: Self, right: Self) -> Bool { left.value == right.value }
    public func hash(into hasher: inout Hasher) { hasher.combine(value) }

    /// a · b mod q for a, b in [0, q).
    public func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        withUnsafePointer(to: constants) { tacit_modulus_multiply($0, a, b) }
    }

    /// base^exponent mod q for a base in [0, q); the time depends on the exponent.
    public func power(_ base: UInt64, _ exponent: UInt64) -> UInt64 {
        withUnsafePointer(to: constants) { tacit_modulus_power($0, base, exponent) }
    }

    /// a⁻¹ mod q for a in [1, q), as a^(q−2).
    public func inverse(_ a: UInt64) -> UInt64 {
        precondition(a % value != 0, "a: want an invertible residue")
        return power(a, value - 2)
    }

    /// The residue in [0, q) of a signed integer.
    public func residue(_ x: Int64) -> UInt64 {
        let r = x % Int64(value)
        return UInt64(r < 0 ? r + Int64(value) : r)
    }

    /// −a mod q for a in [0, q).
    public func negate(_ a: UInt64) -> UInt64 { a == 0 ? 0 : value - a }

    /// The `count` greatest primes below 2^`bits` that are 1 modulo `step`, in descending order, without those listed.
    ///
    /// With `step` = 2N they have a primitive 2N-th root of unity, as the negacyclic transform of degree N needs.
    /// - Errors: `invalidModulus` when fewer exist with exactly `bits` bits, or `bits` is outside 15…50.
    public static func primes(
        bits: Int, count: Int, congruentToOneModulo step: UInt64, excluding: Set<UInt64> = []
    ) throws(LatticeError) -> [Modulus] {
        guard (minimumBits...maximumBits).contains(bits) else {
            throw LatticeError(
                code: .invalidModulus,
                message: "modulus size: got \(bits) bits, want \(minimumBits) to \(maximumBits)")
        }
        precondition(step > 0 && step.nonzeroBitCount == 1, "step: want a power of two")
        var found: [Modulus] = []
        let lowest = UInt64(1) << (bits - 1)
        var candidate = UInt64(1) << bits
        while found.count < count, candidate > step, candidate - step >= lowest {
            candidate -= step
            guard tacit_is_prime(candidate + 1) == 1, !excluding.contains(candidate + 1) else { continue }
            found.append(try Modulus(candidate + 1))
        }
        guard found.count == count else {
            throw LatticeError(
                code: .invalidModulus,
                message: "moduli: got \(found.count) primes of \(bits) bits that are 1 modulo \(step), want \(count)")
        }
        return found
    }

    /// The primitive `order`-th root of unity a^((q−1)/order) with the smallest base a ≥ 2 that gives one.
    ///
    /// - Parameter order: a power of two that divides q − 1.
    public func primitiveRoot(order: UInt64) -> UInt64 {
        precondition((value - 1) % order == 0 && order > 1 && order.nonzeroBitCount == 1)
        for base in 2... {
            let root = power(UInt64(base), (value - 1) / order)
            if power(root, order / 2) == value - 1 { return root }
        }
        preconditionFailure("every second base gives a root")
    }
}
