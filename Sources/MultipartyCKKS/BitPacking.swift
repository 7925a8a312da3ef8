import Lattice

/// Numbers of b ≤ 57 bits each behind each other, least significant bit first.
enum BitPacking {
    static func packed(_ values: [UInt64], bits: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity((values.count * bits + 7) / 8)
        var (buffer, filled) = (UInt64(0), 0)
        for value in values {
            buffer |= value << UInt64(filled)
            filled += bits
            while filled >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: buffer))
                buffer >>= 8
                filled -= 8
            }
        }
        if filled > 0 { bytes.append(UInt8(truncatingIfNeeded: buffer)) }
        return bytes
    }

    /// - Parameter bytes: at least those of `count` numbers.
    static func unpacked(_ bytes: ArraySlice<UInt8>, count: Int, bits: Int) -> [UInt64] {
        var result: [UInt64] = []
        result.reserveCapacity(count)
        let mask = (UInt64(1) << UInt64(bits)) - 1
        var (buffer, filled, position) = (UInt64(0), 0, bytes.startIndex)
        for _ in 0..<count {
            while filled < bits {
                buffer |= UInt64(bytes[position]) << UInt64(filled)
                position += 1
                filled += 8
            }
            result.append(buffer & mask)
            buffer >>= UInt64(bits)
            filled -= bits
        }
        return result
    }

    /// Residues; nil for one that is not below the prime, or bits set in the padding.
    static func unpacked(_ bytes: [UInt8], count: Int, below q: Modulus) -> [UInt64]? {
        let values = unpacked(bytes[...], count: count, bits: q.bitWidth)
        let inLast = count * q.bitWidth % 8
        let padding = inLast == 0 ? 0 : (bytes.last ?? 0) >> UInt8(inLast)
        return padding == 0 && values.allSatisfy { $0 < q.value } ? values : nil
    }
}
