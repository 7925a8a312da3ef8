import CoordinatorStore
import Federation
import Transports

/// Why a coordinator or a site could not start or go on.
public struct FederationServiceError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// An identity file that cannot be used.
        public static let identity = Code(name: "identity")
        /// An invitation or study that cannot be used.
        public static let study = Code(name: "study")
        /// What is stored does not fit, or cannot be written.
        public static let store = Code(name: "store")
        /// The network or the other side.
        public static let network = Code(name: "network")
        /// The study ended without a model.
        public static let failed = Code(name: "failed")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    static func identity(_ message: String) -> Self { Self(code: .identity, message: message) }
    static func study(_ message: String) -> Self { Self(code: .study, message: message) }
    static func store(_ message: String) -> Self { Self(code: .store, message: message) }
}
