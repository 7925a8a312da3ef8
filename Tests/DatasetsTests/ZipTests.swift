import Datasets
import Foundation
import TacitTestSupport
import Testing

@Suite struct ZipTests {
    /// Made with Python 3.11's zipfile: `a.txt` stored ("hello"), `dir/b.txt` deflated (1,000 times "tacit ").
    static let sample: [UInt8] = [UInt8](
        Data(
            base64Encoded:
                "UEsDBBQAAAAAAAAAIVCGphA2BQAAAAUAAAAFAAAAYS50eHRoZWxsb1BLAwQUAAAACAAAACFQvjKsPyIAAABwFwAACQAAAGRpci9iLnR4dO3EIREAAAgEsCpU41D473+EwG5i6dlUbNu2bdu2bdv24wNQSwECFAMUAAAAAAAAACFQhqYQNgUAAAAFAAAABQAAAAAAAAAAAAAAgAEAAAAAYS50eHRQSwECFAMUAAAACAAAACFQvjKsPyIAAABwFwAACQAAAAAAAAAAAAAAgAEoAAAAZGlyL2IudHh0UEsFBgAAAAACAAIAagAAAHEAAAAAAA=="
        )!)
    static let b = [UInt8](String(repeating: "tacit ", count: 1000).utf8)

    @Test func storedAndDeflatedEntries() throws {
        let archive = try ZipArchive(Self.sample, name: "t.zip")
        #expect(archive.entries.map(\.name) == ["a.txt", "dir/b.txt"])
        #expect(try archive.contents(of: #require(archive["a.txt"])) == [UInt8]("hello".utf8))
        #expect(try archive.contents(of: #require(archive["dir/b.txt"])) == Self.b)
    }

    /// Offsets in the sample of its directory, found by signature.
    static let directory = (0..<sample.count - 4).first { Array(sample[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] }!
    static let second = (directory + 4..<sample.count - 4).first { Array(sample[$0..<$0 + 4]) == [0x50, 0x4B, 1, 2] }!

    func failure(_ change: (inout [UInt8]) -> Void) -> String? {
        var bytes = Self.sample
        change(&bytes)
        do {
            let archive = try ZipArchive(bytes, name: "t.zip")
            for entry in archive.entries { _ = try archive.contents(of: entry) }
            return nil
        } catch { return "\(error.code): \(error.message)" }
    }

    @Test func damagedArchivesAreNamed() throws {
        let prefix = "invalid-archive: t.zip: archive: "
        #expect(failure { $0 = [] } == prefix + "no end-of-directory record, want one; is the file cut off?")
        #expect(failure { $0.removeLast(1) } == prefix + "no end-of-directory record, want one; is the file cut off?")
        #expect(failure { $0[Self.directory + 16] ^= 1 } == prefix + "a.txt: CRC-32 does not match")
        #expect(failure { $0[Self.second + 8] |= 1 } == prefix + "dir/b.txt: is encrypted, want it plain")
        #expect(
            failure { $0[Self.second + 10] = 12 } == prefix
                + "dir/b.txt: got compression method 12, want 0 (stored) or 8 (deflate)")
        // One byte fewer, and one more, than it unpacks to.
        #expect(
            failure { $0[Self.second + 24] -= 1 } == prefix + "dir/b.txt: unpacks to more than the declared 5999 bytes")
        #expect(failure { $0[Self.second + 24] += 1 } == prefix + "dir/b.txt: unpacks to 6000 bytes, want 6001")
        // 16 MB more than deflate could make of it.
        #expect(failure { $0[Self.second + 27] = 1 }?.contains("bytes cannot unpack to") == true)
        #expect(failure { $0[Self.second + 27] = 0x7F }?.contains("want at most 1073741824") == true)
        #expect(
            failure { $0[Self.second + 42] = 0 }
                == prefix + "dir/b.txt: the local header says something else than the directory")
    }

    @Test(arguments: [
        "../ab.txt", "/abc/.txt", "a\\..\\b.tx", "c:/ab.txt", "dir/../bt", "dir/b\u{0}txt", "dir/b\u{7}txt",
    ])
    func namesThatLeadElsewhereAreRefused(name: String) {
        let bytes = [UInt8](name.utf8)
        #expect(bytes.count == 9)
        let message = failure { archive in
            let places = (0..<archive.count - 9).filter { Array(archive[$0..<$0 + 9]) == Array("dir/b.txt".utf8) }
            for place in places { archive.replaceSubrange(place..<place + 9, with: bytes) }
        }
        #expect(message?.contains("leads out of its folder or hides characters") == true)
    }

    @Test func overlappingEntriesAreRefused() {
        // Both directory entries describe the second member: the second copy under the first name would unpack twice.
        let message = failure { archive in
            let entry = Array(archive[Self.second..<Self.second + 46 + 9])
            let end = Self.second + 46 + 9
            archive.replaceSubrange(Self.directory..<end, with: entry + entry)
            // Offsets of the end record move with the length of the first name.
            let size = entry.count * 2
            let tail = archive.count - 22
            archive[tail + 12] = UInt8(size & 255)
            archive[tail + 13] = UInt8(size >> 8)
        }
        #expect(message?.contains("two entries of one name") == true)
    }

    @Test func publishedArchive() throws {
        guard let directory = RealData.directory else { return }
        let path = "\(directory)/hospital-readmission/dataset_diabetes.zip"
        let archive = try ZipArchive([UInt8](Data(contentsOf: URL(fileURLWithPath: path))), name: path)
        let entry = try #require(archive["dataset_diabetes/diabetic_data.csv"])
        #expect(entry.uncompressedSize == 19_159_383)
        let bytes = try archive.contents(of: entry)
        #expect(bytes.count == 19_159_383)
        #expect(bytes.count { $0 == 0x0A } == 101_767)
    }
}
