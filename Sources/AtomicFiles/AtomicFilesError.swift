/// What can go wrong while a file is read or written.
public struct AtomicFilesError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// The file or its folder is not there.
        public static let notFound = Code(name: "notFound")
        /// The file or folder cannot be created or replaced.
        public static let cannotCreate = Code(name: "cannotCreate")
        /// Reading or writing failed part of the way, for example because the disk is full.
        public static let inputOutput = Code(name: "inputOutput")
        /// The operating system refuses access.
        public static let permission = Code(name: "permission")
        /// The file is larger than the reader accepts.
        public static let tooLarge = Code(name: "tooLarge")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
