extension PrivacyReport {
    /// One use of a cryptographic scheme.
    public struct Cryptography: Codable, Hashable, Sendable {
        /// What it protects: "sums on their way to the aggregator".
        public var purpose: String
        public var scheme: String
        public var parameterSet: String
        public var modulusBits: Int?
        /// Against classical attacks, unless `securitySource` says otherwise.
        public var estimatedSecurityBits: Double?
        /// The table or estimator that the figure is from: "NIST SP 800-57 part 1 rev. 5, table 2".
        public var securitySource: String?
        public var threshold: Threshold?
        /// Where the random numbers came from.
        public var randomness: String
        /// True when the parameters are for tests only. Renderers shout it.
        public var insecure: Bool
        /// Why it is insecure, or any other remark.
        public var note: String?

        /// - Note: `insecure` has no default: it is the caller's parameters that know.
        public init(
            purpose: String, scheme: String, parameterSet: String, modulusBits: Int? = nil,
            estimatedSecurityBits: Double? = nil, securitySource: String? = nil, threshold: Threshold? = nil,
            randomness: String, insecure: Bool, note: String? = nil
        ) {
            self.purpose = purpose
            self.scheme = scheme
            self.parameterSet = parameterSet
            self.modulusBits = modulusBits
            self.estimatedSecurityBits = estimatedSecurityBits
            self.securitySource = securitySource
            self.threshold = threshold
            self.randomness = randomness
            self.insecure = insecure
            self.note = note
        }
    }

    /// Any `required` of the `shares` shares together can use the key; fewer cannot.
    public struct Threshold: Codable, Hashable, Sendable {
        public var required: Int
        public var shares: Int

        public init(required: Int, shares: Int) {
            self.required = required
            self.shares = shares
        }
    }

    /// The differential-privacy guarantees of the run, or the statement that there is none.
    public struct DifferentialPrivacy: Codable, Hashable, Sendable {
        /// Empty when there is no such guarantee.
        public var guarantees: [Guarantee]
        /// Why there is none, or a remark on how the guarantees belong together.
        public var explanation: String

        public init(guarantees: [Guarantee], explanation: String = "") {
            self.guarantees = guarantees
            self.explanation = explanation
        }

        /// No noise was added; the output is exact.
        public static func none(because explanation: String) -> Self { Self(guarantees: [], explanation: explanation) }
    }

    /// One (ε, δ) guarantee with all that it depends on; nothing has a default.
    public struct Guarantee: Codable, Hashable, Sendable {
        /// What was released under it.
        public var release: String
        /// ε ≥ 0.
        public var epsilon: Double
        /// δ in [0, 1).
        public var delta: Double
        /// "PLD", "zCDP", "RDP", "basic composition".
        public var accountant: String
        /// "add or remove one", "replace one".
        public var neighbouring: String
        /// Whom it protects: "patient", "encounter", "hospital".
        public var unit: String
        public var mechanism: String

        public init(
            release: String, epsilon: Double, delta: Double, accountant: String, neighbouring: String, unit: String,
            mechanism: String
        ) {
            self.release = release
            self.epsilon = epsilon
            self.delta = delta
            self.accountant = accountant
            self.neighbouring = neighbouring
            self.unit = unit
            self.mechanism = mechanism
        }
    }

    /// The attacks that were run against the output, or the statement that none was.
    public struct Audits: Codable, Hashable, Sendable {
        public var runs: [Audit]
        public var explanation: String

        public init(runs: [Audit], explanation: String = "") {
            self.runs = runs
            self.explanation = explanation
        }

        public static func notRun(because explanation: String) -> Self { Self(runs: [], explanation: explanation) }
    }

    /// An attack and how well it did, beside what guessing achieves.
    public struct Audit: Codable, Hashable, Sendable {
        /// "membership inference by loss threshold"
        public var attack: String
        /// "AUROC", "records re-identified"
        public var metric: String
        public var value: Double
        public var interval: Interval?
        /// What someone achieves who saw nothing.
        public var baseline: Double
        public var remark: String?

        public init(
            attack: String, metric: String, value: Double, interval: Interval?, baseline: Double, remark: String? = nil
        ) {
            self.attack = attack
            self.metric = metric
            self.value = value
            self.interval = interval
            self.baseline = baseline
            self.remark = remark
        }
    }

    /// A confidence interval.
    public struct Interval: Codable, Hashable, Sendable {
        public var low: Double
        public var high: Double
        /// In (0, 1): 0.95.
        public var confidence: Double

        public init(low: Double, high: Double, confidence: Double) {
            self.low = low
            self.high = high
            self.confidence = confidence
        }
    }
}
