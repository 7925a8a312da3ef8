/// Why a step of Prio3 was refused.
public struct Prio3Error: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public init(name: String) { self.name = name }
        public var description: String { name }

        /// Parameters that cannot work.
        public static let invalidParameters = Code(name: "invalidParameters")
        /// A measurement outside the declared range or of another length.
        public static let invalidMeasurement = Code(name: "invalidMeasurement")
        /// Bytes of another length, or numbers that are no field elements.
        public static let invalidEncoding = Code(name: "invalidEncoding")
        /// The proof does not verify: the measurement is not valid, or a share was altered.
        public static let invalidProof = Code(name: "invalidProof")
        /// The joint randomness is not what the shares give: a share or the public share was altered.
        public static let jointRandomnessMismatch = Code(name: "jointRandomnessMismatch")
        /// A report with this nonce has been verified before.
        public static let replayed = Code(name: "replayed")
        /// The batch is smaller than was agreed.
        public static let batchTooSmall = Code(name: "batchTooSmall")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    static func length(_ what: String, _ got: Int, _ want: Int) -> Self {
        Self(code: .invalidEncoding, message: "\(what): got \(got) bytes, want \(want)")
    }
}
