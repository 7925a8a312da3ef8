import BinaryCoding

/// Why a lattice operation was refused.
public struct LatticeError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(name: String) { self.name = name }

        public static let invalidDegree = Code(name: "invalidDegree")
        public static let invalidModulus = Code(name: "invalidModulus")
        /// No parameters of this size reach the security asked for.
        public static let insecureParameters = Code(name: "insecureParameters")
        /// The operands live over different primes or rings.
        public static let basisMismatch = Code(name: "basisMismatch")
        /// The ring has no special primes, so it cannot switch keys.
        public static let noSpecialPrimes = Code(name: "noSpecialPrimes")
        public static let invalidGaloisElement = Code(name: "invalidGaloisElement")
        /// A coefficient is NaN, infinite or outside the stated range.
        public static let invalidCoefficient = Code(name: "invalidCoefficient")
        public static let invalidHammingWeight = Code(name: "invalidHammingWeight")
        /// Bytes that do not encode a value of this ring.
        public static let invalidEncoding = Code(name: "invalidEncoding")
    }
    public let code: Code
    public let message: String
    public let cause: BinaryCodingError?
    public var description: String { message }

    public init(code: Code, message: String, cause: BinaryCodingError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

/// Runs decoding steps and wraps what they throw.
func decoding<Value>(_ body: () throws(BinaryCodingError) -> Value) throws(LatticeError) -> Value {
    do { return try body() } catch {
        throw LatticeError(code: .invalidEncoding, message: error.message, cause: error)
    }
}
