/// Reads decimal numbers into the nearest double.
///
/// Grammar: `[+-] digits [. digits] [e [+-] digits]` with at least one digit before or after the point; no hexadecimal,
/// no infinity, no NaN, no grouping. The result is the double nearest to the decimal number, ties to even, for every
/// input: with w the digits read as an integer (at most 19 of them) and k the decimal exponent,
/// - w ≤ 2⁵³ and |k| ≤ 22: one multiplication or division of two exact doubles, which rounds once (Clinger 1990);
/// - |k| ≤ 27: the exact 128-bit product w·5ᵏ or the quotient w/5⁻ᵏ with its remainder, rounded once to 53 bits;
/// - otherwise the standard library's conversion, which is exact as well and slower.
/// - Reference: W. D. Clinger, How to read floating point numbers accurately, PLDI 1990.
enum DecimalParser {
    /// 10ᵏ for k in 0...22, each exact.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// 5ᵏ for k in 0...27; 5²⁷ is the last one below 2⁶⁴.
    private static let powersOfFive: [UInt64] = {
        var powers: [UInt64] = [1]
        for _ in 0..<27 { powers.append(powers[powers.count - 1] * 5) }
        return powers
    }()

    /// The constant tables as plain memory, fetched once per call of a hot loop.
    struct Tables {
        let tens: UnsafePointer<Double>
        let fives: UnsafePointer<UInt64>
    }

    /// Never freed: one allocation for the life of the process.
    nonisolated(unsafe) static let tables: Tables = {
        let tens = UnsafeMutablePointer<Double>.allocate(capacity: powersOfTen.count)
        tens.initialize(from: powersOfTen, count: powersOfTen.count)
        let fives = UnsafeMutablePointer<UInt64>.allocate(capacity: powersOfFive.count)
        fives.initialize(from: powersOfFive, count: powersOfFive.count)
        return Tables(tens: UnsafePointer(tens), fives: UnsafePointer(fives))
    }()

    /// Reads the longest number at `position` that the fast ways can handle, and moves `position` behind it.
    ///
    /// The memory from `position` on must hold at least 8 readable bytes behind the end of the data, none of which
    /// among the first is a digit: the scan stops at the first byte that is no part of a number.
    /// - Returns: nil when there is no number here or it needs the slow way; `position` is then undefined.
    @inline(__always)
    static func scan(_ position: inout UnsafePointer<UInt8>, _ tables: Tables) -> Double? {
        var p = position
        let isNegative = p[0] == 0x2D
        if isNegative || p[0] == 0x2B { p += 1 }
        var digits: UInt64 = 0
        let start = p
        var digit = p[0] &- 0x30
        while digit < 10 {
            digits = digits &* 10 &+ UInt64(digit)
            p += 1
            digit = p[0] &- 0x30
        }
        var digitCount = p - start
        var exponent = 0
        if p[0] == 0x2E {
            p += 1
            let fraction = p
            var chunk = load(p)
            while isEightDigits(chunk) {
                digits = digits &* 100_000_000 &+ eightDigits(chunk)
                p += 8
                chunk = load(p)
            }
            digit = p[0] &- 0x30
            while digit < 10 {
                digits = digits &* 10 &+ UInt64(digit)
                p += 1
                digit = p[0] &- 0x30
            }
            exponent = -(p - fraction)
            digitCount -= exponent
        }
        // More than 19 digits may have overflowed; the slow way sorts out leading zeros too.
        guard digitCount > 0 && digitCount <= 19 else { return nil }
        if p[0] | 0x20 == 0x65 {
            p += 1
            let isBelow = p[0] == 0x2D
            if isBelow || p[0] == 0x2B { p += 1 }
            let start = p
            var value = 0
            digit = p[0] &- 0x30
            while digit < 10 {
                value = value &* 10 &+ Int(digit)
                p += 1
                digit = p[0] &- 0x30
            }
            guard p - start > 0 && p - start <= 4 else { return nil }
            exponent += isBelow ? -value : value
        }
        position = p
        guard let magnitude = compose(digits, exponent, tables) else { return nil }
        return isNegative ? -magnitude : magnitude
    }

    @inline(__always)
    private static func load(_ p: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt64.self))
    }

    /// Whether all eight bytes are ASCII digits: the high halves are 3, also after adding 6.
    @inline(__always)
    private static func isEightDigits(_ chunk: UInt64) -> Bool {
        let high: UInt64 = 0xF0F0_F0F0_F0F0_F0F0
        return (chunk & high) | ((chunk &+ 0x0606_0606_0606_0606) & high) >> 4 == 0x3333_3333_3333_3333
    }

    /// The value of eight digits, the first in the lowest byte: pairs, then fours, then all eight at once.
    @inline(__always)
    private static func eightDigits(_ chunk: UInt64) -> UInt64 {
        let mask: UInt64 = 0x0000_00FF_0000_00FF
        var value = chunk &- 0x3030_3030_3030_3030
        value = value &* 10 &+ value >> 8
        let high = (value & mask) &* (100 &+ 1_000_000 << 32)
        let low = (value >> 16 & mask) &* (1 &+ 10_000 << 32)
        return (high &+ low) >> 32
    }

    /// w·10ᵏ rounded once, or nil when neither exact way covers it.
    @inline(__always)
    private static func compose(_ digits: UInt64, _ exponent: Int, _ tables: Tables) -> Double? {
        if digits <= 1 << 53 && exponent >= -22 && exponent <= 22 {
            let value = Double(Int64(bitPattern: digits))
            return exponent < 0 ? value / tables.tens[-exponent] : value * tables.tens[exponent]
        }
        if digits == 0 { return 0 }
        guard exponent >= -27 && exponent <= 27 else { return nil }
        return exponent < 0
            ? quotient(digits, by: tables.fives[-exponent], exponent)
            : product(digits, tables.fives[exponent], exponent)
    }

    /// w·5ᵏ·2ᵏ for k ≥ 0.
    private static func product(_ digits: UInt64, _ five: UInt64, _ exponent: Int) -> Double {
        let (high, low) = digits.multipliedFullWidth(by: five)
        if high == 0 { return round(low, isExact: true, exponent) }
        let shift = UInt64(high.leadingZeroBitCount)
        let top = shift == 0 ? high : high << shift | low >> (64 - shift)
        let rest = shift == 0 ? low : low << shift
        return round(top, isExact: rest == 0, exponent + 64 - Int(shift))
    }

    /// w/5⁻ᵏ·2ᵏ for k < 0. Both are shifted so that the quotient has exactly 64 bits.
    private static func quotient(_ digits: UInt64, by five: UInt64, _ exponent: Int) -> Double {
        let digitShift = digits.leadingZeroBitCount
        let fiveShift = five.leadingZeroBitCount
        let numerator = digits << UInt64(digitShift)
        let denominator = five << UInt64(fiveShift)
        // Dividing full width needs the high half below the divisor.
        let isLarge = numerator >= denominator
        let (quotient, remainder) = denominator.dividingFullWidth(
            isLarge ? (numerator >> 1, numerator << 63) : (numerator, 0))
        return round(quotient, isExact: remainder == 0, exponent + fiveShift - digitShift - (isLarge ? 63 : 64))
    }

    /// m·2ˢ rounded to 53 bits, ties to even; `isExact` is false when a positive part below one unit of m was dropped,
    /// and m then has all its 64 bits. No result here is subnormal or overflows: |s| < 200.
    private static func round(_ mantissa: UInt64, isExact: Bool, _ scale: Int) -> Double {
        let shift = UInt64(mantissa.leadingZeroBitCount)
        let full = mantissa << shift
        let rest = full & 0x7FF
        var kept = full >> 11
        if rest > 0x400 || (rest == 0x400 && (!isExact || kept & 1 == 1)) { kept += 1 }
        let power = Double(bitPattern: UInt64(scale + 11 - Int(shift) + 1023) << 52)
        return Double(Int64(bitPattern: kept)) * power
    }

    /// What a whole field turned out to be.
    enum Outcome: Equatable {
        case number(Double)
        /// A number of the right form whose magnitude no double holds.
        case overflow
        /// `nan`, `inf` or `infinity` with an optional sign.
        case notFinite
        /// Digits with one comma among them.
        case decimalComma
        case malformed
    }

    /// Reads a whole field, ignoring blanks around it.
    /// - Cost: linear in the length.
    static func parse(_ field: UnsafeBufferPointer<UInt8>) -> Outcome {
        var low = 0
        var high = field.count
        while low < high && (field[low] == 0x20 || field[low] == 0x09) { low += 1 }
        while high > low && (field[high - 1] == 0x20 || field[high - 1] == 0x09) { high -= 1 }
        guard low < high else { return .malformed }
        let text = UnsafeBufferPointer(rebasing: field[low..<high])
        if isNumber(text, point: 0x2E) { return convert(text) }
        if isNumber(text, point: 0x2C) { return .decimalComma }
        var word = text[...]
        if word.first == 0x2B || word.first == 0x2D { word = word.dropFirst() }
        guard word.count <= 8 else { return .malformed }
        let lower = String(decoding: word, as: UTF8.self).lowercased()
        return ["nan", "inf", "infinity"].contains(lower) ? .notFinite : .malformed
    }

    /// Whether the text follows the grammar, with the given byte as decimal point.
    private static func isNumber(_ text: UnsafeBufferPointer<UInt8>, point: UInt8) -> Bool {
        var rest = text[...]
        func digits() -> Int {
            var count = 0
            while let byte = rest.first, byte &- 0x30 < 10 {
                rest = rest.dropFirst()
                count += 1
            }
            return count
        }
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        var count = digits()
        if rest.first == point {
            rest = rest.dropFirst()
            count += digits()
        }
        guard count > 0 else { return false }
        if let byte = rest.first, byte | 0x20 == 0x65 {
            rest = rest.dropFirst()
            if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }

    private static func convert(_ text: UnsafeBufferPointer<UInt8>) -> Outcome {
        if text.count <= 32 {
            // Padded, so that the scan may read past the end.
            let value = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 48) { padded -> Double? in
                padded.initialize(repeating: 0)
                _ = padded.update(fromContentsOf: text)
                var position = UnsafePointer(padded.baseAddress!)
                return scan(&position, tables)
            }
            if let value { return .number(value) }
        }
        // The grammar has been checked, so this cannot meet hexadecimal or words; it is exact and knows no locale.
        guard let value = Double(String(decoding: text, as: UTF8.self)) else { return .overflow }
        return value.isFinite ? .number(value) : .overflow
    }
}
