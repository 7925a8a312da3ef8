import BinaryCoding
import CKKS
import MultipartyCKKS

/// Why a step of making a key together, or of opening something with it, was refused.
public struct KeyCeremonyError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        public let name: String
        public init(name: String) { self.name = name }

        /// A file that holds something else, or is damaged.
        public static let invalidFile = Code(name: "invalidFile")
        /// A holder did something that the protocol does not allow; the message names it.
        public static let misbehaviour = Code(name: "misbehaviour")
        /// A message that was read before is gone or is another one now.
        public static let changed = Code(name: "changed")
        /// Files of different groups, keys or requests.
        public static let mismatch = Code(name: "mismatch")
        /// Too few holders, or the wrong ones.
        public static let wrongHolders = Code(name: "wrongHolders")
        /// No opening is left under the policy, or this one was answered before.
        public static let usedUp = Code(name: "usedUp")
        /// The noise would drown the values.
        public static let noPrecision = Code(name: "noPrecision")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// What a protocol step threw, for the file or the deed that it was about.
    init(_ error: MultipartyError, about what: String) {
        let code: Code =
            switch error.code {
            case .invalidEncoding, .invalidGroup: .invalidFile
            case .wrongSession, .invalidCiphertext: .mismatch
            case .belowThreshold, .wrongParty: .wrongHolders
            case .sessionReused, .budgetExhausted: .usedUp
            case .noPrecision: .noPrecision
            default: .misbehaviour
            }
        self.init(code: code, message: "\(what): \(error.message)")
    }
}
