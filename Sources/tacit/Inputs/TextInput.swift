import Datasets
import MailMessages

/// Texts of two classes, in files.
enum TextInput {
    /// The texts of a folder or archive, with their names in it; Internet messages are taken apart.
    static func read(
        _ path: String, positive: String
    ) throws -> [(name: String, content: [UInt8], isPositive: Bool)] {
        let folder = try TextFolder(path: path, positive: positive)
        for name in folder.unreadable { Console.warn(TextFolder.reason(unreadable: name)) }
        return folder.texts.map { ($0.name, MailText.text(of: $0.content), $0.isPositive) }
    }
}
