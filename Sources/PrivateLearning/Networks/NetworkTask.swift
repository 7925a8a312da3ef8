import Tabular

/// How things become the numbers that a network reads, and what its scores mean. Public: everything in it comes from a
/// schema or from the literature, nothing from private rows.
public struct NetworkTask: Hashable, Sendable, Codable {
    public enum Input: Hashable, Sendable, Codable {
        /// Grey images, scaled to (pixel/255 − mean)/deviation.
        case image(height: Int, width: Int, mean: Float, deviation: Float)
        /// Rows of a table, numbers brought to [0, 1] by declared bounds and categories to zeros and ones.
        case table(FittedRecipe)
    }

    public enum Target: Hashable, Sendable, Codable {
        /// One score for each class.
        case classes(name: String, labels: [String])
        /// One score: the target brought from its declared bounds to [−1, 1].
        case number(name: String, lower: Double, upper: Double)

        public var name: String {
            switch self {
            case .classes(let name, _), .number(let name, _, _): name
            }
        }

        /// The scores that a network needs.
        public var outputs: Int {
            switch self {
            case .classes(_, let labels): labels.count
            case .number: 1
            }
        }
    }

    public let input: Input
    public let target: Target

    public init(input: Input, target: Target) {
        self.input = input
        self.target = target
    }
}
