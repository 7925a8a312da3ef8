import Randomness

/// Arithmetic in the field of 2^16 elements, x^16 + x^12 + x^3 + x + 1.
package enum Field65536 {
    /// Powers of the generator x twice over, and logarithms. For public numbers only: they are looked up by value.
    private static let tables: (power: [UInt16], log: [UInt16]) = {
        var power = [UInt16](repeating: 0, count: 2 * 65_535)
        var log = [UInt16](repeating: 0, count: 65_536)
        var value: UInt32 = 1
        for exponent in 0..<65_535 {
            power[exponent] = UInt16(value)
            power[exponent + 65_535] = UInt16(value)
            log[Int(value)] = UInt16(exponent)
            value <<= 1
            if value & 0x10000 != 0 { value ^= 0x1100B }
        }
        return (power, log)
    }()

    package static func multiply(_ a: UInt16, _ b: UInt16) -> UInt16 {
        guard a != 0, b != 0 else { return 0 }
        return tables.power[Int(tables.log[Int(a)]) + Int(tables.log[Int(b)])]
    }

    /// a / b for b ≠ 0.
    package static func divide(_ a: UInt16, _ b: UInt16) -> UInt16 {
        guard a != 0 else { return 0 }
        return tables.power[Int(tables.log[Int(a)]) + 65_535 - Int(tables.log[Int(b)])]
    }

    /// A vector of secrets times a public number: shifts and masks, the number of steps is that of the public one's bits.
    @inline(__always)
    package static func multiply(_ secret: SIMD16<UInt16>, byPublic x: UInt16) -> SIMD16<UInt16> {
        var result = SIMD16<UInt16>.zero
        for bit in stride(from: 15 - x.leadingZeroBitCount, through: 0, by: -1) {
            let carry = SIMD16<UInt16>.zero &- (result &>> 15)
            result = (result &<< 1) ^ (carry & 0x100B)
            if (x >> UInt16(bit)) & 1 == 1 { result ^= secret }
        }
        return result
    }

    /// Lagrange coefficients at 0 of the polynomial through the points.
    package static func coefficientsAtZero(_ points: [UInt16]) -> [UInt16] {
        // Σ logarithms instead of products, modulo 65535.
        let logs = points.map { Int(tables.log[Int($0)]) }
        let total = logs.reduce(0, +)
        return points.indices.map { j in
            var exponent = total - logs[j]
            for i in points.indices where i != j { exponent -= Int(tables.log[Int(points[i] ^ points[j])]) }
            let reduced = ((exponent % 65_535) + 65_535) % 65_535
            return tables.power[reduced]
        }
    }
}

/// Shamir's sharing of 32-byte secrets, sixteen symbols of the field of 2^16 elements side by side: every string of bytes
/// is a secret, so nothing is biased, and up to 65535 holders have points of their own.
///
/// Constant time in secret and shares; points and coefficients are public.
/// - Reference: Shamir 1979.
package enum SeedSharing {
    package typealias Symbols = SIMD16<UInt16>

    /// One share a point, which is not zero: any `threshold` of them give the secret, fewer nothing.
    package static func share(
        _ secret: SecretBytes, threshold: Int, points: [UInt16], using random: inout some SecureRandom
    ) -> [SecretBytes] {
        precondition(secret.count == 32 && threshold >= 1 && !points.contains(0), "secret of 32 bytes, points not zero")
        let coefficients = SecretBytes.random(count: 32 * (threshold - 1), using: &random)
        return coefficients.withBytes(SecretAccess("polynomials of the sharing")) { coefficients in
            secret.withBytes(SecretAccess("the secret that is shared")) { secret in
                points.map { x in
                    var value = Symbols.zero
                    for index in stride(from: threshold - 2, through: 0, by: -1) {
                        value = Field65536.multiply(
                            value ^ coefficients.loadUnaligned(fromByteOffset: 32 * index, as: Symbols.self),
                            byPublic: x)
                    }
                    value ^= secret.loadUnaligned(as: Symbols.self)
                    return SecretBytes(count: 32) { $0.storeBytes(of: value, as: Symbols.self) }
                }
            }
        }
    }

    /// The secret from exactly as many shares as the threshold.
    package static func reconstruct(_ shares: [SecretBytes], coefficients: [UInt16]) -> SecretBytes {
        var value = Symbols.zero
        for (share, coefficient) in zip(shares, coefficients) {
            share.withBytes(SecretAccess("shares to be joined")) {
                value ^= Field65536.multiply($0.loadUnaligned(as: Symbols.self), byPublic: coefficient)
            }
        }
        return SecretBytes(count: 32) { $0.storeBytes(of: value, as: Symbols.self) }
    }
}
