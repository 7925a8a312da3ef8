import BinaryCoding
import CKernels
import Crypto
import Parallelism
import Randomness

/// A vector of integers modulo 2^32 or 2^64 to which masks are added.
///
/// Constant time in values and keys.
struct MaskedVector: Sendable {
    /// A key to be expanded, and whether the stream is subtracted.
    struct Mask: Sendable {
        var key: SecretBytes
        var isSubtracted: Bool
    }
    private enum Words: Sendable {
        case narrow([UInt32])
        case wide([UInt64])
    }
    private var words: Words
    let count: Int
    let modulusBits: Int

    init(zero round: AggregationRound) {
        count = round.literal.length
        modulusBits = round.modulusBits
        words = round.isWide ? .wide(.init(repeating: 0, count: count)) : .narrow(.init(repeating: 0, count: count))
    }

    /// Values modulo 2^b.
    init(_ values: [Int64], round: AggregationRound) {
        count = values.count
        modulusBits = round.modulusBits
        words =
            round.isWide
            ? .wide(values.map { UInt64(bitPattern: $0) }) : .narrow(values.map { UInt32(truncatingIfNeeded: $0) })
    }

    /// The representatives in [−2^(b−1), 2^(b−1)).
    var signed: [Int64] {
        let shift = Int64(64 - modulusBits)
        switch words {
        case .narrow(let words): return words.map { (Int64(bitPattern: UInt64($0)) << shift) >> shift }
        case .wide(let words): return words.map { (Int64(bitPattern: $0) << shift) >> shift }
        }
    }

    /// Pieces that stay in the cache while all masks are added to them: 32 KiB.
    private static let pieceGroups = 32

    /// Adds or subtracts the streams of all masks, on several cores.
    mutating func apply(_ masks: [Mask]) {
        guard !masks.isEmpty else { return }
        let size = modulusBits > 32 ? 8 : 4
        let piece = Self.pieceGroups * Int(TACIT_MASK_GROUP) / size
        func add(_ start: UnsafeMutableRawPointer) {
            nonisolated(unsafe) let start = start
            let count = count
            parallelFor((count + piece - 1) / piece) { range in
                for index in range {
                    let values = start + index * piece * size
                    let length = min(piece, count - index * piece)
                    for mask in masks {
                        mask.key.withBytes(SecretAccess("expanding a mask")) { key in
                            let key = key.baseAddress!.assumingMemoryBound(to: UInt8.self)
                            let group = UInt64(index * Self.pieceGroups)
                            if size == 8 {
                                tacit_mask_64(
                                    values.assumingMemoryBound(to: UInt64.self), length, key, group, 0,
                                    mask.isSubtracted ? 1 : 0)
                            } else {
                                tacit_mask_32(
                                    values.assumingMemoryBound(to: UInt32.self), length, key, group, 0,
                                    mask.isSubtracted ? 1 : 0)
                            }
                        }
                    }
                }
            }
        }
        switch words {
        case .narrow(var values):
            words = .narrow([])
            values.withUnsafeMutableBytes { if let start = $0.baseAddress { add(start) } }
            words = .narrow(values)
        case .wide(var values):
            words = .wide([])
            values.withUnsafeMutableBytes { if let start = $0.baseAddress { add(start) } }
            words = .wide(values)
        }
    }

    /// b bits a value.
    var packed: [UInt8] {
        let bytes = (count * modulusBits + 7) / 8
        return [UInt8](unsafeUninitializedCapacity: bytes) { buffer, filled in
            switch words {
            case .narrow(let values): tacit_mask_pack_32(buffer.baseAddress, values, count, Int32(modulusBits))
            case .wide(let values): tacit_mask_pack_64(buffer.baseAddress, values, count, Int32(modulusBits))
            }
            filled = bytes
        }
    }

    /// Adds a packed vector, the bytes after the first `skipping`.
    /// - Errors: `wrongLength`, `invalidEncoding`.
    mutating func add(packed bytes: [UInt8], skipping: Int, member: UInt32) throws(SecureAggregationError) {
        let wanted = skipping + (count * modulusBits + 7) / 8
        guard bytes.count == wanted else {
            throw SecureAggregationError(
                code: .wrongLength, message: "masked input: got \(bytes.count) bytes, want \(wanted)", member: member)
        }
        // Checked first, so that a refused vector changes nothing.
        let spare = (8 - count * modulusBits % 8) % 8
        guard spare == 0 || bytes[bytes.count - 1] >> UInt8(8 - spare) == 0 else {
            throw SecureAggregationError(
                code: .invalidEncoding, message: "masked input: unused bits are not zero", member: member)
        }
        let (count, bits) = (count, Int32(modulusBits))
        bytes.withUnsafeBufferPointer { bytes in
            let start = bytes.baseAddress! + skipping
            switch words {
            case .narrow(var values):
                words = .narrow([])
                _ = tacit_mask_add_packed_32(&values, start, count, bits)
                words = .narrow(values)
            case .wide(var values):
                words = .wide([])
                _ = tacit_mask_add_packed_64(&values, start, count, bits)
                words = .wide(values)
            }
        }
    }

    /// Overwrites the values.
    mutating func wipe() {
        switch words {
        case .narrow(var values):
            words = .narrow([])
            values.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress, $0.count) }
        case .wide(var values):
            words = .wide([])
            values.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress, $0.count) }
        }
    }

    // MARK: Bytes

    func encode(into encoder: inout BinaryEncoder) { encoder.encodeRaw(packed) }

    init(decoding decoder: inout BinaryDecoder, round: AggregationRound) throws(SecureAggregationError) {
        let bytes = try wrappingCoding { () throws(BinaryCodingError) in
            try decoder.decodeRaw(round.packedBytes, "vector")
        }
        self.init(zero: round)
        try add(packed: bytes, skipping: 0, member: 0)
    }
}

/// A site's commitment to its update, sent before the sum is known and opened to an auditor afterwards.
///
/// SHA-256 of a label, the round, the member, a random nonce and the update as 64-bit integers: binding and, by the nonce,
/// hiding.
public struct UpdateCommitment: Hashable, Sendable {
    /// 32 bytes.
    public let digest: Fingerprint

    public init(to update: [Int64], nonce: SecretBytes, round: AggregationRound, member: UInt32) {
        var hash = SHA256()
        hash.update(data: Array("tacit aggregation update".utf8))
        hash.update(data: round.fingerprint.bytes)
        withUnsafeBytes(of: member.littleEndian) { hash.update(bufferPointer: $0) }
        nonce.withBytes(SecretAccess("commitment to the update")) { hash.update(bufferPointer: $0) }
        update.withUnsafeBytes { hash.update(bufferPointer: $0) }
        digest = Fingerprint(bytes: Array(hash.finalize()))!
    }

    init(digest: Fingerprint) { self.digest = digest }
}
