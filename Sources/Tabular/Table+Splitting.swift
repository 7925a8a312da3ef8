/// Two disjoint sets of rows, each in the order of the table.
public struct RowSplit: Hashable, Sendable, Codable {
    public let training: [Int]
    public let test: [Int]

    public init(training: [Int], test: [Int]) {
        self.training = training
        self.test = test
    }
}

extension Table {
    /// Splits rows into a training and a test part.
    ///
    /// With `groupBy` all rows of one value of that column (one patient, say) go to the same side, and the share is one
    /// of groups; a row whose group is missing is a group of its own. With `stratifyBy` the share holds within each
    /// value of that column as nearly as whole numbers allow; a group then counts under its most frequent value.
    /// - Parameters:
    ///   - testShare: in (0, 1). At least one row or group goes to each side.
    ///   - seed: the same seed, table and arguments give the same split on every machine.
    /// - Throws: ``TabularError`` for a share outside (0, 1), fewer than two rows or groups, or an unknown column.
    public func split(
        testShare: Double, seed: UInt64, groupBy: String? = nil, stratifyBy: String? = nil
    ) throws(TabularError) -> RowSplit {
        guard testShare > 0 && testShare < 1 else {
            throw TabularError(.invalidArgument, "testShare: got \(testShare), want one in (0, 1)")
        }
        let units = try units(groupBy: groupBy, stratifyBy: stratifyBy)
        guard units.groups.count >= 2 else {
            throw TabularError(
                .invalidArgument, "\(groupBy == nil ? "rows" : "groups"): got \(units.groups.count), want at least 2")
        }
        var generator = ShuffleGenerator(seed: seed)
        let strata = units.shuffled(using: &generator)
        // Largest remainders: each stratum gets the floor of its share, and what is left goes where most was cut off.
        let wanted = max(1, min(units.groups.count - 1, Int((Double(units.groups.count) * testShare).rounded())))
        var counts = strata.map { Int(Double($0.count) * testShare) }
        let byRemainder = strata.indices.sorted {
            let a = Double(strata[$0].count) * testShare - Double(counts[$0])
            let b = Double(strata[$1].count) * testShare - Double(counts[$1])
            return a > b || (a == b && $0 < $1)
        }
        var rest = wanted - counts.reduce(0, +)
        for stratum in byRemainder where rest > 0 && counts[stratum] < strata[stratum].count {
            counts[stratum] += 1
            rest -= 1
        }
        var isTest = [Bool](repeating: false, count: rowCount)
        for (stratum, count) in zip(strata, counts) {
            for group in stratum.prefix(count) { for row in units.groups[group] { isTest[row] = true } }
        }
        return RowSplit(
            training: (0..<rowCount).filter { !isTest[$0] }, test: (0..<rowCount).filter { isTest[$0] })
    }

    /// The k splits of k-fold cross-validation: every row is in exactly one test part.
    ///
    /// Groups and strata as in ``split(testShare:seed:groupBy:stratifyBy:)``. Without groups the parts differ by at most
    /// one row; with groups each group goes to the part that has fewest rows so far, the largest groups first.
    /// - Throws: ``TabularError`` for k < 2, fewer rows or groups than k, or an unknown column.
    public func folds(
        _ k: Int, seed: UInt64, groupBy: String? = nil, stratifyBy: String? = nil
    ) throws(TabularError) -> [RowSplit] {
        guard k >= 2 else { throw TabularError(.invalidArgument, "folds: got \(k), want at least 2") }
        let parts = try parts(k, seed: seed, groupBy: groupBy, stratifyBy: stratifyBy)
        return parts.map { part in
            var isTest = [Bool](repeating: false, count: rowCount)
            for row in part { isTest[row] = true }
            return RowSplit(training: (0..<rowCount).filter { !isTest[$0] }, test: part)
        }
    }

    /// Divides the rows among n owners, as for a federation of hospitals.
    /// - Throws: ``TabularError`` for n < 1, fewer rows or groups than n, or an unknown column.
    public func partition(
        into n: Int, seed: UInt64, groupBy: String? = nil, stratifyBy: String? = nil
    ) throws(TabularError) -> [Table] {
        var tables: [Table] = []
        for part in try parts(n, seed: seed, groupBy: groupBy, stratifyBy: stratifyBy) { tables.append(rows(part)) }
        return tables
    }

    /// Disjoint sets of rows that together are all rows, each in the order of the table.
    /// - Throws: ``TabularError`` as ``partition(into:seed:groupBy:stratifyBy:)``.
    public func parts(
        _ n: Int, seed: UInt64, groupBy: String? = nil, stratifyBy: String? = nil
    ) throws(TabularError) -> [[Int]] {
        let units = try units(groupBy: groupBy, stratifyBy: stratifyBy)
        guard n >= 1 && n <= units.groups.count else {
            throw TabularError(
                .invalidArgument,
                "parts: got \(n), want 1...\(units.groups.count), the number of \(groupBy == nil ? "rows" : "groups")")
        }
        var generator = ShuffleGenerator(seed: seed)
        let strata = units.shuffled(using: &generator)
        var parts = [[Int]](repeating: [], count: n)
        if groupBy == nil {
            // Dealt like cards, on from stratum to stratum, so that sizes differ by one at most.
            for (turn, group) in strata.joined().enumerated() { parts[turn % n] += units.groups[group] }
        } else {
            for stratum in strata {
                let bySize = stratum.enumerated().sorted {
                    let a = units.groups[$0.element].count
                    let b = units.groups[$1.element].count
                    return a > b || (a == b && $0.offset < $1.offset)
                }
                var inStratum = [Int](repeating: 0, count: n)
                for (_, group) in bySize {
                    let part = parts.indices.min {
                        (inStratum[$0], parts[$0].count, $0) < (inStratum[$1], parts[$1].count, $1)
                    }!
                    parts[part] += units.groups[group]
                    inStratum[part] += units.groups[group].count
                }
            }
        }
        return parts.map { $0.sorted() }
    }

    /// What is moved as a whole: groups of rows, and the stratum of each.
    private struct Units {
        var groups: [[Int]]
        var strata: [[Int]]

        func shuffled(using generator: inout ShuffleGenerator) -> [[Int]] {
            strata.map { stratum in
                var stratum = stratum
                generator.shuffle(&stratum)
                return stratum
            }
        }
    }

    private func units(groupBy: String?, stratifyBy: String?) throws(TabularError) -> Units {
        let groups: [[Int]]
        if let groupBy {
            let keys = try keys(of: groupBy)
            var grouped = [[Int]](repeating: [], count: (keys.max() ?? -1) + 1)
            var alone: [[Int]] = []
            for (row, key) in keys.enumerated() {
                if key < 0 { alone.append([row]) } else { grouped[key].append(row) }
            }
            groups = grouped + alone
        } else {
            groups = (0..<rowCount).map { [$0] }
        }
        guard let stratifyBy else { return Units(groups: groups, strata: [Array(groups.indices)]) }
        let labels = try keys(of: stratifyBy)
        var strata = [[Int]](repeating: [], count: (labels.max() ?? -1) + 2)
        for (index, group) in groups.enumerated() {
            var counts: [Int: Int] = [:]
            for row in group { counts[labels[row], default: 0] += 1 }
            // The most frequent label, the earliest one among equals.
            let label = counts.max { $0.value < $1.value || ($0.value == $1.value && $0.key > $1.key) }!.key
            strata[label + 1].append(index)
        }
        return Units(groups: groups, strata: strata.filter { !$0.isEmpty })
    }

    /// A small number for each distinct value of a column, in order of first appearance; −1 where missing.
    package func keys(of name: String) throws(TabularError) -> [Int] {
        switch try column(name).values {
        case .numeric(let column):
            var index: [Double: Int] = [:]
            return (0..<rowCount).map { row in column[row].map { Self.key($0, in: &index) } ?? -1 }
        case .categorical(let column):
            var index: [Int32: Int] = [:]
            return (0..<rowCount).map { row in
                let code = column.code(row)
                return code < 0 ? -1 : Self.key(code, in: &index)
            }
        case .text(let column):
            var index: [ArraySlice<UInt8>: Int] = [:]
            return (0..<rowCount).map { row in column.missing[row] ? -1 : Self.key(column.utf8(row), in: &index) }
        }
    }

    private static func key<T: Hashable>(_ value: T, in index: inout [T: Int]) -> Int {
        if let key = index[value] { return key }
        index[value] = index.count
        return index.count - 1
    }
}
