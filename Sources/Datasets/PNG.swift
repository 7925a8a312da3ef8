import CZlib

/// Reads PNG pictures that are not interlaced.
/// - Reference: Portable Network Graphics Specification, second edition (ISO/IEC 15948:2003).
enum PNG {
    static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private struct Header {
        let (width, height, depth, colour): (Int, Int, Int, Int)

        /// Samples of a pixel.
        var channels: Int { [0: 1, 2: 3, 3: 1, 4: 2, 6: 4][colour] ?? 0 }
        var lineBytes: Int { (width * channels * depth + 7) / 8 }
        /// Distance of the bytes that filters compare.
        var step: Int { max(1, channels * depth / 8) }
    }

    static func decode(_ bytes: [UInt8], name: String) throws(DatasetsError) -> GreyImage {
        func invalid(_ message: String) -> DatasetsError { DatasetsError(.invalidData, "\(name): PNG: \(message)") }
        func number(_ position: Int) -> Int { bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) } }
        var position = signature.count
        var header: Header?
        var palette: [UInt8] = []
        var packed: [UInt8] = []
        var isFinished = false
        while !isFinished {
            guard bytes.count - position >= 12 else { throw invalid("is cut short") }
            let length = number(position)
            guard length <= bytes.count - position - 12 else { throw invalid("is cut short") }
            let type = String(decoding: bytes[position + 4..<position + 8], as: UTF8.self)
            let body = position + 8..<position + 8 + length
            let checksum = bytes.withUnsafeBufferPointer { buffer in
                crc32_z(0, buffer.baseAddress! + position + 4, length + 4)
            }
            guard UInt32(truncatingIfNeeded: checksum) == UInt32(number(body.upperBound)) else {
                throw invalid("\(type): checksum does not match")
            }
            switch type {
            case "IHDR":
                guard header == nil, length == 13 else { throw invalid("IHDR: got \(length) bytes, want one of 13") }
                let start = body.lowerBound
                guard bytes[start + 10] == 0, bytes[start + 11] == 0, bytes[start + 12] == 0 else {
                    throw invalid("want the usual compression and filters, and no interlacing")
                }
                header = Header(
                    width: number(start), height: number(start + 4), depth: Int(bytes[start + 8]),
                    colour: Int(bytes[start + 9]))
            case "PLTE": palette = Array(bytes[body])
            case "IDAT": packed += bytes[body]
            case "IEND": isFinished = true
            default:
                // A capital first letter marks what a reader must understand.
                guard bytes[position + 4] & 0x20 != 0 else { throw invalid("\(type): is not known") }
            }
            position = body.upperBound + 4
        }
        guard let header else { throw invalid("IHDR: is missing") }
        let depths: [Int: [Int]] = [
            0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16],
        ]
        guard depths[header.colour]?.contains(header.depth) == true else {
            throw invalid("got colour type \(header.colour) of \(header.depth) bits, want one of the standard's")
        }
        guard header.width > 0, header.height > 0, header.width <= GreyImage.pixelLimit / header.height else {
            throw invalid("got \(header.width) × \(header.height), want 1 to \(GreyImage.pixelLimit) pixels")
        }
        let size = header.height * (header.lineBytes + 1)
        guard var lines = inflated(packed, size: size) else {
            throw invalid("the compressed bytes are damaged, or not \(size) when unpacked")
        }
        guard unfilter(&lines, header) else { throw invalid("got a filter that does not exist") }
        guard let pixels = grey(lines, header, palette) else { throw invalid("got a colour outside the palette") }
        return GreyImage(height: header.height, width: header.width, pixels: pixels)
    }

    /// Unpacks zlib's format; nil unless there are exactly `size` bytes.
    private static func inflated(_ packed: [UInt8], size: Int) -> [UInt8]? {
        // Deflate makes at best 1 byte out of 1032: no memory for what cannot be in there.
        guard size / 1100 <= packed.count, packed.count <= Int(UInt32.max) else { return nil }
        var length = uLongf(size)
        var status = Z_OK
        let result = [UInt8](unsafeUninitializedCapacity: size) { room, filled in
            status = uncompress(room.baseAddress, &length, packed, uLong(packed.count))
            filled = status == Z_OK ? Int(length) : 0
        }
        return status == Z_OK && result.count == size ? result : nil
    }

    /// Undoes the filters, line by line; the first byte of a line names its filter.
    private static func unfilter(_ lines: inout [UInt8], _ header: Header) -> Bool {
        let (count, step) = (header.lineBytes, header.step)
        for y in 0..<header.height {
            let start = y * (count + 1) + 1
            let filter = lines[start - 1]
            guard filter <= 4 else { return false }
            for x in 0..<count {
                let left = x >= step ? Int(lines[start + x - step]) : 0
                let up = y > 0 ? Int(lines[start + x - count - 1]) : 0
                let corner = x >= step && y > 0 ? Int(lines[start + x - count - 1 - step]) : 0
                let guess: Int
                switch filter {
                case 0: guess = 0
                case 1: guess = left
                case 2: guess = up
                case 3: guess = (left + up) / 2
                default:
                    let base = left + up - corner
                    let (a, b, c) = (abs(base - left), abs(base - up), abs(base - corner))
                    guess = a <= b && a <= c ? left : b <= c ? up : corner
                }
                lines[start + x] &+= UInt8(truncatingIfNeeded: guess)
            }
        }
        return true
    }

    private static func grey(_ lines: [UInt8], _ header: Header, _ palette: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(header.width * header.height)
        let most = (1 << min(header.depth, 8)) - 1
        for y in 0..<header.height {
            let start = y * (header.lineBytes + 1) + 1
            /// Samples of 16 bits lose their lower half.
            func sample(_ index: Int) -> Int {
                if header.depth >= 8 { return Int(lines[start + index * header.depth / 8]) }
                let bit = index * header.depth
                return Int(lines[start + bit / 8]) >> (8 - header.depth - bit % 8) & most
            }
            func luminance(_ r: Int, _ g: Int, _ b: Int) -> Int { (299 * r + 587 * g + 114 * b + 500) / 1000 }
            for x in 0..<header.width {
                let first = x * header.channels
                var value: Int
                switch header.colour {
                case 0, 4: value = sample(first) * 255 / most
                case 3:
                    let index = sample(first) * 3
                    guard index + 2 < palette.count else { return nil }
                    value = luminance(Int(palette[index]), Int(palette[index + 1]), Int(palette[index + 2]))
                default: value = luminance(sample(first), sample(first + 1), sample(first + 2))
                }
                if header.colour == 4 { value = value * sample(first + 1) / 255 }
                if header.colour == 6 { value = value * sample(first + 3) / 255 }
                result.append(UInt8(min(255, value)))
            }
        }
        return result
    }
}
