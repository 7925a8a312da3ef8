import Foundation

/// What the page shows. Figures that are not known are nil and are not shown; nothing here is secret among those who may
/// sign in.
public struct DashboardState: Codable, Hashable, Sendable {
    /// A party of the study.
    public struct Site: Codable, Hashable, Sendable {
        public var name: String
        /// In a word: `waiting`, `joined`, `working`, `silent`, `left`, `revoked`.
        public var standing: String
        /// Rounds whose sum holds this site's update.
        public var rounds: Int
        /// Rounds in which it was asked and did not answer in time.
        public var dropped: Int
        public var bytesReceived: Int
        public var bytesSent: Int
        /// Seconds since 1970.
        public var lastHeard: Double?
        public var isConnected: Bool

        public init(
            name: String, standing: String, rounds: Int = 0, dropped: Int = 0, bytesReceived: Int = 0,
            bytesSent: Int = 0,
            lastHeard: Double? = nil, isConnected: Bool = false
        ) {
            self.name = name
            self.standing = standing
            self.rounds = rounds
            self.dropped = dropped
            self.bytesReceived = bytesReceived
            self.bytesSent = bytesSent
            self.lastHeard = lastHeard
            self.isConnected = isConnected
        }
    }

    /// One sum that was opened.
    public struct Round: Codable, Hashable, Sendable {
        public var title: String
        public var contributors: [String]
        public var dropped: [String]
        public var seconds: Double?
        public var bytesReceived: Int
        public var bytesSent: Int
        /// On the sites' held-out rows, by name of the metric.
        public var metrics: [String: Double]

        public init(
            title: String, contributors: [String], dropped: [String], seconds: Double?, bytesReceived: Int,
            bytesSent: Int,
            metrics: [String: Double]
        ) {
            self.title = title
            self.contributors = contributors
            self.dropped = dropped
            self.seconds = seconds
            self.bytesReceived = bytesReceived
            self.bytesSent = bytesSent
            self.metrics = metrics
        }
    }

    /// A figure of the model that is followed over the rounds.
    public struct Metric: Codable, Hashable, Sendable {
        /// Its key in ``Round/metrics`` and ``Baseline/metric``.
        public var key: String
        /// For people.
        public var title: String
        public var isHigherBetter: Bool

        public init(key: String, title: String, isHigherBetter: Bool) {
            self.key = key
            self.title = title
            self.isHigherBetter = isHigherBetter
        }
    }

    /// A line to compare with, such as “majority”.
    public struct Baseline: Codable, Hashable, Sendable {
        public var name: String
        public var metric: String
        public var value: Double

        public init(name: String, metric: String, value: Double) {
            self.name = name
            self.metric = metric
            self.value = value
        }
    }

    /// A fact with its name, for the parts of the page that are lists.
    public struct Fact: Codable, Hashable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public struct Event: Codable, Hashable, Sendable {
        public var sequence: Int64
        /// Seconds since 1970.
        public var moment: Double
        public var text: String
        public var isTrouble: Bool

        public init(sequence: Int64, moment: Double, text: String, isTrouble: Bool) {
            self.sequence = sequence
            self.moment = moment
            self.text = text
            self.isTrouble = isTrouble
        }
    }

    public var study: String
    /// In a sentence: `Waiting for 2 of 3 sites`, `Round 4 of 20`, `Finished`.
    public var phase: String
    /// Also shown in colour: `waiting`, `running`, `stalled`, `finished`, `failed`.
    public var standing: String
    public var roundsDone: Int
    public var roundsPlanned: Int
    /// Who may look, and what it would see.
    public var adversary: String
    /// What the page can plot; the first until somebody chooses another.
    public var metrics: [Metric]
    public var baselines: [Baseline] = []
    public var privacy: [Fact] = []
    public var sites: [Site] = []
    public var rounds: [Round] = []
    public var events: [Event] = []

    public init(
        study: String, phase: String, standing: String, roundsDone: Int, roundsPlanned: Int, adversary: String,
        metrics: [Metric]
    ) {
        self.study = study
        self.phase = phase
        self.standing = standing
        self.roundsDone = roundsDone
        self.roundsPlanned = roundsPlanned
        self.adversary = adversary
        self.metrics = metrics
    }
}

/// Where the page gets what it shows.
public protocol DashboardSource: Sendable {
    func dashboardState() async -> DashboardState
    /// Returns when something changed since `version`, or after `time`; the number of the newest change.
    func change(since version: UInt64, within time: Duration) async -> UInt64
    /// The privacy report of what happened so far; nil while there is nothing to report.
    func privacyReport(_ format: ReportFormat) async -> [UInt8]?
    /// Prometheus text format.
    func metricsText() async -> String
    /// nil when all is well, else what is not.
    func trouble() async -> String?
}

public enum ReportFormat: String, Sendable, CaseIterable {
    case html
    case json
}
