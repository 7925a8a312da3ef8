import BigIntegers
import BinaryCoding
import Crypto
import Parallelism
import Randomness

/// Secret random numbers that a committee shares without sending anything, once it has the seeds.
///
/// Each set of τ + 1 of the 2τ + 1 members has a seed; any τ miss the seed of the others. A number is the sum of what the
/// seeds' streams say, an integer that nobody knows; Σ_A r_A·f_A(j), where f_A has degree τ, is 1 at 0 and 0 at the members
/// outside A, is member j's Shamir share of it (Cramer, Damgård, Ishai 2005). Shares are those of (2τ+1)! times the number, so
/// that they are integers. A second kind of seeds, one for each pair, gives sharings of zero that hide all but the sum of what
/// members publish.
struct ReplicatedSecrets: Sendable {
    /// A member's side of one number.
    struct Number: Sendable {
        /// Share of (2τ+1)! times the number.
        var share: BigInteger
        /// An integer; those of all members add up to the number.
        var part: BigInteger
    }

    private struct Stream: Sendable {
        let seed: SecretBytes
        /// (2τ+1)!·f_A(j)
        let coefficient: BigInteger
        /// Whether this member answers for the set in sums over members.
        let isFirst: Bool
    }

    let party: Int
    private let streams: [Stream]
    private let pairs: [(other: Int, seed: SecretBytes)]

    init(
        _ setting: JointKeySetting, party: Int, seeds: [[Int]: SecretBytes], pairs: [Int: SecretBytes]
    ) {
        self.party = party
        let factorial = BigInteger.factorial(setting.committee)
        streams = setting.subsets.compactMap { members in
            guard let seed = seeds[members] else { return nil }
            var numerator = factorial
            var denominator: BigInteger = 1
            for other in 1...setting.committee where !members.contains(other) {
                numerator *= BigInteger(other - party)
                denominator *= BigInteger(other)
            }
            return Stream(
                seed: seed, coefficient: numerator.dividedExactly(by: denominator), isFirst: members[0] == party)
        }
        self.pairs = pairs.sorted { $0.key < $1.key }.map { (other: $0.key, seed: $0.value) }
    }

    /// Numbers whose parts are uniform below 2^bits; the name must not be used again.
    func numbers(_ name: String, count: Int, bits: Int) -> [Number] {
        let streams = streams
        let drawn = parallelMap(streams.count) { index -> [BigInteger] in
            var random = Self.stream(streams[index].seed, name)
            return (0..<count).map { _ in BigInteger.random(bits: bits, using: &random) }
        }
        var result = [Number](repeating: Number(share: 0, part: 0), count: count)
        for (stream, values) in zip(streams, drawn) {
            for index in 0..<count {
                result[index].share += stream.coefficient * values[index]
                if stream.isFirst { result[index].part += values[index] }
            }
        }
        return result
    }

    /// This member's side of sharings of zero modulo `modulus`.
    func zeros(_ name: String, count: Int, modulus: BigInteger) -> [BigInteger] {
        var result = [BigInteger](repeating: 0, count: count)
        for (other, seed) in pairs {
            var random = Self.stream(seed, name)
            for index in 0..<count {
                let value = BigInteger.random(bits: modulus.bitWidth + 128, using: &random)
                if party < other { result[index] += value } else { result[index] -= value }
            }
        }
        return result.map { $0.modulo(modulus) }
    }

    private static func stream(_ seed: SecretBytes, _ name: String) -> DerivedRandom {
        var hash = SHA256()
        hash.update(data: Array("tacit joint paillier stream ".utf8))
        seed.withBytes(SecretAccess("seed of a committee's stream")) { hash.update(bufferPointer: $0) }
        hash.update(data: Array(name.utf8))
        var digest = Array(hash.finalize())
        return DerivedRandom(seed: SecretBytes(wiping: &digest))
    }
}
