import Datasets
import Foundation
import Tabular
import Testing

@Suite struct TarTests {
    /// A header and its content, padded to blocks.
    static func entry(
        _ name: String, _ content: [UInt8], kind: Character = "0", size: String? = nil, prefix: String = "",
        checksumOff: Int = 0
    ) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) {
            header.replaceSubrange(offset..<offset + text.utf8.count, with: text.utf8)
        }
        put(name, 0)
        put("0000644\0", 100)
        let octal =
            size ?? String(repeating: "0", count: 11 - String(content.count, radix: 8).count)
            + String(content.count, radix: 8)
        put(octal + "\0", 124)
        put("        ", 148)
        header[156] = kind.asciiValue!
        put("ustar\u{0}00", 257)
        put(prefix, 345)
        let sum = header.reduce(0) { $0 + Int($1) } + checksumOff
        put(String(repeating: "0", count: 6 - String(sum, radix: 8).count) + String(sum, radix: 8) + "\0 ", 148)
        let padding = (512 - content.count % 512) % 512
        return header + content + [UInt8](repeating: 0, count: padding)
    }

    static let end = [UInt8](repeating: 0, count: 1024)
    static let sample =
        entry("box/", [], kind: "5") + entry("box/a.txt", Array("first".utf8))
        + entry("b.txt", [UInt8](repeating: 7, count: 513), prefix: "box/deep") + end

    @Test func filesAreRead() throws {
        let archive = try TarArchive(Self.sample, name: "s.tar")
        #expect(archive.entries.map(\.name) == ["box/a.txt", "box/deep/b.txt"])
        #expect(Array(archive.contents(of: archive.entries[0])) == Array("first".utf8))
        #expect(archive.entries[1].byteCount == 513)
        #expect(archive.contents(of: archive.entries[1]).allSatisfy { $0 == 7 })
    }

    @Test(
        arguments: [
            ("no closing block", [UInt8](sample.dropLast(1024))),
            ("no closing block", []),
            ("is the file cut off", entry("a", [1], size: "77777777777") + end),
            ("checksum", entry("a", [1], checksumOff: 1) + end),
            ("octal", entry("a", [1], size: "0000000000x") + end),
            ("leads out", entry("../a", [1]) + end),
            ("leads out", entry("a", [1], prefix: "x/../..") + end),
            ("leads out", entry("/a", [1]) + end),
            ("leads out", entry("", [1]) + end),
            ("one name", entry("a", [1]) + entry("a", [2]) + end),
            ("type 50", entry("a", [], kind: "2") + end),
            ("folder with content", entry("a", [1], kind: "5") + end),
        ] as [(String, [UInt8])])
    func damagedArchivesAreRefused(_ part: String, _ bytes: [UInt8]) {
        let error = #expect(throws: DatasetsError.self) { try TarArchive(bytes, name: "s.tar") }
        #expect(error?.code == .invalidArchive)
        #expect(
            error?.message.contains(part) == true && error?.message.hasPrefix("s.tar: tar: ") == true,
            "\(error?.message ?? "")")
    }

    @Test func tooManyEntriesAreRefused() {
        #expect(throws: DatasetsError.self) { try TarArchive(Self.sample, name: "s.tar", entryLimit: 1) }
    }

    @Test func anyBytesGiveAnArchiveOrAnError() {
        var generator = ShuffleGenerator(seed: 108)
        var accepted = 0
        for _ in 0..<ZipFuzzTests.iterations {
            var bytes = Self.sample
            for _ in 0...generator.next(below: 2) {
                let place = generator.next(below: bytes.count)
                switch generator.next(below: 6) {
                case 0: bytes.removeSubrange(place...)
                case 1: bytes.insert(0, at: place)
                case 2:
                    // A digit of a size, with the checksum mended: gets past the first gate.
                    let block = 512 * generator.next(below: 3)
                    guard bytes.count >= block + 512 else { continue }
                    let digit = block + 124 + generator.next(below: 11)
                    let new = UInt8(48 + generator.next(below: 9))
                    let sum = Int(String(decoding: bytes[block + 148..<block + 154], as: UTF8.self), radix: 8)
                    guard let sum, sum + Int(new) >= Int(bytes[digit]) else { continue }
                    let mended = String(sum + Int(new) - Int(bytes[digit]), radix: 8)
                    guard mended.count <= 6 else { continue }
                    bytes[digit] = new
                    bytes.replaceSubrange(
                        block + 148..<block + 154, with: (String(repeating: "0", count: 6 - mended.count) + mended).utf8
                    )
                default: bytes[place] ^= 1 << UInt8(generator.next(below: 8))
                }
                if bytes.isEmpty { break }
            }
            guard let archive = try? TarArchive(bytes, name: "f.tar") else { continue }
            for entry in archive.entries { #expect(archive.contents(of: entry).count == entry.byteCount) }
            accepted += 1
        }
        #expect(accepted > ZipFuzzTests.iterations / 100, "the mutations hardly leave anything readable")
    }
}
