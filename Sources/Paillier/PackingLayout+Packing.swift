import BigIntegers
import Parallelism

/// Digits of one plaintext, written at any bit offset without shifting what is there.
private struct Digits {
    var limbs: [UInt64]

    init(bits: Int) { limbs = [UInt64](repeating: 0, count: bits / 64 + 2) }

    init(_ value: BigInteger, bits: Int) { limbs = value.limbs(count: bits / 64 + 2) }

    /// `width` ≤ 64 bits at `offset`, where zeros stand.
    @inline(__always)
    mutating func put(_ digit: UInt64, at offset: Int) {
        let shift = UInt64(offset & 63)
        limbs[offset >> 6] |= digit &<< shift
        if shift > 0 { limbs[offset >> 6 + 1] |= digit &>> (64 &- shift) }
    }

    mutating func put(_ digit: BigInteger, at offset: Int) {
        for (index, limb) in digit.limbs(count: (digit.bitWidth + 63) / 64).enumerated() {
            put(limb, at: offset + 64 * index)
        }
    }

    @inline(__always)
    func get(at offset: Int, width: Int) -> UInt64 {
        let shift = UInt64(offset & 63)
        var digit = limbs[offset >> 6] &>> shift
        if shift > 0 { digit |= limbs[offset >> 6 + 1] &<< (64 &- shift) }
        return width == 64 ? digit : digit & ((1 &<< UInt64(width)) &- 1)
    }

    func getBig(at offset: Int, width: Int) -> BigInteger {
        BigInteger(
            limbs: stride(from: 0, to: width, by: 64).map { get(at: offset + $0, width: min(64, width - $0)) })
    }

    var value: BigInteger { BigInteger(limbs: limbs) }
}

extension PackingLayout {
    /// The part of a segment that stands in one plaintext.
    private struct Piece {
        var segment: Segment
        var slots: Range<Int>
        var offset: Int
    }

    /// The pieces of each plaintext of a range.
    private func pieces(_ plaintexts: Range<Int>) -> [[Piece]] {
        var result = [[Piece]](repeating: [], count: plaintexts.count)
        for segment in segments {
            let count = (segment.count - 1) / segment.perPlaintext + 1
            let from = max(plaintexts.lowerBound, segment.plaintext)
            let to = min(plaintexts.upperBound, segment.plaintext + count)
            guard from < to else { continue }
            for plaintext in from..<to {
                let done = (plaintext - segment.plaintext) * segment.perPlaintext
                let slots =
                    segment.firstSlot + done..<segment.firstSlot
                    + min(segment.count, done + segment.perPlaintext)
                result[plaintext - plaintexts.lowerBound].append(
                    Piece(segment: segment, slots: slots, offset: segment.offset))
            }
        }
        return result
    }

    private func outOfBounds(_ slot: Int, _ bounds: ClosedRange<BigInteger>) -> PaillierError {
        PaillierError(
            code: .valueOutOfBounds,
            message: "slot \(slot): got a value outside the declared \(bounds.lowerBound)...\(bounds.upperBound)")
    }

    private func requireCount(_ count: Int) throws(PaillierError) {
        guard count == slotCount else {
            throw PaillierError(code: .countMismatch, message: "values: got \(count), want \(slotCount)")
        }
    }

    /// The integers as plaintexts.
    ///
    /// - Parameter weight: of the values, when each is already a sum of fresh ones: a slot then takes values of
    ///   `weight` times its bounds.
    /// - Throws: `countMismatch`; `valueOutOfBounds`, naming the slot; `headroomExhausted`.
    /// - Cost: linear; 50,000 slots take about a millisecond.
    public func pack(_ values: [Int64], weight: PackingWeight = .one) throws(PaillierError) -> [BigInteger] {
        try requireCount(values.count)
        let weight = try check(weight)
        return try packed(weight) { slot, bounds, lower, offset, digits throws(PaillierError) in
            let value = values[slot]
            if let small = bounds.small {
                guard small.contains(value) else { throw self.outOfBounds(slot, bounds.exact) }
                // Exact: 0 ≤ value − lower < 2⁶⁴ because the slot has at most 63 bits.
                digits.put(UInt64(bitPattern: value &- bounds.smallLower), at: offset)
            } else {
                let big = BigInteger(value)
                guard bounds.exact.contains(big) else { throw self.outOfBounds(slot, bounds.exact) }
                digits.put(big - lower, at: offset)
            }
        }
    }

    /// As ``pack(_:weight:)-(Array<Int64>,_)`` for integers of any size.
    public func pack(_ values: [BigInteger], weight: PackingWeight = .one) throws(PaillierError) -> [BigInteger] {
        try requireCount(values.count)
        let weight = try check(weight)
        return try packed(weight) { slot, bounds, lower, offset, digits throws(PaillierError) in
            guard bounds.exact.contains(values[slot]) else { throw self.outOfBounds(slot, bounds.exact) }
            digits.put(values[slot] - lower, at: offset)
        }
    }

    /// A run's bounds at some weight, and in machine words when the whole slot has room there.
    private struct RunBounds: Sendable {
        var exact: ClosedRange<BigInteger>
        var small: ClosedRange<Int64>?
        /// L as a machine word; meaningful when `small` is there.
        var smallLower: Int64 = 0
    }

    private func bounds(at weight: PackingWeight) -> [RunBounds] {
        zip(runs, finalBounds).map { run, final in
            let exact = Self.interval(of: run.bounds, weight: weight)
            var result = RunBounds(exact: exact)
            if (final.upperBound - final.lowerBound).bitWidth <= 63, let lower = final.lowerBound.intValue,
                final.upperBound.intValue != nil, let from = exact.lowerBound.intValue,
                let to = exact.upperBound.intValue
            {
                result.small = Int64(from)...Int64(to)
                result.smallLower = Int64(lower)
            }
            return result
        }
    }

    private func packed(
        _ weight: PackingWeight,
        _ put: @Sendable (Int, RunBounds, BigInteger, Int, inout Digits) throws(PaillierError) -> Void
    ) throws(PaillierError) -> [BigInteger] {
        let bounds = bounds(at: weight)
        let pieces = pieces(0..<plaintextCount)
        return try parallelMap(plaintextCount, chunk: 16) { (plaintext) throws(PaillierError) -> BigInteger in
            var digits = Digits(bits: self.capacityBits)
            for piece in pieces[plaintext] {
                let run = piece.segment.run
                var offset = piece.offset
                for slot in piece.slots {
                    try put(slot, bounds[run], self.finalBounds[run].lowerBound, offset, &digits)
                    offset += piece.segment.width
                }
            }
            return digits.value + self.base(pieces[plaintext])
        }
    }

    /// Σ L·2^offset over one plaintext's slots; L ≤ 0.
    private func base(_ pieces: [Piece]) -> BigInteger {
        var digits = Digits(bits: capacityBits)
        for piece in pieces {
            let lower = finalBounds[piece.segment.run].lowerBound.magnitude
            guard !lower.isZero else { continue }
            let small = lower.intValue
            var offset = piece.offset
            for _ in piece.slots {
                if let small { digits.put(UInt64(small), at: offset) } else { digits.put(lower, at: offset) }
                offset += piece.segment.width
            }
        }
        return -digits.value
    }

    /// The integers that stand in opened plaintexts.
    ///
    /// - Parameter weight: what has been added up; values are checked against the bounds it implies.
    /// - Throws: `countMismatch`; `headroomExhausted`; `valueOutOfBounds` when the plaintexts cannot have come from this
    ///   layout at this weight.
    public func unpack(_ plaintexts: [BigInteger], weight: PackingWeight) throws(PaillierError) -> [BigInteger] {
        try unpacked(plaintexts, weight) { digits, offset, width, bounds, lower in
            let value = digits.getBig(at: offset, width: width) + lower
            return bounds.exact.contains(value) ? value : nil
        }
    }

    /// As ``unpack(_:weight:)`` for layouts whose values fit 64 bits.
    /// - Throws: also `invalidLayout` when a slot is too wide.
    public func unpackInt64(_ plaintexts: [BigInteger], weight: PackingWeight) throws(PaillierError) -> [Int64] {
        guard bounds(at: weight).allSatisfy({ $0.small != nil }) else {
            throw PaillierError(code: .invalidLayout, message: "slots: want at most 63 bits to unpack machine words")
        }
        return try unpacked(plaintexts, weight) { digits, offset, width, bounds, lower in
            let value = Int64(bitPattern: digits.get(at: offset, width: width)) &+ bounds.smallLower
            return bounds.small!.contains(value) ? value : nil
        }
    }

    private func unpacked<Value: Sendable>(
        _ plaintexts: [BigInteger], _ weight: PackingWeight,
        _ get: @Sendable (Digits, Int, Int, RunBounds, BigInteger) -> Value?
    ) throws(PaillierError) -> [Value] {
        guard plaintexts.count == plaintextCount else {
            throw PaillierError(
                code: .countMismatch, message: "plaintexts: got \(plaintexts.count), want \(plaintextCount)")
        }
        let bounds = bounds(at: try check(weight))
        let pieces = pieces(0..<plaintextCount)
        let parts = try parallelMap(plaintextCount, chunk: 16) {
            (plaintext) throws(PaillierError) -> [(Int, [Value])] in
            let shifted = plaintexts[plaintext] - self.base(pieces[plaintext])
            let bits = pieces[plaintext].last.map { $0.offset + $0.slots.count * $0.segment.width }!
            guard shifted.signum >= 0, shifted.bitWidth <= bits else {
                throw PaillierError(
                    code: .valueOutOfBounds,
                    message:
                        "plaintext \(plaintext): does not fit the layout; it was made with another one, or its sum ran over"
                )
            }
            let digits = Digits(shifted, bits: self.capacityBits)
            var result: [(Int, [Value])] = []
            for piece in pieces[plaintext] {
                let run = piece.segment.run
                var values: [Value] = []
                values.reserveCapacity(piece.slots.count)
                var offset = piece.offset
                for slot in piece.slots {
                    guard
                        let value = get(
                            digits, offset, piece.segment.width, bounds[run], self.finalBounds[run].lowerBound)
                    else { throw self.outOfBounds(slot, bounds[run].exact) }
                    values.append(value)
                    offset += piece.segment.width
                }
                result.append((piece.slots.lowerBound, values))
            }
            return result
        }
        // Segments fill slots in order and plaintexts in order, so the parts are in order too.
        return parts.flatMap { $0.flatMap(\.1) }
    }
}
