import BinaryCoding
import Crypto
import Foundation
import NeuralNetworks
import Tabular

/// A checked study: what sites and coordinator agree on before anything is sent.
public struct Study: Sendable {
    public let literal: StudyLiteral
    /// nil when rows come encoded.
    public let schema: Schema?
    public let recipe: FittedRecipe?
    public let task: LearningTask
    public let network: StudyNetwork
    public let strategy: any FederationStrategy
    /// Encoded columns.
    public let width: Int
    /// In every message: equal studies have equal fingerprints.
    public let fingerprint: Fingerprint
    private let target: TargetEncoding?
    private let classes: [String]

    public var sites: [SitePublicIdentity] { literal.sites }
    public var rounds: Int { literal.rounds }
    public var kind: ProtectionKind { literal.protection.kind }
    public var seed: UInt64 { literal.seed ?? 1 }
    public var minimum: Int { literal.cohort.minimum }
    public var perRound: Int { min(literal.cohort.perRound ?? sites.count, sites.count) }
    public var quorum: Double { literal.cohort.quorum ?? 1 }
    public var maximumRows: Int { literal.maximumRows ?? 1 << 17 }
    public var standardises: Bool { literal.standardise ?? false }
    /// Sites that open a sum of ckks or paillier together.
    public var threshold: Int { literal.protection.threshold ?? sites.count / 2 + 1 }

    /// Checks everything.
    /// - Throws: `invalidStudy`, `incompatible`; each names the field and the mend.
    public init(_ literal: StudyLiteral, schema: Schema?) throws(FederationError) {
        guard !literal.name.isEmpty, literal.name.utf8.count <= 128 else { throw .study("name: want 1 to 128 bytes") }
        guard (1...100_000).contains(literal.rounds) else {
            throw .study("rounds: got \(literal.rounds), want 1...100000")
        }
        try literal.model.check()
        try literal.training.check()
        try literal.privacy?.check()
        strategy = try StrategyEntry.strategy(literal.strategy)
        self.literal = literal
        self.schema = schema
        (recipe, target, classes, task, width) = try Self.meaning(literal, schema)
        network = StudyNetwork(literal.model, inputs: width, task: task, seed: literal.seed ?? 1)
        _ = try network.initialModel()
        var encoder = BinaryEncoder()
        encoder.encode("tacit federation study 1")
        do {
            let json = JSONEncoder()
            json.outputFormatting = [.sortedKeys]
            encoder.encode(bytes: Array(try json.encode(literal)))
            encoder.encode(bytes: try schema.map { Array(try json.encode($0)) } ?? [])
        } catch { throw .study("study: \(error)") }
        fingerprint = Fingerprint(of: encoder.bytes)
        try checkSites()
        try checkCombination()
        try checkSums()
    }

    /// What the sites will add up has room in integers, and ckks a modulus for it, before anybody is asked for anything.
    private func checkSums() throws(FederationError) {
        var purposes: [SessionPurpose] = literal.privacy == nil ? [.training, .evaluation] : [.training]
        if standardises { purposes.append(.statistics) }
        for purpose in purposes { _ = try layout(purpose, model: 1, norm: literal.privacy?.clippingNorm ?? 1) }
        if kind == .ckks { _ = try collective() }
    }

    private static func meaning(
        _ literal: StudyLiteral, _ schema: Schema?
    ) throws(FederationError) -> (FittedRecipe?, TargetEncoding?, [String], LearningTask, Int) {
        guard let schema else {
            guard let inputs = literal.inputs, (1...1 << 26).contains(inputs.width) else {
                throw .study(
                    "schema: got none; a study needs a schema, or inputs.width for rows that are encoded already")
            }
            guard let classes = inputs.classes else { return (nil, nil, [], .regression, inputs.width) }
            guard (2...1 << 16).contains(classes) else {
                throw .study("inputs.classes: got \(classes), want 2...65536")
            }
            return (nil, nil, [], classes == 2 ? .binary : .classes(classes), inputs.width)
        }
        guard literal.inputs == nil else { throw .study("inputs: does not go with a schema") }
        do {
            let declared = try literal.target.map { name throws(TabularError) in try schema.targeting(name) } ?? schema
            let column = try declared.target
            let recipe = try Recipe.publicEncoding(for: declared).resolved(with: declared)
            let list = column.categories ?? []
            if column.type == .category, list.count > 2, literal.positive == nil {
                return (recipe, nil, list, .classes(list.count), recipe.outputs.count)
            }
            let target = try TargetEncoding(column, positive: literal.positive)
            let task: LearningTask = target.positive == nil ? .regression : .binary
            return (recipe, target, [], task, recipe.outputs.count)
        } catch { throw .study("schema: \(error)") }
    }

    private func checkSites() throws(FederationError) {
        let names = sites.map(\.name)
        guard Set(names).count == names.count else { throw .study("sites: got one name twice, want different ones") }
        guard Set(sites.map(\.key)).count == names.count else {
            throw .study("sites: got one key twice, want different ones")
        }
        for name in literal.revoked ?? [] where !names.contains(name) {
            throw .study("revoked: got \(name), want the name of a site")
        }
        let able = names.count - Set(literal.revoked ?? []).count
        guard minimum >= 2 else {
            throw .study("cohort.minimum: got \(minimum), want at least 2: the sum of one is its update")
        }
        guard able >= minimum else {
            throw .study("sites: got \(able) that may join, want at least cohort.minimum, \(minimum)")
        }
        guard perRound >= minimum else {
            throw .study("cohort.perRound: got \(perRound), want at least cohort.minimum, \(minimum)")
        }
        guard quorum > 0, quorum <= 1 else { throw .study("cohort.quorum: got \(quorum), want a number in (0, 1]") }
        guard (1...1 << 30).contains(maximumRows) else {
            throw .study("maximumRows: got \(maximumRows), want 1...2^30")
        }
        for (name, value) in [("clip", literal.protection.clip), ("controlClip", literal.protection.controlClip)] {
            guard value.map({ $0 > 0 && $0 <= 128 }) ?? true else {
                throw .study("protection.\(name): got \(value ?? 0), want a number in (0, 128]")
            }
        }
    }

    private func checkCombination() throws(FederationError) {
        func refuse(_ message: String) -> FederationError { FederationError(code: .incompatible, message: message) }
        if strategy.needsIndividualUpdates, kind != .none {
            let reason =
                strategy.bufferSize != nil
                ? "an asynchronous buffer has no cohort whose masks or shares could be agreed on, and weighs each update by its age"
                : "it compares the updates of single sites, and under \(kind.rawValue) the coordinator only ever sees their sum"
            throw refuse(
                "strategy \(literal.strategy.name) with protection \(kind.rawValue): \(reason); take protection none, or another strategy"
            )
        }
        switch kind {
        case .ckks:
            guard sites.count <= 256 else {
                throw refuse("protection ckks: got \(sites.count) sites, want at most 256; take secagg")
            }
            guard (2...sites.count).contains(threshold) else {
                throw .study("protection.threshold: got \(threshold), want 2...\(sites.count)")
            }
            guard (literal.revoked ?? []).isEmpty else {
                throw refuse(
                    "protection ckks: all sites make the key together; remove revoked ones from the list of sites")
            }
            guard perRound >= threshold else {
                throw refuse(
                    "cohort.perRound: got \(perRound), want at least the threshold, \(threshold), whose sites open the sum"
                )
            }
        case .secagg:
            guard minimum >= 3 else { throw .study("cohort.minimum: got \(minimum), want at least 3 with secagg") }
            guard let coordinator = literal.coordinator else {
                throw .study(
                    "coordinator: is missing; with secagg sites must know the key that signs key lists and survivors")
            }
            guard !sites.contains(where: { $0.key == coordinator.key }) else {
                throw .study("coordinator: has the key of a site, want one of its own")
            }
        case .paillier:
            guard sites.count <= 255 else {
                throw refuse("protection paillier: got \(sites.count) sites, want at most 255; take secagg")
            }
            if let bits = literal.protection.modulusBits, bits < 3072, literal.protection.insecure != true {
                throw .study(
                    "protection.modulusBits: got \(bits), want at least 3072 for 128-bit security (or insecure: true)")
            }
        case .none: break
        }
        if standardises, recipe == nil {
            throw .study("standardise: wants a schema, whose bounds the statistics need")
        }
        guard let privacy = literal.privacy else { return }
        if strategy.uploadsControl {
            throw refuse("privacy: scaffold uploads a second vector that is not clipped; take another strategy")
        }
        if strategy.needsIndividualUpdates {
            throw refuse("privacy: \(literal.strategy.name) uses single updates, noise is for sums")
        }
        if standardises {
            throw refuse("privacy: standardise takes exact sums first, which are not private; leave it out")
        }
        if literal.localBaseline ?? false {
            throw refuse("privacy: localBaseline takes exact counts of how the sites do alone; leave it out")
        }
        if privacy.placement == .distributed, kind != .secagg {
            throw refuse(
                "privacy.placement: distributed noise needs secagg, so that no part of the sum is seen without it")
        }
    }

    /// The site of that name, if it may take part.
    public func identity(of name: String) -> SitePublicIdentity? {
        (literal.revoked ?? []).contains(name) ? nil : sites.first { $0.name == name }
    }

    // MARK: Rows

    /// Encodes a table.
    /// - Throws: `invalidData`.
    public func rows(_ table: Table) throws(FederationError) -> SiteData.Rows {
        guard let recipe, let schema else { throw .data("rows: this study takes encoded rows, not tables") }
        do {
            let matrix = try recipe.apply(to: table)
            let targets: [Double]
            if let target {
                targets = try target.apply(to: table)
            } else {
                let name = try literal.target ?? schema.target.name
                let column = try table.categorical(name)
                targets = (0..<column.count).map { row in
                    column[row].flatMap { classes.firstIndex(of: $0) }.map(Double.init) ?? .nan
                }
            }
            return try SiteData.Rows(
                features: matrix.values.map(Float.init), width: width, targets: targets.map(Float.init), task: task)
        } catch let error as FederationError {
            throw error
        } catch { throw .data("\(error)") }
    }

    // MARK: Vectors

    /// The bounds of the encoded columns, for statistics.
    func columnBounds() throws(FederationError) -> [(lower: Double, width: Double)] {
        guard let recipe else { throw .study("standardise: wants a schema, whose bounds the statistics need") }
        return recipe.outputs.map { column in
            let lower = column.lower ?? 0
            return (lower, max((column.upper ?? 1) - lower, 1e-9))
        }
    }

    /// What a site uploads.
    /// - Parameter norm: the ℓ₂ bound of this session under differential privacy.
    func layout(_ purpose: SessionPurpose, model count: Int, norm: Double) throws(FederationError) -> VectorLayout {
        let rows = Double(maximumRows)
        let evaluation: [(name: String, count: Int, bound: Double, mostBits: Int)] = [
            ("rows", 1, rows, 0), ("right", 1, rows, 0), ("loss", 1, EvaluationSums.lossCap * rows, 12),
            ("histogram", task == .binary ? 2 * EvaluationSums.bins : 0, rows, 0),
        ]
        switch purpose {
        case .keys: return try VectorLayout([], wordBits: 32, sites: perRound)
        case .statistics:
            return try VectorLayout(
                [("rows", 1, rows, 0), ("sums", width, rows, 30), ("squares", width, rows, 30)], wordBits: 64,
                sites: sites.count)
        case .evaluation, .local: return try VectorLayout(evaluation, wordBits: 32, sites: sites.count)
        case .training:
            if let privacy = literal.privacy {
                return try VectorLayout(
                    [("change", count, norm, 40), ("unclipped", privacy.adaptive == nil ? 0 : 1, 0.5, 16)],
                    wordBits: 32,
                    sites: perRound, noiseMargin: noiseMargin)
            }
            return try VectorLayout(
                [
                    ("change", count, literal.protection.clip ?? 2, 40),
                    ("control", strategy.uploadsControl ? count : 0, literal.protection.controlClip ?? 16, 40),
                    ("weight", 1, rows, 0),
                ] + evaluation, wordBits: 32, sites: perRound)
        }
    }

    /// Room for a site's own noise, ten deviations in units of the bound; the count's noise is relatively larger.
    var noiseMargin: Double {
        guard let privacy = literal.privacy, privacy.placement == .distributed else { return 0 }
        let change = 10 * privacy.noiseMultiplier
        let count = 20 * (privacy.adaptive?.countNoise ?? 0)
        return max(change, count) / Double(minimum).squareRoot()
    }

    /// Ciphertexts of 4,096 numbers that may be opened in the study's life, with room for repeated attempts and for finding
    /// out who forged a share.
    func openings() throws(FederationError) -> Int {
        let weights = try network.initialModel().count
        let numbers = try layout(.training, model: weights, norm: literal.privacy?.clippingNorm ?? 1).count
        let perSum = (numbers + 4095) / 4096
        let others = literal.localBaseline ?? false ? 3 : 2
        return 2 * perSum * (rounds + others + threshold)
    }
}
