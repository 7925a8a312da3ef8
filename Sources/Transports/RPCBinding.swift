import GRPCCore

/// gRPC without generated code: messages are bytes.
struct RawBytes: MessageSerializer, MessageDeserializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: [UInt8]) throws -> Bytes { Bytes(message) }

    func deserialize<Bytes: GRPCContiguousBytes>(_ serialized: Bytes) throws -> [UInt8] {
        serialized.withUnsafeBytes { Array($0) }
    }
}

enum ExchangeMethod {
    private static let service = ServiceDescriptor(fullyQualifiedService: "tacit.federation.v1.Exchange")
    static let send = MethodDescriptor(service: service, method: "Send")
    static let receive = MethodDescriptor(service: service, method: "Receive")
}

extension TransportsError {
    /// Metadata key under which the reason travels.
    private static let key = "tacit-reason"

    /// As the other side shall see it.
    var rpc: RPCError {
        let status: RPCError.Code
        switch code {
        case .unknownIdentity, .revoked, .expired, .badCertificate: status = .unauthenticated
        case .wrongStudy, .wrongVersion: status = .failedPrecondition
        case .invalidFrame, .refused: status = .invalidArgument
        case .tooLarge, .cannotStore: status = .resourceExhausted
        case .damaged: status = .dataLoss
        case .superseded: status = .aborted
        case .deadline: status = .deadlineExceeded
        default: status = .unavailable
        }
        return RPCError(code: status, message: message, metadata: [Self.key: "\(code.name)"])
    }

    /// What the other side said; foreign text, therefore cut and without control characters.
    init(_ error: RPCError) {
        let text = String(error.message.prefix(1000).map { $0.isNewline || $0.isWhitespace ? " " : $0 })
        let message = text.filter { !$0.unicodeScalars.contains { $0.properties.generalCategory == .control } }
        for name in error.metadata[stringValues: Self.key] {
            if let code = Code.all.first(where: { $0.name == name }) {
                self.init(code: code, message: message)
                return
            }
        }
        switch error.code {
        case .unavailable, .cancelled, .aborted, .internalError, .unknown:
            let cause = error.cause.map { ": \($0)" } ?? ""
            self.init(code: .unreachable, message: message + cause)
        case .deadlineExceeded: self.init(code: .deadline, message: message)
        case .unimplemented: self.init(code: .wrongVersion, message: message)
        default: self.init(code: .unreachable, message: "\(error.code): \(message)")
        }
    }
}
