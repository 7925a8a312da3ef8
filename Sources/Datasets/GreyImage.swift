import AtomicFiles

/// One grey picture, row-major, 0 to 255.
public struct GreyImage: Hashable, Sendable {
    public let height: Int
    public let width: Int
    public let pixels: [UInt8]

    /// The most pixels that are read.
    static let pixelLimit = 1 << 24

    init(height: Int, width: Int, pixels: [UInt8]) {
        self.height = height
        self.width = width
        self.pixels = pixels
    }

    /// A picture in a PNG or binary PGM file; colours become grey by the weights of ITU-R BT.601, transparency black.
    /// - Throws: ``DatasetsError`` that names the file and what is wrong.
    public init(path: String) throws(DatasetsError) {
        let bytes: [UInt8]
        do throws(AtomicFilesError) { bytes = try readFile(path, limit: 1 << 28) } catch {
            throw DatasetsError(error.code == .notFound ? .unreadable : .invalidData, "\(path): \(error.message)")
        }
        try self.init(decoding: bytes, name: path)
    }

    /// Total: any bytes give a picture or an error.
    public init(decoding bytes: [UInt8], name: String) throws(DatasetsError) {
        if bytes.starts(with: PNG.signature) {
            self = try PNG.decode(bytes, name: name)
        } else if bytes.starts(with: Array("P5".utf8)) {
            self = try Self.portable(bytes, name: name)
        } else {
            throw DatasetsError(.invalidData, "\(name): is neither a PNG nor a binary PGM picture")
        }
    }

    /// White becomes black.
    public var inverted: GreyImage { GreyImage(height: height, width: width, pixels: pixels.map { 255 - $0 }) }

    /// "P5", width, height and greatest value as decimal numbers with white space and comments between, one white space,
    /// then a byte for each pixel.
    private static func portable(_ bytes: [UInt8], name: String) throws(DatasetsError) -> GreyImage {
        func invalid(_ message: String) -> DatasetsError { DatasetsError(.invalidData, "\(name): PGM: \(message)") }
        var position = 2
        var numbers: [Int] = []
        while numbers.count < 3 {
            while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
            if position < bytes.count, bytes[position] == UInt8(ascii: "#") {
                while position < bytes.count, bytes[position] != 0x0A { position += 1 }
                continue
            }
            var (number, digits) = (0, 0)
            while position < bytes.count, (0x30...0x39).contains(bytes[position]), digits < 9 {
                number = number * 10 + Int(bytes[position] - 0x30)
                position += 1
                digits += 1
            }
            guard digits > 0 else { throw invalid("want width, height and greatest value") }
            numbers.append(number)
        }
        position += 1
        let (width, height, most) = (numbers[0], numbers[1], numbers[2])
        guard width > 0, height > 0, width <= pixelLimit / height, (1...255).contains(most) else {
            throw invalid(
                "got \(width) × \(height) with values up to \(most), want up to \(pixelLimit) pixels of a byte")
        }
        guard bytes.count - position >= width * height, position <= bytes.count else {
            throw invalid("got \(max(0, bytes.count - position)) pixels, want \(width * height)")
        }
        let pixels = bytes[position..<position + width * height].map { UInt8(min(255, Int($0) * 255 / most)) }
        return GreyImage(height: height, width: width, pixels: pixels)
    }
}
