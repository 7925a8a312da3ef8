import BinaryCoding
import Crypto
import Federation
import FederationService
import Foundation
import Randomness
import SecureAggregation
import Synchronization

/// A coordinator that says other things to some sites than it should. It stands where ``RestlessRelay`` stands: with the
/// coordinator's certificate towards the sites, and with its signing key, so that what it makes up is signed as it must be.
final class LyingCoordinator: Sendable {
    /// A stage as a site is told of it.
    struct Stage {
        var site: String
        var session: Int
        var attempt: Int
        var number: Int
        var payload: [UInt8]
    }

    private struct State {
        var told: [String: [UInt8]] = [:]
        var lies = 0
        /// For the answer to the stage before.
        var next: Stage?
    }

    typealias Lie = @Sendable (LyingCoordinator, Stage) throws -> [UInt8]?

    private let study: Fingerprint
    private let identity: AggregationIdentity
    private let lie: Lie
    private let state = Mutex<State>(State())
    private let relay = Mutex<RestlessRelay?>(nil)

    init(_ study: NetworkStudy, lie: @escaping Lie) throws {
        self.study = try Invitation(file: study.folder.file("hospital.invitation")).makeStudy().fingerprint
        let party = try PartyIdentity(file: study.folder.file("hospital.coordinator.key"))
        identity = try AggregationIdentity(secret: party.signing.encoded(SecretAccess("a lying coordinator")))
        self.lie = lie
    }

    var lies: Int { state.withLock { $0.lies } }

    func speaks(through relay: RestlessRelay?) { self.relay.withLock { $0 = relay } }

    /// What a site is told in the place of `bytes`.
    func altered(_ site: String, _ bytes: [UInt8]) -> [UInt8] {
        guard
            case .stage(let session, let attempt, let number, let payload)? = try? Instruction(
                decoding: bytes, study: study)
        else { return bytes }
        state.withLock { $0.told["\(site) \(session) \(number)"] = payload }
        let stage = Stage(site: site, session: session, attempt: attempt, number: number, payload: payload)
        guard let forged = try? lie(self, stage) else { return bytes }
        state.withLock { $0.lies += 1 }
        return Instruction.stage(session: session, attempt: attempt, stage: number, payload: forged).encoded(
            study: study)
    }

    /// What was said to a site in a stage, before any lie.
    func told(_ site: String, session: Int, stage: Int) -> [UInt8]? {
        state.withLock { $0.told["\(site) \(session) \(stage)"] }
    }

    /// Tells a site of a stage that there is not.
    func tell(_ site: String, _ stage: Stage) {
        state.withLock { $0.lies += 1 }
        let bytes = Instruction.stage(
            session: stage.session, attempt: stage.attempt, stage: stage.number, payload: stage.payload
        ).encoded(study: study)
        relay.withLock { $0 }?.deliver(bytes, to: site)
    }

    /// The same in the answer to the stage before it, so that the site hears of nothing else between the two.
    func tellNext(_ stage: Stage) { state.withLock { $0.next = stage } }

    /// What stands in front of the answer to a message.
    func words(_ site: String, _ message: [UInt8]) -> [[UInt8]] {
        guard let entry = try? Envelope(decoding: message).entry else { return [] }
        return state.withLock { state in
            guard let stage = state.next, stage.site == site,
                (entry.session, entry.attempt, entry.stage) == (stage.session, stage.attempt, stage.number - 1)
            else { return [] }
            state.next = nil
            state.lies += 1
            return [
                Instruction.stage(
                    session: stage.session, attempt: stage.attempt, stage: stage.number, payload: stage.payload
                ).encoded(study: study)
            ]
        }
    }

    // MARK: Secure aggregation

    /// A message of the coordinator with another body, signed anew.
    func resigned(_ message: [UInt8], kind: MessageKind? = nil, _ change: (inout [UInt8]) -> Void) throws -> [UInt8] {
        var decoder = BinaryDecoder(message)
        _ = try decoder.decode(UInt8.self, "version")
        let known = MessageKind(rawValue: try decoder.decode(UInt8.self, "kind"))
        let round = Fingerprint(bytes: try decoder.decodeRaw(32, "round")) ?? .none
        _ = try decoder.decodeRaw(5, "sender")
        let previous = Fingerprint(bytes: try decoder.decodeRaw(32, "journal")) ?? .none
        var body = try decoder.decodeBytes("body")
        change(&body)
        guard let kind = kind ?? known else { return message }
        return AggregationMessage(
            kind, round: round, sender: nil, previous: previous, body: body, signedBy: identity
        ).encoded
    }

    /// In a key list: count, then number, channel key, masking key, journal and signature of each.
    static let entrySize = 4 + 64 + 32 + 64

    /// Where the keys of a position stand in a key list.
    static func keys(of position: Int) -> Range<Int> {
        let start = 4 + entrySize * position + 4
        return start..<start + 64
    }

    /// Two X25519 keys whose secrets the coordinator has.
    static func ownKeys() -> [UInt8] {
        (0..<2).flatMap { _ in Array(Curve25519.KeyAgreement.PrivateKey().publicKey.rawRepresentation) }
    }

    // MARK: ckks

    /// A request to open a sum, over other contributors.
    static func request(_ payload: [UInt8], over contributors: [Int], isNew: Bool = false) throws -> [UInt8] {
        var decoder = BinaryDecoder(payload)
        let sum = try decoder.decodeRaw(32, "sum")
        func parties() throws -> [UInt16] {
            try decoder.decodeList("parties", minimumElementSize: 2) { decoder throws(BinaryCodingError) in
                try decoder.decode(UInt16.self, "party")
            }
        }
        _ = try parties()
        let participants = try parties()
        var nonce = try decoder.decodeRaw(32, "nonce")
        if isNew { nonce[0] ^= 1 }
        var encoder = BinaryEncoder()
        encoder.encodeRaw(sum)
        encoder.encode(list: contributors) { $0.encode(UInt16($1)) }
        encoder.encode(list: participants) { $0.encode($1) }
        encoder.encodeRaw(nonce)
        return encoder.bytes
    }

    /// The list of the sites' bundles of the first stage of key making, with a channel key of the coordinator's in the first.
    static func bundles(_ payload: [UInt8]) throws -> [UInt8] {
        var decoder = BinaryDecoder(payload)
        var list = try decoder.decodeList("bundles", minimumElementSize: 6) { decoder throws(BinaryCodingError) in
            (site: try decoder.decode(UInt16.self, "site"), bundle: try decoder.decodeBytes("bundle"))
        }
        // Before the empty name of the key and the signature.
        let end = list[0].bundle.count - 64 - 4
        list[0].bundle.replaceSubrange(end - 32..<end, with: ownKeys().prefix(32))
        var encoder = BinaryEncoder()
        encoder.encode(list: list) {
            $0.encode($1.site)
            $0.encode(bytes: $1.bundle)
        }
        return encoder.bytes
    }
}
