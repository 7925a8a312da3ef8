/// Why a model could not be fitted, encrypted, opened or applied.
public struct PrivateLearningError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// Too few rows for what was asked.
        public static let tooFewRows = Code(name: "tooFewRows")
        /// Fewer people than the plan's minimum cohort.
        public static let cohortTooSmall = Code(name: "cohortTooSmall")
        /// A column that is not there.
        public static let unknownColumn = Code(name: "unknownColumn")
        /// Files made under different plans, keys or layouts.
        public static let mismatch = Code(name: "mismatch")
        /// A file's content does not make sense.
        public static let invalidFile = Code(name: "invalidFile")
        /// A parameter outside its range.
        public static let invalidParameter = Code(name: "invalidParameter")
        /// A schema that nobody has confirmed, or that says too little.
        public static let unfitSchema = Code(name: "unfitSchema")
        /// A cell without a usable value.
        public static let invalidValue = Code(name: "invalidValue")
        /// The opened numbers contradict each other: the inputs were not what they claimed to be.
        public static let inconsistentSums = Code(name: "inconsistentSums")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
