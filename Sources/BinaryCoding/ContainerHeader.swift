/// What a container holds; an open set, each value with a name for messages.
public struct ContainerKind: Hashable, Sendable, CustomStringConvertible {
    public let code: UInt16
    public let name: String
    public var description: String { name }

    public init(code: UInt16, name: String) {
        self.code = code
        self.name = name
    }

    public static let publicKey = Self(code: 1, name: "public key")
    public static let secretKey = Self(code: 2, name: "secret key")
    public static let secretShare = Self(code: 3, name: "secret key share")
    public static let evaluationKeys = Self(code: 4, name: "evaluation keys")
    public static let collectiveGroup = Self(code: 5, name: "agreement of key holders")
    public static let keyMessage = Self(code: 6, name: "message between key holders")
    public static let encryptedStatistics = Self(code: 16, name: "encrypted sums of a table")
    public static let encryptedRows = Self(code: 17, name: "encrypted rows of a table")
    public static let encryptedFeatures = Self(code: 18, name: "encrypted features for prediction")
    public static let encryptedModel = Self(code: 19, name: "encrypted model")
    public static let encryptedPredictions = Self(code: 20, name: "encrypted predictions")
    public static let encryptedVector = Self(code: 21, name: "encrypted vector")
    public static let encryptedFit = Self(code: 22, name: "encrypted fit")
    public static let encryptedSlots = Self(code: 23, name: "encrypted slots")
    public static let encryptedTrainingRows = Self(code: 24, name: "encrypted rows for training by gradients")
    public static let encryptedTrainedModel = Self(code: 25, name: "encrypted trained model")
    public static let encryptedSlotFeatures = Self(code: 26, name: "encrypted features in slots")
    public static let encryptedSlotScores = Self(code: 27, name: "encrypted scores in slots")
    public static let encryptedSlotModel = Self(code: 28, name: "encrypted model in slots")
    public static let encryptedNetworkInputs = Self(code: 42, name: "encrypted inputs of a network")
    public static let encryptedNetworkScores = Self(code: 43, name: "encrypted scores of a network")
    public static let textModel = Self(code: 44, name: "text model")
    public static let encryptedTextModel = Self(code: 45, name: "encrypted text model")
    public static let scoringQuestion = Self(code: 46, name: "question for a private score")
    public static let scoringAnswer = Self(code: 47, name: "answer with a private score")
    public static let scoringBlinding = Self(code: 48, name: "blinding of a private score")
    public static let scoringCount = Self(code: 49, name: "count of answers given")
    public static let trainingCheckpoint = Self(code: 40, name: "checkpoint of encrypted training")
    public static let bootstrappingKeys = Self(code: 41, name: "bootstrapping keys")
    public static let partialDecryption = Self(code: 32, name: "partial decryption")
    public static let collectivePartialDecryption = Self(code: 33, name: "partial decryption of CKKS slots")

    /// The kinds of this version, for naming what a file of the wrong kind is.
    public static let known: [ContainerKind] = [
        publicKey, secretKey, secretShare, evaluationKeys, collectiveGroup, keyMessage, encryptedStatistics,
        encryptedRows, encryptedFeatures, encryptedModel, encryptedPredictions, encryptedVector, encryptedFit,
        encryptedSlots, encryptedTrainingRows, encryptedTrainedModel, encryptedSlotFeatures, encryptedSlotScores,
        encryptedSlotModel, encryptedNetworkInputs, encryptedNetworkScores, partialDecryption,
        collectivePartialDecryption, trainingCheckpoint, bootstrappingKeys, textModel,
        encryptedTextModel, scoringQuestion, scoringAnswer, scoringBlinding, scoringCount,
    ]
}

/// The fixed first part of every binary file: magic, format version, kind, scheme, parameter set and key.
public struct ContainerHeader: Hashable, Sendable {
    public static let magic: [UInt8] = Array("TACIT\r\n\u{1A}".utf8)  // line ends show a file mangled by text tools
    public static let version: UInt16 = 1
    static let byteCount = 8 + 2 + 2 + 32 + 32

    public var kind: ContainerKind
    public var parameters: Fingerprint
    public var key: Fingerprint

    public init(kind: ContainerKind, parameters: Fingerprint, key: Fingerprint) {
        self.kind = kind
        self.parameters = parameters
        self.key = key
    }

    var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encode(Self.version)
        encoder.encode(kind.code)
        encoder.encodeRaw(parameters.bytes)
        encoder.encodeRaw(key.bytes)
        return encoder.bytes
    }

    init(decoding bytes: [UInt8]) throws(BinaryCodingError) {
        var decoder = BinaryDecoder(bytes)
        let magic = Array(bytes.prefix(8))
        guard magic == Self.magic else {
            throw BinaryCodingError(
                code: magic.count < 8 ? .truncated : .wrongFormat,
                message: "start of file: want a Tacit file; this is something else or is cut short")
        }
        _ = try decoder.decodeRaw(8, "magic")
        let version = try decoder.decode(UInt16.self, "format version")
        guard version == Self.version else {
            throw BinaryCodingError(
                code: .wrongFormat, message: "format version: got \(version), want \(Self.version); use a newer Tacit")
        }
        let code = try decoder.decode(UInt16.self, "kind")
        guard let kind = ContainerKind.known.first(where: { $0.code == code }) else {
            throw BinaryCodingError(code: .wrongFormat, message: "kind: got \(code), which this version does not know")
        }
        self.kind = kind
        parameters = Fingerprint(bytes: try decoder.decodeRaw(32, "parameter fingerprint"))!
        key = Fingerprint(bytes: try decoder.decodeRaw(32, "key fingerprint"))!
    }

    /// - Throws: `wrongFormat` that names both kinds.
    public func require(_ wanted: ContainerKind...) throws(BinaryCodingError) {
        guard wanted.contains(kind) else {
            let names = wanted.map(\.name).joined(separator: " or ")
            throw BinaryCodingError(code: .wrongFormat, message: "kind: got \(kind), want \(names)")
        }
    }
}
