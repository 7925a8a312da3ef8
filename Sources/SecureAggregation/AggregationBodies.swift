import BinaryCoding

// The bodies of messages. All decoders are total and check every length against the round.

/// A participant's keys of this round: X25519, 32 bytes each.
package struct RoundKeys: Hashable, Sendable {
    /// For the shares that others encrypt to it.
    package var channel: [UInt8]
    /// For masks.
    package var masking: [UInt8]

    package var body: [UInt8] { channel + masking }

    package init(channel: [UInt8], masking: [UInt8]) {
        self.channel = channel
        self.masking = masking
    }

    package init(body: [UInt8]) throws(SecureAggregationError) {
        guard body.count == 64 else {
            throw SecureAggregationError(
                code: .invalidEncoding, message: "public keys: got \(body.count) bytes, want 64")
        }
        channel = Array(body[..<32])
        masking = Array(body[32...])
    }
}

/// The signed keys of all participants, as the coordinator hands them on.
package struct KeyList: Sendable {
    package struct Entry: Sendable {
        /// Place among the round's members.
        package var index: Int
        package var keys: RoundKeys
        /// The participant's journal before its message, and the message's signature: enough to verify it.
        package var previous: Fingerprint
        package var signature: [UInt8]

        package func message(of round: AggregationRound) -> AggregationMessage {
            AggregationMessage(
                .keys, round: round.fingerprint, sender: round.members[index].id, previous: previous, body: keys.body,
                bodyDigest: Fingerprint(of: keys.body), signature: signature)
        }
    }
    /// In ascending order of members.
    package var entries: [Entry]

    package var body: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode(list: entries) { encoder, entry in
            encoder.encode(UInt32(entry.index))
            encoder.encodeRaw(entry.keys.body)
            encoder.encodeRaw(entry.previous.bytes)
            encoder.encodeRaw(entry.signature)
        }
        return encoder.bytes
    }

    package init(entries: [Entry]) { self.entries = entries }

    package init(body: [UInt8], round: AggregationRound) throws(SecureAggregationError) {
        var decoder = BinaryDecoder(body)
        let raw = try wrappingCoding { () throws(BinaryCodingError) in
            let raw = try decoder.decodeList("key list", minimumElementSize: 164) {
                decoder throws(BinaryCodingError) in
                (
                    index: Int(try decoder.decode(UInt32.self, "participant")),
                    keys: try decoder.decodeRaw(64, "public keys"),
                    previous: Fingerprint(bytes: try decoder.decodeRaw(32, "journal"))!,
                    signature: try decoder.decodeRaw(64, "signature")
                )
            }
            try decoder.finish("key list")
            return raw
        }
        entries = []
        for entry in raw {
            guard entry.index < round.members.count, entry.index > entries.last?.index ?? -1 else {
                throw SecureAggregationError(
                    code: .invalidKeyList,
                    message: "key list: participant number \(entry.index) is unknown, repeated or out of order")
            }
            entries.append(
                Entry(
                    index: entry.index, keys: try RoundKeys(body: entry.keys), previous: entry.previous,
                    signature: entry.signature))
        }
        // A key that serves twice would let one participant stand in for another.
        var seen: Set<[UInt8]> = []
        for entry in entries {
            guard seen.insert(entry.keys.channel).inserted, seen.insert(entry.keys.masking).inserted else {
                throw SecureAggregationError(
                    code: .invalidKeyList, message: "key list: a key occurs twice",
                    member: round.members[entry.index].id)
            }
        }
    }
}

/// Shares for the neighbours, each under the key of the pair, in ascending order of neighbours.
package struct SharesBody: Sendable {
    /// Masking key and seed, 32 bytes each, and the tag.
    package static let sealedBytes = 64 + 16
    /// SHA-256 of the self-mask seed, so that a wrong one is found out.
    package var seedCommitment: [UInt8]
    package var sealed: [[UInt8]]

    package var body: [UInt8] { seedCommitment + sealed.flatMap { $0 } }

    package init(seedCommitment: [UInt8], sealed: [[UInt8]]) {
        self.seedCommitment = seedCommitment
        self.sealed = sealed
    }

    package init(body: [UInt8], neighbours: Int, member: UInt32) throws(SecureAggregationError) {
        let wanted = 32 + neighbours * Self.sealedBytes
        guard body.count == wanted else {
            throw SecureAggregationError(
                code: .wrongLength, message: "encrypted shares: got \(body.count) bytes, want \(wanted)", member: member
            )
        }
        seedCommitment = Array(body[..<32])
        sealed = (0..<neighbours).map { Array(body[32 + $0 * Self.sealedBytes..<32 + ($0 + 1) * Self.sealedBytes]) }
    }
}

/// To one participant: who sent shares, and those for it, in ascending order of its neighbours among them.
package struct DeliveredShares: Sendable {
    package var sharing: MemberSet
    package var sealed: [[UInt8]]

    package var body: [UInt8] {
        var encoder = BinaryEncoder()
        sharing.encode(into: &encoder)
        for ciphertext in sealed { encoder.encodeRaw(ciphertext) }
        return encoder.bytes
    }

    package init(sharing: MemberSet, sealed: [[UInt8]]) {
        self.sharing = sharing
        self.sealed = sealed
    }

    package init(
        body: [UInt8], round: AggregationRound, neighbours: (MemberSet) -> Int
    ) throws(SecureAggregationError) {
        var decoder = BinaryDecoder(body)
        (sharing, sealed) = try wrappingCoding { () throws(BinaryCodingError) in
            let sharing = try MemberSet(decoding: &decoder, size: round.members.count, "senders of shares")
            var sealed: [[UInt8]] = []
            for _ in 0..<neighbours(sharing) {
                sealed.append(try decoder.decodeRaw(SharesBody.sealedBytes, "encrypted share"))
            }
            try decoder.finish("delivered shares")
            return (sharing, sealed)
        }
    }
}

/// Signatures under the round's view.
package struct AgreementsBody: Sendable {
    package var signatures: [(index: Int, signature: [UInt8])]

    package var body: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode(list: signatures) { encoder, entry in
            encoder.encode(UInt32(entry.index))
            encoder.encodeRaw(entry.signature)
        }
        return encoder.bytes
    }

    package init(signatures: [(index: Int, signature: [UInt8])]) { self.signatures = signatures }

    package init(body: [UInt8], round: AggregationRound) throws(SecureAggregationError) {
        var decoder = BinaryDecoder(body)
        let read = try wrappingCoding { () throws(BinaryCodingError) in
            let read = try decoder.decodeList("agreements", minimumElementSize: 68) {
                decoder throws(BinaryCodingError) in
                (
                    index: Int(try decoder.decode(UInt32.self, "participant")),
                    signature: try decoder.decodeRaw(64, "signature")
                )
            }
            try decoder.finish("agreements")
            return read
        }
        signatures = []
        for entry in read {
            guard entry.index < round.members.count, entry.index > signatures.last?.index ?? -1 else {
                throw SecureAggregationError(
                    code: .inconsistentLists,
                    message: "agreements: participant number \(entry.index) is unknown, repeated or out of order")
            }
            signatures.append(entry)
        }
    }
}

/// What a survivor gives for unmasking: its own self-mask seed, and for each neighbour that sent shares one of the two, in
/// ascending order: of the seed when the neighbour survived, of its masking key when it did not.
package struct UnmaskingBody: Sendable {
    package var seed: [UInt8]
    package var shares: [[UInt8]]

    package var body: [UInt8] { seed + shares.flatMap { $0 } }

    package init(seed: [UInt8], shares: [[UInt8]]) {
        self.seed = seed
        self.shares = shares
    }

    package init(body: [UInt8], neighbours: Int, member: UInt32) throws(SecureAggregationError) {
        let wanted = 32 * (1 + neighbours)
        guard body.count == wanted else {
            throw SecureAggregationError(
                code: .wrongLength, message: "shares for unmasking: got \(body.count) bytes, want \(wanted)",
                member: member)
        }
        seed = Array(body[..<32])
        shares = (0..<neighbours).map { Array(body[32 * ($0 + 1)..<32 * ($0 + 2)]) }
    }
}
