import BinaryCoding
import Lattice

/// Why a CKKS operation was refused.
public struct CKKSError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(name: String) { self.name = name }

        public static let invalidParameters = Code(name: "invalidParameters")
        /// No published table grants the security asked for.
        public static let insecureParameters = Code(name: "insecureParameters")
        /// No parameters do what the circuit needs.
        public static let noParameters = Code(name: "noParameters")
        /// A value is NaN, infinite, or greater than the stated magnitude.
        public static let invalidValue = Code(name: "invalidValue")
        /// More values than slots, or a number of slots that is no power of two.
        public static let invalidSlots = Code(name: "invalidSlots")
        /// The operation needs more levels than are left.
        public static let exhaustedLevels = Code(name: "exhaustedLevels")
        /// The bound of the result does not fit the modulus that is left.
        public static let overflow = Code(name: "overflow")
        /// The operands were made with other parameters.
        public static let parameterMismatch = Code(name: "parameterMismatch")
        /// The operands were made with other keys.
        public static let keyMismatch = Code(name: "keyMismatch")
        /// The evaluation keys lack one that the operation needs.
        public static let missingKey = Code(name: "missingKey")
        /// Only metadata is there: the ciphertext was made for planning.
        public static let plannedOnly = Code(name: "plannedOnly")
        /// The machine has less memory than the plan foresees.
        public static let insufficientMemory = Code(name: "insufficientMemory")
        /// The noise of a release would drown the values.
        public static let noPrecision = Code(name: "noPrecision")
        /// Bytes that do not encode such a value.
        public static let invalidEncoding = Code(name: "invalidEncoding")
    }
    public let code: Code
    public let message: String
    public let cause: LatticeError?
    public var description: String { message }

    public init(code: Code, message: String, cause: LatticeError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

/// Runs lattice steps and wraps what they throw.
package func wrapping<Value>(
    _ code: CKKSError.Code, _ body: () throws(LatticeError) -> Value
) throws(CKKSError) -> Value {
    do { return try body() } catch { throw CKKSError(code: code, message: error.message, cause: error) }
}

/// Runs decoding steps and wraps what they throw.
package func decoding<Value>(_ body: () throws(BinaryCodingError) -> Value) throws(CKKSError) -> Value {
    do { return try body() } catch { throw CKKSError(code: .invalidEncoding, message: error.message) }
}
