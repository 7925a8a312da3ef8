import AtomicFiles
import Datasets
import Foundation
import MailMessages
import PrivateScoring

/// Mails on disk, one a file.
enum MailInput {
    /// A mail has at most 16 MiB.
    static let limit = 1 << 24

    /// The text of a mail.
    static func read(_ path: String) throws -> [UInt8] { MailText.text(of: try readFile(path, limit: limit)) }

    /// The texts of mails, with the files' names.
    static func read(_ paths: [String]) throws -> [(name: String, content: [UInt8])] {
        try paths.map { ($0, try read($0)) }
    }

    /// The mails to train on: of a folder with the subfolders spam and ham, or of the registered data set.
    static func labelled(_ source: String, dataDirectory: String?) throws -> [TextTraining.Text] {
        if source == EnronSpam.name {
            if FileManager.default.fileExists(atPath: source) {
                Console.warn("\(source): taken as the registered data set; write ./\(source) for the folder")
            }
            return try EnronSpam.load(from: DatasetStore(dataDirectory: dataDirectory)).map {
                .init($0.content, isPositive: $0.isSpam)
            }
        }
        guard dataDirectory == nil else {
            throw CommandFailure(.usage, "--data-dir: goes with \(EnronSpam.name), got the folder \(source)")
        }
        return try folder(source, "spam", true) + folder(source, "ham", false)
    }

    /// Mails without words that can be read are left out and named.
    private static func folder(_ source: String, _ kind: String, _ isSpam: Bool) throws -> [TextTraining.Text] {
        let place = "\(source)/\(kind)"
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: place, isDirectory: &isFolder), isFolder.boolValue,
            let names = FileManager.default.enumerator(atPath: place)
        else {
            throw CommandFailure(
                .noInput,
                "\(place): no such folder; want a folder with the subfolders spam and ham, one file a mail, or "
                    + EnronSpam.name)
        }
        let paths = names.compactMap { $0 as? String }.filter { name in
            !name.split(separator: "/").contains { $0.hasPrefix(".") }
        }.map { "\(place)/\($0)" }.filter { path in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
        let progress = Progress("reading \(kind)", total: paths.count, unit: "mails")
        defer { progress.finish() }
        let texts = try paths.compactMap { path -> TextTraining.Text? in
            defer { progress.advance() }
            let text = TextTraining.Text(try read(path), isPositive: isSpam)
            guard text.isReadable else {
                Console.warn("\(path): no words that can be read; left out")
                return nil
            }
            return text
        }
        guard !texts.isEmpty else { throw CommandFailure(.data, "\(place): has no mails that can be read") }
        return texts
    }
}
