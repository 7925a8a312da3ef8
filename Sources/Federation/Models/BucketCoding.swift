import BinaryCoding

/// Ascending numbers of buckets as their gaps, seven bits a byte, the last byte of a gap without its highest bit. A vocabulary
/// goes to a site in every round, and gaps take half of what numbers do.
enum BucketCoding {
    /// - Parameter buckets: ascending and not negative.
    static func encode(_ buckets: [Int32], into encoder: inout BinaryEncoder) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(2 * buckets.count)
        var next: Int32 = 0
        for bucket in buckets {
            var gap = UInt32(bucket - next)
            while gap >= 0x80 {
                bytes.append(UInt8(gap & 0x7F) | 0x80)
                gap >>= 7
            }
            bytes.append(UInt8(gap))
            // Ascending, so that only the last one can have no successor.
            next = bucket &+ 1
        }
        encoder.encode(UInt32(buckets.count))
        encoder.encode(bytes: bytes)
    }

    static func decode(_ decoder: inout BinaryDecoder) throws(BinaryCodingError) -> [Int32] {
        func invalid(_ message: String) -> BinaryCodingError {
            BinaryCodingError(code: .invalidValue, message: "vocabulary: \(message)")
        }
        let count = Int(try decoder.decode(UInt32.self, "vocabulary"))
        let bytes = try decoder.decodeBytes("vocabulary")
        guard count <= bytes.count else { throw invalid("got \(bytes.count) bytes for \(count) words") }
        var buckets: [Int32] = []
        buckets.reserveCapacity(count)
        var next: Int64 = 0
        var (gap, shift) = (Int64(0), Int64(0))
        for byte in bytes {
            guard shift <= 28 else { throw invalid("got a number of more than five bytes") }
            gap |= Int64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            // Numbers have one way to be written.
            guard byte > 0 || shift == 7 else { throw invalid("got a number with a zero in front") }
            guard let bucket = Int32(exactly: next + gap) else { throw invalid("got a number beyond 2^31") }
            buckets.append(bucket)
            next += gap + 1
            (gap, shift) = (0, 0)
        }
        guard shift == 0, buckets.count == count else { throw invalid("got \(buckets.count) words, want \(count)") }
        return buckets
    }
}
