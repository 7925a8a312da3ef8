import BinaryCoding
import Crypto
import Foundation
import Randomness

// What a site does with each message. Called on a copy of the state, which is kept only when nothing was thrown.
extension AggregationSite {
    mutating func takeKeyList(
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

    mutating func takeShares(_ body: [UInt8]) throws(SecureAggregationError) -> Transition {
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

    mutating func takeSurvivors(_ body: [UInt8]) throws(SecureAggregationError) -> Transition {
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

    mutating func takeAgreements(_ body: [UInt8]) throws(SecureAggregationError) -> Transition {
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
