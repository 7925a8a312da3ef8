import Foundation
import Tabular

/// A sum of step functions, one of each feature: what boosting of trees with a single feature each makes. Every
/// function can be looked at.
public struct AdditiveModel: TableModel, Hashable {
    public static let format = "tacit-additive-model"
    public let kind = "boosted-trees"

    /// A function of one number, or of the columns of one category.
    public struct Term: Hashable, Sendable, Codable {
        public var columns: [String]
        /// Of a number: ascending ends of bins, the first bin below the first. Empty for columns of zeros and ones, whose
        /// bins are "column i is 1" and, last, "none is".
        public var edges: [Double]

        public init(columns: [String], edges: [Double]) {
            self.columns = columns
            self.edges = edges
        }

        public var binCount: Int { (edges.isEmpty ? columns.count : edges.count) + 1 }

        func bin(_ values: (Int) -> Double) -> Int {
            guard edges.isEmpty else {
                let x = values(0)
                var (low, high) = (0, edges.count)
                while low < high {
                    let middle = (low + high) / 2
                    if x < edges[middle] { high = middle } else { low = middle + 1 }
                }
                return low
            }
            for index in columns.indices where values(index) > 0.5 { return index }
            return columns.count
        }
    }

    public let target: String
    public let plan: EncodingPlan
    /// `.identity` or `.logit`.
    public let link: Link
    public let terms: [Term]
    public let intercept: Double
    /// The value of each bin, term by term.
    public let scores: [[Double]]

    public init(
        target: String, plan: EncodingPlan, link: Link, terms: [Term], intercept: Double, scores: [[Double]]
    ) throws(PrivateLearningError) {
        let fits =
            !terms.isEmpty && scores.count == terms.count && intercept.isFinite
            && zip(terms, scores).allSatisfy { term, values in
                values.count == term.binCount && values.allSatisfy(\.isFinite) && !term.columns.isEmpty
                    && (term.edges.isEmpty || term.columns.count == 1)
                    && zip(term.edges, term.edges.dropFirst()).allSatisfy { $0 < $1 }
            }
        guard fits else {
            throw PrivateLearningError(
                code: .invalidFile, message: "additive model: want ascending edges and one finite value for each bin")
        }
        self.target = target
        self.plan = plan
        self.link = link
        self.terms = terms
        self.intercept = intercept
        self.scores = scores
    }

    public func predict(_ table: Table) throws -> [Double] {
        let names = terms.flatMap(\.columns)
        let integers = try plan.encode(table, needing: names)
        let rows = integers.realRows(try names.map { try plan.index(of: $0) }, plan: plan)
        // An expected value lies within the target's bounds, which are public.
        let limits = try plan.columns[plan.index(of: target)].encoding
        return (0..<table.rowCount).map { row in
            var score = intercept
            var start = row * names.count
            for (index, term) in terms.enumerated() {
                let first = start
                score += scores[index][term.bin { rows[first + $0] }]
                start += term.columns.count
            }
            return link == .identity ? min(max(score, limits.lower), limits.upper) : link.mean(score)
        }
    }

    private struct Architecture: Codable {
        var target: String
        var link: Link
        var terms: [Term]
        var plan: EncodingPlan
    }

    public var safetensors: Safetensors {
        get throws {
            let all = scores.flatMap { $0 }
            return try .model(
                Self.format, Architecture(target: target, link: link, terms: terms, plan: plan),
                tensors: [
                    "intercept": .init(shape: [1], values: [intercept]),
                    "scores": .init(shape: [all.count], values: all),
                ])
        }
    }

    public init(safetensors file: Safetensors) throws(PrivateLearningError) {
        let architecture = try file.architecture(Self.format, Architecture.self)
        for name in architecture.terms.flatMap(\.columns) + [architecture.target] {
            _ = try architecture.plan.index(of: name)
        }
        let counts = architecture.terms.map(\.binCount)
        let all = try file.values("scores", shape: [counts.reduce(0, +)])
        var scores: [[Double]] = []
        var start = 0
        for count in counts {
            scores.append(Array(all[start..<start + count]))
            start += count
        }
        try self.init(
            target: architecture.target, plan: architecture.plan, link: architecture.link, terms: architecture.terms,
            intercept: file.values("intercept", shape: [1])[0], scores: scores)
    }
}
