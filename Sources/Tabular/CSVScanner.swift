/// Finds the end of one field and gives its content; knows quotes and encodings, and nothing of columns.
final class CSVScanner {
    /// A field that ended inside the buffer.
    struct Field {
        /// The content without quotes, valid UTF-8; usable until the next call.
        let bytes: UnsafeBufferPointer<UInt8>
        /// The separator or line end behind the field, or the end of the data.
        let next: UnsafePointer<UInt8>
        /// Line ends inside the field.
        let lineEnds: Int
    }

    /// What is wrong with a field, at an offset from its first byte.
    struct Fault: Error {
        let code: TabularError.Code
        let message: String
        let offset: Int
        let lineEnds: Int
    }

    private enum Class {
        static let ordinary: UInt8 = 0
        static let end: UInt8 = 1
        static let quote: UInt8 = 2
        static let nul: UInt8 = 3
        static let high: UInt8 = 4
    }

    let separator: UInt8
    private let encoding: CSVFormat.Encoding
    private let fieldLimit: Int
    private let classes: UnsafeMutablePointer<UInt8>
    /// Holds a field whose bytes are not those of the file: quotes undoubled, or converted from Latin-1.
    private var scratch = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 256)

    init(separator: UInt8, format: CSVFormat) {
        self.separator = separator
        encoding = format.encoding
        fieldLimit = format.limits.fieldBytes
        classes = .allocate(capacity: 256)
        for byte in 0..<256 { classes[byte] = byte >= 0x80 ? Class.high : Class.ordinary }
        classes[0x00] = Class.nul
        classes[0x0A] = Class.end
        classes[0x0D] = Class.end
        classes[0x22] = Class.quote
        classes[Int(separator)] = Class.end
    }

    deinit {
        classes.deallocate()
        scratch.deallocate()
    }

    /// The field that begins at `start`; nil when it does not end before `end` and more bytes may follow.
    func field(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, isAtEnd: Bool
    ) throws(Fault) -> Field? {
        if start < end && start[0] == 0x22 { return try quoted(start, end, isAtEnd: isAtEnd) }
        var p = start
        var hasHigh = false
        while true {
            let kind = classes[Int(p[0])]
            if kind == Class.ordinary {
                p += 1
                continue
            }
            // Zero bytes follow the data, so that the end needs no test of its own for ordinary bytes.
            if p >= end {
                guard isAtEnd else { return nil }
                break
            }
            if kind == Class.end { break }
            if kind == Class.high {
                hasHigh = true
                p += 1
                continue
            }
            if kind == Class.nul { throw nul(at: p - start, lineEnds: 0) }
            throw Fault(
                code: .strayQuote,
                message: "quote: got one inside a field that does not begin with one; "
                    + "want the whole field in quotes and quotes inside doubled", offset: p - start, lineEnds: 0)
        }
        let bytes = UnsafeBufferPointer(start: start, count: p - start)
        return Field(bytes: try checked(bytes, hasHigh: hasHigh, offset: 0), next: p, lineEnds: 0)
    }

    private func quoted(
        _ start: UnsafePointer<UInt8>, _ end: UnsafePointer<UInt8>, isAtEnd: Bool
    ) throws(Fault) -> Field? {
        var p = start + 1
        var lineEnds = 0
        var doubled = 0
        var hasHigh = false
        while true {
            if p >= end {
                guard isAtEnd else { return nil }
                throw Fault(
                    code: .unterminatedQuote, message: "quote: got one that never closes, want a closing quote",
                    offset: 0, lineEnds: 0)
            }
            let byte = p[0]
            if byte == 0x22 {
                // Whether this closes the field shows in the next byte.
                if p + 1 >= end && !isAtEnd { return nil }
                guard p + 1 < end && p[1] == 0x22 else { break }
                doubled += 1
                p += 2
                continue
            }
            if byte == 0x0A || (byte == 0x0D && p[1] != 0x0A) { lineEnds += 1 }
            if byte == 0 { throw nul(at: p - start, lineEnds: lineEnds) }
            if byte >= 0x80 { hasHigh = true }
            p += 1
        }
        let next = p + 1
        if next < end && classes[Int(next[0])] != Class.end {
            throw Fault(
                code: .strayQuote,
                message: "closing quote: got a further character behind it, want a separator or the end of the line",
                offset: next - start, lineEnds: lineEnds)
        }
        var bytes = UnsafeBufferPointer(start: start + 1, count: p - start - 1)
        bytes = try checked(bytes, hasHigh: hasHigh, offset: 1)
        if doubled > 0 { bytes = undoubled(bytes) }
        return Field(bytes: bytes, next: next, lineEnds: lineEnds)
    }

    private func nul(at offset: Int, lineEnds: Int) -> Fault {
        Fault(
            code: .nulByte, message: "NUL byte: got one, want text; is the file binary or UTF-16?", offset: offset,
            lineEnds: lineEnds)
    }

    /// The content as valid UTF-8 within the limit on fields.
    private func checked(
        _ bytes: UnsafeBufferPointer<UInt8>, hasHigh: Bool, offset: Int
    ) throws(Fault) -> UnsafeBufferPointer<UInt8> {
        guard bytes.count <= fieldLimit else {
            throw Fault(
                code: .limitExceeded, message: "field length: got \(bytes.count) bytes, want at most \(fieldLimit)",
                offset: offset, lineEnds: 0)
        }
        guard hasHigh else { return bytes }
        switch encoding {
        case .utf8:
            guard let bad = UTF8Check.firstInvalid(bytes) else { return bytes }
            throw Fault(
                code: .invalidEncoding,
                message: "encoding: got byte 0x\(String(bytes[bad], radix: 16, uppercase: true)), "
                    + "which is not UTF-8 here; if the file is ISO 8859-1, say so (latin1)",
                offset: offset + bad, lineEnds: 0)
        case .latin1:
            var converted: [UInt8] = []
            converted.reserveCapacity(bytes.count * 2)
            UTF8Check.appendLatin1(bytes, to: &converted)
            return inScratch(converted)
        }
    }

    private func undoubled(_ bytes: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            result.append(bytes[index])
            index += bytes[index] == 0x22 ? 2 : 1
        }
        return inScratch(result)
    }

    private func inScratch(_ bytes: [UInt8]) -> UnsafeBufferPointer<UInt8> {
        if scratch.count < bytes.count {
            scratch.deallocate()
            scratch = .allocate(capacity: bytes.count)
        }
        _ = scratch.update(fromContentsOf: bytes)
        return UnsafeBufferPointer(rebasing: scratch[0..<bytes.count])
    }
}
