import BigIntegers
import Foundation
import Paillier
import Randomness
import Tabular

/// What passes from site to site in a round: the encrypted sum of the gradients so far.
public struct RingMessage: Sendable {
    public let round: Int
    /// Sites that have added to it.
    public let siteCount: Int
    public let sum: PackedCiphertexts
}

/// One owner in an encrypted gradient ring: a value that takes the weights and the message of the site before, and gives
/// the message for the next.
///
/// In each round the first site encrypts its gradient, every other site adds its own and passes the sum on, and the last
/// one hands it to the key holders, who open the sum and send new weights. A site sees the weights, which everybody
/// sees, and ciphertexts; the key holders see sums over all sites. What leaves a site is re-randomised by the fresh
/// encryption of its own part.
/// - Guarantee: semi-honest; the key holders do not collude with both neighbours of a site, who together with them could
///   open that site's gradient.
public struct RingParticipant: Sendable {
    private let site: RingSite
    private let layout: PackingLayout
    private let encryptor: PaillierEncryptor
    private var lastRound = -1

    public var rowCount: Int { site.rowCount }

    /// - Throws: `cohortTooSmall` for fewer rows than `minimumCohort`.
    public init(plan: RingPlan, site: RingSite, encryptor: PaillierEncryptor, minimumCohort: Int) throws {
        guard site.rowCount >= minimumCohort else {
            throw PrivateLearningError(
                code: .cohortTooSmall, message: "rows: got \(site.rowCount), want at least \(minimumCohort)")
        }
        self.site = site
        self.encryptor = encryptor
        layout = try plan.layout(modulusBits: encryptor.publicKey.parameters.modulusBits)
    }

    /// Adds this site's gradient at the weights.
    /// - Parameter message: from the site before; nil for the first site of the round.
    /// - Throws: `mismatch` for a message of another round, or a round that this site has already answered: a second
    ///   answer with other weights would let two sums be compared.
    public mutating func add(
        to message: RingMessage?, round: Int, weights: [Double], using random: inout some SecureRandom
    ) throws -> RingMessage {
        guard round > lastRound else {
            throw PrivateLearningError(
                code: .mismatch, message: "round: got \(round), want one after \(lastRound), which was answered")
        }
        guard message == nil || message!.round == round else {
            throw PrivateLearningError(
                code: .mismatch, message: "message: got round \(message!.round), want \(round)")
        }
        let own = try encryptor.encrypt(
            packing: site.gradient(at: weights), layout: layout, weight: PackingWeight(positive: site.rowCount),
            using: &random)
        lastRound = round
        guard let message else { return RingMessage(round: round, siteCount: 1, sum: own) }
        return RingMessage(
            round: round, siteCount: message.siteCount + 1, sum: try encryptor.publicKey.add(message.sum, own))
    }
}

/// A whole ring in one process: every message is made, passed and opened as between processes.
public struct GradientRing: Sendable {
    public let plan: RingPlan
    private var participants: [RingParticipant]
    private var trainer: RingTrainer

    public init(plan: RingPlan, participants: [RingParticipant], rowCount: Int) {
        self.plan = plan
        self.participants = participants
        trainer = RingTrainer(plan: plan, rowCount: rowCount)
    }

    public var isFinished: Bool { trainer.isFinished }
    public var round: Int { trainer.round }
    public var model: (coefficients: [Double], intercept: Double) { trainer.model }

    /// One round.
    /// - Parameter open: the key holders' part: the integers in the slots of the sum.
    /// - Returns: ciphertexts that crossed between parties.
    public mutating func advance(
        using random: inout some SecureRandom, open: (PackedCiphertexts) throws -> [BigInteger]
    ) throws -> Int {
        var message: RingMessage?
        var crossed = 0
        for index in participants.indices {
            message = try participants[index].add(
                to: message, round: trainer.round, weights: trainer.weights, using: &random)
            crossed += message!.sum.ciphertexts.count
        }
        guard let message else {
            throw PrivateLearningError(code: .invalidParameter, message: "sites: got none, want at least one")
        }
        try trainer.apply(open(message.sum))
        return crossed
    }
}

extension RingSite {
    /// A site with the rows of a table, encoded as the plan of the encrypted sums says.
    public init(plan: RingPlan, encoding: EncodingPlan, table: Table) throws {
        let integers = try encoding.encode(table)
        let columns = try plan.features.map { try encoding.index(of: $0.name) }
        self.init(
            plan: plan, features: integers.realRows(columns, plan: encoding),
            targets: integers.realRows([try encoding.index(of: plan.target)], plan: encoding))
    }
}
