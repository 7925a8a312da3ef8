import Crypto
import DifferentialPrivacy
import Foundation

extension LedgerEntry.Content {
    /// The word for it in the file.
    public var kind: String {
        switch self {
        case .opened: "opened"
        case .spent: "spent"
        case .runBegan: "runBegan"
        case .runAdvanced: "runAdvanced"
        case .runResumed: "runResumed"
        case .runEnded: "runEnded"
        }
    }

    /// The rest of it as JSON with sorted keys.
    var body: String {
        get throws(PrivacyLedgerError) {
            switch self {
            case .opened(let budget, let ledger, let secret, let rule):
                try Self.json(Opened(budget: budget, ledger: ledger, secret: secret, rule: rule))
            case .spent(let event): try Self.json(Spent(event: event))
            case .runBegan(let run, let step, let steps, let reserved):
                try Self.json(RunBegan(run: run, step: step, steps: steps, reserved: reserved))
            case .runAdvanced(let run, let through): try Self.json(RunAdvanced(run: run, through: through))
            case .runResumed(let run, let from, let repeated):
                try Self.json(RunResumed(run: run, from: from, repeated: repeated))
            case .runEnded(let run, let returned): try Self.json(RunEnded(run: run, returned: returned))
            }
        }
    }

    /// - Throws: any error when it is not what ``body`` makes.
    package init(kind: String, body: String) throws {
        let data = Data(body.utf8)
        func read<Body: Decodable>(_: Body.Type) throws -> Body { try JSONDecoder().decode(Body.self, from: data) }
        switch kind {
        case "opened":
            let it = try read(Opened.self)
            self = .opened(it.budget, ledger: it.ledger, secret: it.secret, rule: it.rule)
        case "spent": self = .spent(try read(Spent.self).event)
        case "runBegan":
            let it = try read(RunBegan.self)
            self = .runBegan(run: it.run, step: it.step, steps: it.steps, reserved: it.reserved)
        case "runAdvanced":
            let it = try read(RunAdvanced.self)
            self = .runAdvanced(run: it.run, through: it.through)
        case "runResumed":
            let it = try read(RunResumed.self)
            self = .runResumed(run: it.run, from: it.from, repeated: it.repeated)
        case "runEnded":
            let it = try read(RunEnded.self)
            self = .runEnded(run: it.run, returned: it.returned)
        default:
            throw PrivacyLedgerError(
                code: .altered, message: "kind: got \(kind.prefix(40).debugDescription), want a known one")
        }
    }

    private static func json(_ value: some Encodable) throws(PrivacyLedgerError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            // JSON has no NaN and no infinity.
            throw PrivacyLedgerError(
                code: .invalidParameter, message: "event: has a number that is not finite, want finite numbers",
                cause: error)
        }
    }

    private struct Opened: Codable {
        var budget: PrivacyBudget
        var ledger: String
        var secret: String
        var rule: LossRule
    }
    private struct Spent: Codable { var event: PrivacyEvent }
    private struct RunBegan: Codable {
        var run: String
        var step: PrivacyEvent
        var steps: Int
        var reserved: Bool
    }
    private struct RunAdvanced: Codable {
        var run: String
        var through: Int
    }
    private struct RunResumed: Codable {
        var run: String
        var from: Int
        var repeated: Int
    }
    private struct RunEnded: Codable {
        var run: String
        var returned: Int
    }
}

/// A row of the file, as stored: what the hash is taken of.
struct LedgerRow: Hashable {
    var sequence: Int
    var kind: String
    var microseconds: Int64
    var clockLag: Int64
    var actor: String
    var host: String
    var process: Int32
    var program: String
    var purpose: String
    var body: String
    var previous: LedgerHash

    /// In UTF-8 bytes; a larger one is refused on both sides.
    static let longestBody = 1 << 20

    /// SHA-256 of a label and all fields, texts with their lengths, so that no two rows have the same bytes.
    var hash: LedgerHash {
        var hasher = SHA256()
        func integer(_ value: Int64) {
            withUnsafeBytes(of: value.littleEndian) { hasher.update(bufferPointer: $0) }
        }
        func text(_ value: String) {
            integer(Int64(value.utf8.count))
            hasher.update(data: Array(value.utf8))
        }
        text("tacit privacy ledger, entry, version 1")
        hasher.update(data: previous.bytes)
        integer(Int64(sequence))
        text(kind)
        integer(microseconds)
        integer(clockLag)
        text(actor)
        text(host)
        integer(Int64(process))
        text(program)
        text(purpose)
        text(body)
        return LedgerHash(unchecked: Array(hasher.finalize()))
    }
}
