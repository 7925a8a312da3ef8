import BinaryCoding
import Lattice

/// Masks between pairs of participants that cancel in the sum of all their decryption shares.
///
/// Without them a participant's share is λ·S·c₁ + e with λ depending on the set; shares for the same c₁ in two sets would be
/// two noisy equations for S·c₁ with different factors, from which it can be solved. With them a share by itself is uniform
/// to everyone but who knows all of its masks, and the only thing that sums tell is s·c₁ with fresh noise, whatever the set.
enum PairwiseMask {
    static let label = UniformSeed.Label(code: 300)

    /// The pair's key: both contribute, so it is as good as the better one's randomness.
    static func seed(
        session: Fingerprint, _ party: Int, _ own: [UInt8], _ other: Int, _ theirs: [UInt8]
    ) -> UniformSeed {
        var encoder = BinaryEncoder()
        encoder.encode("tacit pairwise mask")
        encoder.encodeRaw(session.bytes)
        for (number, bytes) in party < other ? [(party, own), (other, theirs)] : [(other, theirs), (party, own)] {
            encoder.encode(UInt16(number))
            encoder.encode(bytes: bytes)
        }
        return hashed(encoder)
    }

    /// Adds this party's masks for one polynomial of a request: + towards higher numbers, − towards lower ones.
    static func apply(
        to share: inout RNSPolynomial<Evaluations>, of party: Int, among participants: [Int],
        pairs: [Int: UniformSeed], request: Fingerprint, index: Int = 0
    ) {
        for other in participants where other != party {
            var encoder = BinaryEncoder()
            encoder.encode("tacit mask of a request")
            encoder.encodeRaw(pairs[other]!.bytes)
            encoder.encodeRaw(request.bytes)
            let mask = hashed(encoder).polynomial(share.basis, label: label, index: index, isSecret: true)
            if party < other { share.add(mask) } else { share.subtract(mask) }
        }
    }

    private static func hashed(_ encoder: BinaryEncoder) -> UniformSeed {
        // A fingerprint has the 32 bytes of a seed.
        UniformSeed(Fingerprint(of: encoder.bytes))
    }
}
