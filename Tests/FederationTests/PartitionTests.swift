import Federation
import Foundation
import Tabular
import Testing

@Suite struct PartitionTests {
    /// 3,000 rows of 1,000 patients, labels 0…4.
    static let units: [[Int]] = (0..<1000).map { [3 * $0, 3 * $0 + 1, 3 * $0 + 2] }
    static let labels: [Int] = (0..<3000).map { ($0 / 3 * 7919) % 5 }

    static func parts(_ partitioner: Partitioner, sites: Int, seed: UInt64 = 1) throws -> [[Int]] {
        try partitioner.partition(units: units, labels: labels, column: labels, sites: sites, seed: seed)
    }

    @Test(arguments: [
        Partitioner.iid, .dirichlet(alpha: 0.3), .dirichlet(alpha: 0.001), .dirichlet(alpha: 100),
        .pathological(shards: 2),
        .quantity(alpha: 0.5), .column("x"),
    ]) func everyRowIsSomewhereAndPatientsStayTogether(_ partitioner: Partitioner) throws {
        for sites in [1, 2, 5] + (partitioner == .column("x") ? [] : [100]) {
            let parts = try Self.parts(partitioner, sites: sites)
            #expect(parts.count == sites && parts.allSatisfy { !$0.isEmpty })
            #expect(parts.flatMap { $0 }.sorted() == Array(0..<3000))
            #expect(parts.allSatisfy { $0 == $0.sorted() })
            for part in parts {
                let patients = Dictionary(grouping: part) { $0 / 3 }
                #expect(patients.values.allSatisfy { $0.count == 3 })
            }
            #expect(try parts == Self.parts(partitioner, sites: sites))
            if sites > 1, partitioner != .column("x") {
                #expect(try parts != Self.parts(partitioner, sites: sites, seed: 2))
            }
        }
    }

    static func shares(_ part: [Int]) -> [Double] {
        (0..<5).map { label in Double(part.count { labels[$0] == label }) / Double(part.count) }
    }

    /// The mean of the largest label share over sites: near 1/5 for even divisions, near 1 for extreme ones.
    @Test func skewFollowsAlpha() throws {
        func skew(_ partitioner: Partitioner) throws -> Double {
            let parts = try Self.parts(partitioner, sites: 20)
            return parts.map { Self.shares($0).max() ?? 0 }.reduce(0, +) / 20
        }
        let even = try skew(.iid)
        let mild = try skew(.dirichlet(alpha: 5))
        let strong = try skew(.dirichlet(alpha: 0.1))
        #expect(even < 0.33)
        #expect(mild > even && mild < strong)
        #expect(strong > 0.6)
        for part in try Self.parts(.pathological(shards: 2), sites: 20) {
            #expect(Self.shares(part).count { $0 > 0 } <= 4)
        }
        let sizes = try Self.parts(.quantity(alpha: 0.3), sites: 20).map(\.count)
        #expect((sizes.max() ?? 0) > 5 * (sizes.min() ?? 0))
    }

    /// Shares of a Dirichlet distribution have mean 1/n and variance (n − 1)/(n²(nα + 1)): 400 draws, five deviations.
    @Test func dirichletMoments() throws {
        let alpha = 0.7
        let sites = 4
        var first: [Double] = []
        for seed in 0..<400 {
            let parts = try Partitioner.quantity(alpha: alpha).partition(
                units: Self.units, labels: nil, sites: sites, seed: UInt64(seed))
            first.append(Double(parts[0].count) / 3000)
        }
        let mean = first.reduce(0, +) / 400
        let variance = first.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399
        let expected = Double(sites - 1) / (Double(sites * sites) * (Double(sites) * alpha + 1))
        #expect(abs(mean - 0.25) < 5 * (expected / 400).squareRoot())
        #expect(abs(variance / expected - 1) < 0.35)
    }

    @Test func byColumn() throws {
        let parts = try Self.parts(.column("x"), sites: 3)
        // No label is at two sites.
        for label in 0..<5 { #expect(parts.count { part in part.contains { Self.labels[$0] == label } } == 1) }
        #expect(throws: FederationError.self) { try Self.parts(.column("x"), sites: 6) }
    }

    @Test func textForms() throws {
        for text in ["iid", "dirichlet:0.3", "pathological:2", "quantity:0.5", "column:ward"] {
            #expect(try Partitioner(text).description == text)
        }
        for text in ["", "even", "dirichlet", "dirichlet:0", "dirichlet:x", "pathological:0", "column:", "iid:2"] {
            #expect(throws: FederationError.self, "\(text)") { try Partitioner(text) }
        }
    }

    @Test func tables() throws {
        let table = try Table(columns: [
            Column("patient", numbers: [1, 1, 2, 2, 3, 3]), Column("y", categories: ["a", "a", "b", "b", "a", "a"]),
        ])
        let parts = try Partitioner.iid.partition(table, sites: 3, label: "y", unit: "patient", seed: 1)
        #expect(parts.sorted { $0[0] < $1[0] } == [[0, 1], [2, 3], [4, 5]])
        #expect(throws: FederationError.self) {
            try Partitioner.iid.partition(table, sites: 4, label: "y", unit: "patient", seed: 1)
        }
    }
}
