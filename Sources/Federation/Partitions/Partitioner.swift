import Foundation
import Tabular

/// How rows are divided among simulated sites; the same seed gives the same division on every machine.
///
/// What is moved is a *unit*: a row, or all rows of one patient (or customer, …), which then stay together.
public enum Partitioner: Hashable, Sendable, CustomStringConvertible {
    /// Units dealt like cards.
    case iid
    /// For each label the shares of the sites are drawn from a Dirichlet distribution with all parameters α; small α
    /// gives sites with few labels.
    /// - Reference: Hsu, Qi, Brown 2019, section 3.
    case dirichlet(alpha: Double)
    /// Units sorted by label, cut into shards; each site gets so many.
    /// - Reference: McMahan et al. 2017, section 3.
    case pathological(shards: Int)
    /// Sizes follow a Dirichlet distribution, labels do not.
    case quantity(alpha: Double)
    /// All units with one value of a column belong to one site; the largest values first, to the site with fewest rows.
    case column(String)

    public var description: String {
        switch self {
        case .iid: "iid"
        case .dirichlet(let alpha): "dirichlet:\(alpha)"
        case .pathological(let shards): "pathological:\(shards)"
        case .quantity(let alpha): "quantity:\(alpha)"
        case .column(let name): "column:\(name)"
        }
    }

    /// From `iid`, `dirichlet:0.3`, `pathological:2`, `quantity:0.5` or `column:NAME`.
    public init(_ text: String) throws(FederationError) {
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        let argument = parts.count > 1 ? parts[1] : nil
        func alpha() throws(FederationError) -> Double {
            guard let value = argument.flatMap(Double.init), value > 0, value.isFinite else {
                throw .parameter("partition: got \(text), want \(parts[0]):ALPHA with a number above 0")
            }
            return value
        }
        switch parts.first {
        case "iid" where argument == nil: self = .iid
        case "dirichlet": self = .dirichlet(alpha: try alpha())
        case "quantity": self = .quantity(alpha: try alpha())
        case "pathological":
            guard let shards = argument.flatMap(Int.init), shards > 0 else {
                throw .parameter("partition: got \(text), want pathological:SHARDS with a number from 1")
            }
            self = .pathological(shards: shards)
        case "column":
            guard let argument, !argument.isEmpty else { throw .parameter("partition: got \(text), want column:NAME") }
            self = .column(argument)
        default:
            throw .parameter(
                "partition: got \(text), want iid, dirichlet:ALPHA, pathological:SHARDS, quantity:ALPHA or column:NAME")
        }
    }

    /// Divides a table's rows.
    /// - Parameters:
    ///   - label: the column whose values are the labels, for those divisions that look at them; numbers are labels by
    ///     value.
    ///   - unit: the column whose equal values stay together.
    /// - Returns: rows of each site in the table's order; every site has at least one unit, every row is somewhere.
    public func partition(
        _ table: Table, sites: Int, label: String?, unit: String?, seed: UInt64
    ) throws(FederationError) -> [[Int]] {
        do {
            let units = try Self.units(table, unit)
            let labels = try label.map { name throws(TabularError) in try table.keys(of: name) }
            let column: [Int]?
            if case .column(let name) = self { column = try table.keys(of: name) } else { column = nil }
            return try partition(units: units, labels: labels, column: column, sites: sites, seed: seed)
        } catch let error as FederationError {
            throw error
        } catch { throw .data("\(error)") }
    }

    private static func units(_ table: Table, _ name: String?) throws(TabularError) -> [[Int]] {
        guard let name else { return (0..<table.rowCount).map { [$0] } }
        let keys = try table.keys(of: name)
        var grouped = [[Int]](repeating: [], count: (keys.max() ?? -1) + 1)
        var alone: [[Int]] = []
        for (row, key) in keys.enumerated() {
            if key < 0 { alone.append([row]) } else { grouped[key].append(row) }
        }
        return grouped + alone
    }

    /// The same on numbered rows.
    /// - Parameters:
    ///   - units: rows of each unit.
    ///   - labels: for each row; a unit counts under its first row's label.
    ///   - column: for each row, the value of the column that decides.
    public func partition(
        units: [[Int]], labels: [Int]?, column: [Int]? = nil, sites: Int, seed: UInt64
    ) throws(FederationError) -> [[Int]] {
        guard sites >= 1, sites <= units.count else {
            throw .parameter("sites: got \(sites), want 1...\(units.count), the number of units")
        }
        var generator = ShuffleGenerator(seed: seed)
        var parts: [[Int]]  // units of each site
        switch self {
        case .iid:
            var order = Array(units.indices)
            generator.shuffle(&order)
            parts = Self.dealt(order, sites)
        case .dirichlet(let alpha):
            parts = [[Int]](repeating: [], count: sites)
            for group in try Self.byLabel(units, labels) {
                var order = group
                generator.shuffle(&order)
                let shares = Self.dirichlet(alpha, count: sites, &generator)
                Self.cut(order, shares, into: &parts)
            }
        case .quantity(let alpha):
            var order = Array(units.indices)
            generator.shuffle(&order)
            parts = [[Int]](repeating: [], count: sites)
            Self.cut(order, Self.dirichlet(alpha, count: sites, &generator), into: &parts)
        case .pathological(let shards):
            let sorted = try Self.byLabel(units, labels).flatMap { $0 }
            let count = sites * shards
            guard count <= sorted.count else {
                throw .parameter("partition: got \(count) shards for \(sorted.count) units, want fewer")
            }
            var order = Array(0..<count)
            generator.shuffle(&order)
            parts = (0..<sites).map { site in
                order[site * shards..<(site + 1) * shards].flatMap { shard in
                    sorted[sorted.count * shard / count..<sorted.count * (shard + 1) / count]
                }
            }
        case .column:
            guard let column else { throw .parameter("partition: want the column that decides") }
            var groups: [Int: [Int]] = [:]
            for (index, unit) in units.enumerated() {
                groups[unit.first.map { column[$0] } ?? -1, default: []].append(index)
            }
            guard groups.count >= sites else {
                throw .parameter("partition: the column has \(groups.count) values, want at least \(sites), one a site")
            }
            parts = [[Int]](repeating: [], count: sites)
            var sizes = [Int](repeating: 0, count: sites)
            for (_, members) in groups.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }) {
                let site = sizes.indices.min { (sizes[$0], $0) < (sizes[$1], $1) } ?? 0
                parts[site] += members
                sizes[site] += members.reduce(0) { $0 + units[$1].count }
            }
        }
        Self.fillEmpty(&parts)
        return parts.map { $0.flatMap { units[$0] }.sorted() }
    }

    private static func dealt(_ order: [Int], _ sites: Int) -> [[Int]] {
        var parts = [[Int]](repeating: [], count: sites)
        for (turn, unit) in order.enumerated() { parts[turn % sites].append(unit) }
        return parts
    }

    /// Units of each label, in the order of the labels.
    private static func byLabel(_ units: [[Int]], _ labels: [Int]?) throws(FederationError) -> [[Int]] {
        guard let labels else { throw .parameter("partition: want a label column") }
        var groups: [Int: [Int]] = [:]
        for (index, unit) in units.enumerated() {
            groups[unit.first.map { labels[$0] } ?? -1, default: []].append(index)
        }
        return groups.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Consecutive pieces in proportion to the shares.
    private static func cut(_ order: [Int], _ shares: [Double], into parts: inout [[Int]]) {
        var sum = 0.0
        var start = 0
        for (site, share) in shares.enumerated() {
            sum += share
            let end =
                site == shares.count - 1 ? order.count : min(order.count, Int((sum * Double(order.count)).rounded()))
            parts[site] += order[start..<max(start, end)]
            start = max(start, end)
        }
    }

    /// A site without units takes one from the largest.
    private static func fillEmpty(_ parts: inout [[Int]]) {
        for site in parts.indices where parts[site].isEmpty {
            let largest = parts.indices.max { (parts[$0].count, -$0) < (parts[$1].count, -$1) } ?? site
            if let unit = parts[largest].popLast() { parts[site].append(unit) }
        }
    }

    /// Gamma variables divided by their sum.
    private static func dirichlet(_ alpha: Double, count: Int, _ generator: inout ShuffleGenerator) -> [Double] {
        // In logarithms: for small α nearly all variables are below the least double.
        let logs = (0..<count).map { _ in logGamma(shape: alpha, &generator) }
        let largest = logs.max() ?? 0
        let values = logs.map { exp($0 - largest) }
        let sum = values.reduce(0, +)
        return values.map { $0 / sum }
    }

    private static func uniform(_ generator: inout ShuffleGenerator) -> Double {
        (Double(generator.next() >> 11) + 0.5) * 0x1p-53
    }

    /// ln of a Gamma(shape, 1) variable.
    /// - Reference: Marsaglia, Tsang 2000; for shapes below 1 with the factor U^(1/shape).
    private static func logGamma(shape: Double, _ generator: inout ShuffleGenerator) -> Double {
        if shape < 1 { return logGamma(shape: shape + 1, &generator) + log(uniform(&generator)) / shape }
        let d = shape - 1.0 / 3
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = (-2 * log(uniform(&generator))).squareRoot() * cos(2 * Double.pi * uniform(&generator))
            let v = (1 + c * x) * (1 + c * x) * (1 + c * x)
            if v > 0, log(uniform(&generator)) < x * x / 2 + d - d * v + d * log(v) { return log(d * v) }
        }
    }
}
