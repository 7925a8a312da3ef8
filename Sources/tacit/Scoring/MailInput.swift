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
        let texts = try TextInput.read(source, positive: "spam").compactMap { text -> TextTraining.Text? in
            let mail = TextTraining.Text(text.content, isPositive: text.isPositive)
            if !mail.isReadable { Console.warn("\(source)/\(text.name): no words that can be read; left out") }
            return mail.isReadable ? mail : nil
        }
        for (kind, isPositive) in [("spam", true), ("ham", false)]
        where !texts.contains(where: { $0.isPositive == isPositive }) {
            throw CommandFailure(.data, "\(source): has no \(kind) that can be read")
        }
        return texts
    }
}
