import BinaryCoding

/// What happens to a coordinator. There is no clock: a deadline is an event that whoever has a clock brings.
public enum CoordinatorEvent: Hashable, Sendable {
    /// Go on with the sites that have joined, at least the minimum; without it the study begins when all have.
    case begin
    /// Bytes from a site.
    case message([UInt8])
    /// The patience for a stage is at an end. Ignored when the stage is over.
    case deadline(session: Int, attempt: Int, stage: Int)
}

/// What a coordinator wrote down of an event: enough to do the same again.
struct CoordinatorRecord: Hashable, Sendable {
    var event: CoordinatorEvent
    /// Seeds drawn from the system on the way.
    var seeds: [[UInt8]]

    var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        switch event {
        case .begin: encoder.encode(UInt8(1))
        case .message(let bytes):
            encoder.encode(UInt8(2))
            encoder.encode(bytes: bytes)
        case .deadline(let session, let attempt, let stage):
            encoder.encode(UInt8(3))
            for number in [session, attempt, stage] { encoder.encode(UInt32(number)) }
        }
        encoder.encode(list: seeds) { $0.encodeRaw($1) }
        return encoder.bytes
    }

    init(event: CoordinatorEvent, seeds: [[UInt8]]) {
        self.event = event
        self.seeds = seeds
    }

    init(decoding bytes: [UInt8]) throws(FederationError) {
        (event, seeds) = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            func number(_ what: String) throws(BinaryCodingError) -> Int { Int(try decoder.decode(UInt32.self, what)) }
            let code = try decoder.decode(UInt8.self, "record kind")
            let event: CoordinatorEvent
            switch code {
            case 1: event = .begin
            case 2: event = .message(try decoder.decodeBytes("message"))
            case 3:
                event = .deadline(
                    session: try number("session"), attempt: try number("attempt"), stage: try number("stage"))
            default: throw BinaryCodingError(code: .invalidValue, message: "record kind: got \(code), want 1...3")
            }
            let seeds = try decoder.decodeList("seeds", minimumElementSize: 32) { decoder throws(BinaryCodingError) in
                try decoder.decodeRaw(32, "seed")
            }
            try decoder.finish("record")
            return (event, seeds)
        }
    }
}

/// What to do after an event: first store the record, then send the messages. Nothing may leave before the record is safe.
public struct CoordinatorTransition: Sendable {
    /// nil when the event changed nothing.
    public var record: [UInt8]?
    /// To whom and what.
    public var messages: [(site: String, bytes: [UInt8])] = []
    /// For people and logs; no secrets.
    public var notices: [Notice] = []
    /// The whole state, at the end of a session: records up to here need not be replayed.
    public var snapshot: [UInt8]?

    public enum Notice: Sendable {
        case joined(String)
        case refused(site: String?, reason: String)
        case opened(purpose: SessionPurpose, round: Int, attempt: Int, cohort: [String])
        case dropped(sites: [String], stage: Int)
        case abandoned(session: Int, attempt: Int, reason: String)
        case waiting(reason: String)
        case committed(RoundSummary)
        case finished
    }
}

/// What a round did; kept for reports and pages.
public struct RoundSummary: Hashable, Sendable, Codable {
    public var purpose: String
    /// Training rounds before it.
    public var round: Int
    public var session: Int
    public var attempt: Int
    public var contributors: [String]
    /// Asked and not in the sum.
    public var dropped: [String]
    /// Of the model that the round began with, on the sites' held-out rows; of their own models where each trained alone.
    public var metrics: EvaluationMetrics?
    public var bytesReceived: Int
    public var bytesSent: Int
    /// Of the model after the round.
    public var model: String
    /// The ℓ₂ bound of the round, under differential privacy.
    public var clippingNorm: Double?
}
