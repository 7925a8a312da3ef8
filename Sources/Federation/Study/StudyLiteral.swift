import AtomicFiles
import Foundation
import Yams

/// A study as anyone can write it down; ``Study/init(_:schema:)`` checks it.
public struct StudyLiteral: Hashable, Sendable, Codable {
    /// Of the rows when there is no schema: images and texts that are encoded already.
    public struct Inputs: Hashable, Sendable, Codable {
        public var width: Int
        /// 2 for a yes or no, more for classes; nil for numbers.
        public var classes: Int?

        public init(width: Int, classes: Int?) {
            self.width = width
            self.classes = classes
        }
    }

    public struct Cohort: Hashable, Sendable, Codable {
        /// Fewest sites in a sum that is opened; at least 2.
        public var minimum: Int
        /// Sites asked in a round; nil for all.
        public var perRound: Int?
        /// The share of those asked that suffices when the deadline has passed; 1 unless said otherwise.
        public var quorum: Double?

        public init(minimum: Int, perRound: Int? = nil, quorum: Double? = nil) {
            self.minimum = minimum
            self.perRound = perRound
            self.quorum = quorum
        }
    }

    public struct Protection: Hashable, Sendable, Codable {
        public var kind: ProtectionKind
        /// Sites that open a sum together (ckks, paillier).
        public var threshold: Int?
        /// Sites that may pool what they see with the coordinator (secagg).
        public var colluding: Int?
        /// Sites that may drop out of a round (secagg).
        public var dropouts: Int?
        /// Bound on each change of a weight; larger ones are moved to it.
        public var clip: Double?
        /// The same for control variates (scaffold).
        public var controlClip: Double?
        /// Of the key that the sites make (paillier); 3072 without it.
        public var modulusBits: Int?
        /// Allows fewer bits, for tests.
        public var insecure: Bool?

        public init(
            kind: ProtectionKind, threshold: Int? = nil, colluding: Int? = nil, dropouts: Int? = nil,
            clip: Double? = nil, controlClip: Double? = nil, modulusBits: Int? = nil, insecure: Bool? = nil
        ) {
            self.kind = kind
            self.threshold = threshold
            self.colluding = colluding
            self.dropouts = dropouts
            self.clip = clip
            self.controlClip = controlClip
            self.modulusBits = modulusBits
            self.insecure = insecure
        }
    }

    public var name: String
    public var target: String?
    public var positive: String?
    public var inputs: Inputs?
    public var model: ModelDescription
    public var rounds: Int
    public var training: TrainingParameters
    public var cohort: Cohort
    public var strategy: StrategyLiteral
    public var protection: Protection
    public var privacy: ClientPrivacy?
    /// Whether means and deviations of the columns are taken over all sites first.
    public var standardise: Bool?
    /// Whether each site once trains a model without the others, by the same recipe and for as many rounds, to compare with.
    public var localBaseline: Bool?
    /// The most rows of a site; a site with more counts as one with so many.
    public var maximumRows: Int?
    /// Who coordinates: signs what sites are told under secagg.
    public var coordinator: SitePublicIdentity?
    /// Who may join.
    public var sites: [SitePublicIdentity]
    /// Names of sites that may not join any more.
    public var revoked: [String]?
    /// Of first weights and the choice of cohorts; no secret.
    public var seed: UInt64?

    public init(
        name: String, target: String? = nil, positive: String? = nil, inputs: Inputs? = nil,
        model: ModelDescription = .logistic, rounds: Int, training: TrainingParameters = TrainingParameters(),
        cohort: Cohort, strategy: StrategyLiteral = StrategyLiteral(name: "fedavg"), protection: Protection,
        privacy: ClientPrivacy? = nil, standardise: Bool? = nil, localBaseline: Bool? = nil, maximumRows: Int? = nil,
        coordinator: SitePublicIdentity? = nil, sites: [SitePublicIdentity],
        revoked: [String]? = nil, seed: UInt64? = nil
    ) {
        self.name = name
        self.target = target
        self.positive = positive
        self.inputs = inputs
        self.model = model
        self.rounds = rounds
        self.training = training
        self.cohort = cohort
        self.strategy = strategy
        self.protection = protection
        self.privacy = privacy
        self.standardise = standardise
        self.localBaseline = localBaseline
        self.maximumRows = maximumRows
        self.coordinator = coordinator
        self.sites = sites
        self.revoked = revoked
        self.seed = seed
    }

    // MARK: Files

    /// Study files are small.
    public static let fileLimit = 4 << 20

    /// Reads YAML (JSON is YAML).
    /// - Parameter name: stands for the file in messages.
    /// - Throws: `invalidStudy` naming file and field.
    public init(yaml bytes: [UInt8], name: String) throws(FederationError) {
        guard bytes.count <= Self.fileLimit, let text = String(validating: bytes, as: UTF8.self) else {
            throw .study("\(name): want UTF-8 of at most \(Self.fileLimit) bytes")
        }
        // Aliases could make a small file stand for a large one.
        if let line = text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex(where: {
            $0.firstMatch(of: /(^|[\[:,\-]\s+)[&*]\w/) != nil
        }) {
            throw .study("\(name):\(line + 1): got a YAML anchor or alias, want plain YAML")
        }
        do {
            self = try YAMLDecoder().decode(StudyLiteral.self, from: text)
            let known = try JSONSerialization.jsonObject(with: JSONEncoder().encode(self))
            if let node = try Yams.compose(yaml: text), let bad = Self.unknownKey(node, known, path: "") {
                throw FederationError.study("\(bad): no such field")
            }
        } catch let error as FederationError {
            throw .study("\(name): \(error.message)")
        } catch let error as DecodingError {
            throw .study("\(name): \(Self.describe(error))")
        } catch { throw .study("\(name): not YAML: \(error)") }
    }

    public init(path: String) throws(FederationError) {
        let bytes: [UInt8]
        do { bytes = try readFile(path, limit: Self.fileLimit) } catch { throw .study(error.message) }
        try self.init(yaml: bytes, name: path)
    }

    public func yaml() throws(FederationError) -> String {
        do { return try YAMLEncoder().encode(self) } catch {
            throw .study("study: cannot be written as YAML: \(error)")
        }
    }

    private static func unknownKey(_ node: Node, _ known: Any, path: String) -> String? {
        switch node {
        case .mapping(let mapping):
            let object = known as? [String: Any] ?? [:]
            for (key, value) in mapping {
                let name = key.string ?? "?"
                if value.null != nil, value.string == "" || value.string == "~" || value.string == "null" { continue }
                guard let inner = object[name] else { return path + name }
                if let bad = unknownKey(value, inner, path: path + name + ".") { return bad }
            }
        case .sequence(let sequence):
            let list = known as? [Any] ?? []
            for (index, value) in sequence.enumerated() where list.indices.contains(index) {
                if let bad = unknownKey(value, list[index], path: path.dropLast() + "[\(index)].") { return bad }
            }
        default: break
        }
        return nil
    }

    private static func describe(_ error: DecodingError) -> String {
        func path(_ keys: [any CodingKey]) -> String {
            keys.reduce(into: "") { text, key in
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue
                }
            }
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])): is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context.codingPath)): \(context.debugDescription)"
        case .dataCorrupted(let context):
            let place = path(context.codingPath)
            let cause = context.underlyingError.map { "\($0)" } ?? context.debugDescription
            return place.isEmpty ? cause : "\(place): \(cause)"
        @unknown default: return "\(error)"
        }
    }
}
