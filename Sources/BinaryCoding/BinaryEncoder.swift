/// Appends values in the project's binary form: little-endian integers, lengths as 32-bit counts before the bytes.
public struct BinaryEncoder: Sendable {
    public private(set) var bytes: [UInt8] = []

    public init() {}

    public mutating func encode(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// The exact bit pattern, NaN included.
    public mutating func encode(_ value: Double) { encode(value.bitPattern) }

    public mutating func encode(_ value: Bool) { encode(value ? 1 : 0 as UInt8) }

    /// Bytes preceded by their count.
    public mutating func encode(bytes value: some Collection<UInt8>) {
        precondition(value.count <= Int(UInt32.max), "bytes: got \(value.count), want at most 2^32 - 1")
        encode(UInt32(value.count))
        bytes.append(contentsOf: value)
    }

    /// UTF-8 preceded by its count.
    public mutating func encode(_ value: String) { encode(bytes: Array(value.utf8)) }

    /// Bytes without a count, for values whose size both sides know.
    public mutating func encodeRaw(_ value: some Sequence<UInt8>) { bytes.append(contentsOf: value) }

    /// A count, then each element as `body` writes it.
    public mutating func encode<Element>(
        list: some Collection<Element>, _ body: (inout BinaryEncoder, Element) -> Void
    ) {
        precondition(list.count <= Int(UInt32.max), "list: got \(list.count), want at most 2^32 - 1")
        encode(UInt32(list.count))
        for element in list { body(&self, element) }
    }
}
