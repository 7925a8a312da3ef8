/// Reads what ``BinaryEncoder`` writes. Total: any bytes give a value or an error, and nothing is allocated that the
/// input's own length does not justify.
public struct BinaryDecoder: Sendable {
    private let bytes: [UInt8]
    private var position: Int
    private let end: Int

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        position = 0
        end = bytes.count
    }

    /// Bytes not yet read.
    public var remaining: Int { end - position }

    private mutating func take(_ count: Int, _ what: String) throws(BinaryCodingError) -> Range<Int> {
        guard count >= 0, count <= remaining else {
            throw BinaryCodingError(
                code: .truncated, message: "\(what): got \(remaining) bytes at byte \(position), want \(count)")
        }
        defer { position += count }
        return position..<position + count
    }

    public mutating func decode<Value: FixedWidthInteger>(
        _ type: Value.Type, _ what: String
    ) throws(BinaryCodingError) -> Value {
        let range = try take(MemoryLayout<Value>.size, what)
        var value: Value = 0
        withUnsafeMutableBytes(of: &value) { target in
            for (offset, index) in range.enumerated() { target[offset] = bytes[index] }
        }
        return Value(littleEndian: value)
    }

    public mutating func decodeDouble(_ what: String) throws(BinaryCodingError) -> Double {
        Double(bitPattern: try decode(UInt64.self, what))
    }

    public mutating func decodeBool(_ what: String) throws(BinaryCodingError) -> Bool {
        let value = try decode(UInt8.self, what)
        guard value <= 1 else {
            throw BinaryCodingError(code: .invalidValue, message: "\(what): got \(value), want 0 or 1")
        }
        return value == 1
    }

    /// Bytes preceded by their count; refuses counts above `limit`.
    public mutating func decodeBytes(
        _ what: String, limit: Int = Int(UInt32.max)
    ) throws(BinaryCodingError) -> [UInt8] {
        let count = Int(try decode(UInt32.self, what))
        guard count <= limit else {
            throw BinaryCodingError(
                code: .invalidValue, message: "\(what): got a length of \(count) bytes, want at most \(limit)")
        }
        return Array(bytes[try take(count, what)])
    }

    public mutating func decodeString(_ what: String, limit: Int = 1 << 20) throws(BinaryCodingError) -> String {
        let raw = try decodeBytes(what, limit: limit)
        guard let text = String(validating: raw, as: UTF8.self) else {
            throw BinaryCodingError(code: .invalidValue, message: "\(what): want valid UTF-8")
        }
        return text
    }

    public mutating func decodeRaw(_ count: Int, _ what: String) throws(BinaryCodingError) -> [UInt8] {
        Array(bytes[try take(count, what)])
    }

    /// A count and that many elements.
    /// - Parameter minimumElementSize: the fewest bytes an element can take, at least 1; a count that the remaining
    ///   bytes cannot hold is refused before anything is allocated.
    public mutating func decodeList<Element>(
        _ what: String, minimumElementSize: Int,
        _ body: (inout BinaryDecoder) throws(BinaryCodingError) -> Element
    ) throws(BinaryCodingError) -> [Element] {
        precondition(minimumElementSize > 0, "minimumElementSize: want at least 1")
        let count = Int(try decode(UInt32.self, what))
        guard count <= remaining / minimumElementSize else {
            throw BinaryCodingError(
                code: .truncated,
                message: "\(what): got room for \(remaining / minimumElementSize) elements, want \(count)")
        }
        var result: [Element] = []
        result.reserveCapacity(count)
        for _ in 0..<count { result.append(try body(&self)) }
        return result
    }

    /// To be called after the last value.
    public func finish(_ what: String) throws(BinaryCodingError) {
        guard remaining == 0 else {
            throw BinaryCodingError(
                code: .trailingBytes, message: "\(what): got \(remaining) bytes after the end, want none")
        }
    }
}
