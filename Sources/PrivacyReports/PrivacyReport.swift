import Foundation

/// What one run of a private-learning technique computed, who saw what of it, and what that reveals.
///
/// Every technique (encrypted aggregation, federation, differential privacy, multi-party computation, synthesis,
/// masking, audits) fills the same value; it is stored as JSON (``jsonData()``), shown as one self-contained page
/// (``html(_:)``) or in a terminal (``terminalSummary(_:)``), and set beside others (``ReportComparison``).
///
/// What a report lacks is never silent: ``gaps`` is computed from the content, and every renderer shows it.
///
/// - Units: bytes, seconds, bits; each label says which.
/// - Edge cases: any string is allowed in any text field; renderers make control and direction characters visible.
public struct PrivacyReport: Hashable, Sendable {
    /// The schema this value follows; see ``SchemaVersion/current``.
    public var schemaVersion: SchemaVersion
    public var title: String
    /// When the run ended. Stored with a resolution of one second.
    public var created: Date
    public var tool: Tool
    public var task: TaskSummary
    public var parties: [Party]
    public var adversary: AdversaryModel
    /// In the order in which things happened; renderers draw them in this order.
    public var observations: [Observation]
    public var disclosures: [Disclosure]
    public var cryptography: [Cryptography]
    public var differentialPrivacy: DifferentialPrivacy
    public var audits: Audits
    public var results: [ModelResult]
    public var agreement: [AgreementCheck]
    public var costs: [PhaseCost]
    public var plots: [Plot]
    public var provenance: Provenance

    /// - Note: `differentialPrivacy` and `audits` have no default: that there is none has to be said
    ///   (``DifferentialPrivacy/none(because:)``, ``Audits/notRun(because:)``).
    public init(
        title: String, created: Date, tool: Tool, task: TaskSummary, parties: [Party], adversary: AdversaryModel,
        observations: [Observation], disclosures: [Disclosure], cryptography: [Cryptography],
        differentialPrivacy: DifferentialPrivacy, audits: Audits, results: [ModelResult] = [],
        agreement: [AgreementCheck] = [], costs: [PhaseCost] = [], plots: [Plot] = [], provenance: Provenance
    ) {
        self.schemaVersion = .current
        self.title = title
        self.created = Date(timeIntervalSince1970: created.timeIntervalSince1970.rounded(.down))
        self.tool = tool
        self.task = task
        self.parties = parties
        self.adversary = adversary
        self.observations = observations
        self.disclosures = disclosures
        self.cryptography = cryptography
        self.differentialPrivacy = differentialPrivacy
        self.audits = audits
        self.results = results
        self.agreement = agreement
        self.costs = costs
        self.plots = plots
        self.provenance = provenance
    }
}

extension PrivacyReport {
    /// Major and minor version of the report's schema, written `"1.0"`.
    ///
    /// A reader accepts every minor version of its own major version (unknown fields are passed over) and older major
    /// versions; a newer major version is refused with ``PrivacyReportsError/Code/unsupportedVersion``.
    public struct SchemaVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
        public var major: Int
        public var minor: Int

        public init(major: Int, minor: Int) {
            self.major = major
            self.minor = minor
        }

        public static let current = SchemaVersion(major: 1, minor: 0)
        public var description: String { "\(major).\(minor)" }
        public static func < (a: Self, b: Self) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
    }

    /// The program that wrote the report.
    public struct Tool: Codable, Hashable, Sendable {
        public var name: String
        public var version: String

        public init(name: String = "tacit", version: String) {
            self.name = name
            self.version = version
        }
    }

    /// What was computed, and on what.
    public struct TaskSummary: Codable, Hashable, Sendable {
        /// One sentence: "Ridge regression of disease progression on ten measurements".
        public var computed: String
        /// The technique in words: "Encrypted aggregation (Paillier, threshold decryption)".
        public var technique: String
        public var dataSets: [DataSet]
        /// What one row is about, in the plural: "patients". Used in sentences.
        public var rowNoun: String
        /// What one owner of data is, in the singular: "hospital". Used in sentences.
        public var ownerNoun: String

        public init(
            computed: String, technique: String, dataSets: [DataSet], rowNoun: String = "rows",
            ownerNoun: String = "data owner"
        ) {
            self.computed = computed
            self.technique = technique
            self.dataSets = dataSets
            self.rowNoun = rowNoun
            self.ownerNoun = ownerNoun
        }
    }

    /// A table that went into the task; sizes only, never content.
    public struct DataSet: Codable, Hashable, Sendable {
        public var name: String
        public var rows: Int
        public var columns: Int
        public var target: String?
        /// Where it is from, or how the rows were divided among owners.
        public var note: String?

        public init(name: String, rows: Int, columns: Int, target: String? = nil, note: String? = nil) {
            self.name = name
            self.rows = rows
            self.columns = columns
            self.target = target
            self.note = note
        }
    }
}
