import BigIntegers
import Crypto

/// What the holders of a joint key agree on before they make it, and the sizes that follow.
///
/// - Reference: Boneh, Franklin 2001 (the modulus and its test); Cramer, Damgård, Ishai 2005 (shares without messages);
///   Nishide, Sakurai 2010 (the exponent); Rabin 1998 (shares over the integers).
public struct JointKeySetting: Sendable {
    public let parameters: PaillierParameters
    /// n: holders of the key.
    public let holders: Int
    /// Holders that decrypt together.
    public let threshold: Int
    /// Binds public randomness to this one run.
    let label: [UInt8]

    /// Those of the committee that may pool what they see while the key is made: τ.
    public let colluding: Int
    /// The first holders, who make the modulus: 2τ + 1.
    public var committee: Int { 2 * colluding + 1 }
    /// Holders that have a part of the factors: τ + 1.
    var contributors: Int { colluding + 1 }

    /// Candidates that are tried at once.
    let batch: Int

    /// Larger committees work out hundreds of streams for every candidate.
    static let maximumColluding = 4
    private static let statisticalBits = 128

    /// - Throws: `invalidParameters` for fewer than 3 holders, a threshold that cannot be, or a modulus below 512 bits.
    public init(
        parameters: PaillierParameters, holders: Int, threshold: Int, label: [UInt8], batch: Int = 1024
    ) throws(PaillierError) {
        guard (3...PaillierSharing.maximumShareCount).contains(holders) else {
            throw PaillierError(
                code: .invalidParameters,
                message: "joint key: got \(holders) holders, want 3...\(PaillierSharing.maximumShareCount)")
        }
        try PaillierSharing.check(threshold: threshold, shareCount: holders)
        guard parameters.modulusBits >= 512, parameters.modulusBits % 4 == 0 else {
            throw PaillierError(
                code: .invalidParameters,
                message: "joint key: got a modulus of \(parameters.modulusBits) bits, want a multiple of 4 from 512")
        }
        self.parameters = parameters
        self.holders = holders
        self.threshold = threshold
        self.label = label
        self.batch = batch
        colluding = min((holders - 1) / 2, Self.maximumColluding)
        productRing = .init(bits: parameters.modulusBits + 2)
        exponentRing = .init(bits: 2 * parameters.modulusBits + Self.exponentMargin)
    }

    // MARK: Factors

    /// Bits of p and of q.
    var factorBits: Int { parameters.modulusBits / 2 }

    /// Four times the odd primes below 100. Both factors are −1 modulo it, so that no small prime divides them, nor both p − 1 and
    /// q − 1; of the hundreds of bits of a factor this gives away 121, where half of them would be needed to factor n.
    static let step: BigInteger = {
        var product: BigInteger = 4
        for prime in SmallPrimes.all where prime > 2 && prime < 100 { product *= BigInteger(prime) }
        return product
    }()

    /// What every factor is at least: −1 modulo the step and three quarters of a power of two, so that n has full length.
    var base: BigInteger {
        let least = BigInteger(3) << (factorBits - 2)
        return least - (least + 1).modulo(Self.step) + Self.step
    }

    /// Of each random part of a factor: all parts together stay below an eighth of the power of two.
    var partBits: Int { factorBits - 4 - subsets.count.bitLength - Self.step.bitWidth }

    // MARK: The rest

    /// For openings of n.
    let productRing: MersenneRing
    /// For the exponent, and for what is opened to test n.
    let exponentRing: MersenneRing

    /// Of D = βφ the ring has 2·128 + 80 bits more than 2|n|: see ``PaillierKeyGeneration``.
    private static let exponentMargin = 2 * statisticalBits + 80
    /// Of each part of β and of the factors that blind openings.
    var blindingBits: Int { parameters.modulusBits + Self.statisticalBits }
    /// Of each part of what hides an opened product's quotient.
    var quotientBits: Int { factorBits + 2 * Self.statisticalBits + 10 }
    /// The top bits of a part of D that are opened.
    static let carryBits = 64

    /// Of the coefficients of the polynomials that share D: larger by 2¹²⁸ than what other secrets would change in them.
    var coefficientBits: Int {
        exponentRing.bits + BigInteger.factorial(holders).bitWidth + holders.bitLength + 8 + Self.statisticalBits
    }

    /// No share Σⱼ fⱼ(i) has more bits.
    var shareBits: Int {
        coefficientBits + (threshold - 1) * holders.bitLength + threshold.bitLength + committee.bitLength + 1
    }

    /// Test bases that a modulus must pass.
    static let confirmations = 63

    /// All sets of τ + 1 committee members, each sorted.
    var subsets: [[Int]] {
        var result: [[Int]] = []
        func extend(_ chosen: [Int], from next: Int) {
            if chosen.count == contributors { return result.append(chosen) }
            guard next <= committee else { return }
            for member in next...committee { extend(chosen + [member], from: member + 1) }
        }
        extend([], from: 1)
        return result
    }

    /// Public pseudo-random bits: of a name, and of a modulus when there is one.
    func publicBits(_ name: String, modulus: BigInteger, count: Int) -> BigInteger {
        var bytes: [UInt8] = []
        let head =
            Array("tacit joint paillier key \(name)\u{0}".utf8) + label
            + modulus.bigEndianBytes(count: parameters.modulusByteCount)
        var counter: UInt32 = 0
        while 8 * bytes.count < count {
            bytes += SHA256.hash(data: head + withUnsafeBytes(of: counter.bigEndian) { Array($0) })
            counter += 1
        }
        return BigInteger(bigEndianBytes: bytes.prefix((count + 7) / 8))
    }

    /// A public base with Jacobi symbol 1.
    func testBase(_ number: Int, modulus: BigInteger) -> BigInteger {
        var attempt = 0
        while true {
            let base = publicBits("base \(number) \(attempt)", modulus: modulus, count: modulus.bitWidth + 64)
                .modulo(modulus)
            if base.jacobiSymbol(over: modulus) == 1 { return base }
            attempt += 1
        }
    }
}

/// ℤ modulo 2^b − 1 with b prime.
///
/// Every prime factor of 2^b − 1 exceeds 2b, so differences of small indices are invertible: enough for Shamir's sharing.
struct MersenneRing: Sendable {
    let bits: Int
    let modulus: BigInteger

    /// The smallest with at least that many bits.
    init(bits least: Int) {
        var bits = max(least, 521)
        while !BigInteger(bits).isProbablePrime(variableTime: true) { bits += 1 }
        self.bits = bits
        modulus = (BigInteger(1) << bits) - 1
    }

    var byteCount: Int { (bits + 7) / 8 }

    func reduce(_ value: BigInteger) -> BigInteger { value.modulo(modulus) }

    /// λ of a party among 1 … count, for the value at 0, divided by the square of count!.
    func weight(of party: Int, among count: Int) -> BigInteger {
        var numerator: BigInteger = 1
        let factorial = BigInteger.factorial(count)
        var denominator = factorial * factorial
        for other in 1...count where other != party {
            numerator *= BigInteger(other)
            denominator *= BigInteger(other - party)
        }
        // Its prime factors are at most `count`.
        return reduce(numerator * reduce(denominator).inverse(modulo: modulus)!)
    }
}

extension Int {
    /// Bits of a positive number.
    var bitLength: Int { Int.bitWidth - leadingZeroBitCount }
}
