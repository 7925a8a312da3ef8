import Foundation
import NeuralNetworks

/// One array in NumPy's .npy format: magic, version, a Python dictionary as text, then the numbers.
///
/// Read are floating-point numbers of 16, 32 and 64 bits in either byte order, row by row or column by column; written are
/// 32-bit ones. Total: any bytes give a tensor or an error.
/// - Reference: NumPy's documentation, `numpy.lib.format`, versions 1.0 to 3.0.
enum NumPyArray {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
    private static let extentLimit = 32

    static func decode(_ bytes: [UInt8], name: String) throws(WeightFormatsError) -> Tensor<Float> {
        func invalid(_ message: String) -> WeightFormatsError { .file("\(name): npy: \(message)") }
        guard bytes.count >= 10, bytes.starts(with: magic) else { throw invalid("want an array in NumPy's format") }
        guard (1...3).contains(bytes[6]) else { throw invalid("version: got \(bytes[6]), want 1 to 3") }
        let lengthBytes = bytes[6] == 1 ? 2 : 4
        let start = 8 + lengthBytes
        guard bytes.count >= start else { throw invalid("is cut short") }
        let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - start, length <= 1 << 20 else { throw invalid("header: is cut short") }
        let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
        guard let type = text(header, "descr"), let order = word(header, "fortran_order"), let shape = shape(header)
        else {
            throw invalid("header: want descr, fortran_order and shape, an array of numbers")
        }
        guard let width = ["f2": 2, "f4": 4, "f8": 8][type.dropFirst()], ["<", ">", "="].contains(type.prefix(1)) else {
            throw invalid("type: got \(type), want floating-point numbers of 2, 4 or 8 bytes")
        }
        guard shape.count <= extentLimit else { throw invalid("shape: got \(shape.count) extents, want at most 32") }
        var count = 1
        for extent in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= bytes.count else { throw invalid("shape: \(shape) is too large for the file") }
            count = product
        }
        let body = bytes[(start + length)...]
        guard body.count == count * width else {
            throw invalid("got \(body.count) bytes of numbers, want \(count * width) for \(shape)")
        }
        let isBig = type.hasPrefix(">")
        let values = (0..<count).map { index in
            let first = body.startIndex + index * width
            let field = body[first..<first + width]
            let bits = (isBig ? Array(field) : field.reversed()).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            switch width {
            case 2: return TensorNumberFormat.half(UInt16(bits))
            case 4: return Float(bitPattern: UInt32(bits))
            default: return Float(Double(bitPattern: bits))
            }
        }
        return Tensor(shape: shape, values: order == "True" ? rowMajor(values, shape) : values)
    }

    static func encode(_ tensor: Tensor<Float>) -> [UInt8] {
        let extents = tensor.shape.map(String.init)
        let shape = extents.count == 1 ? "(\(extents[0]),)" : "(\(extents.joined(separator: ", ")))"
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
        // The numbers begin at a multiple of 64 bytes.
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        var bytes = magic + [1, 0, UInt8(header.utf8.count & 255), UInt8(header.utf8.count >> 8)] + Array(header.utf8)
        for value in tensor.values {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    // MARK: The header, which is Python's text for a dictionary of three known keys

    private static func value(_ header: String, _ key: String) -> Substring? {
        for quote in ["'", "\""] {
            if let found = header.range(of: "\(quote)\(key)\(quote)") {
                let rest = header[found.upperBound...].drop { $0 == " " }
                guard rest.first == ":" else { return nil }
                return rest.dropFirst().drop { $0 == " " }
            }
        }
        return nil
    }

    private static func text(_ header: String, _ key: String) -> String? {
        guard let rest = value(header, key), let quote = rest.first, quote == "'" || quote == "\"" else { return nil }
        let inner = rest.dropFirst().prefix { $0 != quote }
        return inner.count <= 8 ? String(inner) : nil
    }

    private static func word(_ header: String, _ key: String) -> String? {
        guard let rest = value(header, key) else { return nil }
        let word = String(rest.prefix { $0.isLetter })
        return ["True", "False"].contains(word) ? word : nil
    }

    private static func shape(_ header: String) -> [Int]? {
        guard let rest = value(header, "shape"), rest.first == "(", let end = rest.firstIndex(of: ")") else {
            return nil
        }
        var extents: [Int] = []
        let parts = rest[rest.index(after: rest.startIndex)..<end].split(separator: ",")
        for part in parts {
            let digits = part.filter { $0 != " " }
            if digits.isEmpty { continue }
            guard let extent = Int(digits), extent >= 0 else { return nil }
            extents.append(extent)
        }
        return extents
    }

    private static func rowMajor(_ values: [Float], _ shape: [Int]) -> [Float] {
        var result = values
        for (place, value) in values.enumerated() {
            var (rest, index) = (place, [Int]())
            for extent in shape {
                index.append(rest % extent)
                rest /= extent
            }
            result[zip(index, shape).reduce(0) { $0 * $1.1 + $1.0 }] = value
        }
        return result
    }
}
