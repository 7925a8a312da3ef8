import AtomicFiles
import Foundation
import TacitTestSupport
import Testing

@Suite struct AtomicFileTests {
    @Test func appearsOnlyWhenCommitted() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("result.csv")
        try writeAtomically(Array("old".utf8), to: path)
        let file = try AtomicFile(path: path)
        try file.write([UInt8](repeating: 65, count: 1_000_000))
        #expect(try readFile(path, limit: 10) == Array("old".utf8))
        #expect(folder.names.count == 2)
        try file.commit()
        #expect(try readFile(path, limit: 2_000_000).count == 1_000_000)
        #expect(folder.names == ["result.csv"])
    }

    @Test func abandonedFilesLeaveNothing() throws {
        let folder = try TemporaryFolder()
        do {
            let file = try AtomicFile(path: folder.file("a"))
            try file.write([1, 2, 3])
        }
        #expect(folder.names.isEmpty)
    }

    @Test func secretsGetTheirMode() throws {
        let folder = try TemporaryFolder()
        try writeAtomically([1], to: folder.file("key"), permissions: 0o600)
        let mode = try FileManager.default.attributesOfItem(atPath: folder.file("key"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func errorsNameFileAndMend() throws {
        let folder = try TemporaryFolder()
        let missing = folder.file("no/such/folder/x")
        #expect {
            try writeAtomically([1], to: missing)
        } throws: {
            ($0 as? AtomicFilesError)?.message.contains("\(missing): cannot create: No such file or directory; create")
                == true
        }
        #expect {
            try readFile(folder.path, limit: 10)
        } throws: {
            ($0 as? AtomicFilesError)?.message.contains("is a folder") == true
        }
        try writeAtomically([1, 2, 3], to: folder.file("big"))
        #expect {
            try readFile(folder.file("big"), limit: 2)
        } throws: {
            ($0 as? AtomicFilesError)?.code == .tooLarge
        }
    }
}
