import BinaryCoding

/// What one round brings to a strategy.
public struct RoundAggregate: Sendable {
    /// The weighted mean of the sites' changes to the model.
    public var meanChange: [Double]
    /// The plain mean of the changes of the control variates, for strategies that upload them.
    public var meanControl: [Double]
    /// Sites in the sums.
    public var contributors: Int
    /// Sites of the study, for strategies that need the participating share.
    public var population: Int
    /// The change of each site with its weight, only where single updates may be seen.
    public var individual: [(change: [Double], weight: Double)]

    public init(
        meanChange: [Double], meanControl: [Double] = [], contributors: Int, population: Int,
        individual: [(change: [Double], weight: Double)] = []
    ) {
        self.meanChange = meanChange
        self.meanControl = meanControl
        self.contributors = contributors
        self.population = population
        self.individual = individual
    }
}

/// What a strategy carries from round to round at the coordinator.
public struct StrategyState: Hashable, Sendable {
    /// Rounds taken in.
    public var round = 0
    /// Vectors as long as the model; how many and what for is the strategy's.
    public var vectors: [[Double]] = []

    public init() {}

    func vector(_ index: Int, count: Int) -> [Double] {
        vectors.indices.contains(index) ? vectors[index] : [Double](repeating: 0, count: count)
    }

    func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(UInt32(round))
        encoder.encode(list: vectors) { WordCoding.encode($1.map { $0.bitPattern }, into: &$0) }
    }

    init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        round = Int(try decoder.decode(UInt32.self, "strategy rounds"))
        vectors = try decoder.decodeList("strategy vectors", minimumElementSize: 4) {
            decoder throws(BinaryCodingError) in
            try WordCoding.decode(UInt64.self, "strategy vector", &decoder).map { Double(bitPattern: $0) }
        }
    }
}

/// What changes in the sites' own training.
public enum LocalCorrection: Hashable, Sendable {
    case none
    /// The loss gets μ/2·|w − w₀|².
    case proximal(mu: Double)
    /// Each gradient gets c − cᵢ: the coordinator's control variate less the site's.
    case controlVariates
}

/// How the coordinator makes the next model from a round; a value without state of its own.
public protocol FederationStrategy: Sendable {
    /// Whether the rule needs to see each site's update.
    var needsIndividualUpdates: Bool { get }
    var correction: LocalCorrection { get }
    /// Updates that make a step when there are no rounds; nil for strategies with rounds.
    var bufferSize: Int? { get }
    /// The next model's weights.
    /// - Throws: `tooFewSites` when the rule needs more updates than there are.
    func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double]
}

extension FederationStrategy {
    public var needsIndividualUpdates: Bool { false }
    public var correction: LocalCorrection { .none }
    public var bufferSize: Int? { nil }
    /// Whether sites upload a second vector.
    var uploadsControl: Bool { correction == .controlVariates }
}

/// A strategy as a study file writes it; fields that a strategy does not have are refused.
public struct StrategyLiteral: Hashable, Sendable, Codable {
    public var name: String
    /// The coordinator's learning rate.
    public var rate: Double?
    public var momentum: Double?
    public var beta1: Double?
    public var beta2: Double?
    /// The adaptive strategies' τ.
    public var tau: Double?
    /// FedProx: weight of the proximal term.
    public var mu: Double?
    /// Trimmed mean: the share cut off at each end.
    public var trim: Double?
    /// Krum, Bulyan: sites that may lie.
    public var malicious: Int?
    /// Krum: updates that are averaged; 1 is Krum itself.
    public var keep: Int?
    /// FedBuff: updates that make a step.
    public var buffer: Int?

    public init(
        name: String, rate: Double? = nil, momentum: Double? = nil, beta1: Double? = nil, beta2: Double? = nil,
        tau: Double? = nil, mu: Double? = nil, trim: Double? = nil, malicious: Int? = nil, keep: Int? = nil,
        buffer: Int? = nil
    ) {
        self.name = name
        self.rate = rate
        self.momentum = momentum
        self.beta1 = beta1
        self.beta2 = beta2
        self.tau = tau
        self.mu = mu
        self.trim = trim
        self.malicious = malicious
        self.keep = keep
        self.buffer = buffer
    }

    var given: Set<String> {
        let fields: [(String, Bool)] = [
            ("rate", rate != nil), ("momentum", momentum != nil), ("beta1", beta1 != nil), ("beta2", beta2 != nil),
            ("tau", tau != nil), ("mu", mu != nil), ("trim", trim != nil), ("malicious", malicious != nil),
            ("keep", keep != nil), ("buffer", buffer != nil),
        ]
        return Set(fields.filter(\.1).map(\.0))
    }
}

/// The strategies there are: one list, read by study files, the command and the documentation.
public struct StrategyEntry: Sendable {
    public let name: String
    /// One line.
    public let summary: String
    public let reference: String
    /// Fields of a ``StrategyLiteral`` that it takes.
    public let fields: [String]
    let make: @Sendable (StrategyLiteral) throws(FederationError) -> any FederationStrategy

    public static let all: [StrategyEntry] = [
        StrategyEntry(
            name: "fedavg", summary: "the mean of the updates, weighted by rows",
            reference: "McMahan et al. 2017, algorithm 1", fields: ["rate"]
        ) { l throws(FederationError) in try FederatedAveraging(rate: l.rate ?? 1) },
        StrategyEntry(
            name: "fedprox", summary: "FedAvg with a proximal term in the sites' loss",
            reference: "Li et al. 2020, algorithm 2", fields: ["rate", "mu"]
        ) { l throws(FederationError) in try FederatedAveraging(rate: l.rate ?? 1, mu: l.mu ?? 0.01) },
        StrategyEntry(
            name: "fedavgm", summary: "FedAvg with momentum at the coordinator",
            reference: "Hsu, Qi, Brown 2019, section 4.3", fields: ["rate", "momentum"]
        ) { l throws(FederationError) in try ServerMomentum(rate: l.rate ?? 1, momentum: l.momentum ?? 0.9) },
        StrategyEntry(
            name: "fedadagrad", summary: "Adagrad on the mean update", reference: "Reddi et al. 2021, algorithm 2",
            fields: ["rate", "beta1", "tau"]
        ) { l throws(FederationError) in try AdaptiveServer(.adagrad, l) },
        StrategyEntry(
            name: "fedadam", summary: "Adam on the mean update", reference: "Reddi et al. 2021, algorithm 2",
            fields: ["rate", "beta1", "beta2", "tau"]
        ) { l throws(FederationError) in try AdaptiveServer(.adam, l) },
        StrategyEntry(
            name: "fedyogi", summary: "Yogi on the mean update", reference: "Reddi et al. 2021, algorithm 2",
            fields: ["rate", "beta1", "beta2", "tau"]
        ) { l throws(FederationError) in try AdaptiveServer(.yogi, l) },
        StrategyEntry(
            name: "scaffold", summary: "control variates against drift on unlike sites",
            reference: "Karimireddy et al. 2020, algorithm 1, option II", fields: ["rate"]
        ) { l throws(FederationError) in try Scaffold(rate: l.rate ?? 1) },
        StrategyEntry(
            name: "fedbuff", summary: "asynchronous: a step for every few updates, stale ones count less",
            reference: "Nguyen et al. 2022, algorithm 1", fields: ["rate", "buffer"]
        ) { l throws(FederationError) in try BufferedAsynchronous(rate: l.rate ?? 1, buffer: l.buffer ?? 10) },
        StrategyEntry(
            name: "median", summary: "the median of each coordinate",
            reference: "Yin et al. 2018, algorithm 1, option I",
            fields: []
        ) { _ throws(FederationError) in CoordinateMedian() },
        StrategyEntry(
            name: "trimmed-mean", summary: "each coordinate's mean without its extremes",
            reference: "Yin et al. 2018, algorithm 1, option II", fields: ["trim"]
        ) { l throws(FederationError) in try TrimmedMean(share: l.trim ?? 0.2) },
        StrategyEntry(
            name: "krum", summary: "the update with the nearest neighbours, or the mean of the best few",
            reference: "Blanchard et al. 2017", fields: ["malicious", "keep"]
        ) { l throws(FederationError) in try Krum(malicious: l.malicious ?? 1, keep: l.keep ?? 1) },
        StrategyEntry(
            name: "bulyan", summary: "Krum's choice, then each coordinate's values nearest to the median",
            reference: "El Mhamdi, Guerraoui, Rouault 2018", fields: ["malicious"]
        ) { l throws(FederationError) in try Bulyan(malicious: l.malicious ?? 1) },
    ]

    public static func strategy(_ literal: StrategyLiteral) throws(FederationError) -> any FederationStrategy {
        guard let entry = all.first(where: { $0.name == literal.name }) else {
            throw .study(
                "strategy.name: got \(literal.name), want one of \(all.map(\.name).joined(separator: ", "))")
        }
        if let bad = literal.given.subtracting(entry.fields).sorted().first {
            let wanted = entry.fields.isEmpty ? "no fields" : entry.fields.joined(separator: ", ")
            throw .study("strategy.\(bad): does not go with \(entry.name), which takes \(wanted)")
        }
        return try entry.make(literal)
    }
}
