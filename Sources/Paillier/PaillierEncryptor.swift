import BigIntegers
import ModularArithmetic
import Parallelism
import Randomness
import Synchronization

/// Encrypts under one public key.
///
/// Holds what makes encryption fast: a table of powers of h_s, built at the first use, and a stock of randomisers
/// computed ahead of time, each of which is used once. May be used by several threads.
public final class PaillierEncryptor: Sendable {
    public let publicKey: PaillierPublicKey
    private let expectedCount: Int
    private let table = Mutex<FixedBaseTable?>(nil)
    private let stock = Mutex<[BigInteger]>([])

    /// - Parameter expectedCount: about how many ciphertexts will be made; only decides how large a table pays.
    public init(_ publicKey: PaillierPublicKey, expectedCount: Int = 256) {
        self.publicKey = publicKey
        self.expectedCount = max(1, expectedCount)
    }

    /// Fresh n-th powers modulo n², by which a ciphertext is hidden.
    private func makeRandomisers(_ count: Int, using random: inout some SecureRandom) -> [BigInteger] {
        guard count > 0 else { return [] }
        guard let base = publicKey.randomiserBase else {
            let roots = (0..<count).map { _ in publicKey.randomUnit(using: &random) }
            return publicKey.context.powers(of: roots, exponent: .variableTime(publicKey.modulus))
        }
        let bits = publicKey.parameters.randomiserBits
        let exponents = (0..<count).map { _ in BigInteger.random(bits: bits, using: &random) }
        let table = table.withLock { table in
            if let table { return table }
            let fresh = FixedBaseTable(
                base: base, context: publicKey.context, exponentBits: bits, expectedCount: max(count, expectedCount))
            table = fresh
            return fresh
        }
        return table.powers(exponents)
    }

    /// Computes randomisers now, so that later encryptions cost one product each.
    public func precompute(count: Int, using random: inout some SecureRandom) {
        let fresh = makeRandomisers(count, using: &random)
        stock.withLock { $0.append(contentsOf: fresh) }
    }

    /// Randomisers in stock.
    public var precomputedCount: Int { stock.withLock { $0.count } }

    private func takeRandomisers(_ count: Int, using random: inout some SecureRandom) -> [BigInteger] {
        let taken = stock.withLock { stock in
            let taken = Array(stock.suffix(count))
            stock.removeLast(taken.count)
            return taken
        }
        return taken + makeRandomisers(count - taken.count, using: &random)
    }

    /// One ciphertext for each plaintext.
    ///
    /// - Parameter plaintexts: in [−n/2, n/2].
    /// - Throws: `plaintextOutOfRange`, before any ciphertext is made.
    /// - Cost: a fixed-base exponentiation of ⌈|n|/2⌉ bits and one product modulo n² each, on all cores; the product
    ///   only as long as the stock lasts.
    public func encrypt(
        _ plaintexts: [BigInteger], using random: inout some SecureRandom
    ) throws(PaillierError) -> [PaillierCiphertext] {
        var factors: [BigInteger] = []
        factors.reserveCapacity(plaintexts.count)
        for plaintext in plaintexts { factors.append(try publicKey.unblinded(plaintext)) }
        return blind(factors, using: &random)
    }

    /// As ``encrypt(_:using:)`` with the system's randomness.
    public func encrypt(_ plaintexts: [BigInteger]) throws(PaillierError) -> [PaillierCiphertext] {
        var random = SystemRandom()
        return try encrypt(plaintexts, using: &random)
    }

    /// Other ciphertexts of the same plaintexts, which nobody without the secret key can link to the given ones.
    /// - Throws: `keyMismatch`.
    public func rerandomise(
        _ ciphertexts: [PaillierCiphertext], using random: inout some SecureRandom
    ) throws(PaillierError) -> [PaillierCiphertext] {
        try publicKey.check(ciphertexts)
        return blind(ciphertexts.map(\.value), using: &random)
    }

    /// As ``rerandomise(_:using:)`` with the system's randomness.
    public func rerandomise(_ ciphertexts: [PaillierCiphertext]) throws(PaillierError) -> [PaillierCiphertext] {
        var random = SystemRandom()
        return try rerandomise(ciphertexts, using: &random)
    }

    private func blind(_ values: [BigInteger], using random: inout some SecureRandom) -> [PaillierCiphertext] {
        let randomisers = takeRandomisers(values.count, using: &random)
        let blinded = publicKey.context.products(values, randomisers)
        return blinded.map { PaillierCiphertext(value: $0, keyTag: publicKey.keyTag) }
    }
}

extension PaillierPublicKey {
    /// A uniformly distributed invertible residue modulo n.
    func randomUnit(using random: inout some SecureRandom) -> BigInteger {
        while true {
            let candidate = BigInteger.random(below: modulus, using: &random)
            if candidate.greatestCommonDivisor(modulus) == 1 { return candidate }
        }
    }
}
