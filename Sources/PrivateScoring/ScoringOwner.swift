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
    /// A model on disk may promise so many; within them the noise is far below what a score needs.
    public static let queriesRange = 1...1_000_000
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
        // No text can then have a score that wraps round.
        let greatest = weights.map(abs).sorted(by: >).prefix(EncryptedLinearModel.mostFeatures).reduce(
            abs(intercept), +)
        guard greatest <= EncryptedLinearModel.greatestScore else {
            throw PrivateScoringError(
                .invalidArgument,
                "weights: a text could have a score of \(greatest), want at most \(EncryptedLinearModel.greatestScore)")
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
        (deviation, errorBound) = Self.noise(context, policy)
    }

    /// The owner of a key that was made earlier, after some answers.
    ///
    /// - Parameters:
    ///   - encoded: what ``encodedSecret(_:)`` gave.
    ///   - answered: answers given so far, by anyone who has this key.
    /// - Errors: `invalidEncoding` for other bytes, or the key of another model.
    public init(model: EncryptedLinearModel, encoded: SecretBytes, answered: Int) throws(PrivateScoringError) {
        let access = SecretAccess("reading the key of a scoring owner")
        guard encoded.count > 4, answered >= 0 else {
            throw PrivateScoringError(.invalidEncoding, "secret: got \(encoded.count) bytes, want a scoring key")
        }
        let queries = encoded.withBytes(access) { bytes in
            (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
        }
        let key = SecretBytes(count: encoded.count - 4) { target in
            encoded.withBytes(access) { target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[4...])) }
        }
        do {
            let policy = try CKKSReleasePolicy(statisticalBits: 30, queries: queries)
            secret = try CKKSSecretKey(encoded: key, access, context: model.context)
            (deviation, errorBound) = Self.noise(model.context, policy)
        } catch { throw PrivateScoringError(.invalidEncoding, "secret: \(error.message)") }
        guard secret.identity == model.publicKey.identity, Self.queriesRange.contains(queries) else {
            throw PrivateScoringError(.invalidEncoding, "secret: is the key of another model")
        }
        self.model = model
        self.queries = queries
        self.answered = answered
    }

    /// Number of answers (4 bytes, the lowest first) and the secret key, to be wrapped before they are stored.
    public func encodedSecret(_ access: SecretAccess) -> SecretBytes {
        let key = secret.encoded(access)
        return SecretBytes(count: 4 + key.count) { target in
            for place in 0..<4 { target[place] = UInt8(truncatingIfNeeded: queries >> (8 * place)) }
            key.withBytes(access) {
                UnsafeMutableRawBufferPointer(rebasing: target[4...]).copyMemory(from: UnsafeRawBufferPointer($0))
            }
        }
    }

    /// ``errorBound`` of an owner who gives that many answers.
    /// - Errors: `invalidArgument`.
    public static func errorBound(queries: Int) throws(PrivateScoringError) -> Double {
        try noise(queries: queries).errorBound
    }

    /// Answers from which a reader that does not follow the protocol takes the whole key.
    ///
    /// It sends Δ·Σ 3^i·X^(N−j−i) in place of its selection: the answer is then Δ·Σ ∓3^i·s_(j+i), whose digits are ternary
    /// coefficients of the key when Δ is twice the greatest noise. Of modulus q an answer holds k = ⌊log₃(q/Δ)⌋ of them, and
    /// ⌈N/k⌉ answers all. Fewer are enough for part of the key, which makes the rest easier to find.
    /// - Errors: `invalidArgument`.
    public static func answersForTheKey(queries: Int) throws(PrivateScoringError) -> Int {
        let basis = CKKSContext(try EncryptedLinearModel.parameters()).ring.ciphertextBasis
        let modulus = (0..<basis.count).reduce(1.0) { $0 * Double(basis[$1].value) }
        let step = 2 * CKKSRelease.tail * (try noise(queries: queries).deviation)
        let digits = max(1, (log(modulus / step) / log(3)).rounded(.down))
        return Int((Double(basis.ring.degree) / digits).rounded(.up))
    }

    private static func noise(
        queries: Int
    ) throws(PrivateScoringError) -> (deviation: Double, errorBound: Double) {
        let context = CKKSContext(try EncryptedLinearModel.parameters())
        do { return noise(context, try CKKSReleasePolicy(statisticalBits: 30, queries: queries)) } catch {
            throw PrivateScoringError(.invalidArgument, error.message)
        }
    }

    private static func noise(
        _ context: CKKSContext, _ policy: CKKSReleasePolicy
    ) -> (deviation: Double, errorBound: Double) {
        // Of the constant coefficient: one error of a weight for each feature, and the client's encryption of zero.
        let fresh = context.chain.freshDeviation(publicKey: true)
        let most = Double(EncryptedLinearModel.mostFeatures + 1)
        let error = (fresh * fresh + most * SmallPolynomial.sigma * SmallPolynomial.sigma).squareRoot()
        let bound = CKKSCiphertext.boundFactor * error
        let deviation = FloodingNoise.Plan(reaching: policy.noiseMultiplier * bound).deviation
        let errorBound =
            (CKKSRelease.tail * deviation + bound) / EncryptedLinearModel.scale
            + (Double(EncryptedLinearModel.mostFeatures) + 1) * exp2(-Double(EncryptedLinearModel.fractionBits) - 1)
        return (deviation, errorBound)
    }

    /// Bound on |answered − true score|: noise, and rounding of the weights of as many features as there may be.
    public let errorBound: Double

    /// Answers to several questions, all or none.
    /// - Errors: `budgetExhausted`.
    public mutating func answer(
        _ questions: [ScoringQuestion], using random: inout some SecureRandom
    ) throws(PrivateScoringError) -> [ScoringAnswer] {
        let left = queries - answered
        guard left <= 0 || questions.count <= left else {
            throw PrivateScoringError(
                .budgetExhausted, "answers: got \(questions.count) questions, want at most \(left), the answers left")
        }
        var answers: [ScoringAnswer] = []
        for question in questions { answers.append(try answer(question, using: &random)) }
        return answers
    }

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
        // Only the constant coefficient leaves, so only that gets noise; its residues are made without looking at the sample.
        product.add(FloodingNoise(count: 1, deviation: deviation, using: &random).polynomial(basis))
        let residues = (0..<basis.count).map { j in
            let sum = product.withLimb(j) { $0[0] } + question.blinded[j]
            return sum >= basis[j].value ? sum - basis[j].value : sum
        }
        return ScoringAnswer(residues: residues)
    }
}
