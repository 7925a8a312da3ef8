import BinaryCoding

/// One stage's messages of a site while keys are made: what all may see, and what is sealed for single sites.
///
/// The signature covers the boxes by their hashes, so that the coordinator hands a site only the boxes that are its own.
struct SetupBundle {
    struct Box {
        var recipient: Int
        var digest: Fingerprint
        /// Empty when it is not for the reader.
        var bytes: [UInt8]
    }

    var broadcasts: [[UInt8]]
    var boxes: [Box]
    /// X25519 key of the site, in stage 0.
    var channel: [UInt8]
    /// Of the key, when it is finished.
    var identity: [UInt8]
    var signature: [UInt8] = []

    init(broadcasts: [[UInt8]], sealed: [(recipient: Int, box: [UInt8])], channel: [UInt8], identity: [UInt8]) {
        self.broadcasts = broadcasts
        boxes = sealed.map { Box(recipient: $0.recipient, digest: Fingerprint(of: $0.box), bytes: $0.box) }
        self.channel = channel
        self.identity = identity
    }

    func signedBytes(session: Fingerprint, stage: Int, party: Int) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode("tacit federation key setup 2")
        encoder.encodeRaw(session.bytes)
        encoder.encode(UInt16(clamping: stage))
        encoder.encode(UInt16(party))
        encode(into: &encoder, isSigned: true)
        return encoder.bytes
    }

    private func encode(into encoder: inout BinaryEncoder, isSigned: Bool) {
        encoder.encode(list: broadcasts) { $0.encode(bytes: $1) }
        encoder.encode(list: boxes) {
            $0.encode(UInt16($1.recipient))
            $0.encodeRaw($1.digest.bytes)
            if !isSigned { $0.encode(bytes: $1.bytes) }
        }
        encoder.encode(bytes: channel)
        encoder.encode(bytes: identity)
    }

    var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encode(into: &encoder, isSigned: false)
        encoder.encodeRaw(signature)
        return encoder.bytes
    }

    /// What a site is told of it.
    func seen(by site: Int) -> SetupBundle {
        var copy = self
        for index in copy.boxes.indices where copy.boxes[index].recipient != site { copy.boxes[index].bytes = [] }
        return copy
    }

    init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        broadcasts = try decoder.decodeList("broadcasts", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
            try decoder.decodeBytes("broadcast")
        }
        boxes = try decoder.decodeList("sealed messages", minimumElementSize: 38) { decoder throws(BinaryCodingError) in
            let recipient = Int(try decoder.decode(UInt16.self, "recipient"))
            let digest = Fingerprint(bytes: try decoder.decodeRaw(32, "hash of a sealed message")) ?? .none
            let bytes = try decoder.decodeBytes("sealed message")
            guard bytes.isEmpty || Fingerprint(of: bytes) == digest else {
                throw BinaryCodingError(code: .mismatch, message: "sealed message: is not the one that was signed")
            }
            return Box(recipient: recipient, digest: digest, bytes: bytes)
        }
        channel = try decoder.decodeBytes("channel key", limit: 32)
        identity = try decoder.decodeBytes("key identity", limit: 32)
        signature = try decoder.decodeRaw(64, "signature")
    }

    /// All sites' bundles of one stage, checked against their pinned keys.
    static func all(
        _ payload: [UInt8], session: Fingerprint, stage: Int, identities: [SitePublicIdentity]
    ) throws(FederationError) -> [SetupBundle] {
        let bundles = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(payload)
            let list = try decoder.decodeList("bundles", minimumElementSize: 6) { decoder throws(BinaryCodingError) in
                let site = Int(try decoder.decode(UInt16.self, "site"))
                var inner = BinaryDecoder(try decoder.decodeBytes("bundle"))
                let bundle = try SetupBundle(decoding: &inner)
                try inner.finish("bundle")
                return (site: site, bundle: bundle)
            }
            try decoder.finish("bundles")
            return list
        }
        guard bundles.map(\.site) == Array(identities.indices) else {
            throw .protection(
                "key setup: got bundles of \(bundles.count) sites, want one of each of \(identities.count)")
        }
        for (site, bundle) in bundles {
            guard
                identities[site].verifies(
                    bundle.signature, bundle.signedBytes(session: session, stage: stage, party: site))
            else {
                throw FederationError(
                    code: .forged,
                    message: "key setup: the signature of \(identities[site].name) in stage \(stage) does not hold")
            }
        }
        return bundles.map(\.bundle)
    }
}
