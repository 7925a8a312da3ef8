import Crypto
import Foundation

/// Who masks with whom: everyone with everyone, or a ring in random order on which each participant is joined to the
/// `degree`/2 nearest on either side (a Harary graph).
///
/// - Reference: Bell, Bonawitz, Gascón, Lepoint, Raykova 2020 (ePrint 2020/704), sections 3 and 4.
public struct AggregationGraph: Hashable, Sendable, CustomStringConvertible {
    /// k: neighbours of each participant; even, or at least the number of the other participants for the complete graph.
    public let degree: Int
    /// t: shares from which a secret of a participant follows.
    public let threshold: Int
    /// w: survivors that every stretch of k/2 places on the ring must keep; 0 where that is not checked.
    public let window: Int

    public init(degree: Int, threshold: Int, window: Int) {
        self.degree = degree
        self.threshold = threshold
        self.window = window
    }

    public var description: String {
        "degree \(degree), share threshold \(threshold)" + (window > 0 ? ", \(window) in each window" : "")
    }

    func isComplete(among participants: Int) -> Bool { degree >= participants - 1 }
}

/// The probabilities that a random ring fails, as base-2 logarithms rounded up, by exact hypergeometric sums.
///
/// With n members of which c collude and d drop out, and m = n − d:
/// - *shares*: some participant has t or more colluding neighbours. At most n·Pr[H(m − 1, c, k) ≥ t].
/// - *recovery*: some participant has fewer than t neighbours left. At most n·Pr[H(n − 1, d, k) > k − t].
/// - *connection*: the honest survivors fall apart. If every stretch of k/2 consecutive places has an honest survivor, two
///   honest survivors that follow one another are at most k/2 apart, hence neighbours, and all are joined. Where the
///   coordinator follows the protocol this fails with probability at most n·Π_{i<k/2} (c + d − i)/(n − i). Where it may
///   choose who drops out after it knows the ring, sites insist on w survivors in every stretch, whichever they are;
///   they are all colluding with probability at most n·Pr[H(m, c, k/2) ≥ w], and honest dropouts spoil a round with
///   probability at most n·Pr[H(n, d, k/2) > k/2 − w].
///
/// H(N, K, r): marked ones among r drawn from N of which K are marked.
public struct GraphBounds: Hashable, Sendable {
    public let members: Int, colluding: Int, dropouts: Int
    public let coordinator: CoordinatorTrust

    public init(members: Int, colluding: Int, dropouts: Int, coordinator: CoordinatorTrust) {
        self.members = members
        self.colluding = colluding
        self.dropouts = dropouts
        self.coordinator = coordinator
    }

    /// log₂ of the probability that the graph does not protect (shares and connection).
    public func securityFailure(of graph: AggregationGraph) -> Double {
        let (n, c, d, k) = (members, colluding, dropouts, graph.degree)
        let m = n - d
        let shares = Hypergeometric(population: m - 1, marked: c, draws: min(k, m - 1)).logTail(
            atLeast: graph.threshold)
        let connection: Double
        switch coordinator {
        case .semiHonest:
            connection = (0..<k / 2).reduce(0) { sum, i in
                c + d - i <= 0 ? -.infinity : sum + log2(Double(c + d - i) / Double(n - i))
            }
        case .active:
            connection = Hypergeometric(population: m, marked: c, draws: min(k / 2, m)).logTail(atLeast: graph.window)
        }
        return Self.logSum(shares, connection) + log2(Double(n)) + 1e-6
    }

    /// log₂ of the probability that random dropouts, as many as are provided for, spoil the round.
    public func recoveryFailure(of graph: AggregationGraph) -> Double {
        let (n, d, k) = (members, dropouts, graph.degree)
        let shares = Hypergeometric(population: n - 1, marked: d, draws: k).logTail(atLeast: k - graph.threshold + 1)
        guard coordinator == .active else { return shares + log2(Double(n)) + 1e-6 }
        let windows = Hypergeometric(population: n, marked: d, draws: k / 2)
            .logTail(atLeast: k / 2 - graph.window + 1)
        return Self.logSum(shares, windows) + log2(Double(n)) + 1e-6
    }

    private static func logSum(_ a: Double, _ b: Double) -> Double {
        let high = max(a, b)
        return high == -.infinity ? high : high + log2(exp2(a - high) + exp2(b - high))
    }
}

extension AggregationGraph {
    /// Both kinds of failure are at most 2^−40.
    public static let failureBits = 40.0
    /// A coordinator that breaks the rules can try key lists until the ring suits it; 2^60 trials are granted to it.
    public static let grindingBits = 60.0

    package static func wantedSecurity(_ coordinator: CoordinatorTrust) -> Double {
        failureBits + (coordinator == .active ? grindingBits : 0)
    }

    /// The complete graph: shares suffice when they come from more parties than collude, and the middle between that and
    /// the number of survivors leaves room on both sides.
    static func complete(members n: Int, colluding c: Int, dropouts d: Int) -> AggregationGraph {
        AggregationGraph(degree: max(n - 1, 1), threshold: max(2, (c + 1 + n - d + 1) / 2), window: 0)
    }

    /// The ring of least degree that meets both bounds, or the complete graph when no smaller one does.
    public static func choose(
        members n: Int, colluding c: Int, dropouts d: Int, coordinator: CoordinatorTrust
    ) -> AggregationGraph {
        let bounds = GraphBounds(members: n, colluding: c, dropouts: d, coordinator: coordinator)
        func candidate(_ k: Int) -> AggregationGraph? {
            // The least t and w that are secure recover best.
            let budget = -wantedSecurity(coordinator) - log2(Double(n)) - 1.01
            let m = n - d
            let shares = Hypergeometric(population: m - 1, marked: c, draws: min(k, m - 1))
            guard let t = shares.least(withLogTailAtMost: budget), t <= k else { return nil }
            var w = 0
            if coordinator == .active {
                let windows = Hypergeometric(population: m, marked: c, draws: min(k / 2, m))
                guard let least = windows.least(withLogTailAtMost: budget), least <= k / 2 else { return nil }
                w = max(1, least)
            }
            let graph = AggregationGraph(degree: k, threshold: max(2, t), window: w)
            return bounds.securityFailure(of: graph) <= -wantedSecurity(coordinator)
                && bounds.recoveryFailure(of: graph) <= -failureBits ? graph : nil
        }
        var (low, high) = (1, (n - 2) / 2)
        guard high >= low, candidate(2 * high) != nil else {
            return complete(members: n, colluding: c, dropouts: d)
        }
        while low < high {
            let middle = (low + high) / 2
            if candidate(2 * middle) != nil { high = middle } else { low = middle + 1 }
        }
        // Below 1.1 times the complete graph a ring saves nothing worth its weaker assumption.
        let found = candidate(2 * high) ?? complete(members: n, colluding: c, dropouts: d)
        return found.degree * 11 >= (n - 1) * 10 ? complete(members: n, colluding: c, dropouts: d) : found
    }
}

/// Marked ones among `draws` drawn without replacement.
package struct Hypergeometric {
    package let population: Int, marked: Int, draws: Int

    package init(population: Int, marked: Int, draws: Int) {
        self.population = population
        self.marked = marked
        self.draws = draws
    }

    /// log₂ Pr[X = x].
    private func logMass(_ x: Int) -> Double {
        guard x >= max(0, draws + marked - population), x <= min(draws, marked) else { return -.infinity }
        func choose(_ n: Int, _ k: Int) -> Double {
            lgamma(Double(n) + 1) - lgamma(Double(k) + 1) - lgamma(Double(n - k) + 1)
        }
        return (choose(marked, x) + choose(population - marked, draws - x) - choose(population, draws)) / log(2)
    }

    /// log₂ Pr[X ≥ x].
    package func logTail(atLeast x: Int) -> Double {
        guard x > max(0, draws + marked - population) else { return 0 }
        var sum = 0.0
        let masses = (x...max(x, min(draws, marked))).map(logMass)
        let high = masses.max() ?? -.infinity
        guard high > -.infinity else { return -.infinity }
        for mass in masses { sum += exp2(mass - high) }
        return min(0, high + log2(sum))
    }

    /// The least x with log₂ Pr[X ≥ x] ≤ `bound`.
    package func least(withLogTailAtMost bound: Double) -> Int? {
        var (low, high) = (0, min(draws, marked) + 1)
        while low < high {
            let middle = (low + high) / 2
            if logTail(atLeast: middle) <= bound { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// The participants of a round in the random order of the ring; positions are those of the key list.
package struct RingOrder: Sendable {
    let graph: AggregationGraph
    let count: Int
    /// Position of the participant at each place of the ring, and back.
    private let at: [Int]
    private let place: [Int]

    /// - Parameter seed: a digest of the key list, so that nobody chooses the order alone.
    init(graph: AggregationGraph, count: Int, seed: [UInt8]) {
        self.graph = graph
        self.count = count
        if graph.isComplete(among: count) {
            at = Array(0..<count)
        } else {
            let keys = (0..<count).map { position -> [UInt8] in
                var hash = SHA256()
                hash.update(data: Array("tacit aggregation ring".utf8))
                hash.update(data: seed)
                withUnsafeBytes(of: UInt32(position).littleEndian) { hash.update(bufferPointer: $0) }
                return Array(hash.finalize())
            }
            at = (0..<count).sorted { keys[$0].lexicographicallyPrecedes(keys[$1]) }
        }
        var place = [Int](repeating: 0, count: count)
        for (index, position) in at.enumerated() { place[position] = index }
        self.place = place
    }

    package func place(of position: Int) -> Int { place[position] }

    /// Ascending.
    func neighbours(of position: Int) -> [Int] {
        if graph.isComplete(among: count) { return (0..<count).filter { $0 != position } }
        let half = graph.degree / 2
        let own = place[position]
        return (1...half).flatMap { [at[(own + $0) % count], at[(own + count - $0) % count]] }.sorted()
    }

    /// Whether every stretch of k/2 places keeps at least w survivors.
    func keepsWindows(_ survives: (Int) -> Bool) -> Bool {
        guard graph.window > 0, !graph.isComplete(among: count) else { return true }
        let half = graph.degree / 2
        var inside = (0..<half).count { survives(at[$0]) }
        for start in 0..<count {
            if inside < graph.window { return false }
            inside += (survives(at[(start + half) % count]) ? 1 : 0) - (survives(at[start]) ? 1 : 0)
        }
        return true
    }
}
