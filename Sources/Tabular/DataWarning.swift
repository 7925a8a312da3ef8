/// Something about a table that is no error and that its owner should know.
public struct DataWarning: Hashable, Sendable, Codable, CustomStringConvertible {
    /// An open set of reasons; encoded as its name.
    public struct Code: Hashable, Sendable, Codable {
        public let name: String

        public init(_ name: String) { self.name = name }

        public init(from decoder: any Decoder) throws { name = try decoder.singleValueContainer().decode(String.self) }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(name)
        }

        public static let headerLooksLikeData = Code("header-looks-like-data")
        public static let constantColumn = Code("constant-column")
        public static let emptyColumn = Code("empty-column")
        public static let oneClassTarget = Code("one-class-target")
        public static let duplicatedRows = Code("duplicated-rows")
        public static let unconfirmedSchema = Code("unconfirmed-schema")
    }

    public let code: Code
    public let message: String
    public let column: String?

    public init(_ code: Code, _ message: String, column: String? = nil) {
        self.code = code
        self.message = message
        self.column = column
    }

    public var description: String { column.map { "column \"\($0)\": \(message)" } ?? message }
}
