import NeuralNetworks

/// Encoded rows of one site: what it trains on and what it holds back for evaluation.
///
/// The features may be shared with other sites of one process: a site then has only the numbers of its rows.
public struct SiteData: Sendable {
    /// Rows of all sites in this process.
    public final class Rows: Sendable {
        /// Row-major.
        public let features: [Float]
        public let width: Int
        /// One a row: 0 or 1, a class number, or a value.
        public let targets: [Float]
        public let task: LearningTask
        /// In studies of texts, in the place of features.
        public let texts: HashedTexts?
        public var count: Int { targets.count }

        /// Texts of two classes.
        /// - Throws: `invalidData` when there is not one label a text.
        public init(texts: HashedTexts, isPositive: [Bool]) throws(FederationError) {
            guard texts.count == isPositive.count else {
                throw .data("texts: got \(isPositive.count) labels for \(texts.count) texts")
            }
            features = []
            width = texts.hashing.bucketCount
            targets = isPositive.map { $0 ? 1 : 0 }
            task = .binary
            self.texts = texts
        }

        /// - Throws: `invalidData` for sizes that do not fit, numbers that are not finite, and labels that the task does not
        ///   have.
        public init(features: [Float], width: Int, targets: [Float], task: LearningTask) throws(FederationError) {
            guard width > 0, features.count == width * targets.count else {
                throw .data("rows: got \(features.count) features for \(targets.count) targets, want \(width) a row")
            }
            guard features.allSatisfy(\.isFinite), targets.allSatisfy(\.isFinite) else {
                throw .data("rows: got a number that is infinite or not a number")
            }
            let labels: Int? =
                switch task {
                case .binary: 2
                case .classes(let count): count
                case .regression: nil
                }
            if let labels, let row = targets.firstIndex(where: { $0 < 0 || $0 >= Float(labels) || $0 != $0.rounded() })
            {
                throw .data("target of row \(row + 1): want a whole number in 0..<\(labels)")
            }
            texts = nil
            self.features = features
            self.width = width
            self.targets = targets
            self.task = task
        }
    }

    public let rows: Rows
    public let training: [Int]
    public let heldOut: [Int]

    public init(rows: Rows, training: [Int], heldOut: [Int]) {
        precondition((training + heldOut).allSatisfy { (0..<rows.count).contains($0) }, "rows: a number out of range")
        self.rows = rows
        self.training = training
        self.heldOut = heldOut
    }

    /// The features of some rows, scaled.
    func features(_ list: [Int], _ scaling: ColumnScaling?) -> [Float] {
        let width = rows.width
        var result: [Float] = []
        result.reserveCapacity(list.count * width)
        for row in list { result.append(contentsOf: rows.features[row * width..<(row + 1) * width]) }
        if let scaling { scaling.apply(to: &result) }
        return result
    }

    func targets(_ list: [Int]) -> [Float] { list.map { rows.targets[$0] } }

    func examples(_ list: [Int], _ scaling: ColumnScaling?) throws(FederationError) -> Examples<Float> {
        let values = targets(list)
        let wanted: Examples<Float>.Targets =
            rows.task == .regression ? .values(values, width: 1) : .classes(values.map { Int($0) })
        do { return try Examples(features: features(list, scaling), width: rows.width, targets: wanted) } catch {
            throw .data(error.message)
        }
    }
}

/// Mean and deviation of each column over all sites; columns become (x − mean)/deviation.
public struct ColumnScaling: Hashable, Sendable {
    public let means: [Double]
    /// 1 for a constant column.
    public let deviations: [Double]

    public init(means: [Double], deviations: [Double]) {
        precondition(means.count == deviations.count, "scaling: want one mean and deviation for each column")
        self.means = means
        self.deviations = deviations
    }

    func apply(to rows: inout [Float]) {
        let width = means.count
        let offsets = means.map(Float.init)
        let factors = deviations.map { Float(1 / $0) }
        for start in stride(from: 0, to: rows.count, by: width) {
            for column in 0..<width {
                rows[start + column] = (rows[start + column] - offsets[column]) * factors[column]
            }
        }
    }
}
