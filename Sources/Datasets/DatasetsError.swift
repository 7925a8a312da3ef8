import Tabular

/// The one error of this module: a code to act on and a message to read.
public struct DatasetsError: Error, Sendable, CustomStringConvertible {
    /// What went wrong; an open set.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String

        public init(_ name: String) { self.name = name }

        public var description: String { name }

        /// No data set of that name.
        public static let unknownDataset = Code("unknown-dataset")
        /// The files of a data set are not on this machine.
        public static let notFetched = Code("not-fetched")
        /// A file is there and is not the published one.
        public static let hashMismatch = Code("hash-mismatch")
        /// A file has another length than the published one, or is larger than allowed.
        public static let sizeMismatch = Code("size-mismatch")
        /// The server answered with an error, or not at all.
        public static let downloadFailed = Code("download-failed")
        /// The server stopped sending.
        public static let stalled = Code("stalled")
        /// Another process downloads the same file.
        public static let busy = Code("busy")
        public static let cancelled = Code("cancelled")
        /// A file cannot be read.
        public static let unreadable = Code("unreadable")
        /// A file or folder cannot be written.
        public static let unwritable = Code("unwritable")
        /// An archive that is damaged, or made to do harm.
        public static let invalidArchive = Code("invalid-archive")
        /// The content of a file is not what its format demands; ``cause`` has line and column.
        public static let invalidData = Code("invalid-data")
    }

    public let code: Code
    public let message: String
    /// The error of the module below, if one was the reason.
    public let cause: TabularError?

    public init(_ code: Code, _ message: String, cause: TabularError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    init(_ error: TabularError) { self.init(.invalidData, error.description, cause: error) }

    public var description: String { message }
}
