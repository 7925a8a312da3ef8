import BinaryCoding
import CKKS
import Lattice
import Randomness

/// What a finished key generation leaves with one party.
public struct CollectiveKeys: Sendable {
    public let publicKey: CKKSPublicKey
    /// nil when the group asked for none.
    public let evaluationKeys: CKKSEvaluationKeys?
    /// This party's secret.
    public let share: CollectiveKeyShare
    /// Of the public key: in every ciphertext and evaluation key.
    public var identity: Fingerprint { publicKey.identity }

    /// The same with an updated share.
    public func replacing(_ share: CollectiveKeyShare) -> CollectiveKeys {
        CollectiveKeys(publicKey: publicKey, evaluationKeys: evaluationKeys, share: share)
    }
}

/// One party's side of making a collective key, as a state machine without input and output: messages in, messages out.
///
/// Phases: commit to a nonce; open it (the common random string is the hash of all); send shares of the public key, Galois
/// keys, round 1 of the relinearisation key, and privately a Shamir share for each other party; round 2; confirm that all
/// saw the same. Messages of a later phase may come early, in any order; each is taken once.
///
/// A refused message leaves the state as it was.
/// - Reference: Mouchet et al. 2021 (ePrint 2020/304), section 4; Mouchet, Bertrand, Hubaux 2022 (ePrint 2022/780).
public struct CollectiveKeyGeneration: Sendable, CustomStringConvertible {
    public enum Phase: Int, Sendable, Comparable {
        case commitments, openings, shares, secondRound, confirmations, finished
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }
    /// What to do after a message.
    public enum Transition: Sendable {
        /// Messages to send, perhaps none.
        case send([PartyMessage])
        /// Done: the keys, and messages that the others still wait for.
        case finish(CollectiveKeys, sending: [PartyMessage])
    }

    public let setting: KeyGenerationGroup
    /// 1…n
    public let party: Int
    public internal(set) var phase = Phase.commitments

    var group: CollectiveGroup { setting.group }
    let nonce: [UInt8]
    let secret: RLWESecretKey
    let ephemeral: SmallPolynomial
    /// Seeds of the masks, drawn for each other party.
    let pairSeeds: [Int: [UInt8]]

    var commitments: [Int: Fingerprint] = [:]
    var openings: [Int: [UInt8]] = [:]
    var reference: CommonReference?
    var publicKeys = Collected()
    var first = Collected()
    var second = Collected()
    var galois: [UInt32: Collected] = [:]
    var received: [Int: [UInt8]] = [:]
    var shamir: RNSPolynomial<Evaluations>?
    /// By the party whose secret they are shares of, when uploads will be added.
    var shamirOf: [Int: RNSPolynomial<Evaluations>] = [:]
    var confirmations: [Int: Fingerprint] = [:]
    var result: CollectiveKeys?

    public var description: String { "CollectiveKeyGeneration(party \(party) of \(group.parties), \(phase))" }

    /// A sum of contributions, one from each party.
    struct Collected: Sendable {
        var sum: [RNSPolynomial<Evaluations>] = []
        var parties: Set<Int> = []

        mutating func add(_ contribution: [RNSPolynomial<Evaluations>], from party: Int) {
            if sum.isEmpty { sum = contribution } else { for i in sum.indices { sum[i].add(contribution[i]) } }
            parties.insert(party)
        }
    }

    /// Draws this party's secret and nonce.
    /// - Returns: the state and the first message.
    /// - Errors: `wrongParty`.
    public static func start(
        _ setting: KeyGenerationGroup, party: Int, using random: inout some SecureRandom
    ) throws(MultipartyError) -> (state: Self, messages: [PartyMessage]) {
        guard (1...setting.group.parties).contains(party) else {
            throw MultipartyError(
                code: .wrongParty, message: "party: got \(party), want 1...\(setting.group.parties)")
        }
        var state = Self(setting, party: party, using: &random)
        let commitment = CommonReference.commitment(session: setting.session, party: party, nonce: state.nonce)
        state.commitments[party] = commitment
        return (state, [state.message(.commitment(commitment))])
    }

    private init(_ setting: KeyGenerationGroup, party: Int, using random: inout some SecureRandom) {
        self.setting = setting
        self.party = party
        nonce = random.bytes(count: 32)
        secret = RLWESecretKey(ring: setting.context.ring, using: &random)
        ephemeral = SmallPolynomial.ternary(count: setting.context.ring.degree, using: &random)
        var seeds: [Int: [UInt8]] = [:]
        for other in 1...setting.group.parties where other != party { seeds[other] = random.bytes(count: 32) }
        pairSeeds = seeds
    }

    func message(_ content: PartyMessage.Content, to recipient: Int? = nil) -> PartyMessage {
        PartyMessage(session: setting.session, sender: party, recipient: recipient, content: content)
    }

    /// Takes a message in.
    /// - Errors: `wrongSession`, `wrongParty`, `duplicate`, `unexpected`, `invalidEncoding`, `commitmentMismatch`,
    ///   `inconsistentBroadcast`; each names the message and its sender.
    public mutating func receive(
        _ message: PartyMessage, using random: inout some SecureRandom
    ) throws(MultipartyError) -> Transition {
        var next = self
        try next.take(message)
        var messages: [PartyMessage] = []
        while try next.advance(&messages, using: &random) {}
        self = next
        if phase == .finished, let result {
            return .finish(result, sending: messages)
        }
        return .send(messages)
    }

    /// With the system's randomness.
    public mutating func receive(_ message: PartyMessage) throws(MultipartyError) -> Transition {
        var random = SystemRandom()
        return try receive(message, using: &random)
    }

    // MARK: Taking messages

    private mutating func take(_ message: PartyMessage) throws(MultipartyError) {
        guard message.session == setting.session else {
            throw MultipartyError(
                code: .wrongSession, message: "\(message): got session \(message.session), want \(setting.session)")
        }
        guard (1...group.parties).contains(message.sender), message.sender != party else {
            throw MultipartyError(
                code: .wrongParty, message: "\(message): want a sender in 1...\(group.parties) other than \(party)")
        }
        let isPrivate = if case .secretShare = message.content { true } else { false }
        guard message.recipient == (isPrivate ? party : nil) else {
            throw MultipartyError(
                code: .wrongParty, message: "\(message): want \(isPrivate ? "one to party \(party)" : "one to all")")
        }
        guard phase != .finished else {
            throw MultipartyError(code: .unexpected, message: "\(message): the key is finished")
        }
        let sender = message.sender
        func once(_ isNew: Bool) throws(MultipartyError) {
            guard isNew else { throw MultipartyError(code: .duplicate, message: "\(message): got it twice") }
        }
        // Nothing that follows a party's opening may come before it, and no opening before its commitment.
        func after(_ isThere: Bool, _ what: String) throws(MultipartyError) {
            guard isThere else {
                throw MultipartyError(code: .unexpected, message: "\(message): came before the same party's \(what)")
            }
        }
        switch message.content {
        case .commitment(let value):
            try once(commitments[sender] == nil)
            commitments[sender] = value
        case .opening(let opened):
            try after(commitments[sender] != nil, "commitment")
            try once(openings[sender] == nil)
            guard
                CommonReference.commitment(session: setting.session, party: sender, nonce: opened)
                    == commitments[sender]
            else {
                throw MultipartyError(
                    code: .commitmentMismatch, message: "\(message): is not what party \(sender) committed to")
            }
            openings[sender] = opened
        case .publicKey(let share):
            try after(openings[sender] != nil, "opening")
            try once(!publicKeys.parties.contains(sender))
            try require(message, [share], count: 1, basis: setting.context.ring.ciphertextBasis)
            publicKeys.add([share], from: sender)
        case .relinearisationFirst(let h0, let h1):
            try after(openings[sender] != nil, "opening")
            try wanted(message, group.keys.relinearisation)
            try once(!first.parties.contains(sender))
            try require(message, h0 + h1, count: 2 * setting.digits, basis: setting.context.ring.keyBasis)
            first.add(h0 + h1, from: sender)
        case .relinearisationSecond(let bodies):
            try after(first.parties.contains(sender), "round 1")
            try wanted(message, group.keys.relinearisation)
            try once(!second.parties.contains(sender))
            try require(message, bodies, count: setting.digits, basis: setting.context.ring.keyBasis)
            second.add(bodies, from: sender)
        case .galois(let element, let bodies):
            try after(openings[sender] != nil, "opening")
            try wanted(message, group.galoisElements.contains(element))
            try once(!(galois[element.exponent]?.parties.contains(sender) ?? false))
            try require(message, bodies, count: setting.digits, basis: setting.context.ring.keyBasis)
            galois[element.exponent, default: Collected()].add(bodies, from: sender)
        case .secretShare(let seed, let share):
            try after(openings[sender] != nil, "opening")
            try once(received[sender] == nil)
            try wanted(message, (share != nil) == (group.threshold < group.parties))
            if let share {
                try require(message, [share], count: 1, basis: setting.context.ring.ciphertextBasis)
                if shamir == nil { shamir = RNSPolynomial(zero: share.basis, isSecret: true) }
                shamir!.add(share)
                keep(share, of: sender)
            }
            received[sender] = seed
        case .confirmation(let value):
            try after(publicKeys.parties.contains(sender), "public key share")
            try once(confirmations[sender] == nil)
            confirmations[sender] = value
        }
    }

    /// Keeps a share by itself, in memory that is wiped.
    mutating func keep(_ share: RNSPolynomial<Evaluations>, of party: Int) {
        guard group.addsUploads else { return }
        var kept = RNSPolynomial<Evaluations>(zero: share.basis, isSecret: true)
        kept.add(share)
        shamirOf[party] = kept
    }

    private func wanted(_ message: PartyMessage, _ isWanted: Bool) throws(MultipartyError) {
        guard isWanted else {
            throw MultipartyError(code: .unexpected, message: "\(message): the group did not agree on it")
        }
    }

    private func require(
        _ message: PartyMessage, _ polynomials: [RNSPolynomial<Evaluations>], count: Int, basis: RNSBasis
    ) throws(MultipartyError) {
        guard polynomials.count == count, polynomials.allSatisfy({ $0.basis == basis }) else {
            throw MultipartyError(
                code: .invalidEncoding,
                message: "\(message): got \(polynomials.count) polynomials, want \(count) over \(basis)")
        }
    }
}
