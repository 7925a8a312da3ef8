/// Why a Paillier operation was refused.
public struct PaillierError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// Parameters that are not allowed, or insecure without being named so.
        public static let invalidParameters = Code(name: "invalidParameters")
        /// A key whose numbers cannot be a Paillier key.
        public static let invalidKey = Code(name: "invalidKey")
        /// A number that is not a ciphertext under the key: out of range or not invertible.
        public static let invalidCiphertext = Code(name: "invalidCiphertext")
        /// Ciphertexts, shares or layouts that belong to another key.
        public static let keyMismatch = Code(name: "keyMismatch")
        /// Operands of different lengths, or a number of them that the operation cannot have.
        public static let countMismatch = Code(name: "countMismatch")
        /// A plaintext outside (−n/2, n/2).
        public static let plaintextOutOfRange = Code(name: "plaintextOutOfRange")
        /// A packing layout that cannot be, or that does not fit the key.
        public static let invalidLayout = Code(name: "invalidLayout")
        /// Operands packed by different layouts.
        public static let layoutMismatch = Code(name: "layoutMismatch")
        /// A value outside the bounds declared for it.
        public static let valueOutOfBounds = Code(name: "valueOutOfBounds")
        /// The operation could let a packed slot run over into its neighbour.
        public static let headroomExhausted = Code(name: "headroomExhausted")
        /// Fewer shares than the threshold.
        public static let tooFewShares = Code(name: "tooFewShares")
        /// Two contributions of one share, or contributions to different sharings or ciphertexts.
        public static let sharesDoNotMatch = Code(name: "sharesDoNotMatch")
        /// A partial decryption whose proof does not hold; the message names the share.
        public static let forgedPartialDecryption = Code(name: "forgedPartialDecryption")
        /// Partial decryptions that do not combine to a plaintext.
        public static let partialDecryptionsDoNotFit = Code(name: "partialDecryptionsDoNotFit")
        /// Text that is not of the python-paillier form it should have.
        public static let invalidInterchange = Code(name: "invalidInterchange")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}
