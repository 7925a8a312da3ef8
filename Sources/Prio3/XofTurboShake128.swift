import CKernels
import Randomness

/// TurboSHAKE128 as an extendable-output function of a seed, a domain separation tag and a binder.
///
/// Constant time in the seed, except that ``vector(_:count:)`` leaves out what is no field element, which shows nothing
/// else about the output.
/// - Reference: RFC 9861; draft-irtf-cfrg-vdaf-20, section "XofTurboShake128".
package struct XofTurboShake128: ~Copyable {
    private static let rate = 168
    private let state = UnsafeMutablePointer<UInt64>.allocate(capacity: 25)
    private let buffer = UnsafeMutablePointer<UInt8>.allocate(capacity: rate)
    /// Bytes of the buffer that are filled (while absorbing) or taken (while squeezing).
    private var position = 0
    private var isSqueezing = false

    package init(seed: [UInt8], tag: [UInt8], binder: [UInt8] = []) {
        precondition(seed.count <= 255 && tag.count <= 65_535, "seed of at most 255 bytes, tag of at most 65535")
        state.initialize(repeating: 0, count: 25)
        buffer.initialize(repeating: 0, count: Self.rate)
        absorb([UInt8(tag.count & 255), UInt8(tag.count >> 8)])
        absorb(tag)
        absorb([UInt8(seed.count)])
        absorb(seed)
        absorb(binder)
    }

    deinit {
        tacit_zeroise(state, 200)
        tacit_zeroise(buffer, Self.rate)
        state.deallocate()
        buffer.deallocate()
    }

    package mutating func absorb(_ bytes: [UInt8]) {
        precondition(!isSqueezing, "absorb before the output is read")
        bytes.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return }
            var done = 0
            while done < bytes.count {
                if position == 0, bytes.count - done >= Self.rate {
                    let blocks = (bytes.count - done) / Self.rate
                    tacit_keccak_absorb(state, start + done, blocks, Self.rate)
                    done += blocks * Self.rate
                    continue
                }
                let count = min(Self.rate - position, bytes.count - done)
                (buffer + position).update(from: start + done, count: count)
                position += count
                done += count
                if position == Self.rate {
                    tacit_keccak_absorb(state, buffer, 1, Self.rate)
                    position = 0
                }
            }
        }
    }

    /// Pads with the domain byte 1 and turns to output.
    private mutating func finishAbsorbing() {
        (buffer + position).update(repeating: 0, count: Self.rate - position)
        buffer[position] = 1
        buffer[Self.rate - 1] ^= 0x80
        // The permutation after the last block is the one that squeezing begins with.
        for lane in 0..<Self.rate / 8 {
            state[lane] ^= UInt64(
                littleEndian: UnsafeRawPointer(buffer).load(fromByteOffset: 8 * lane, as: UInt64.self))
        }
        isSqueezing = true
        position = Self.rate
    }

    package mutating func fill(_ target: UnsafeMutableBufferPointer<UInt8>) {
        if !isSqueezing { finishAbsorbing() }
        guard let start = target.baseAddress else { return }
        var done = 0
        while done < target.count {
            if position == Self.rate {
                let blocks = (target.count - done) / Self.rate
                if blocks > 0 {
                    tacit_keccak_squeeze(state, start + done, blocks, Self.rate)
                    done += blocks * Self.rate
                    continue
                }
                tacit_keccak_squeeze(state, buffer, 1, Self.rate)
                position = 0
            }
            let count = min(Self.rate - position, target.count - done)
            (start + done).update(from: buffer + position, count: count)
            position += count
            done += count
        }
    }

    package mutating func bytes(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            fill(UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            filled = count
        }
    }

    /// The next `count` field elements, by rejection.
    package mutating func vector(_ field: PrioField, count: Int) -> [Element] {
        let size = field.elementBytes
        let piece = 4096
        return [Element](unsafeUninitializedCapacity: count) { result, filled in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: piece * size) { bytes in
                while filled < count {
                    let wanted = min(piece, count - filled)
                    fill(UnsafeMutableBufferPointer(rebasing: bytes[..<(wanted * size)]))
                    filled += tacit_field_accept(
                        field.rawValue, result.baseAddress! + filled, bytes.baseAddress, wanted)
                }
                tacit_zeroise(bytes.baseAddress, bytes.count)
            }
        }
    }
}
