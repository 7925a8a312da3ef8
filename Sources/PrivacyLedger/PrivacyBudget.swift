import AtomicFiles
import Crypto
import DifferentialPrivacy

/// What may be learned from one data set about one privacy unit, over all releases together.
///
/// Declared once, when a ledger is made, and never changed. Everything that decides the meaning of ε is an argument
/// without default.
public struct PrivacyBudget: Hashable, Sendable, Codable {
    /// ε > 0 of all releases together.
    public let epsilon: Double
    /// δ in [0, 1) of all releases together; far below one over the number of units.
    public let delta: Double
    /// When two data sets count as neighbours.
    public let neighbouring: Neighbouring
    /// Whose data one neighbour lacks: a row, a patient, a household.
    public let unit: PrivacyUnit
    /// The data.
    public let dataSet: LedgerDataSet
    /// How releases come to be chosen, which decides how losses may be added up.
    public let choice: ReleaseChoice

    /// - Throws: ``PrivacyLedgerError`` with code `invalidParameter` for numbers out of range and empty names.
    public init(
        epsilon: Double, delta: Double, neighbouring: Neighbouring, unit: PrivacyUnit, dataSet: LedgerDataSet,
        choice: ReleaseChoice
    ) throws(PrivacyLedgerError) {
        guard epsilon.isFinite, epsilon > 0 else { throw .parameter("epsilon", epsilon, "a finite number above 0") }
        guard delta >= 0, delta < 1 else { throw .parameter("delta", delta, "a number in [0, 1)") }
        self.epsilon = epsilon
        self.delta = delta
        self.neighbouring = neighbouring
        self.unit = PrivacyUnit(try LedgerText.checked("privacy unit", unit.name))
        self.dataSet = LedgerDataSet(
            name: try LedgerText.checked("data set", dataSet.name),
            fingerprint: try dataSet.fingerprint.map { text throws(PrivacyLedgerError) in
                try LedgerText.checked("fingerprint", text)
            })
        self.choice = choice
    }

    /// Decoding runs the same checks.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            epsilon: container.decode(Double.self, forKey: .epsilon),
            delta: container.decode(Double.self, forKey: .delta),
            neighbouring: container.decode(Neighbouring.self, forKey: .neighbouring),
            unit: container.decode(PrivacyUnit.self, forKey: .unit),
            dataSet: container.decode(LedgerDataSet.self, forKey: .dataSet),
            choice: container.decode(ReleaseChoice.self, forKey: .choice))
    }
}

/// Which data a ledger is about.
public struct LedgerDataSet: Hashable, Sendable, Codable {
    /// A name for people.
    public let name: String
    /// A hash of the data as it was when the ledger was made, nil when the data grows or is not in a file.
    ///
    /// It stays in the ledger: a plain hash of private data lets anybody test guesses about it.
    public let fingerprint: String?

    public init(name: String, fingerprint: String?) {
        self.name = name
        self.fingerprint = fingerprint
    }

    /// The data in a file, by its SHA-256.
    /// - Throws: ``PrivacyLedgerError`` when the file cannot be read.
    public init(file: String, name: String) throws(PrivacyLedgerError) {
        do {
            let input = try FileInput(path: file)
            var hasher = SHA256()
            while case let piece = try input.read(upTo: 1 << 20), !piece.isEmpty { hasher.update(data: piece) }
            self.init(name: name, fingerprint: LedgerHash(unchecked: Array(hasher.finalize())).description)
        } catch {
            throw PrivacyLedgerError(
                code: error.code == .notFound ? .notFound : .inputOutput, message: error.message, cause: error)
        }
    }
}

/// How the parameters of releases, and how many there are, came to be chosen.
public enum ReleaseChoice: String, Hashable, Sendable, Codable, CaseIterable {
    /// Anyone may look at earlier results and then choose what to release next, with which noise, and when to stop.
    /// Losses are added by ``PrivacyFilter``, which is valid then.
    case adaptive
    /// The list of releases with their parameters was fixed before the first result was seen, and is carried out
    /// whatever the results are; only the queries themselves may depend on earlier results. Losses are added as
    /// distributions, which is tightest, and not valid otherwise.
    case planned
}

/// Words that people put into a ledger.
enum LedgerText {
    /// In UTF-8 bytes.
    static let longest = 4096

    static func checked(_ what: String, _ text: String) throws(PrivacyLedgerError) -> String {
        guard !text.isEmpty else { throw .parameter(what, "nothing", "a text") }
        guard text.utf8.count <= longest else {
            throw .parameter(what, "\(text.utf8.count) bytes", "at most \(longest)")
        }
        // Control characters could hide or overwrite parts of what a terminal shows of the history.
        guard !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control || $0.value == 0x2028 })
        else { throw .parameter(what, "control characters", "a text on one line without any") }
        return text
    }
}
