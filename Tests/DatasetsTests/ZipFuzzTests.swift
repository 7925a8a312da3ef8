import Datasets
import Foundation
import Tabular
import Testing

/// Any bytes give an archive or an error; unpacking stays within the declared sizes. `TACIT_FUZZ_ITERATIONS` makes it long.
@Suite struct ZipFuzzTests {
    static let iterations =
        ProcessInfo.processInfo.environment["TACIT_FUZZ_ITERATIONS"].flatMap(Int.init) ?? 20_000

    @Test func zip() {
        var generator = ShuffleGenerator(seed: 104)
        let limits = ZipArchive.Limits(entryCount: 20, entrySize: 1 << 16)
        // Places where the headers stand get most of the hits.
        let headers =
            Array(0..<40) + Array(ZipTests.directory..<ZipTests.sample.count)
            + Array(ZipTests.second..<ZipTests.sample.count)
        var accepted = 0
        for _ in 0..<Self.iterations {
            var bytes = ZipTests.sample
            for _ in 0...generator.next(below: 4) {
                let isHeader = generator.next(below: 3) > 0
                let place =
                    isHeader
                    ? headers[generator.next(below: headers.count)] : generator.next(below: ZipTests.sample.count)
                guard place < bytes.count else { continue }
                switch generator.next(below: 12) {
                case 0: bytes.removeSubrange(place...)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(generator.next(below: 256)), at: place)
                case 3: bytes[place] = 0xFF
                case 4: bytes[place] = 0
                case 5: bytes += bytes[place...]
                default: bytes[place] ^= 1 << UInt8(generator.next(below: 8))
                }
            }
            guard let archive = try? ZipArchive(bytes, name: "f.zip", limits: limits) else { continue }
            for entry in archive.entries {
                #expect(entry.uncompressedSize <= 1 << 16)
                if let content = try? archive.contents(of: entry) {
                    #expect(content.count == entry.uncompressedSize)
                    accepted += 1
                }
            }
        }
        #expect(accepted > Self.iterations / 100, "the mutations hardly leave anything readable")
    }
}
