/// What went wrong while a privacy report was read, checked or written.
///
/// The message names the place (a JSON path such as `$.observations[3].bytes`), what came and what is wanted.
public struct PrivacyReportsError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kind of failure; an open set, so that later versions can add to it.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        private init(_ name: String) { self.name = name }
        public var description: String { name }

        /// The bytes are not JSON, or too many.
        public static let malformed = Code("malformed")
        /// The JSON is well formed, but a field is missing, of another type, or out of its range.
        public static let invalidField = Code("invalidField")
        /// The report was written by a version with a newer, incompatible schema.
        public static let unsupportedVersion = Code("unsupportedVersion")
        /// A comparison needs at least two reports.
        public static let tooFewReports = Code("tooFewReports")
        /// A report could not be written.
        public static let cannotWrite = Code("cannotWrite")
    }

    public let code: Code
    public let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
