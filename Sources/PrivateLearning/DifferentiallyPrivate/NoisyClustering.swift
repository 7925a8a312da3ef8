import DifferentialPrivacy
import Foundation
import Randomness
import Tabular

/// Private k-means: Lloyd's iterations with noisy counts and sums.
///
/// Numbers are moved to [−1, 1] by their public bounds. Centres start at random, far from each other and without a look
/// at the data; in each iteration every row is counted at its nearest centre.
/// - Guarantee: ``terms``.
/// - Cost: O(n·d·k) an iteration.
/// - Reference: Blum, Dwork, McSherry, Nissim 2005; starting points as in Su et al. 2016.
public struct NoisyClustering: PrivateEstimator {
    public let terms: PrivacyTerms
    public let shape: FeatureShape
    public let clusters: Int
    public let iterations: Int
    public let event: PrivacyEvent
    private let budget: GaussianBudget

    /// - Errors: `invalidParameter` for fewer than 2 or more than 1,000 clusters, or iterations outside 1...100.
    public init(_ terms: PrivacyTerms, shape: FeatureShape, clusters: Int, iterations: Int = 5) throws {
        guard (2...1000).contains(clusters) else {
            throw PrivateLearningError.parameter("clusters", clusters, "a number in 2...1000")
        }
        guard (1...100).contains(iterations) else {
            throw PrivateLearningError.parameter("iterations", iterations, "a number in 1...100")
        }
        self.terms = terms
        self.shape = shape
        self.clusters = clusters
        self.iterations = iterations
        budget = try GaussianBudget(
            terms, [.init(share: 1, dimension: clusters * (shape.width + 1), times: iterations)])
        event = try budget.event()
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> ClusterModel {
        try rows.require(shape)
        let scaling = RowScaling(shape)
        let size = shape.width + 1
        let z = scaling.rows(rows)
        let mechanism = try budget.mechanism(0, rowNorm: scaling.normBound)
        var centres = startingPoints(&random)
        var sizes = [Double](repeating: 0, count: clusters)
        for _ in 0..<iterations {
            var sums = FixedPointSums(count: clusters * size, bound: scaling.normBound)
            for row in 0..<rows.rowCount {
                let start = row * size
                var (best, least) = (0, Double.infinity)
                for c in 0..<clusters {
                    var distance = 0.0
                    for j in 1..<size {
                        let difference = z[start + j] - centres[c][j - 1]
                        distance += difference * difference
                    }
                    if distance < least { (best, least) = (c, distance) }
                }
                for j in 0..<size { sums.add(z[start + j], at: best * size + j) }
            }
            let noisy = try mechanism.release(sums.values, using: &random)
            for c in 0..<clusters {
                sizes[c] = max(0, noisy[c * size])
                // A cluster that noise alone could make stays where it is.
                guard noisy[c * size] > 2 * mechanism.deviation else { continue }
                centres[c] = (1..<size).map { min(max(noisy[c * size + $0] / noisy[c * size], -1), 1) }
            }
        }
        return try ClusterModel(
            plan: rows.plan, features: shape.names, offsets: scaling.offsets, scales: scaling.scales,
            centres: centres, sizes: sizes)
    }

    /// Of sets of random points in the cube, one whose least distance is large.
    private func startingPoints(_ random: inout some SecureRandom) -> [[Double]] {
        let numbers = Set(shape.numbers)
        func point() -> [Double] {
            (0..<shape.width).map { j in
                let u = Double(random.nextUInt64() >> 11) * 0x1p-53
                return numbers.contains(j) ? (2 * u - 1) * 0.8 : u < 0.5 ? 0 : 1
            }
        }
        var best: (points: [[Double]], distance: Double) = ([], -1)
        for _ in 0..<50 {
            let points = (0..<clusters).map { _ in point() }
            var least = Double.infinity
            for a in 0..<clusters {
                for b in 0..<a {
                    least = min(least, zip(points[a], points[b]).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
                }
            }
            if least > best.distance { best = (points, least) }
        }
        return best.points
    }
}

/// Centres to which rows are nearest.
public struct ClusterModel: TableModel, Hashable {
    public static let format = "tacit-clusters"
    public let kind = "k-means"
    /// Predictions are numbers of clusters; there is no column for them.
    public var target: String { "cluster" }
    public let plan: EncodingPlan
    public let features: [String]
    /// A feature is compared as (x − offset)/scale.
    public let offsets: [Double]
    public let scales: [Double]
    /// In compared units.
    public let centres: [[Double]]
    /// Rows of each cluster as far as noise lets them be known.
    public let sizes: [Double]

    public init(
        plan: EncodingPlan, features: [String], offsets: [Double], scales: [Double], centres: [[Double]],
        sizes: [Double]
    ) throws(PrivateLearningError) {
        guard !features.isEmpty, offsets.count == features.count, scales.count == features.count,
            !centres.isEmpty, sizes.count == centres.count, centres.allSatisfy({ $0.count == features.count }),
            scales.allSatisfy({ $0 > 0 })
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "clusters: want one offset, scale above 0 and coordinate for each feature")
        }
        self.plan = plan
        self.features = features
        self.offsets = offsets
        self.scales = scales
        self.centres = centres
        self.sizes = sizes
    }

    /// A centre in the features' own units.
    public func centre(_ index: Int) -> [Double] {
        features.indices.map { offsets[$0] + centres[index][$0] * scales[$0] }
    }

    /// Rows in compared units, row-major.
    public func compared(_ table: Table) throws -> [Double] {
        let integers = try plan.encode(table, needing: features)
        var rows = integers.realRows(try features.map { try plan.index(of: $0) }, plan: plan)
        let width = features.count
        for index in rows.indices { rows[index] = (rows[index] - offsets[index % width]) / scales[index % width] }
        return rows
    }

    /// The number of the nearest centre, from 0, and its squared distance in compared units.
    public func nearest(_ row: ArraySlice<Double>) -> (cluster: Int, squaredDistance: Double) {
        var best = (cluster: 0, squaredDistance: Double.infinity)
        for (index, centre) in centres.enumerated() {
            let distance = zip(row, centre).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            if distance < best.squaredDistance { best = (index, distance) }
        }
        return best
    }

    public func predict(_ table: Table) throws -> [Double] {
        let rows = try compared(table)
        return stride(from: 0, to: rows.count, by: features.count).map {
            Double(nearest(rows[$0..<$0 + features.count]).cluster)
        }
    }

    private struct Architecture: Codable {
        var features: [String]
        var clusters: Int
        var plan: EncodingPlan
    }

    public var safetensors: Safetensors {
        get throws {
            try .model(
                Self.format, Architecture(features: features, clusters: centres.count, plan: plan),
                tensors: [
                    "offsets": .init(shape: [features.count], values: offsets),
                    "scales": .init(shape: [features.count], values: scales),
                    "centres": .init(shape: [centres.count, features.count], values: centres.flatMap { $0 }),
                    "sizes": .init(shape: [centres.count], values: sizes),
                ])
        }
    }

    public init(safetensors file: Safetensors) throws(PrivateLearningError) {
        let architecture = try file.architecture(Self.format, Architecture.self)
        let width = architecture.features.count
        guard (1...100_000).contains(architecture.clusters), width > 0 else {
            throw PrivateLearningError(code: .invalidFile, message: "clusters: got \(architecture.clusters), want some")
        }
        for name in architecture.features { _ = try architecture.plan.index(of: name) }
        let centres = try file.values("centres", shape: [architecture.clusters, width])
        try self.init(
            plan: architecture.plan, features: architecture.features, offsets: file.values("offsets", shape: [width]),
            scales: file.values("scales", shape: [width]),
            centres: stride(from: 0, to: centres.count, by: width).map { Array(centres[$0..<$0 + width]) },
            sizes: file.values("sizes", shape: [architecture.clusters]))
    }
}
