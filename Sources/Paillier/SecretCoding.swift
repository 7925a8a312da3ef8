import BigIntegers
import BinaryCoding
import Randomness

extension SecretBytes {
    /// Public bytes, then numbers of `width` big-endian bytes each, leaving no other copy of the numbers behind.
    convenience init(after head: [UInt8], _ numbers: [BigInteger], width: Int) {
        self.init(count: head.count + numbers.count * width) { target in
            target.copyBytes(from: head)
            for (index, number) in numbers.enumerated() {
                var bytes = number.bigEndianBytes(count: width)
                UnsafeMutableRawBufferPointer(rebasing: target[(head.count + index * width)...]).copyBytes(from: bytes)
                zeroise(&bytes)
            }
        }
    }
}

extension BinaryDecoder {
    /// A number of `width` big-endian bytes, leaving no other copy than the decoder's own behind.
    mutating func decodeSecret(_ width: Int, _ what: String) throws(BinaryCodingError) -> BigInteger {
        var bytes = try decodeRaw(width, what)
        defer { zeroise(&bytes) }
        return BigInteger(bigEndianBytes: bytes)
    }
}
