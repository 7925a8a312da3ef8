/// Reads POSIX ustar archives that are held in memory: regular files and folders, nothing else.
///
/// Every header's checksum is verified. Refused are: links, devices and extensions, names that lead out of a folder,
/// repeated names, sizes beyond the end, and an archive without its closing block. No input traps; entries are
/// ranges of the input, so that nothing is allocated for a claimed size.
/// - Reference: IEEE Std 1003.1-2017, pax, "ustar Interchange Format".
public struct TarArchive: Sendable {
    public struct Entry: Hashable, Sendable {
        public let name: String
        /// Where the content stands in the archive.
        let range: Range<Int>

        public var byteCount: Int { range.count }
    }

    static let blockSize = 512

    /// Regular files in the order of the archive.
    public let entries: [Entry]
    private let bytes: [UInt8]

    /// - Parameter name: for messages.
    /// - Throws: ``DatasetsError`` with code `invalidArchive`.
    public init(_ bytes: [UInt8], name: String, entryLimit: Int = 1_000_000) throws(DatasetsError) {
        self.bytes = bytes
        var entries: [Entry] = []
        var names: Set<String> = []
        var position = 0
        func invalid(_ message: String) -> DatasetsError {
            DatasetsError(.invalidArchive, "\(name): tar: byte \(position): \(message)")
        }
        while true {
            guard bytes.count - position >= Self.blockSize else {
                throw invalid("no closing block, want one; is the file cut off?")
            }
            let header = bytes[position..<position + Self.blockSize]
            if header.allSatisfy({ $0 == 0 }) { break }
            guard Self.checksum(header) == Self.number(header, 148, 8) else {
                throw invalid("header checksum is wrong")
            }
            guard let size = Self.number(header, 124, 12) else { throw invalid("size is no octal number") }
            guard let base = Self.text(header, 0, 100), let prefix = Self.text(header, 345, 155) else {
                throw invalid("name is not UTF-8")
            }
            let path = Self.isPOSIX(header) && !prefix.isEmpty ? prefix + "/" + base : base
            let start = position + Self.blockSize
            let blocks = (size + Self.blockSize - 1) / Self.blockSize
            guard size <= bytes.count - start, blocks <= (bytes.count - start) / Self.blockSize else {
                throw invalid(
                    "got an entry of \(size) bytes, want at most \(bytes.count - start); is the file cut off?")
            }
            switch header[header.startIndex + 156] {
            case UInt8(ascii: "0"), 0:
                guard Self.staysInside(path) else { throw invalid("got a name that leads out of the archive") }
                guard names.insert(path).inserted else { throw invalid("got two entries of one name") }
                guard entries.count < entryLimit else { throw invalid("got more than \(entryLimit) entries") }
                entries.append(Entry(name: path, range: start..<start + size))
            case UInt8(ascii: "5"):
                guard size == 0 else { throw invalid("got a folder with content") }
            case let kind:
                throw invalid("got an entry of type \(kind), want files and folders only")
            }
            position = start + blocks * Self.blockSize
        }
        self.entries = entries
    }

    public func contents(of entry: Entry) -> ArraySlice<UInt8> { bytes[entry.range] }

    private static func staysInside(_ path: String) -> Bool {
        !path.isEmpty && !path.hasPrefix("/") && !path.split(separator: "/").contains("..")
    }

    private static func isPOSIX(_ header: ArraySlice<UInt8>) -> Bool {
        header[(header.startIndex + 257)...].prefix(5).elementsEqual("ustar".utf8)
    }

    /// The sum of all bytes, those of the checksum itself taken as blanks.
    private static func checksum(_ header: ArraySlice<UInt8>) -> Int {
        var sum = 0
        for (index, byte) in header.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
        return sum
    }

    /// An octal number, ended by a blank, a zero byte or the end of the field; nil for anything else.
    private static func number(_ header: ArraySlice<UInt8>, _ offset: Int, _ length: Int) -> Int? {
        let field = header[header.startIndex + offset..<header.startIndex + offset + length].drop { $0 == 32 }
        let digits = field.prefix { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        guard !digits.isEmpty, field[digits.endIndex...].allSatisfy({ $0 == 0 || $0 == 32 }) else { return nil }
        return digits.reduce(0) { $0 * 8 + Int($1 - UInt8(ascii: "0")) }
    }

    private static func text(_ header: ArraySlice<UInt8>, _ offset: Int, _ length: Int) -> String? {
        let field = header[header.startIndex + offset..<header.startIndex + offset + length].prefix { $0 != 0 }
        return String(validating: field, as: UTF8.self)
    }
}
