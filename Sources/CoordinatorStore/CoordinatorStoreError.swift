import AtomicFiles
import Foundation

/// Why the coordinator's store could not be opened, read or written.
public struct CoordinatorStoreError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// There is no store in this folder.
        public static let notFound = Code(name: "notFound")
        /// Another coordinator has this store open.
        public static let inUse = Code(name: "inUse")
        /// The store belongs to another study.
        public static let otherStudy = Code(name: "otherStudy")
        /// A newer program made or upgraded the store.
        public static let tooNew = Code(name: "tooNew")
        /// The file is no store, or is damaged.
        public static let damaged = Code(name: "damaged")
        /// No room on the disk. Nothing of the change was kept.
        public static let diskFull = Code(name: "diskFull")
        /// The operating system refused to read or write.
        public static let inputOutput = Code(name: "inputOutput")
        /// A site that is not enrolled, or is enrolled already under another certificate or name.
        public static let peer = Code(name: "peer")
        /// The database server cannot be reached, or the connection to it was lost.
        public static let unavailable = Code(name: "unavailable")
        /// The database server, or this program, refuses to go on with this user or this connection.
        public static let permission = Code(name: "permission")
        /// The words that name a store, such as a connection string, cannot be used.
        public static let invalidPlace = Code(name: "invalidPlace")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// What the engine and the operating system say, in the store's words.
    init(_ error: any Error, in engine: any StoreEngine) {
        self = engine.explain(error) ?? CoordinatorStoreError(error, in: engine.name)
    }

    init(_ error: any Error, in path: String) {
        switch error {
        case let error as CoordinatorStoreError: self = error
        case let error as AtomicFilesError:
            let isFull = [ENOSPC, EDQUOT].contains { error.message.contains(String(cString: strerror($0))) }
            self.init(code: isFull ? .diskFull : .inputOutput, message: error.message)
        default: self.init(code: .inputOutput, message: "\(path): \(error)")
        }
    }
}
