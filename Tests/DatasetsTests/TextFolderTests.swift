import Datasets
import Foundation
import TacitTestSupport
import Testing

@Suite struct TextFolderTests {
    private func write(_ folder: TemporaryFolder, _ files: [String: [UInt8]]) throws {
        for (name, bytes) in files {
            let place = URL(fileURLWithPath: folder.file(name))
            try FileManager.default.createDirectory(
                at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: place)
        }
    }

    @Test func foldersSideBySide() throws {
        let folder = try TemporaryFolder()
        try write(
            folder,
            [
                "a/spam/2.txt": [2], "a/spam/1.txt": [1], "a/ham/x": [3, 0, 4, 4, 4], "b/c/spam/y": [5],
                "b/c/ham/z": [6],
                "README": [9], "a/Summary.txt": [9], "a/.cache/spam/1": [9], "a/spam/.hidden": [9],
                "b/c/spam/wide.txt": Array("\u{FEFF}word".utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }),
                "b/c/ham/empty.txt": [], "other/notes/1.txt": [9], "a/spam/2001/05/3.txt": [7],
            ])
        let read = try TextFolder(path: folder.path, positive: "spam")
        #expect(
            read.texts.map(\.name) == [
                "a/ham/x", "a/spam/1.txt", "a/spam/2.txt", "a/spam/2001/05/3.txt", "b/c/ham/z", "b/c/spam/y",
            ])
        #expect(read.texts.map(\.isPositive) == [false, true, true, true, false, true])
        #expect(read.texts.map(\.content) == [[3, 0, 4, 4, 4], [1], [2], [7], [6], [5]])
        #expect(
            read.unreadable.map { $0.dropFirst(folder.path.count) } == ["/b/c/ham/empty.txt", "/b/c/spam/wide.txt"])
        // The other class, and a folder of the two alone.
        #expect(
            try TextFolder(path: folder.file("a"), positive: "ham").texts.map(\.isPositive) == [
                true, false, false, false,
            ])
    }

    @Test func refused() throws {
        let folder = try TemporaryFolder()
        func refusal(_ name: String) -> String {
            do { _ = try TextFolder(path: folder.file(name), positive: "spam") } catch { return error.message }
            return "nothing was thrown"
        }
        try write(
            folder,
            [
                "one/spam/1": [1], "three/ham/1": [1], "three/spam/1": [1], "three/more/1": [1], "zero/spam/1": [0],
                "zero/ham/1": [], "table.csv": [1], "bad.tar.gz": [0x1F, 0x8B, 0],
            ])
        #expect(refusal("gone").hasSuffix("gone: not found; want a folder of texts or a .tar.gz of one"))
        #expect(refusal("one").hasSuffix("one: got the folders spam, want spam and one other"))
        #expect(refusal("three").hasSuffix("three: got the folders ham, more, spam, want spam and one other"))
        #expect(refusal("zero").hasSuffix("zero: has no text that can be read"))
        #expect(refusal("one/spam").contains("has no folder spam with texts"))
        #expect(refusal("table.csv").contains("want a folder with the folders spam and another"))
        #expect(refusal("bad.tar.gz").contains("bad.tar.gz"))
    }

    @Test func archivesReadLikeFolders() throws {
        guard let data = RealData.directory else { return }
        let read = try TextFolder(path: data + "/enron-spam/enron1.tar.gz", positive: "spam")
        #expect(read.texts.count == 5172 && read.texts.count(where: \.isPositive) == 1500 && read.unreadable.isEmpty)
    }
}
