import Datasets
import Foundation
import TacitTestSupport
import Testing

@Suite struct EnronSpamTests {
    @Test func publishedMailsAreRead() throws {
        guard let folder = RealData.directory else { return }
        let mails = try EnronSpam.load(from: DatasetStore(dataDirectory: folder))
        #expect(mails.count == EnronSpam.mailCount && mails.count == 33_715)
        #expect(mails.count { $0.isSpam } == 17_170)
        #expect(mails.count { $0.folder == 4 && $0.isSpam } == 4_499)
        // Facts of the data set's own description.
        #expect(mails.count { String(validating: $0.content, as: UTF8.self) == nil } == 1_078)
        #expect(mails.count { $0.content.contains(0) } == 44)
        #expect(mails.allSatisfy { $0.content.starts(with: Array("Subject:".utf8)) })
    }

    @Test func missingAndAlteredArchivesAreNamed() throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "enron-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        let store = DatasetStore(dataDirectory: place.path, cacheDirectory: place.path + "/cache")
        let missing = #expect(throws: DatasetsError.self) { try EnronSpam.load(from: store) }
        #expect(missing?.code == .notFetched && missing?.message.contains("enron-spam/enron1.tar.gz") == true)
        #expect(missing?.message.contains("--data-dir") == true)

        guard let folder = RealData.directory else { return }
        let target = place.appending(path: "enron-spam")
        try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
        // The second archive in the place of the first: another number of mails.
        try FileManager.default.copyItem(
            at: URL(fileURLWithPath: folder).appending(path: "enron-spam/enron2.tar.gz"),
            to: target.appending(path: "enron1.tar.gz"))
        let other = #expect(throws: DatasetsError.self) { try EnronSpam.load(from: store) }
        #expect(other?.code == .invalidData && other?.message.contains("want 3672 and 1500") == true)
        try Data([1, 2, 3]).write(to: target.appending(path: "enron1.tar.gz"))
        let damaged = #expect(throws: DatasetsError.self) { try EnronSpam.load(from: store) }
        #expect(damaged?.code == .invalidArchive)
    }
}
