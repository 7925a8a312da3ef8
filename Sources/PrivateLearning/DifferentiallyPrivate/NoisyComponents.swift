import DifferentialPrivacy
import Foundation
import Randomness
import Tabular

/// Private principal components: eigenvectors of a noisy covariance matrix (Analyze Gauss).
///
/// One Gaussian release of the sums of (1, z)(1, z)ᵀ gives count, means and second moments together.
/// - Guarantee: ``terms``.
/// - Cost: O(n·d²) once, O(d³) for the eigenvectors.
/// - Reference: Dwork, Talwar, Thakurta, Zhang 2014, Algorithm 1.
public struct NoisyComponents: PrivateEstimator {
    public let terms: PrivacyTerms
    public let shape: FeatureShape
    public let components: Int
    public let event: PrivacyEvent
    private let budget: GaussianBudget

    /// - Errors: `invalidParameter` unless there are 1...width components of at most 1,000 features.
    public init(_ terms: PrivacyTerms, shape: FeatureShape, components: Int) throws {
        guard shape.width <= 1000, (1...shape.width).contains(components) else {
            throw PrivateLearningError.parameter("components", components, "a number in 1...\(min(1000, shape.width))")
        }
        self.terms = terms
        self.shape = shape
        self.components = components
        budget = try GaussianBudget(terms, [.init(share: 1, dimension: UpperTriangle.count(shape.width + 1))])
        event = try budget.event()
    }

    public func fit(_ rows: BoundedRows, using random: inout some SecureRandom) throws -> ComponentModel {
        try rows.require(shape)
        let scaling = RowScaling(shape)
        let (width, size) = (shape.width, shape.width + 1)
        let bound = scaling.normBound
        let triangle = UpperTriangle.sum(scaling.rows(rows), size: size, normBound: bound)
        let mechanism = try budget.mechanism(0, rowNorm: bound * bound)
        let moments = UpperTriangle.matrix(try mechanism.release(triangle, using: &random), size: size)
        let count = max(1, moments[0])
        let means = (0..<width).map { moments[$0 + 1] / count }
        var covariance = [Double](repeating: 0, count: width * width)
        for i in 0..<width {
            for j in 0..<width {
                covariance[i * width + j] = moments[(i + 1) * size + j + 1] / count - means[i] * means[j]
            }
        }
        let eigen = SymmetricEigen(covariance, size: width)
        return try ComponentModel(
            plan: rows.plan, features: shape.names,
            offsets: (0..<width).map { scaling.offsets[$0] + means[$0] * scaling.scales[$0] }, scales: scaling.scales,
            directions: Array(eigen.vectors[..<components]), variances: eigen.values.map { max(0, $0) })
    }
}

/// Directions of the largest variance.
public struct ComponentModel: TableModel, Hashable {
    public static let format = "tacit-components"
    public let kind = "principal-components"
    /// Predictions are coordinates along the first component; there is no column for them.
    public var target: String { "component 1" }
    public let plan: EncodingPlan
    public let features: [String]
    /// A feature enters as (x − offset)/scale.
    public let offsets: [Double]
    public let scales: [Double]
    /// Of norm 1, by descending variance.
    public let directions: [[Double]]
    /// Of all directions, as far as noise lets them be known; none is negative.
    public let variances: [Double]

    public init(
        plan: EncodingPlan, features: [String], offsets: [Double], scales: [Double], directions: [[Double]],
        variances: [Double]
    ) throws(PrivateLearningError) {
        let width = features.count
        guard width > 0, offsets.count == width, scales.count == width, scales.allSatisfy({ $0 > 0 }),
            !directions.isEmpty, directions.allSatisfy({ $0.count == width }), variances.count == width
        else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "components: want an offset, a scale above 0, a variance and coordinates for each feature")
        }
        self.plan = plan
        self.features = features
        self.offsets = offsets
        self.scales = scales
        self.directions = directions
        self.variances = variances
    }

    /// The part of all variance along the first `count` directions.
    public func explained(_ count: Int) -> Double {
        let total = variances.reduce(0, +)
        return total > 0 ? variances.prefix(count).reduce(0, +) / total : 0
    }

    /// Coordinates of every row along the directions.
    public func project(_ table: Table) throws -> [[Double]] {
        let integers = try plan.encode(table, needing: features)
        let rows = integers.realRows(try features.map { try plan.index(of: $0) }, plan: plan)
        let width = features.count
        return stride(from: 0, to: rows.count, by: width).map { start in
            let z = (0..<width).map { (rows[start + $0] - offsets[$0]) / scales[$0] }
            return directions.map { direction in zip(direction, z).reduce(0) { $0 + $1.0 * $1.1 } }
        }
    }

    public func predict(_ table: Table) throws -> [Double] { try project(table).map { $0[0] } }

    private struct Architecture: Codable {
        var features: [String]
        var components: Int
        var plan: EncodingPlan
    }

    public var safetensors: Safetensors {
        get throws {
            try .model(
                Self.format, Architecture(features: features, components: directions.count, plan: plan),
                tensors: [
                    "offsets": .init(shape: [features.count], values: offsets),
                    "scales": .init(shape: [features.count], values: scales),
                    "directions": .init(shape: [directions.count, features.count], values: directions.flatMap { $0 }),
                    "variances": .init(shape: [features.count], values: variances),
                ])
        }
    }

    public init(safetensors file: Safetensors) throws(PrivateLearningError) {
        let architecture = try file.architecture(Self.format, Architecture.self)
        let width = architecture.features.count
        guard width > 0, (1...width).contains(architecture.components) else {
            throw PrivateLearningError(
                code: .invalidFile, message: "components: got \(architecture.components), want 1...\(width)")
        }
        for name in architecture.features { _ = try architecture.plan.index(of: name) }
        let directions = try file.values("directions", shape: [architecture.components, width])
        try self.init(
            plan: architecture.plan, features: architecture.features, offsets: file.values("offsets", shape: [width]),
            scales: file.values("scales", shape: [width]),
            directions: stride(from: 0, to: directions.count, by: width).map { Array(directions[$0..<$0 + width]) },
            variances: file.values("variances", shape: [width]))
    }
}
