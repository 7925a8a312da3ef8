import DifferentialPrivacy
import Foundation

/// One line of a ledger: what happened, who did it, when, with which code. Entries are never changed and never removed.
public struct LedgerEntry: Hashable, Sendable {
    /// 0 for the declaration of the budget, then without gaps.
    public let sequence: Int
    public let content: Content
    /// Microseconds since 1970 began, UTC; never less than in the entry before.
    public let microseconds: Int64
    /// By how much the system's clock was behind the entry before; 0 when all is well.
    public let clockLag: Int64
    /// Who: the user's name, unless the caller knows better.
    public let actor: String
    /// The machine.
    public let host: String
    /// The process.
    public let process: Int32
    /// Name and version of the program that made the entry.
    public let program: String
    /// Why, in words.
    public let purpose: String
    /// ``hash`` of the entry before, zeros for the first.
    public let previous: LedgerHash
    /// SHA-256 over all of the above.
    public let hash: LedgerHash

    public var time: Date { Date(timeIntervalSince1970: Double(microseconds) / 1e6) }

    /// What an entry says.
    public enum Content: Hashable, Sendable {
        /// The ledger begins. `secret` makes the hash say nothing about the rest.
        case opened(PrivacyBudget, ledger: String, secret: String, rule: LossRule)
        /// A release was authorised.
        case spent(PrivacyEvent)
        /// A run of at most `steps` times `step` begins; with `reserved` all steps are charged at once.
        case runBegan(run: String, step: PrivacyEvent, steps: Int, reserved: Bool)
        /// Steps up to this one, in all, may be carried out.
        case runAdvanced(run: String, through: Int)
        /// The run goes on after the first `from` steps; `repeated` steps that were authorised before are carried out,
        /// and charged, once more.
        case runResumed(run: String, from: Int, repeated: Int)
        /// The run is over; the charge for `returned` steps that were reserved and never authorised is taken back.
        case runEnded(run: String, returned: Int)
    }
}

/// A SHA-256 digest.
public struct LedgerHash: Hashable, Sendable, Codable, CustomStringConvertible {
    /// 32 bytes.
    public let bytes: [UInt8]

    static let zero = LedgerHash(unchecked: [UInt8](repeating: 0, count: 32))

    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        self.bytes = Array(bytes)
    }

    /// From 64 hexadecimal digits.
    /// - Throws: ``PrivacyLedgerError`` with code `invalidParameter` for anything else.
    public init(hexadecimal text: String) throws(PrivacyLedgerError) {
        let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        guard text.utf8.count == 64, digits.count == 64 else {
            throw .parameter("hash", "\(text.utf8.count) characters", "64 hexadecimal digits")
        }
        bytes = (0..<32).map { UInt8(digits[2 * $0] << 4 | digits[2 * $0 + 1]) }
    }

    public init(from decoder: any Decoder) throws {
        try self.init(hexadecimal: decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// 64 hexadecimal digits.
    public var description: String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}

extension LedgerEntry.Content: CustomStringConvertible {
    /// One line for people, without what is not to be shown.
    public var description: String {
        switch self {
        case .opened(let budget, _, _, let rule):
            "budget of ε = \(LossText.exact(budget.epsilon)), δ = \(LossText.exact(budget.delta)) for each "
                + "\(budget.unit) of \(budget.dataSet.name), \(budget.neighbouring.words), "
                + "releases \(budget.choice.words), losses added by \(rule.name)"
        case .spent(let event): "\(event)"
        case .runBegan(let run, let step, let steps, let reserved):
            "run \(run) begins: at most \(steps) times [\(step)], "
                + (reserved ? "reserved as a whole" : "charged as it goes")
        case .runAdvanced(let run, let through): "run \(run): steps to \(through) authorised"
        case .runResumed(let run, let from, let repeated):
            "run \(run) resumed after step \(from), \(repeated) steps charged again"
        case .runEnded(let run, let returned): "run \(run) ends, \(returned) reserved steps given back"
        }
    }
}

extension Neighbouring {
    /// For sentences.
    public var words: String {
        switch self {
        case .addOrRemoveOne: "add or remove one"
        case .replaceOne: "replace one"
        }
    }
}

extension ReleaseChoice {
    /// For sentences: "releases …".
    public var words: String {
        switch self {
        case .adaptive: "chosen adaptively"
        case .planned: "planned beforehand"
        }
    }
}
