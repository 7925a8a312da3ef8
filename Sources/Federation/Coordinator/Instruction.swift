import BinaryCoding

/// What a session adds up.
public enum SessionPurpose: UInt8, Sendable, CaseIterable {
    /// The sites make their joint key; nothing is added up.
    case keys = 1
    /// Counts, means and deviations of the columns.
    case statistics = 2
    /// Changes of the model, and how the model that they start from does.
    case training = 3
    /// How the last model does.
    case evaluation = 4
    /// How models that each site trains without the others do, on its own rows.
    case local = 5
}

/// What the coordinator tells a site.
public enum Instruction: Sendable {
    /// The first stage of a session, with all that the site needs for it.
    case task(SessionTask)
    /// A later stage.
    case stage(session: Int, attempt: Int, stage: Int, payload: [UInt8])
    /// A message was taken and is on the disk; it need not be sent again.
    case accepted(sequence: Int)
    /// A message was refused; sending it again is of no use.
    case refused(sequence: Int, reason: String)
    /// The study is over.
    case finished(model: GlobalModel)

    static let magic: [UInt8] = Array("TFI1".utf8)

    public func encoded(study: Fingerprint) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encodeRaw(study.bytes)
        switch self {
        case .task(let task):
            encoder.encode(UInt8(1))
            task.encode(into: &encoder)
        case .stage(let session, let attempt, let stage, let payload):
            encoder.encode(UInt8(2))
            for number in [session, attempt, stage] { encoder.encode(UInt32(number)) }
            encoder.encode(bytes: payload)
        case .accepted(let sequence):
            encoder.encode(UInt8(3))
            encoder.encode(UInt32(sequence))
        case .refused(let sequence, let reason):
            encoder.encode(UInt8(4))
            encoder.encode(UInt32(sequence))
            encoder.encode(String(reason.prefix(1000)))
        case .finished(let model):
            encoder.encode(UInt8(5))
            model.encode(into: &encoder)
        }
        return encoder.bytes
    }

    /// - Throws: `invalidMessage`; `wrongStudy`.
    public init(decoding bytes: [UInt8], study: Fingerprint) throws(FederationError) {
        let (found, instruction) = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw BinaryCodingError(
                    code: .wrongFormat, message: "message: not one of a coordinator of this version")
            }
            let found = Fingerprint(bytes: try decoder.decodeRaw(32, "study")) ?? .none
            let instruction = try Self.content(&decoder)
            try decoder.finish("message")
            return (found, instruction)
        }
        guard found == study else {
            throw FederationError(
                code: .wrongStudy,
                message: "message: belongs to study \(found), this is \(study); compare the study files")
        }
        self = instruction
    }

    private static func content(_ decoder: inout BinaryDecoder) throws(BinaryCodingError) -> Instruction {
        func number(_ what: String) throws(BinaryCodingError) -> Int { Int(try decoder.decode(UInt32.self, what)) }
        let code = try decoder.decode(UInt8.self, "kind")
        switch code {
        case 1: return .task(try SessionTask(decoding: &decoder))
        case 2:
            return .stage(
                session: try number("session"), attempt: try number("attempt"), stage: try number("stage"),
                payload: try decoder.decodeBytes("payload"))
        case 3: return .accepted(sequence: try number("sequence"))
        case 4:
            return .refused(sequence: try number("sequence"), reason: try decoder.decodeString("reason", limit: 8192))
        case 5: return .finished(model: try GlobalModel(decoding: &decoder))
        default: throw BinaryCodingError(code: .invalidValue, message: "kind: got \(code), want 1...5")
        }
    }
}

/// The first stage of a session.
public struct SessionTask: Hashable, Sendable {
    public var purpose: SessionPurpose
    /// Counts sessions of the study from 0.
    public var session: Int
    /// Counts tries of the session from 0.
    public var attempt: Int
    /// Counts training rounds from 0.
    public var round: Int
    /// Names of the sites, in the order of their positions.
    public var cohort: [String]
    /// nil where no model is needed.
    public var model: GlobalModel?
    /// The coordinator's control variate, empty unless the strategy has one.
    public var control: [Double]
    /// Mean and deviation of the columns, once they are known.
    public var means: [Double]
    public var deviations: [Double]
    /// The bound on the ℓ₂ norm of an update, 0 for none.
    public var clippingNorm: Double

    public var scaling: ColumnScaling? {
        means.isEmpty ? nil : ColumnScaling(means: means, deviations: deviations)
    }

    func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(purpose.rawValue)
        for number in [session, attempt, round] { encoder.encode(UInt32(number)) }
        encoder.encode(list: cohort) { $0.encode($1) }
        encoder.encode(model != nil)
        model?.encode(into: &encoder)
        for list in [control, means, deviations] { WordCoding.encode(list.map { $0.bitPattern }, into: &encoder) }
        encoder.encode(clippingNorm)
    }

    init(
        purpose: SessionPurpose, session: Int, attempt: Int, round: Int, cohort: [String], model: GlobalModel?,
        control: [Double] = [], scaling: ColumnScaling? = nil, clippingNorm: Double = 0
    ) {
        self.purpose = purpose
        self.session = session
        self.attempt = attempt
        self.round = round
        self.cohort = cohort
        self.model = model
        self.control = control
        means = scaling?.means ?? []
        deviations = scaling?.deviations ?? []
        self.clippingNorm = clippingNorm
    }

    init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        let code = try decoder.decode(UInt8.self, "purpose")
        guard let purpose = SessionPurpose(rawValue: code) else {
            throw BinaryCodingError(code: .invalidValue, message: "purpose: got \(code), want 1...5")
        }
        self.purpose = purpose
        session = Int(try decoder.decode(UInt32.self, "session"))
        attempt = Int(try decoder.decode(UInt32.self, "attempt"))
        round = Int(try decoder.decode(UInt32.self, "round"))
        cohort = try decoder.decodeList("cohort", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
            try decoder.decodeString("site", limit: 128)
        }
        model = try decoder.decodeBool("model") ? try GlobalModel(decoding: &decoder) : nil
        func doubles(_ what: String) throws(BinaryCodingError) -> [Double] {
            let values = try WordCoding.decode(UInt64.self, what, &decoder).map { Double(bitPattern: $0) }
            guard values.allSatisfy({ $0.isFinite }) else {
                throw BinaryCodingError(code: .invalidValue, message: "\(what): got a number that is not finite")
            }
            return values
        }
        control = try doubles("control variate")
        means = try doubles("means")
        deviations = try doubles("deviations")
        clippingNorm = try decoder.decodeDouble("clipping norm")
        guard means.count == deviations.count, deviations.allSatisfy({ $0 > 0 }), clippingNorm >= 0,
            clippingNorm.isFinite
        else {
            throw BinaryCodingError(
                code: .invalidValue, message: "task: means, deviations or clipping norm out of range")
        }
    }
}
