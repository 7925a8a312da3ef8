/// The middle of each coordinate; of an even number the mean of the two middle ones. Sizes of sites do not count.
/// - Reference: Yin et al. 2018, algorithm 1, option I.
public struct CoordinateMedian: FederationStrategy {
    public init() {}
    public var needsIndividualUpdates: Bool { true }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        state.round += 1
        let change = try RobustRules.median(aggregate.individual.map(\.change))
        return zip(model, change).map(+)
    }
}

/// The mean of each coordinate without the ⌊share·n⌋ least and greatest.
/// - Reference: Yin et al. 2018, algorithm 1, option II.
public struct TrimmedMean: FederationStrategy {
    let share: Double

    public init(share: Double) throws(FederationError) {
        guard share >= 0, share < 0.5 else { throw .study("strategy.trim: got \(share), want a number in [0, 0.5)") }
        self.share = share
    }
    public var needsIndividualUpdates: Bool { true }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        state.round += 1
        let change = try RobustRules.trimmedMean(aggregate.individual.map(\.change), share: share)
        return zip(model, change).map(+)
    }
}

/// The update whose n − f − 2 nearest others are nearest, or the weighted mean of the `keep` best (multi-Krum).
/// - Reference: Blanchard et al. 2017.
public struct Krum: FederationStrategy {
    let malicious: Int
    let keep: Int

    public init(malicious: Int, keep: Int) throws(FederationError) {
        guard malicious >= 0 else { throw .study("strategy.malicious: got \(malicious), want at least 0") }
        guard keep >= 1 else { throw .study("strategy.keep: got \(keep), want at least 1") }
        self.malicious = malicious
        self.keep = keep
    }
    public var needsIndividualUpdates: Bool { true }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        let updates = aggregate.individual
        guard updates.count >= 2 * malicious + 3, keep <= updates.count else {
            throw FederationError(
                code: .tooFewSites,
                message: "krum: got \(updates.count) updates, want at least \(max(2 * malicious + 3, keep)) for "
                    + "\(malicious) that may lie")
        }
        state.round += 1
        let best = RobustRules.krumOrder(updates.map(\.change), malicious: malicious).prefix(keep)
        if keep == 1 { return zip(model, updates[best[0]].change).map(+) }
        let total = best.reduce(0.0) { $0 + updates[$1].weight }
        var change = [Double](repeating: 0, count: model.count)
        for index in best {
            let factor = updates[index].weight / total
            for j in change.indices { change[j] += factor * updates[index].change[j] }
        }
        return zip(model, change).map(+)
    }
}

/// θ = n − 2f updates are taken out one after the other by Krum's rule; each coordinate is the mean of the θ − 2f values
/// nearest to the median of those.
/// - Reference: El Mhamdi, Guerraoui, Rouault 2018.
public struct Bulyan: FederationStrategy {
    let malicious: Int

    public init(malicious: Int) throws(FederationError) {
        guard malicious >= 0 else { throw .study("strategy.malicious: got \(malicious), want at least 0") }
        self.malicious = malicious
    }
    public var needsIndividualUpdates: Bool { true }

    public func step(
        from model: [Double], _ aggregate: RoundAggregate, state: inout StrategyState
    ) throws(FederationError) -> [Double] {
        state.round += 1
        let change = try RobustRules.bulyan(aggregate.individual.map(\.change), malicious: malicious)
        return zip(model, change).map(+)
    }
}

/// The rules on vectors of equal length.
public enum RobustRules {
    private static func requireSome(_ updates: [[Double]], _ name: String) throws(FederationError) {
        guard !updates.isEmpty else {
            throw FederationError(code: .tooFewSites, message: "\(name): got no updates, want at least 1")
        }
    }

    public static func median(_ updates: [[Double]]) throws(FederationError) -> [Double] {
        try requireSome(updates, "median")
        return updates[0].indices.map { j in
            let values = updates.map { $0[j] }.sorted()
            let middle = values.count / 2
            return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
        }
    }

    public static func trimmedMean(_ updates: [[Double]], share: Double) throws(FederationError) -> [Double] {
        try requireSome(updates, "trimmed mean")
        let cut = Int(share * Double(updates.count))
        return updates[0].indices.map { j in
            let kept = updates.map { $0[j] }.sorted()[cut..<updates.count - cut]
            return kept.reduce(0, +) / Double(kept.count)
        }
    }

    /// Squared distances between all pairs.
    static func distances(_ updates: [[Double]]) -> [[Double]] {
        var result = [[Double]](repeating: [Double](repeating: 0, count: updates.count), count: updates.count)
        for i in updates.indices {
            for j in 0..<i {
                var sum = 0.0
                for k in updates[i].indices {
                    let difference = updates[i][k] - updates[j][k]
                    sum += difference * difference
                }
                result[i][j] = sum
                result[j][i] = sum
            }
        }
        return result
    }

    /// Positions of the updates, the best first: by the sum of the distances to the n − f − 2 nearest others (at least one).
    public static func krumOrder(_ updates: [[Double]], malicious: Int) -> [Int] {
        krumOrder(among: Array(updates.indices), distances(updates), malicious: malicious)
    }

    private static func krumOrder(among members: [Int], _ distances: [[Double]], malicious: Int) -> [Int] {
        let near = max(1, members.count - malicious - 2)
        let scores = members.map { i in
            members.filter { $0 != i }.map { distances[i][$0] }.sorted().prefix(near).reduce(0, +)
        }
        return members.indices.sorted { (scores[$0], $0) < (scores[$1], $1) }.map { members[$0] }
    }

    /// - Throws: `tooFewSites` below 4f + 3 updates.
    public static func bulyan(_ updates: [[Double]], malicious: Int) throws(FederationError) -> [Double] {
        guard updates.count >= 4 * malicious + 3 else {
            throw FederationError(
                code: .tooFewSites,
                message:
                    "bulyan: got \(updates.count) updates, want at least \(4 * malicious + 3) for \(malicious) that may lie"
            )
        }
        let distances = distances(updates)
        var members = Array(updates.indices)
        var chosen: [[Double]] = []
        let theta = updates.count - 2 * malicious
        for _ in 0..<theta {
            guard let best = krumOrder(among: members, distances, malicious: malicious).first else { break }
            chosen.append(updates[best])
            members.removeAll { $0 == best }
        }
        let middle = try median(chosen)
        let nearest = theta - 2 * malicious
        return middle.indices.map { j in
            let kept = chosen.map { $0[j] }.sorted { abs($0 - middle[j]) < abs($1 - middle[j]) }.prefix(nearest)
            return kept.reduce(0, +) / Double(kept.count)
        }
    }
}
