/// Examples in memory: rows of features, and what is to be predicted of each.
public struct Examples<Scalar: NetworkScalar>: Sendable {
    public enum Targets: Sendable {
        /// Class numbers from 0.
        case classes([Int])
        /// `width` numbers for each row.
        case values([Scalar], width: Int)
    }

    /// Row-major.
    public let features: [Scalar]
    public let width: Int
    public let targets: Targets
    public let count: Int

    public init(features: [Scalar], width: Int, targets: Targets) throws(NeuralNetworksError) {
        guard width > 0, features.count % width == 0 else {
            throw .data("examples: got \(features.count) numbers, want a multiple of the width, \(width)")
        }
        count = features.count / width
        let targetCount: Int
        switch targets {
        case .classes(let classes): targetCount = classes.count
        case .values(let values, let width):
            targetCount = width > 0 && values.count % width == 0 ? values.count / width : -1
        }
        guard targetCount == count else {
            throw .data("examples: got targets for \(targetCount) rows, want \(count)")
        }
        self.features = features
        self.width = width
        self.targets = targets
    }
}
