import BinaryCoding
import CKKS
import Foundation
import Lattice
import Randomness

extension EncryptedLinearModel {
    /// What takes the blinding off an answer; of one question, kept at home.
    public struct Blinding: Sendable {
        let residues: [UInt64]
        private let basis: RNSBasis

        init(residues: [UInt64], basis: RNSBasis) {
            self.residues = residues
            self.basis = basis
        }

        func encode(into encoder: inout BinaryEncoder) { for residue in residues { encoder.encode(residue) } }

        init(decoding decoder: inout BinaryDecoder, basis: RNSBasis) throws(PrivateScoringError) {
            residues = try ScoringResidues.decode(&decoder, basis, "blinding")
            self.basis = basis
        }

        /// The score, with the noise of the answer: within ``ScoringOwner/errorBound`` of the model's.
        public func score(_ answer: ScoringAnswer) -> Double {
            let (q0, q1) = (basis[0], basis[1])
            let difference = zip(answer.residues, residues).enumerated().map { j, pair in
                pair.0 >= pair.1 ? pair.0 - pair.1 : pair.0 + basis[j].value - pair.1
            }
            // x = d₀ + q₀·((d₁ − d₀)/q₀ mod q₁), then centred.
            let step = difference[1] + q1.value - difference[0] % q1.value
            let high = q1.multiply(step % q1.value, q1.inverse(q0.value % q1.value))
            let value = UInt128(difference[0]) + UInt128(q0.value) * UInt128(high)
            let modulus = UInt128(q0.value) * UInt128(q1.value)
            let centred = value > modulus / 2 ? -Double(modulus - value) : Double(value)
            return centred / EncryptedLinearModel.scale
        }
    }

    /// Asks for the score of a set of features.
    ///
    /// Its time and bytes depend on the model's size only, but for the placing of the features themselves.
    /// - Parameter features: different numbers in 0..<`featureCount`.
    /// - Errors: `invalidArgument`.
    public func ask(
        _ features: some Collection<Int32>, using random: inout some SecureRandom
    ) throws(PrivateScoringError) -> (question: ScoringQuestion, blinding: Blinding) {
        guard features.count <= Self.mostFeatures else {
            throw PrivateScoringError(
                .invalidArgument, "features: got \(features.count), want at most \(Self.mostFeatures)")
        }
        let degree = context.ring.degree
        var places = [[Int64]](repeating: [Int64](repeating: 0, count: degree), count: weights.count)
        func place(_ index: Int) {
            // X^(−i) = −X^(N−i)
            let within = index % degree
            places[index / degree][within == 0 ? 0 : degree - within] = within == 0 ? 1 : -1
        }
        for feature in features {
            guard (0..<featureCount).contains(Int(feature)) else {
                throw PrivateScoringError(
                    .invalidArgument, "feature: got \(feature), want a number in 0..<\(featureCount)")
            }
            place(Int(feature))
        }
        place(featureCount)
        let zero = publicKey.lattice.encryptZero(over: basis, using: &random).parts
        var (first, second) = (zero[0], zero[1])
        for (one, places) in zip(weights, places) {
            let selection = RNSPolynomial<Coefficients>(signed: places, basis: basis, isSecret: true).transformed()
            let parts = one.expanded().parts
            first.addProduct(parts[0], selection)
            second.addProduct(parts[1], selection)
        }
        let coefficients = first.transformed()
        var (blinded, blinding): ([UInt64], [UInt64]) = ([], [])
        for j in 0..<basis.count {
            let q = basis[j].value
            let own = random.uniform(below: q)
            let sum = coefficients.withLimb(j) { $0[0] } + own
            blinded.append(sum >= q ? sum - q : sum)
            blinding.append(own)
        }
        return (
            ScoringQuestion(blinded: blinded, second: second.declassified()), Blinding(residues: blinding, basis: basis)
        )
    }
}
