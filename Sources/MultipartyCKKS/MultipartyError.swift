import BinaryCoding
import CKKS
import Lattice

/// Why a step of a protocol between key holders was refused.
public struct MultipartyError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(name: String) { self.name = name }

        /// A group, threshold or set of participants that cannot work.
        public static let invalidGroup = Code(name: "invalidGroup")
        /// A message or share of another session, group or key.
        public static let wrongSession = Code(name: "wrongSession")
        /// A message from nobody of the group, or to somebody else.
        public static let wrongParty = Code(name: "wrongParty")
        /// A second message where one is due.
        public static let duplicate = Code(name: "duplicate")
        /// A message that does not belong to the phase.
        public static let unexpected = Code(name: "unexpected")
        /// The opened nonce is not the one that was committed to.
        public static let commitmentMismatch = Code(name: "commitmentMismatch")
        /// Parties did not all receive the same broadcasts.
        public static let inconsistentBroadcast = Code(name: "inconsistentBroadcast")
        /// Fewer participants than the threshold.
        public static let belowThreshold = Code(name: "belowThreshold")
        /// The request was answered before, or its nonce was used for another one.
        public static let sessionReused = Code(name: "sessionReused")
        /// The policy's number of releases is used up.
        public static let budgetExhausted = Code(name: "budgetExhausted")
        /// The ciphertext cannot be opened: another key, three parts, not what the request names.
        public static let invalidCiphertext = Code(name: "invalidCiphertext")
        /// The noise would drown the values.
        public static let noPrecision = Code(name: "noPrecision")
        /// Bytes that do not encode such a value.
        public static let invalidEncoding = Code(name: "invalidEncoding")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

/// Runs decoding steps and wraps what they throw.
func wrappingCoding<Value>(_ body: () throws(BinaryCodingError) -> Value) throws(MultipartyError) -> Value {
    do { return try body() } catch { throw MultipartyError(code: .invalidEncoding, message: error.message) }
}

/// Runs lattice steps and wraps what they throw.
func wrappingLattice<Value>(
    _ code: MultipartyError.Code, _ body: () throws(LatticeError) -> Value
) throws(MultipartyError) -> Value {
    do { return try body() } catch { throw MultipartyError(code: code, message: error.message) }
}

/// Runs CKKS steps and wraps what they throw.
func wrappingCKKS<Value>(
    _ code: MultipartyError.Code, _ body: () throws(CKKSError) -> Value
) throws(MultipartyError) -> Value {
    do { return try body() } catch { throw MultipartyError(code: code, message: error.message) }
}
