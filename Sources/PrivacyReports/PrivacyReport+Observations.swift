extension PrivacyReport {
    /// Something a party received, or had from the start: the atom of "who saw what".
    public struct Observation: Codable, Hashable, Sendable {
        /// The party that saw it.
        public var observer: Party.ID
        /// The party it came from; the observer itself for its own data; nil when it came from outside the parties.
        public var source: Party.ID?
        public var form: Form
        /// The thing itself, without numbers: "sums of products over its patients".
        /// Observations with the same form and the same `what` are drawn as one step.
        public var what: String
        /// How many values there were (not bytes).
        public var count: Int
        public var bytes: Int?
        /// What the observer can learn from it, in words: "nothing without two key shares".
        public var learns: String

        public init(
            observer: Party.ID, source: Party.ID?, form: Form, what: String, count: Int, bytes: Int? = nil,
            learns: String
        ) {
            self.observer = observer
            self.source = source
            self.form = form
            self.what = what
            self.count = count
            self.bytes = bytes
            self.learns = learns
        }
    }

    /// In what form something was seen; an open set.
    public struct Form: RawRepresentable, Codable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let ownData = Form(rawValue: "plaintext own data")
        public static let publicParameters = Form(rawValue: "public parameters")
        public static let ciphertext = Form(rawValue: "ciphertext")
        public static let maskedValue = Form(rawValue: "masked value")
        public static let keyShare = Form(rawValue: "key share")
        public static let secretKey = Form(rawValue: "secret key")
        public static let secretShare = Form(rawValue: "secret share")
        public static let partialDecryption = Form(rawValue: "partial decryption")
        public static let plaintextSum = Form(rawValue: "plaintext sum")
        public static let plaintextModel = Form(rawValue: "plaintext model")
        public static let prediction = Form(rawValue: "prediction")
        public static let noisedRelease = Form(rawValue: "noised release")
        public static let syntheticRows = Form(rawValue: "synthetic rows")
        public static let maskedRows = Form(rawValue: "masked rows")
        public static let plaintextUpdate = Form(rawValue: "plaintext model update")
        public static let plaintextRows = Form(rawValue: "plaintext rows of others")

        /// All forms that this version knows.
        public static let known: [Form] = [
            .ownData, .publicParameters, .ciphertext, .maskedValue, .keyShare, .secretKey, .secretShare,
            .partialDecryption, .plaintextSum, .plaintextModel, .prediction, .noisedRelease, .syntheticRows,
            .maskedRows, .plaintextUpdate, .plaintextRows,
        ]

        /// How much the form shows to the one who has it; ``Exposure/unclassified`` for a form unknown to this version.
        public var exposure: Exposure {
            switch self {
            case .ownData: .own
            case .publicParameters: .open
            case .ciphertext, .maskedValue: .sealed
            case .keyShare, .secretKey, .secretShare, .partialDecryption: .share
            case .plaintextSum, .plaintextModel: .aggregate
            case .noisedRelease, .syntheticRows: .noised
            case .prediction, .plaintextRows, .maskedRows, .plaintextUpdate: .individual
            default: .unclassified
            }
        }
    }

    /// What a form shows of the data, from nothing to single records. Colours and line patterns follow it.
    public enum Exposure: String, Hashable, Sendable, CaseIterable {
        /// The party's own data.
        case own
        /// Public to everyone, and independent of the data.
        case open
        /// Unreadable without a key or a mask that the observer lacks.
        case sealed
        /// Useless alone; together with enough others it opens something.
        case share
        /// Readable, with random noise calibrated to hide single records.
        case noised
        /// Readable totals or models over many records.
        case aggregate
        /// Readable, and about single records or close to them.
        case individual
        /// A form that this version does not know: judge it by its words.
        case unclassified
    }

    /// Something the output tells to those who get it, however well the computation was protected.
    public struct Disclosure: Codable, Hashable, Sendable {
        /// "exact sums over 442 patients"
        public var what: String
        /// Who gets to know it; empty when it is published.
        public var to: [Party.ID]
        /// How many numbers, where that makes sense.
        public var count: Int?
        public var warnings: [Warning]

        public init(what: String, to: [Party.ID], count: Int? = nil, warnings: [Warning] = []) {
            self.what = what
            self.to = to
            self.count = count
            self.warnings = warnings
        }
    }

    /// A thing to know before the output is passed on.
    public struct Warning: Codable, Hashable, Sendable {
        public enum Severity: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
            case note, caution, serious
            private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
            public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
        }

        public var severity: Severity
        public var message: String

        public init(_ severity: Severity, _ message: String) {
            self.severity = severity
            self.message = message
        }
    }
}
