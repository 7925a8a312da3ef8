import BinaryCoding

/// A named part of the model's one vector.
public struct ModelTensor: Hashable, Sendable, Codable {
    public var name: String
    public var shape: [Int]
    public var count: Int { shape.reduce(1, *) }

    public init(name: String, shape: [Int]) {
        self.name = name
        self.shape = shape
    }
}

/// The model that all sites share: fixed-point numbers in one vector, with names for its parts.
///
/// A weight is an integer number of units of 2^−24, so it lies in [−128, 128) and whoever computes with it computes with
/// exactly the same number. Equal models have equal bytes.
public struct GlobalModel: Hashable, Sendable {
    /// log₂ of the units in 1.
    public static let fractionBits = 24
    static let unit = 1 / Double(1 << fractionBits)

    public let tensors: [ModelTensor]
    /// Units, in the order of the tensors.
    public internal(set) var units: [Int32]

    public var count: Int { units.count }

    /// - Throws: `diverged` for a weight outside the range or not finite.
    public init(tensors: [ModelTensor], weights: [Double]) throws(FederationError) {
        precondition(
            tensors.reduce(0) { $0 + $1.count } == weights.count,
            "weights: got \(weights.count), want as many as the tensors hold")
        self.tensors = tensors
        units = try Self.rounded(weights)
    }

    init(tensors: [ModelTensor], units: [Int32]) {
        self.tensors = tensors
        self.units = units
    }

    public var weights: [Double] { units.map { Double($0) * Self.unit } }
    public var floats: [Float] { units.map { Float(Double($0) * Self.unit) } }

    /// The same tensors with other weights.
    /// - Throws: `diverged`.
    public func replacing(_ weights: [Double]) throws(FederationError) -> GlobalModel {
        GlobalModel(tensors: tensors, units: try Self.rounded(weights))
    }

    private static func rounded(_ weights: [Double]) throws(FederationError) -> [Int32] {
        var units = [Int32](repeating: 0, count: weights.count)
        for (index, weight) in weights.enumerated() {
            let scaled = (weight * Double(1 << fractionBits)).rounded(.toNearestOrEven)
            guard let value = Int32(exactly: scaled) else {
                throw FederationError(
                    code: .diverged,
                    message:
                        "model: weight \(index) left the range ±128; lower the learning rate or standardise the features"
                )
            }
            units[index] = value
        }
        return units
    }

    /// By which sites and coordinator compare models.
    public var fingerprint: Fingerprint {
        var encoder = BinaryEncoder()
        encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encode(list: tensors) {
            $0.encode($1.name)
            $0.encode(list: $1.shape) { $0.encode(UInt32($1)) }
        }
        WordCoding.encode(units, into: &encoder)
    }

    public init(decoding decoder: inout BinaryDecoder) throws(BinaryCodingError) {
        tensors = try decoder.decodeList("tensors", minimumElementSize: 8) { decoder throws(BinaryCodingError) in
            let name = try decoder.decodeString("tensor name", limit: 256)
            let shape = try decoder.decodeList("shape", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
                Int(try decoder.decode(UInt32.self, "extent"))
            }
            return ModelTensor(name: name, shape: shape)
        }
        units = try WordCoding.decode(Int32.self, "weights", &decoder)
        var total = 0
        for tensor in tensors {
            var count = 1
            for extent in tensor.shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: extent)
                guard !overflow, product <= units.count else {
                    throw BinaryCodingError(
                        code: .invalidValue,
                        message: "tensor \(tensor.name): got shape \(tensor.shape), larger than the model")
                }
                count = product
            }
            total += count
        }
        guard total == units.count else {
            throw BinaryCodingError(
                code: .invalidValue, message: "weights: got \(units.count), want \(total), as the tensors say")
        }
    }
}

/// Long vectors of machine words, copied as a whole where the machine is little-endian.
enum WordCoding {
    static func encode<Word: FixedWidthInteger>(_ words: [Word], into encoder: inout BinaryEncoder) {
        encoder.encode(UInt32(words.count))
        withLittleEndianBytes(of: words) { encoder.encodeRaw($0) }
    }

    /// The bytes that the words have on the wire.
    static func withLittleEndianBytes<Word: FixedWidthInteger>(
        of words: [Word], _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        #if _endian(little)
            words.withUnsafeBytes(body)
        #else
            words.map { $0.littleEndian }.withUnsafeBytes(body)
        #endif
    }

    static func decode<Word: FixedWidthInteger>(
        _ type: Word.Type, _ what: String, _ decoder: inout BinaryDecoder
    ) throws(BinaryCodingError) -> [Word] {
        let count = Int(try decoder.decode(UInt32.self, what))
        let size = MemoryLayout<Word>.size
        guard count <= decoder.remaining / size else {
            throw BinaryCodingError(
                code: .truncated, message: "\(what): got room for \(decoder.remaining / size) words, want \(count)")
        }
        let bytes = try decoder.decodeRaw(count * size, what)
        var words = [Word](unsafeUninitializedCapacity: count) { target, filled in
            UnsafeMutableRawBufferPointer(target).copyBytes(from: bytes)
            filled = count
        }
        #if !_endian(little)
            for index in words.indices { words[index] = Word(littleEndian: words[index]) }
        #endif
        return words
    }
}
