/// Why the ledger refused.
public struct PrivacyLedgerError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(name: String) { self.name = name }

        /// The release would exceed the budget. Nothing was recorded and nothing may be released.
        public static let budgetExceeded = Code(name: "budgetExceeded")
        /// The budget's rule cannot bound the loss of this release. Nothing was recorded.
        public static let unsupportedEvent = Code(name: "unsupportedEvent")
        /// A number or text outside its range.
        public static let invalidParameter = Code(name: "invalidParameter")
        /// There is no such file.
        public static let notFound = Code(name: "notFound")
        /// The file cannot be made, for example because it exists.
        public static let cannotCreate = Code(name: "cannotCreate")
        /// The operating system refuses access, or the ledger was opened for reading only.
        public static let permission = Code(name: "permission")
        /// The file is something else than a ledger.
        public static let foreignFile = Code(name: "foreignFile")
        /// The ledger was made by a newer version of this software.
        public static let newerFormat = Code(name: "newerFormat")
        /// SQLite cannot read the file.
        public static let damaged = Code(name: "damaged")
        /// The entries are not what was written: changed, removed, put in another order.
        public static let altered = Code(name: "altered")
        /// The ledger is of other data or of another privacy unit or relation than the release.
        public static let mismatch = Code(name: "mismatch")
        /// Another process holds the ledger for too long.
        public static let busy = Code(name: "busy")
        /// The run is not in the ledger, is over, or is already further.
        public static let invalidRun = Code(name: "invalidRun")
        /// Reading or writing failed, for example because the disk is full. Nothing may be released.
        public static let inputOutput = Code(name: "inputOutput")
    }
    public let code: Code
    public let message: String
    public let cause: (any Error)?
    /// For ``Code/budgetExceeded``: the numbers of the message.
    public let refusal: BudgetForecast?
    public var description: String { message }

    public init(code: Code, message: String, cause: (any Error)? = nil, refusal: BudgetForecast? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.refusal = refusal
    }

    static func parameter(_ name: String, _ value: some CustomStringConvertible, _ want: String) -> Self {
        Self(code: .invalidParameter, message: "\(name): got \(value), want \(want)")
    }
}
