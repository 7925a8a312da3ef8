import CKKS
import Foundation
import Lattice
import Randomness

/// Who has the model and its key, and answers questions that it cannot read.
public struct ScoringOwner: Sendable {
    public let model: EncryptedLinearModel
    private let secret: CKKSSecretKey
    /// Answers that it gives in the key's life.
    public let queries: Int
    public private(set) var answered = 0
    private let deviation: Double

    /// Makes a key and encrypts the model.
    /// - Parameters:
    ///   - queries: more of them make the noise of each answer greater.
    /// - Errors: `invalidArgument` for weights that are not finite or beyond ``EncryptedLinearModel/greatestWeight``.
    public init(
        weights: [Double], intercept: Double, queries: Int, using random: inout some SecureRandom
    ) throws(PrivateScoringError) {
        let all = weights + [intercept]
        if let bad = all.firstIndex(where: { !(abs($0) <= EncryptedLinearModel.greatestWeight) }) {
            throw PrivateScoringError(
                .invalidArgument,
                "weight \(bad): want a finite number up to \(EncryptedLinearModel.greatestWeight) in magnitude")
        }
        let context = CKKSContext(try EncryptedLinearModel.parameters())
        let policy: CKKSReleasePolicy
        do { policy = try CKKSReleasePolicy(statisticalBits: 30, queries: queries) } catch {
            throw PrivateScoringError(.invalidArgument, error.message)
        }
        let secret = CKKSSecretKey(context, using: &random)
        let ring = context.ring
        let basis = ring.ciphertextBasis
        var list: [SeededCiphertext] = []
        for index in 0..<EncryptedLinearModel.polynomials(weights.count, degree: ring.degree) {
            var integers = [Int64](repeating: 0, count: ring.degree)
            for place in index * ring.degree..<min(all.count, (index + 1) * ring.degree) {
                integers[place - index * ring.degree] = Int64(
                    (all[place] * exp2(Double(EncryptedLinearModel.fractionBits))).rounded())
            }
            var polynomial = RNSPolynomial<Coefficients>(signed: integers, basis: basis, isSecret: true)
            polynomial.multiply(byInteger: 1 << Int64(EncryptedLinearModel.unitBits))
            let zero = secret.lattice.encryptZero(over: basis, using: &random)
            var body = polynomial.transformed()
            body.add(zero.body)
            list.append(SeededCiphertext(body: body.declassified(), seed: zero.seed))
        }
        model = EncryptedLinearModel(
            featureCount: weights.count, publicKey: CKKSPublicKey(secret, using: &random), weights: list)
        self.secret = secret
        self.queries = queries
        // Of the constant coefficient: one error of a weight for each feature, and the client's encryption of zero.
        let fresh = context.chain.freshDeviation(publicKey: true)
        let most = Double(EncryptedLinearModel.mostFeatures + 1)
        let error = (fresh * fresh + most * SmallPolynomial.sigma * SmallPolynomial.sigma).squareRoot()
        let bound = CKKSCiphertext.boundFactor * error
        deviation = FloodingNoise.Plan(reaching: policy.noiseMultiplier * bound).deviation
        errorBound =
            (CKKSRelease.tail * deviation + bound) / EncryptedLinearModel.scale
            + (Double(EncryptedLinearModel.mostFeatures) + 1) * exp2(-Double(EncryptedLinearModel.fractionBits) - 1)
    }

    /// Bound on |answered − true score|: noise, and rounding of the weights of as many features as there may be.
    public let errorBound: Double

    /// Opens a question's blinded score, with noise that hides the key.
    /// - Errors: `budgetExhausted`.
    public mutating func answer(
        _ question: ScoringQuestion, using random: inout some SecureRandom
    ) throws(PrivateScoringError) -> ScoringAnswer {
        guard answered < queries else {
            throw PrivateScoringError(
                .budgetExhausted, "answers: all \(queries) that the noise was sized for are given; make a new key")
        }
        answered += 1
        let basis = model.basis
        let own = secret.lattice.evaluations(SecretAccess("answer to a scoring question"), over: basis)
        var product = (question.second * own).transformed()
        // A whole polynomial of noise for one coefficient: its residues are made without looking at the sample.
        product.add(
            FloodingNoise(count: basis.ring.degree, deviation: deviation, using: &random).polynomial(basis))
        let residues = (0..<basis.count).map { j in
            let sum = product.withLimb(j) { $0[0] } + question.blinded[j]
            return sum >= basis[j].value ? sum - basis[j].value : sum
        }
        return ScoringAnswer(residues: residues)
    }
}
