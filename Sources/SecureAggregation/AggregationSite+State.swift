import BinaryCoding
import Crypto
import Foundation
import Randomness

// The state as bytes, for files with permissions 0600. Secrets stand at the end, copied straight to their place.
extension AggregationSite {
    /// All that is needed to go on after a restart, but for the identity.
    public var encoded: SecretBytes {
        var encoder = BinaryEncoder()
        encoder.encode("tacit aggregation site 1")
        round.encode(into: &encoder)
        encoder.encode(member)
        encoder.encode(phase.rawValue)
        journal.encode(into: &encoder)
        encoder.encode(lastInput != nil)
        encoder.encodeRaw((lastInput ?? .none).bytes)
        encoder.encode(bytes: lastAnswer)
        encoder.encode(bytes: keyList?.list.body ?? [])
        for set in [sharing, survivors] {
            encoder.encode(set != nil)
            set?.encode(into: &encoder)
        }
        encoder.encode(commitmentNonce != nil)
        encoder.encode(secrets != nil)
        var parts: [SecretBytes] = []
        if let commitmentNonce { parts.append(commitmentNonce) }
        if let secrets {
            for key in [secrets.channel.rawRepresentation, secrets.masking.rawRepresentation] {
                parts.append(SecretBytes(count: 32) { target in _ = key.copyBytes(to: target) })
            }
            parts.append(secrets.seed)
            encoder.encode(list: secrets.channelKeys.keys.sorted()) { $0.encode(UInt32($1)) }
            for index in secrets.channelKeys.keys.sorted() { parts.append(secrets.channelKeys[index]!) }
            encoder.encode(list: secrets.shares.keys.sorted()) { $0.encode(UInt32($1)) }
            for index in secrets.shares.keys.sorted() {
                parts.append(secrets.shares[index]!.masking)
                parts.append(secrets.shares[index]!.seed)
            }
        }
        let open = encoder.bytes
        return SecretBytes(count: open.count + 32 * parts.count) { target in
            open.withUnsafeBytes { target.copyMemory(from: $0) }
            for (place, part) in parts.enumerated() {
                part.withBytes(SecretAccess("state of a site, for storing")) {
                    UnsafeMutableRawBufferPointer(rebasing: target[(open.count + 32 * place)...]).copyMemory(from: $0)
                }
            }
        }
    }

    /// - Errors: `invalidEncoding`, `invalidParameters`, `unknownMember` for another identity, and those of lists.
    public init(decoding state: SecretBytes, identity: AggregationIdentity) throws(SecureAggregationError) {
        var bytes = state.copy(SecretAccess("state of a site, read back"))
        defer { zeroise(&bytes) }
        var decoder = BinaryDecoder(bytes)
        let label = try wrappingCoding { () throws(BinaryCodingError) in try decoder.decodeString("state", limit: 64) }
        guard label == "tacit aggregation site 1" else {
            throw SecureAggregationError(code: .invalidEncoding, message: "state: is not that of a site")
        }
        let round = try AggregationRound(decoding: &decoder)
        let head = try wrappingCoding { () throws(BinaryCodingError) in
            (member: try decoder.decode(UInt32.self, "member"), phase: try decoder.decode(UInt8.self, "phase"))
        }
        guard let phase = Phase(rawValue: head.phase) else {
            throw SecureAggregationError(code: .invalidEncoding, message: "phase: got \(head.phase), want 1...6")
        }
        guard let index = round.index(of: head.member),
            round.members[index].verificationKey == identity.verificationKey
        else {
            throw SecureAggregationError(
                code: .unknownMember, message: "state: is that of member \(head.member) with another identity",
                member: head.member)
        }
        let journal = try SiteJournal(decoding: &decoder)
        self.init(
            round: round, identity: identity, member: head.member, journal: journal, index: index, secrets: nil)
        self.phase = phase
        let read = try wrappingCoding { () throws(BinaryCodingError) in
            let hasInput = try decoder.decodeBool("last input")
            let input = Fingerprint(bytes: try decoder.decodeRaw(32, "last input"))!
            let answer = try decoder.decodeBytes("last answer")
            let list = try decoder.decodeBytes("key list")
            var sets: [MemberSet?] = []
            for what in ["senders of shares", "survivors"] {
                sets.append(
                    try decoder.decodeBool(what)
                        ? try MemberSet(decoding: &decoder, size: round.members.count, what) : nil)
            }
            let hasNonce = try decoder.decodeBool("nonce")
            let hasSecrets = try decoder.decodeBool("secrets")
            func indices(_ decoder: inout BinaryDecoder) throws(BinaryCodingError) -> [Int] {
                try decoder.decodeList("neighbours", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
                    Int(try decoder.decode(UInt32.self, "neighbour"))
                }
            }
            let channels = hasSecrets ? try indices(&decoder) : []
            let shares = hasSecrets ? try indices(&decoder) : []
            let count = (hasNonce ? 1 : 0) + (hasSecrets ? 3 : 0) + channels.count + 2 * shares.count
            var parts: [SecretBytes] = []
            for _ in 0..<count {
                var part = try decoder.decodeRaw(32, "secret")
                parts.append(SecretBytes(wiping: &part))
            }
            try decoder.finish("state")
            return (
                input: hasInput ? input : nil, answer: answer, list: list, sets: sets, hasNonce: hasNonce,
                hasSecrets: hasSecrets, channels: channels, shares: shares, parts: parts
            )
        }
        lastInput = read.input
        lastAnswer = read.answer
        if !read.list.isEmpty { keyList = ReceivedKeys(try KeyList(body: read.list, round: round), round: round) }
        (sharing, survivors) = (read.sets[0], read.sets[1])
        var parts = read.parts[...]
        if read.hasNonce { commitmentNonce = parts.removeFirst() }
        if read.hasSecrets {
            func key() -> Curve25519.KeyAgreement.PrivateKey {
                // Any 32 bytes are a key.
                parts.removeFirst().withBytes(SecretAccess("reading a key of the round")) {
                    try! Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0)
                }
            }
            let (channel, masking) = (key(), key())
            var secrets = Secrets(channel: channel, masking: masking, seed: parts.removeFirst())
            for index in read.channels { secrets.channelKeys[index] = parts.removeFirst() }
            for index in read.shares { secrets.shares[index] = (parts.removeFirst(), parts.removeFirst()) }
            self.secrets = secrets
        }
        try checkState()
    }

    /// What each phase must have, so that a damaged state is refused and not trapped on later.
    private func checkState() throws(SecureAggregationError) {
        let neighbours = keyList?.neighbours(of: index) ?? []
        let present = neighbours.filter { sharing?.contains($0) ?? false }
        let isComplete =
            switch phase {
            case .keyList: secrets != nil
            case .deliveredShares:
                secrets.map { secrets in neighbours.allSatisfy { secrets.channelKeys[$0] != nil } } ?? false
                    && keyList?.positions[index] != nil
            case .update, .survivors, .agreements:
                secrets.map { secrets in present.allSatisfy { secrets.shares[$0] != nil } } ?? false
                    && keyList?.positions[index] != nil && sharing != nil && (phase != .agreements || survivors != nil)
            case .finished: secrets == nil
            }
        guard isComplete else {
            throw SecureAggregationError(code: .invalidEncoding, message: "state: lacks what \(phase) needs")
        }
    }
}
