import BinaryCoding
import Parallelism
import Randomness

/// The coordinator's side of one round, as a state machine without input and output or clock.
///
/// Messages of sites go to ``receive(_:)``; when ``missing`` is empty or patience is at an end, ``advance()`` closes the
/// phase: who has not answered has dropped out. The coordinator has no secrets but its signing key; what it sees is in
/// ``transcript``.
public struct AggregationCoordinator: Sendable, CustomStringConvertible {
    public enum Phase: UInt8, Sendable, Comparable, CaseIterable {
        case keys = 1, shares, maskedInputs, agreements, unmasking, finished
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }
    /// What to do after a phase.
    public enum Step: Sendable {
        /// Messages to members, then wait.
        case send([(member: UInt32, message: [UInt8])])
        case finish(AggregationOutcome)
    }

    public let round: AggregationRound
    public internal(set) var phase = Phase.keys
    public internal(set) var transcript: AggregationTranscript

    var voice: Voice
    /// Journals of the members as far as seen.
    var heads: [Int: Fingerprint] = [:]
    /// Digest of the last message taken from each, to recognise repetitions.
    var taken: [Int: Fingerprint] = [:]
    /// Who has answered in this phase.
    var answered: MemberSet
    var entries: [Int: KeyList.Entry] = [:]
    package var keyList: AggregationSite.ReceivedKeys?
    var shares: [Int: SharesBody] = [:]
    var sharing: MemberSet?
    var sum: MaskedVector
    var survivors: MemberSet?
    var agreements: [Int: [UInt8]] = [:]
    var unmaskings: [Int: UnmaskingBody] = [:]
    /// Phases in which members were lost.
    var lost: [Int: Phase] = [:]
    /// Messages of the phase, to be sent again after a restart.
    var sent: [Int: [UInt8]] = [:]

    /// Who speaks: the coordinator itself, or the messages of a transcript that is replayed.
    package enum Voice: Sendable {
        case identity(AggregationIdentity)
        case recorded([AggregationMessage], VerificationKey)
    }

    /// - Parameter keepsVectors: whether masked vectors stay in the transcript, so that others can add them up again.
    /// - Errors: `unknownMember` when the identity is not the round's.
    public init(
        _ round: AggregationRound, identity: AggregationIdentity, keepsVectors: Bool = false
    ) throws(SecureAggregationError) {
        guard identity.verificationKey == round.literal.coordinatorKey else {
            throw SecureAggregationError(
                code: .unknownMember, message: "coordinator: its identity is not the one of \(round)")
        }
        self.init(round, voice: .identity(identity), keepsVectors: keepsVectors)
    }

    package init(_ round: AggregationRound, voice: Voice, keepsVectors: Bool) {
        self.round = round
        self.voice = voice
        transcript = AggregationTranscript(round: round, keepsVectors: keepsVectors)
        answered = MemberSet(size: round.members.count)
        sum = MaskedVector(zero: round)
    }

    public var description: String { "coordinator of \(round), collecting \(phase)" }

    /// Places of those whose message is due in this phase.
    var expected: [Int] {
        switch phase {
        case .keys: Array(round.members.indices)
        case .shares: keyList?.list.entries.map(\.index) ?? []
        case .maskedInputs: sharing?.indices ?? []
        case .agreements, .unmasking: survivors?.indices ?? []
        case .finished: []
        }
    }

    /// Members whose message is still to come in this phase, ascending.
    public var missing: [UInt32] { expected.filter { !answered.contains($0) }.map { round.members[$0].id } }

    /// Members that have answered in this phase.
    public var answeredCount: Int { answered.count }

    /// The message that started this phase for a member, to be sent again.
    public func lastMessage(to member: UInt32) -> [UInt8]? { round.index(of: member).flatMap { sent[$0] } }

    // MARK: Messages

    /// Takes in a message of a site.
    /// - Returns: false when the same message was taken before.
    /// - Errors: `invalidEncoding`, `wrongRound`, `unknownMember`, `forgedSignature`, `unexpected`, `duplicate`,
    ///   `brokenJournal`, `wrongLength`, `invalidKeyList`, each with the member: the state is then unchanged.
    @discardableResult
    public mutating func receive(_ bytes: [UInt8]) throws(SecureAggregationError) -> Bool {
        try receive(AggregationMessage(decoding: bytes, round: round), hasVector: true)
    }

    mutating func receive(
        _ message: AggregationMessage, hasVector: Bool
    ) throws(SecureAggregationError) -> Bool {
        guard let sender = message.sender, let index = round.index(of: sender) else {
            throw SecureAggregationError(
                code: .unknownMember,
                message: "sender: \(message.sender.map(String.init) ?? "coordinator") is no member",
                member: message.sender)
        }
        if taken[index] == message.journalHead { return false }
        guard let key = VerificationKey(round.members[index].verificationKey) else {
            throw SecureAggregationError(
                code: .forgedSignature, message: "identity of member \(sender): is no key", member: sender)
        }
        try message.verify(key)
        let due: MessageKind? =
            switch phase {
            case .keys: .keys
            case .shares: .shares
            case .maskedInputs: .maskedInput
            case .agreements: .agreement
            case .unmasking: .unmasking
            case .finished: nil
            }
        guard message.kind == due, isExpected(index) else {
            throw SecureAggregationError(
                code: .unexpected,
                message: "message: got \(message.kind.name) of member \(sender), while collecting \(phase)"
                    + (lost[index].map { "; it was lost while collecting \($0)" } ?? ""), member: sender)
        }
        guard !answered.contains(index) else {
            throw SecureAggregationError(
                code: .duplicate, message: "message: a second and different \(message.kind.name) of member \(sender)",
                member: sender)
        }
        if let head = heads[index], head != message.previous {
            throw SecureAggregationError(
                code: .brokenJournal,
                message:
                    "journal of member \(sender): its \(message.kind.name) follows \(message.previous), want \(head)",
                member: sender)
        }
        try take(message, from: index, sender: sender, hasVector: hasVector)
        answered.insert(index)
        heads[index] = message.journalHead
        taken[index] = message.journalHead
        transcript.append(message)
        return true
    }

    private func isExpected(_ index: Int) -> Bool {
        switch phase {
        case .keys: true
        case .shares: keyList?.positions[index] != nil
        case .maskedInputs: sharing?.contains(index) ?? false
        case .agreements, .unmasking: survivors?.contains(index) ?? false
        case .finished: false
        }
    }

    private mutating func take(
        _ message: AggregationMessage, from index: Int, sender: UInt32, hasVector: Bool
    ) throws(SecureAggregationError) {
        switch message.kind {
        case .keys:
            let keys = try RoundKeys(body: message.body)
            guard entries.values.allSatisfy({ $0.keys.channel != keys.channel && $0.keys.masking != keys.masking })
            else {
                throw SecureAggregationError(
                    code: .invalidKeyList, message: "public keys of member \(sender): are those of another member",
                    member: sender)
            }
            entries[index] = KeyList.Entry(
                index: index, keys: keys, previous: message.previous, signature: message.signature)
        case .shares:
            shares[index] = try SharesBody(
                body: message.body, neighbours: keyList!.neighbours(of: index).count, member: sender)
        case .maskedInput:
            if hasVector { try sum.add(packed: message.body, skipping: 32, member: sender) }
        case .agreement:
            guard let key = VerificationKey(round.members[index].verificationKey),
                key.verifies(message.body, view!.statement)
            else {
                throw SecureAggregationError(
                    code: .inconsistentLists, message: "agreement of member \(sender): is for other lists",
                    member: sender)
            }
            agreements[index] = message.body
        case .unmasking:
            unmaskings[index] = try UnmaskingBody(
                body: message.body, neighbours: sharingNeighbours(of: index).count, member: sender)
        default:
            throw SecureAggregationError(
                code: .unexpected, message: "message: \(message.kind.name) is not a site's", member: sender)
        }
    }

    func sharingNeighbours(of index: Int) -> [Int] {
        keyList!.neighbours(of: index).filter { sharing!.contains($0) }
    }

    private var view: RoundView? {
        guard let keyList, let sharing, let survivors else { return nil }
        return RoundView(round: round.fingerprint, keyList: keyList.digest, sharing: sharing, survivors: survivors)
    }

    // MARK: Phases

    /// Closes the phase with those who have answered.
    /// - Errors: `belowThreshold`, `disconnected`, `invalidShare`: the round cannot be finished; `unexpected` afterwards.
    public mutating func advance() throws(SecureAggregationError) -> Step {
        guard phase != .finished else {
            throw SecureAggregationError(code: .unexpected, message: "round: is finished")
        }
        var next = self
        let step = try next.close()
        self = next
        return step
    }

    private mutating func close() throws(SecureAggregationError) -> Step {
        let needed = phase == .agreements ? round.quorum : round.minimumSurvivors
        guard phase == .unmasking || answered.count >= needed else {
            throw SecureAggregationError(
                code: .belowThreshold,
                message:
                    "\(phase): got \(answered.count) of \(round.members.count) members, want at least \(needed); the "
                    + "round ends without a sum")
        }
        for index in expected where !answered.contains(index) { lost[index] = phase }
        let present = answered
        answered = MemberSet(size: round.members.count)
        sent = [:]
        switch phase {
        case .keys:
            let list = AggregationSite.ReceivedKeys(
                KeyList(entries: entries.keys.sorted().map { entries[$0]! }), round: round)
            keyList = list
            phase = .shares
            return try broadcast(.keyList, list.list.body, to: present)
        case .shares:
            sharing = present
            phase = .maskedInputs
            for index in present.indices {
                let body = DeliveredShares(
                    sharing: present,
                    sealed: sharingNeighbours(of: index).map { neighbour in
                        let place = keyList!.neighbours(of: neighbour).firstIndex(of: index)!
                        return shares[neighbour]!.sealed[place]
                    })
                sent[index] = try say(.deliveredShares, body.body)
            }
            for index in shares.keys { shares[index]!.sealed = [] }
            return .send(present.indices.map { (round.members[$0].id, sent[$0]!) })
        case .maskedInputs:
            guard keyList!.ring.keepsWindows({ present.contains(keyList!.list.entries[$0].index) }) else {
                throw SecureAggregationError(
                    code: .disconnected,
                    message: "survivors: fewer than \(round.graph.window) are left in some \(round.graph.degree / 2) "
                        + "consecutive places of the ring; the round ends without a sum")
            }
            survivors = present
            phase = round.literal.coordinator == .active ? .agreements : .unmasking
            var encoder = BinaryEncoder()
            present.encode(into: &encoder)
            return try broadcast(.survivors, encoder.bytes, to: present)
        case .agreements:
            phase = .unmasking
            let signatures = agreements.keys.sorted().map { (index: $0, signature: agreements[$0]!) }
            return try broadcast(.agreements, AgreementsBody(signatures: signatures).body, to: survivors!)
        case .unmasking:
            let (masks, suspects) = try recoverMasks()
            var result = sum
            result.apply(masks)
            phase = .finished
            let values = result.signed
            try transcript.close(values, voice: &voice)
            return .finish(
                AggregationOutcome(
                    sum: values, survivors: survivors!.indices.map { round.members[$0].id },
                    lost: lost.keys.sorted().map { (round.members[$0].id, lost[$0]!) },
                    suspects: suspects.sorted()))
        case .finished: throw SecureAggregationError(code: .unexpected, message: "round: is finished")
        }
    }

    private mutating func broadcast(
        _ kind: MessageKind, _ body: [UInt8], to members: MemberSet
    ) throws(SecureAggregationError) -> Step {
        let message = try say(kind, body)
        for index in members.indices { sent[index] = message }
        return .send(members.indices.map { (round.members[$0].id, message) })
    }

    /// Signs a message and writes it down; in a replay compares it with what was written down.
    private mutating func say(_ kind: MessageKind, _ body: [UInt8]) throws(SecureAggregationError) -> [UInt8] {
        let message = try voice.say(kind, body, round: round, previous: transcript.head)
        transcript.append(message)
        return message.encoded
    }
}
