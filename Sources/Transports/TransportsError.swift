import BinaryCoding

/// Why a message did not travel, or why a peer was turned away.
public struct TransportsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// An open set of reasons. The name travels to the other side, so both ends know the same reasons.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        public let name: String
        public var description: String { name }

        /// The certificate is none that this study has enrolled.
        public static let unknownIdentity = Code(name: "unknown-identity")
        /// The certificate was enrolled and has been revoked.
        public static let revoked = Code(name: "revoked")
        /// The certificate's time is over or has not come, or one of the two clocks is wrong.
        public static let expired = Code(name: "expired")
        /// The certificate was made for the other role, or is damaged.
        public static let badCertificate = Code(name: "bad-certificate")
        /// The other side serves or joins another study.
        public static let wrongStudy = Code(name: "wrong-study")
        /// The other side speaks another version of the protocol.
        public static let wrongVersion = Code(name: "wrong-version")
        /// The coordinator is not the one whose fingerprint was pinned.
        public static let wrongCoordinator = Code(name: "wrong-coordinator")
        /// Nobody answers, or the connection broke. Worth another try.
        public static let unreachable = Code(name: "unreachable")
        /// The other side is shutting down. Worth another try.
        public static let shuttingDown = Code(name: "shutting-down")
        /// The coordinator cannot store the message. Worth another try once its disk has room.
        public static let cannotStore = Code(name: "cannot-store")
        /// Another stream of the same message has taken over. Worth another try.
        public static let superseded = Code(name: "superseded")
        /// The bytes that arrived are not the bytes that were sent. Worth another try, from the start.
        public static let damaged = Code(name: "damaged")
        /// Bytes that are no frame of this protocol.
        public static let invalidFrame = Code(name: "invalid-frame")
        /// The study does not accept a message of this size.
        public static let tooLarge = Code(name: "too-large")
        /// The study refused the message for a reason of its own.
        public static let refused = Code(name: "refused")
        /// The time allowed for the call is over.
        public static let deadline = Code(name: "deadline")
        /// A file of identities cannot be read or written.
        public static let identityFile = Code(name: "identity-file")
        /// The address is none that can be used.
        public static let invalidAddress = Code(name: "invalid-address")

        static let all: [Code] = [
            unknownIdentity, revoked, expired, badCertificate, wrongStudy, wrongVersion, wrongCoordinator, unreachable,
            shuttingDown, cannotStore, superseded, damaged, invalidFrame, tooLarge, refused, deadline, identityFile,
            invalidAddress,
        ]
    }

    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// Whether the same call may succeed later without anybody changing anything at this end.
    public var isWorthAnotherTry: Bool {
        [.unreachable, .shuttingDown, .cannotStore, .superseded, .damaged, .deadline].contains(code)
    }
}

extension Fingerprint {
    /// Reads a fingerprint as people write it: 64 hexadecimal digits, with or without `sha256:` in front, colons or
    /// hyphens between.
    /// - Throws: ``TransportsError`` with code `badCertificate` when it is anything else.
    public init(written text: String) throws(TransportsError) {
        var digits = text.lowercased()[...]
        if digits.hasPrefix("sha256:") { digits = digits.dropFirst(7) }
        let values = digits.filter { $0 != ":" && $0 != "-" }.map(\.hexDigitValue)
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: values.count - values.count % 2, by: 2) {
            guard let high = values[index], let low = values[index + 1] else { break }
            bytes.append(UInt8(high * 16 + low))
        }
        guard values.count == 64, bytes.count == 32, let value = Fingerprint(bytes: bytes) else {
            throw TransportsError(
                code: .badCertificate,
                message: "fingerprint: got “\(text.prefix(80))”, want sha256: and 64 hexadecimal digits")
        }
        self = value
    }

    /// The form that ``init(written:)`` reads and that commands print.
    public var written: String { "sha256:" + hexadecimal }
}
