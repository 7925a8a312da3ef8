extension PrivacyReport {
    /// A model, a release or a table that came out, with its quality.
    public struct ModelResult: Codable, Hashable, Sendable {
        public var name: String
        public var note: String?
        public var coefficients: [Coefficient]
        public var metrics: [Metric]

        public init(name: String, note: String? = nil, coefficients: [Coefficient] = [], metrics: [Metric] = []) {
            self.name = name
            self.note = note
            self.coefficients = coefficients
            self.metrics = metrics
        }
    }

    /// One number of the model, beside the same number computed from pooled plaintext (where that was possible).
    public struct Coefficient: Codable, Hashable, Sendable {
        public var name: String
        public var value: Double
        public var reference: Double?

        public init(name: String, value: Double, reference: Double? = nil) {
            self.name = name
            self.value = value
            self.reference = reference
        }
    }

    /// A measure of quality, beside a trivial baseline and the pooled-plaintext reference.
    public struct Metric: Codable, Hashable, Sendable {
        public enum Better: String, Codable, Hashable, Sendable { case higher, lower }

        public var name: String
        public var value: Double
        /// What the trivial model achieves (mean of the target, majority class).
        public var baseline: Double?
        /// What the same model from pooled plaintext achieves.
        public var reference: Double?
        public var unit: String?
        public var better: Better?

        public init(
            name: String, value: Double, baseline: Double? = nil, reference: Double? = nil, unit: String? = nil,
            better: Better? = nil
        ) {
            self.name = name
            self.value = value
            self.baseline = baseline
            self.reference = reference
            self.unit = unit
            self.better = better
        }
    }

    /// Whether two ways to compute the same thing agree.
    public struct AgreementCheck: Codable, Hashable, Sendable {
        /// "opened sums = sums of the pooled plaintext"
        public var name: String
        /// The measured difference, ≥ 0.
        public var difference: Double
        public var tolerance: Double
        /// Always `difference ≤ tolerance`; a file in which it is not is refused.
        public private(set) var passed: Bool
        /// How the difference is measured: "largest absolute", "relative to the reference".
        public var measure: String?

        public init(name: String, difference: Double, tolerance: Double, measure: String? = nil) {
            self.name = name
            self.difference = difference
            self.tolerance = tolerance
            self.passed = difference <= tolerance
            self.measure = measure
        }
    }

    /// What one phase of the run cost.
    public struct PhaseCost: Codable, Hashable, Sendable {
        public var phase: String
        public var wallSeconds: Double
        public var cpuSeconds: Double?
        public var bytesSent: Int?
        public var peakMemoryBytes: Int?

        public init(
            phase: String, wallSeconds: Double, cpuSeconds: Double? = nil, bytesSent: Int? = nil,
            peakMemoryBytes: Int? = nil
        ) {
            self.phase = phase
            self.wallSeconds = wallSeconds
            self.cpuSeconds = cpuSeconds
            self.bytesSent = bytesSent
            self.peakMemoryBytes = peakMemoryBytes
        }
    }
}
