import BinaryCoding
import Paillier

/// The coordinator relays bundles, stage by stage, until all sites have the key.
struct KeySetupServer: SumServer {
    /// A making of keys may take many stages, but not for ever.
    private static let mostStages = 60_000
    private let kind: ProtectionKind
    private let parties: Int
    private var stage = 0
    private var bodies: StageBodies<SetupBundle>

    init(_ kind: ProtectionKind, parties: Int) {
        self.kind = kind
        self.parties = parties
        bodies = StageBodies(expected: Array(0..<parties))
    }

    var missing: [Int] { bodies.missing }
    var required: Int { parties }
    var received: Int { bodies.values.count }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        try bodies.check(site)
        let bundle = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(body)
            let bundle = try SetupBundle(decoding: &decoder)
            try decoder.finish("key setup")
            return bundle
        }
        bodies.take(bundle, from: site)
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        let all = bodies.ordered
        let identities = all.map(\.value.identity)
        if !identities.contains([]) {
            guard Set(identities).count == 1 else {
                throw .protection("key setup: sites have different keys; somebody does not follow the protocol")
            }
            return .finished(
                ProtectedResult(
                    contributors: all.map(\.site), sums: [], individual: nil, paillier: try sharing(all.map(\.value))))
        }
        guard stage < Self.mostStages else { throw .protection("key setup: did not end after \(stage) stages") }
        stage += 1
        bodies = StageBodies(expected: bodies.expected)
        var payloads: [Int: [UInt8]] = [:]
        for recipient in bodies.expected {
            var encoder = BinaryEncoder()
            encoder.encode(list: all) {
                $0.encode(UInt16($1.site))
                $0.encode(bytes: $1.value.seen(by: recipient).encoded)
            }
            payloads[recipient] = encoder.bytes
        }
        return .next(payloads)
    }

    /// The public side of a Paillier key, which every site ended with.
    private func sharing(_ bundles: [SetupBundle]) throws(FederationError) -> PaillierSharing? {
        guard kind == .paillier else { return nil }
        return try wrapping {
            guard let bytes = bundles.first?.broadcasts.first else {
                throw FederationError.protection("key setup: the sites did not say what the key is")
            }
            var decoder = BinaryDecoder(bytes)
            let sharing = try PaillierSharing(decoding: &decoder)
            try decoder.finish("public side of the key")
            guard bundles[0].identity == sharing.fingerprint.bytes, sharing.shareCount == parties else {
                throw FederationError.protection("key setup: the public side is not that of the sites' key")
            }
            return sharing
        }
    }
}
