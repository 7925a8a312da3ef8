import AtomicFiles
import Foundation
import GRDB

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
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// What SQLite and the operating system say, in the store's words.
    init(_ error: any Error, in path: String) {
        switch error {
        case let error as CoordinatorStoreError: self = error
        case let error as DatabaseError:
            let text = error.message ?? "\(error.resultCode)"
            switch error.resultCode {
            case .SQLITE_FULL:
                self.init(
                    code: .diskFull,
                    message: "\(path): the disk is full; nothing of this change was kept, it is tried again")
            case .SQLITE_NOTADB, .SQLITE_CORRUPT:
                self.init(code: .damaged, message: "\(path): \(text); restore it from a backup")
            case .SQLITE_BUSY, .SQLITE_LOCKED:
                self.init(code: .inUse, message: "\(path): another program holds it: \(text)")
            default: self.init(code: .inputOutput, message: "\(path): \(text)")
            }
        case let error as AtomicFilesError:
            let isFull = [ENOSPC, EDQUOT].contains { error.message.contains(String(cString: strerror($0))) }
            self.init(code: isFull ? .diskFull : .inputOutput, message: error.message)
        default: self.init(code: .inputOutput, message: "\(path): \(error)")
        }
    }
}
