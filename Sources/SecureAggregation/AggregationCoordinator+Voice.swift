import BinaryCoding

extension AggregationCoordinator.Voice {
    mutating func say(
        _ kind: MessageKind, _ body: [UInt8], round: AggregationRound, previous: Fingerprint
    ) throws(SecureAggregationError) -> AggregationMessage {
        switch self {
        case .identity(let identity):
            return AggregationMessage(
                kind, round: round.fingerprint, sender: nil, previous: previous, body: body, signedBy: identity)
        case .recorded(var messages, let key):
            guard var message = messages.first, message.kind == kind, message.previous == previous,
                message.bodyDigest == AggregationMessage.digest(kind, body)
            else {
                throw SecureAggregationError(
                    code: .invalidTranscript,
                    message: "transcript: the coordinator's \(kind.name) does not follow from what the sites sent")
            }
            try message.verify(key)
            messages.removeFirst()
            self = .recorded(messages, key)
            // Deliveries are recorded without their bodies, which follow from the shares.
            message.body = body
            return message
        }
    }
}
