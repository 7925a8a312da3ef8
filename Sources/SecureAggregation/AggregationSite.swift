import BinaryCoding
import Crypto
import Foundation
import Randomness

/// A site's side of one round, as a state machine without input and output: messages in, messages out.
///
/// `start` gives the first message. Then every message of the coordinator goes to ``receive(_:using:)``, and the update to
/// ``submit(_:using:)`` when it is asked for. A refused message leaves the state as it was.
///
/// Store ``encoded`` before a message leaves: the state keeps its last answer and gives the same one again when it is
/// asked again, after a restart too. It never masks two updates in one round, and never gives both kinds of share of one
/// participant. A state from an older backup would not know what it has done: never go back to one.
/// - Reference: Bonawitz et al. 2017 (ePrint 2017/281), figures 3 and 4; Bell et al. 2020 for the ring.
public struct AggregationSite: Sendable, CustomStringConvertible {
    public enum Phase: UInt8, Sendable, Comparable, CaseIterable {
        case keyList = 1, deliveredShares, update, survivors, agreements, finished
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }
    /// What to do after a message.
    public enum Transition: Sendable, Equatable {
        /// Send this to the coordinator and wait.
        case send([UInt8])
        /// Call ``AggregationSite/submit(_:using:)``.
        case wantsUpdate
        /// Send this; the site's part in the round is over, its secrets are wiped.
        case finish([UInt8])
    }

    public let round: AggregationRound
    public let identity: AggregationIdentity
    public let member: UInt32
    public internal(set) var phase = Phase.keyList
    /// To be kept for the next round.
    public internal(set) var journal: SiteJournal
    /// Opens the commitment to the update, for an auditor: see ``UpdateCommitment``. Random, drawn with the update.
    public internal(set) var commitmentNonce: SecretBytes?

    /// Place among the members.
    let index: Int
    var secrets: Secrets?
    var keyList: ReceivedKeys?
    var sharing: MemberSet?
    var survivors: MemberSet?
    /// The last message of the coordinator and the answer to it.
    var lastInput: Fingerprint?
    var lastAnswer: [UInt8] = []

    /// What must not be seen; gone when the round is over.
    struct Secrets: Sendable {
        var channel: Curve25519.KeyAgreement.PrivateKey
        var masking: Curve25519.KeyAgreement.PrivateKey
        var seed: SecretBytes
        /// Keys of the channels to the neighbours, by their places among the members.
        var channelKeys: [Int: SecretBytes] = [:]
        /// Shares from neighbours: of the masking key and of the seed. Only one of the two ever leaves.
        var shares: [Int: (masking: SecretBytes, seed: SecretBytes)] = [:]
    }

    /// The coordinator's key list with what follows from it.
    package struct ReceivedKeys: Sendable {
        package var list: KeyList
        var digest: Fingerprint
        package var ring: RingOrder
        /// Position in the list by place among the members.
        var positions: [Int: Int]

        init(_ list: KeyList, round: AggregationRound) {
            self.list = list
            digest = Fingerprint(of: list.body)
            ring = RingOrder(graph: round.graph, count: list.entries.count, seed: digest.bytes)
            positions = Dictionary(uniqueKeysWithValues: list.entries.enumerated().map { ($1.index, $0) })
        }

        /// Places of the neighbours among the members, ascending.
        func neighbours(of index: Int) -> [Int] {
            guard let position = positions[index] else { return [] }
            return ring.neighbours(of: position).map { list.entries[$0].index }
        }
        func keys(of index: Int) -> RoundKeys { list.entries[positions[index]!].keys }
    }

    /// How many updates the sum has; nil until the site has heard of it.
    package var survivorCount: Int? { survivors?.count }

    public var description: String { "member \(member) in \(round), waiting for \(phase)" }

    /// Begins the round: fresh keys, and the message that carries them.
    /// - Parameter journal: of the site in this session; the new one is in ``journal``.
    /// - Errors: `unknownMember` when the identity is not the one pinned for the member; `wrongRound`, `roundReused`.
    public static func start(
        _ round: AggregationRound, member: UInt32, identity: AggregationIdentity, journal: SiteJournal,
        using random: inout some SecureRandom
    ) throws(SecureAggregationError) -> (site: AggregationSite, message: [UInt8]) {
        guard let index = round.index(of: member), round.members[index].verificationKey == identity.verificationKey
        else {
            throw SecureAggregationError(
                code: .unknownMember, message: "member: \(member) with this identity is not in \(round)", member: member
            )
        }
        var journal = journal
        try journal.begin(round)
        func key() -> Curve25519.KeyAgreement.PrivateKey {
            let bytes = SecretBytes.random(count: 32, using: &random)
            // Any 32 bytes are a key.
            return bytes.withBytes(SecretAccess("making a key of the round")) {
                try! Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0)
            }
        }
        let secrets = Secrets(
            channel: key(), masking: key(), seed: SecretBytes.random(count: 32, using: &random))
        var site = AggregationSite(
            round: round, identity: identity, member: member, journal: journal, index: index, secrets: secrets)
        let keys = RoundKeys(
            channel: Array(secrets.channel.publicKey.rawRepresentation),
            masking: Array(secrets.masking.publicKey.rawRepresentation))
        site.lastAnswer = site.message(.keys, keys.body)
        return (site, site.lastAnswer)
    }

    init(
        round: AggregationRound, identity: AggregationIdentity, member: UInt32, journal: SiteJournal, index: Int,
        secrets: Secrets?
    ) {
        self.round = round
        self.identity = identity
        self.member = member
        self.journal = journal
        self.index = index
        self.secrets = secrets
    }

    /// The last message that this site sent, to be sent again when it may have been lost.
    public var lastMessage: [UInt8] { lastAnswer }

    mutating func message(_ kind: MessageKind, _ body: [UInt8]) -> [UInt8] {
        let message = AggregationMessage(
            kind, round: round.fingerprint, sender: member, previous: journal.head, body: body, signedBy: identity)
        journal.append(message)
        return message.encoded
    }

    // MARK: Messages

    /// Takes in a message of the coordinator.
    /// - Errors: `invalidEncoding`, `wrongRound`, `forgedSignature`, `unexpected`, `invalidKeyList`, `inconsistentLists`,
    ///   `belowThreshold`, `disconnected`, `invalidShare`, `wrongLength`: the state is then unchanged.
    public mutating func receive(
        _ bytes: [UInt8], using random: inout some SecureRandom
    ) throws(SecureAggregationError) -> Transition {
        let digest = Fingerprint(of: bytes)
        if digest == lastInput {
            return phase == .update ? .wantsUpdate : phase == .finished ? .finish(lastAnswer) : .send(lastAnswer)
        }
        let message = try AggregationMessage(decoding: bytes, round: round)
        guard !message.kind.isFromSite, let key = VerificationKey(round.literal.coordinatorKey) else {
            throw SecureAggregationError(
                code: .unexpected, message: "message: got \(message.kind.name) of a site, want one of the coordinator")
        }
        try message.verify(key)
        var next = self
        next.lastInput = digest
        let transition: Transition
        switch (message.kind, phase) {
        case (.keyList, .keyList): transition = try next.takeKeyList(message.body, using: &random)
        case (.deliveredShares, .deliveredShares): transition = try next.takeShares(message.body)
        case (.survivors, .survivors): transition = try next.takeSurvivors(message.body)
        case (.agreements, .agreements): transition = try next.takeAgreements(message.body)
        case (.survivors, .agreements), (.survivors, .finished):
            throw SecureAggregationError(
                code: .inconsistentLists,
                message: "list of survivors: a second one that differs from the first; shares leave for one only")
        default:
            throw SecureAggregationError(
                code: .unexpected, message: "message: got \(message.kind.name), while waiting for \(phase)")
        }
        self = next
        return transition
    }
}
