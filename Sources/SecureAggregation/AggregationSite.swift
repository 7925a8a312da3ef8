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

    private mutating func takeKeyList(
        _ body: [UInt8], using random: inout some SecureRandom
    ) throws(SecureAggregationError) -> Transition {
        let received = ReceivedKeys(try KeyList(body: body, round: round), round: round)
        try requireSurvivors(received.list.entries.count, "key list")
        guard var secrets, let own = received.positions[index],
            received.list.entries[own].keys.channel == Array(secrets.channel.publicKey.rawRepresentation),
            received.list.entries[own].keys.masking == Array(secrets.masking.publicKey.rawRepresentation)
        else {
            throw SecureAggregationError(
                code: .invalidKeyList, message: "key list: lacks member \(member)'s keys or has others for it",
                member: member)
        }
        let neighbours = received.neighbours(of: index)
        if round.literal.coordinator == .active {
            for neighbour in neighbours {
                let entry = received.list.entries[received.positions[neighbour]!]
                guard let key = VerificationKey(round.members[neighbour].verificationKey) else {
                    throw SecureAggregationError(
                        code: .forgedSignature, message: "identity of member \(round.members[neighbour].id): is no key",
                        member: round.members[neighbour].id)
                }
                try entry.message(of: round).verify(key)
            }
        }
        let points = neighbours.map { UInt16($0 + 1) }
        let threshold = round.graph.threshold
        let raw = secrets.masking.rawRepresentation
        let masking = SecretBytes(count: 32) { target in _ = raw.copyBytes(to: target) }
        let maskingShares = SeedSharing.share(masking, threshold: threshold, points: points, using: &random)
        let seedShares = SeedSharing.share(secrets.seed, threshold: threshold, points: points, using: &random)
        var sealed: [[UInt8]] = []
        for (place, neighbour) in neighbours.enumerated() {
            let other = round.members[neighbour].id
            let key = try PairKey.derive(
                secrets.channel, with: received.keys(of: neighbour).channel, round: round.fingerprint,
                members: (member, other), for: .channel)
            secrets.channelKeys[neighbour] = key
            sealed.append(
                SealedShares.seal(masking: maskingShares[place], seed: seedShares[place], under: key, from: member))
        }
        self.secrets = secrets
        keyList = received
        phase = .deliveredShares
        lastAnswer = message(
            .shares,
            SharesBody(
                seedCommitment: seedCommitment(secrets.seed, round: round.fingerprint, member: member), sealed: sealed
            ).body)
        return .send(lastAnswer)
    }

    private mutating func takeShares(_ body: [UInt8]) throws(SecureAggregationError) -> Transition {
        guard var secrets, let keyList else { throw lostSecrets }
        let neighbours = keyList.neighbours(of: index)
        let delivered = try DeliveredShares(body: body, round: round) { sharing in
            neighbours.count { sharing.contains($0) }
        }
        let sharing = delivered.sharing
        guard sharing.contains(index), sharing.indices.allSatisfy({ keyList.positions[$0] != nil }) else {
            throw SecureAggregationError(
                code: .inconsistentLists,
                message: "senders of shares: member \(member) is not among them, or somebody without keys is")
        }
        try requireSurvivors(sharing.count, "senders of shares")
        let present = neighbours.filter { sharing.contains($0) }
        for (neighbour, sealed) in zip(present, delivered.sealed) {
            guard let key = secrets.channelKeys[neighbour] else { throw lostSecrets }
            secrets.shares[neighbour] = try SealedShares.open(sealed, under: key, from: round.members[neighbour].id)
        }
        secrets.channelKeys = [:]
        self.secrets = secrets
        self.sharing = sharing
        phase = .update
        lastAnswer = []
        return .wantsUpdate
    }

    /// Masks the update and signs the commitment to it.
    /// - Parameter update: integers within the round's bound, or modulo 2^b where the round wraps.
    /// - Errors: `unexpected` in another phase, `wrongLength`, `outOfRange` with the place of the value.
    public mutating func submit(
        _ update: [Int64], using random: inout some SecureRandom
    ) throws(SecureAggregationError) -> Transition {
        guard phase == .update, let secrets, let keyList, let sharing else {
            throw SecureAggregationError(
                code: .unexpected, message: "update: got one while waiting for \(phase); a round masks one update only")
        }
        guard update.count == round.literal.length else {
            throw SecureAggregationError(
                code: .wrongLength, message: "update: got \(update.count) values, want \(round.literal.length)",
                member: member)
        }
        if case .bounded(let bound) = round.literal.values {
            let magnitude = UInt64(bound)
            if let place = update.firstIndex(where: { $0.magnitude > magnitude }) {
                throw SecureAggregationError(
                    code: .outOfRange, message: "update: value number \(place) is beyond the public bound of \(bound)",
                    member: member)
            }
        }
        var masks = [
            MaskedVector.Mask(
                key: selfMaskKey(secrets.seed, round: round.fingerprint, member: member), isSubtracted: false)
        ]
        for neighbour in keyList.neighbours(of: index) where sharing.contains(neighbour) {
            let other = round.members[neighbour].id
            let key = try PairKey.derive(
                secrets.masking, with: keyList.keys(of: neighbour).masking, round: round.fingerprint,
                members: (member, other), for: .mask)
            masks.append(.init(key: key, isSubtracted: member > other))
        }
        let nonce = SecretBytes.random(count: 32, using: &random)
        let commitment = UpdateCommitment(to: update, nonce: nonce, round: round, member: member)
        var vector = MaskedVector(update, round: round)
        vector.apply(masks)
        commitmentNonce = nonce
        phase = .survivors
        lastAnswer = message(.maskedInput, commitment.digest.bytes + vector.packed)
        return .send(lastAnswer)
    }

    private mutating func takeSurvivors(_ body: [UInt8]) throws(SecureAggregationError) -> Transition {
        guard let keyList, let sharing else { throw lostSecrets }
        var decoder = BinaryDecoder(body)
        let survivors = try wrappingCoding { () throws(BinaryCodingError) in
            let set = try MemberSet(decoding: &decoder, size: round.members.count, "survivors")
            try decoder.finish("survivors")
            return set
        }
        guard survivors.contains(index), survivors.isSubset(of: sharing) else {
            throw SecureAggregationError(
                code: .inconsistentLists,
                message: "survivors: member \(member) is not among them, or somebody who sent no shares is")
        }
        try requireSurvivors(survivors.count, "survivors")
        guard keyList.ring.keepsWindows({ survivors.contains(keyList.list.entries[$0].index) }) else {
            throw SecureAggregationError(
                code: .disconnected,
                message:
                    "survivors: fewer than \(round.graph.window) are left in \(round.graph.degree / 2) consecutive "
                    + "places of the ring; the sum could be split")
        }
        self.survivors = survivors
        if round.literal.coordinator == .semiHonest { return unmask() }
        phase = .agreements
        lastAnswer = message(.agreement, identity.sign(view(keyList, sharing, survivors).statement))
        return .send(lastAnswer)
    }

    private func view(_ keyList: ReceivedKeys, _ sharing: MemberSet, _ survivors: MemberSet) -> RoundView {
        RoundView(round: round.fingerprint, keyList: keyList.digest, sharing: sharing, survivors: survivors)
    }

    private mutating func takeAgreements(_ body: [UInt8]) throws(SecureAggregationError) -> Transition {
        guard let keyList, let sharing, let survivors else { throw lostSecrets }
        let agreements = try AgreementsBody(body: body, round: round)
        let statement = view(keyList, sharing, survivors).statement
        for entry in agreements.signatures {
            let other = round.members[entry.index]
            guard survivors.contains(entry.index), let key = VerificationKey(other.verificationKey),
                key.verifies(entry.signature, statement)
            else {
                throw SecureAggregationError(
                    code: .inconsistentLists,
                    message: "agreement of member \(other.id): is not for the lists that member \(member) has seen",
                    member: other.id)
            }
        }
        guard agreements.signatures.count >= round.quorum else {
            throw SecureAggregationError(
                code: .belowThreshold,
                message: "agreements: got \(agreements.signatures.count), want \(round.quorum)")
        }
        return unmask()
    }

    /// One kind of share for each neighbour, and the own seed; then nothing secret is left.
    private mutating func unmask() -> Transition {
        guard let secrets, let keyList, let sharing, let survivors else { return .finish(lastAnswer) }
        let access = SecretAccess("one kind of share for each neighbour, by the agreed list")
        let shares = keyList.neighbours(of: index).filter { sharing.contains($0) }.map { neighbour in
            let pair = secrets.shares[neighbour]!
            return (survivors.contains(neighbour) ? pair.seed : pair.masking).copy(access)
        }
        let seed = secrets.seed.copy(SecretAccess("own seed; a survivor's mask comes off"))
        lastAnswer = message(.unmasking, UnmaskingBody(seed: seed, shares: shares).body)
        self.secrets = nil
        phase = .finished
        return .finish(lastAnswer)
    }

    private func requireSurvivors(_ count: Int, _ what: String) throws(SecureAggregationError) {
        guard count >= round.minimumSurvivors else {
            throw SecureAggregationError(
                code: .belowThreshold, message: "\(what): got \(count), want at least \(round.minimumSurvivors)")
        }
    }

    private var lostSecrets: SecureAggregationError {
        SecureAggregationError(code: .unexpected, message: "state: has no secrets for this phase")
    }
}
