import Datasets
import MailMessages

/// A site's texts of two classes, for studies of texts.
enum TextInput {
    /// The texts of a folder or archive; Internet messages are taken apart, as `tacit spam` does.
    static func read(_ path: String, positive: String) throws -> [(content: [UInt8], isPositive: Bool)] {
        let folder = try TextFolder(path: path, positive: positive)
        for name in folder.unreadable { Console.warn(TextFolder.reason(unreadable: name)) }
        return folder.texts.map { (MailText.text(of: $0.content), $0.isPositive) }
    }
}
