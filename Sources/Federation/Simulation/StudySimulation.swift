import BinaryCoding
import Foundation
import Paillier
import PrivateLearning
import Randomness
import Tabular

/// A study on one table, divided among simulated sites, with what it has to be compared with.
public struct StudySimulation: Sendable {
    public let study: Study
    public let rows: SiteData.Rows
    /// Training and held-out rows of each site.
    public let parts: [RowSplit]
    public let identities: [SiteIdentity]
    public let coordinatorIdentity: SiteIdentity
    /// A dealer's; empty where the sites make the key.
    let paillierShares: [PaillierKeyShare]

    /// - Parameters:
    ///   - literal: its sites, coordinator and row bound are replaced by those of the simulation.
    ///   - unit: the column whose equal values stay together, in the division among sites and in the split.
    ///   - split: training and held-out rows of the whole table.
    ///   - dealer: under protection paillier, who makes such a key in this process; nil for a key that the sites make, as they do
    ///     over a network.
    public init(
        _ literal: StudyLiteral, table: Table, schema: Schema, sites: Int, partitioner: Partitioner, split: RowSplit,
        unit: String?, seed: UInt64, dealer: PaillierParameters? = nil
    ) throws(FederationError) {
        let declared: Schema
        let label: String
        do {
            declared = try literal.target.map { name throws(TabularError) in try schema.targeting(name) } ?? schema
            label = try declared.target.name
        } catch { throw .study("\(error)") }
        let division = try partitioner.partition(table, sites: sites, label: label, unit: unit, seed: seed)
        parts = Self.parts(division, heldOut: Set(split.test))
        let filled = try Self.withIdentities(literal, parts: parts)
        (identities, coordinatorIdentity) = (filled.sites, filled.coordinator)
        study = try Study(filled.literal, schema: declared)
        rows = try study.rows(table)
        paillierShares = try Self.shares(study, dealer)
    }

    /// Texts divided among simulated sites.
    /// - Parameters:
    ///   - dealer: as for tables.
    ///   - heldOutShare: of distinct texts; which ones follows from their words, as at real sites.
    public init(
        _ literal: StudyLiteral, texts: [(content: [UInt8], isPositive: Bool)], sites: Int, partitioner: Partitioner,
        heldOutShare: Double, seed: UInt64, dealer: PaillierParameters? = nil
    ) throws(FederationError) {
        // Identities do not decide on the rows, and the division on the literal's row bound.
        let first = try Self.withIdentities(
            literal, parts: [RowSplit](repeating: .init(training: [0], test: []), count: sites))
        let all = try Study(first.literal, schema: nil).data(texts, heldOutShare: heldOutShare).data
        rows = all.rows
        let division = try partitioner.partition(
            units: rows.targets.indices.map { [$0] }, labels: rows.targets.map { Int($0) }, sites: sites, seed: seed)
        parts = Self.parts(division, heldOut: Set(all.heldOut))
        let filled = try Self.withIdentities(literal, parts: parts)
        (identities, coordinatorIdentity) = (filled.sites, filled.coordinator)
        study = try Study(filled.literal, schema: nil)
        paillierShares = try Self.shares(study, dealer)
    }

    private static func parts(_ division: [[Int]], heldOut: Set<Int>) -> [RowSplit] {
        division.map { part in
            let training = part.filter { !heldOut.contains($0) }
            // A site so small that all of it would be held out trains on what it has.
            return training.isEmpty
                ? RowSplit(training: part, test: [])
                : RowSplit(training: training, test: part.filter { heldOut.contains($0) })
        }
    }

    private static func shares(
        _ study: Study, _ dealer: PaillierParameters?
    ) throws(FederationError) -> [PaillierKeyShare] {
        guard study.kind == .paillier, let parameters = dealer else { return [] }
        do {
            return try PaillierSecretKey.generate(parameters).split(
                threshold: max(2, study.threshold), shares: study.sites.count)
        } catch { throw .protection(error.message) }
    }

    private static func withIdentities(
        _ literal: StudyLiteral, parts: [RowSplit]
    ) throws(FederationError) -> (literal: StudyLiteral, sites: [SiteIdentity], coordinator: SiteIdentity) {
        let sites = parts.count
        var random = SystemRandom()
        let width = "\(sites)".count
        var list: [SiteIdentity] = []
        for number in 1...max(1, sites) {
            let digits = String(repeating: "0", count: width - "\(number)".count) + "\(number)"
            list.append(try .generate(name: "site-\(digits)", using: &random))
        }
        let coordinator = try SiteIdentity.generate(name: "coordinator", using: &random)
        var filled = literal
        filled.sites = list.map(\.publicIdentity)
        filled.coordinator = coordinator.publicIdentity
        // A power of two: what it says about the largest site is coarse.
        if literal.maximumRows == nil {
            let most = parts.map(\.training.count).max() ?? 1
            filled.maximumRows = 1 << (Int.bitWidth - (most - 1).leadingZeroBitCount)
        }
        return (filled, list, coordinator)
    }

    public var hasDealer: Bool { !paillierShares.isEmpty }

    public func data(of site: Int) -> SiteData {
        SiteData(rows: rows, training: parts[site].training, heldOut: parts[site].test)
    }

    /// Coordinator and sites, ready to run.
    public func federation(keepsRecords: Bool) throws(FederationError) -> InMemoryFederation {
        var sites: [Site] = []
        for (index, identity) in identities.enumerated() {
            sites.append(
                try Site(
                    study, identity: identity, data: data(of: index),
                    paillier: paillierShares.isEmpty ? nil : paillierShares[index]))
        }
        return InMemoryFederation(
            coordinator: try Coordinator(
                study, identity: coordinatorIdentity, paillier: paillierShares.first?.sharing), sites: sites,
            keepsRecords: keepsRecords)
    }

    // MARK: Comparisons, in the clear

    /// All training rows of all sites, and all held-out rows.
    public var pooled: SiteData {
        SiteData(rows: rows, training: parts.flatMap(\.training).sorted(), heldOut: parts.flatMap(\.test).sorted())
    }

    /// Exact scores (probabilities for a binary task) of a model on the held-out rows of all sites.
    /// - Parameter vocabulary: of texts the buckets that are features; empty where all are.
    public func predictions(
        _ model: GlobalModel, scaling: ColumnScaling?, vocabulary: [Int32] = []
    ) throws(FederationError) -> [Double] {
        guard let plan = study.texts else { return try Self.predictions(model, pooled, study, scaling: scaling) }
        return try textScores(model, vocabulary, plan)
    }

    private static func predictions(
        _ model: GlobalModel, _ data: SiteData, _ study: Study, scaling: ColumnScaling?
    ) throws(FederationError) -> [Double] {
        let scores = try data.scores(of: data.heldOut, model, study.network, scaling: scaling).map(Double.init)
        return study.task == .binary ? scores.map(Link.logit.mean) : scores
    }

    public var heldOutTargets: [Double] { pooled.targets(pooled.heldOut).map(Double.init) }

    /// Mean and deviation over some rows, as the statistics of a federation of these rows would be.
    public func scaling(of list: [Int]) -> ColumnScaling {
        let width = rows.width
        var (means, deviations) = ([Double](), [Double]())
        for column in 0..<width {
            var (sum, squares) = (0.0, 0.0)
            for row in list {
                let value = Double(rows.features[row * width + column])
                sum += value
                squares += value * value
            }
            let mean = sum / Double(max(1, list.count))
            let variance = squares / Double(max(1, list.count)) - mean * mean
            means.append(mean)
            deviations.append(variance > 1e-9 * max(1, mean * mean) ? variance.squareRoot() : 1)
        }
        return ColumnScaling(means: means, deviations: deviations)
    }

    /// Predictions of a model fitted to all training rows in one place: by Newton's method where it is logistic, else by as
    /// many passes as the study's rounds take, at most twenty.
    public func central() throws(FederationError) -> [Double] {
        try study.texts == nil ? fitted(pooled, testing: pooled) : fittedTexts(pooled, of: parts)
    }

    /// Predictions of a site that is alone, on the held-out rows of all.
    public func alone(_ site: Int) throws(FederationError) -> [Double] {
        try study.texts == nil
            ? fitted(data(of: site), testing: pooled) : fittedTexts(data(of: site), of: [parts[site]])
    }

    private func fitted(_ data: SiteData, testing test: SiteData) throws(FederationError) -> [Double] {
        let scaling = study.standardises ? scaling(of: data.training) : nil
        if study.task == .binary, study.literal.model.kind == .logistic {
            return try newton(data, testing: test, scaling: scaling)
        }
        var parameters = study.literal.training
        parameters.epochs = min(20, parameters.epochs * Double(study.rounds))
        let result = try LocalTraining(network: study.network, parameters: parameters, correction: .none).run(
            from: try study.network.initialModel(), data, scaling: scaling, round: 0, seed: study.seed)
        let first = try study.network.initialModel()
        let model = try first.replacing(zip(first.weights, result.change).map(+))
        return try Self.predictions(model, test, study, scaling: scaling)
    }

    private func newton(_ data: SiteData, testing test: SiteData, scaling: ColumnScaling?) throws(FederationError)
        -> [Double]
    {
        let width = rows.width + 1
        func design(_ list: [Int], _ source: SiteData) -> [Double] {
            let features = source.features(list, scaling)
            var result: [Double] = []
            result.reserveCapacity(list.count * width)
            for row in list.indices {
                result.append(1)
                for column in 0..<rows.width { result.append(Double(features[row * rows.width + column])) }
            }
            return result
        }
        var signed = design(data.training, data)
        for (row, target) in data.targets(data.training).enumerated() where target == 0 {
            for column in 0..<width { signed[row * width + column].negate() }
        }
        do {
            // A little ridge: a single site may have a class or a category not at all.
            let fit = try LogisticRegression(rows: signed, width: width, ridge: 1e-5, maximumSteps: 30, tolerance: 1e-7)
            let rows = design(test.heldOut, test)
            return test.heldOut.indices.map { row in
                Link.logit.mean((0..<width).reduce(0) { $0 + rows[row * width + $1] * fit.weights[$1] })
            }
        } catch { throw .data(error.message) }
    }
}
