/// The words of a mail as its reader sees them, for programs that count words.
///
/// A file that begins as an Internet message (RFC 5322: fields, among them From, Received, Content-Type or MIME-Version) is
/// taken apart: its subject, and the text of its text parts (RFC 2045 to 2047: quoted-printable, base64, multipart, messages
/// within, encoded words, HTML without its tags). Anything else is text already and returned as it is, but for a byte order
/// mark, behind which UTF-16 is turned into UTF-8.
///
/// - Edge cases: the result is UTF-8 where the character set is UTF-8, ASCII, ISO 8859-1, 8859-15, Windows-1252 or UTF-16;
///   bytes of other sets stay as they are. Pictures and other attachments are passed over, text among them is read. Beyond 16
///   levels and 1,000 parts nothing is read. It never fails: what is malformed is taken as it stands.
/// - Cost: linear in the mail, for each level of nesting.
public enum MailText {
    /// Of parts within parts.
    static let deepest = 16
    static let mostParts = 1000

    public static func text(of mail: [UInt8]) -> [UInt8] {
        let mail = CharacterSets.unmarked(mail)
        guard let (fields, body) = MailFields.read(MailFields.withoutEnvelope(mail[...])), fields.areOfAMessage else {
            return mail
        }
        var reader = PartReader()
        reader.readMessage(fields, body, depth: 0)
        return reader.text
    }
}

/// Gathers the text of a message's parts.
private struct PartReader {
    var text: [UInt8] = []
    private var parts = 0

    mutating func readMessage(_ fields: MailFields, _ body: ArraySlice<UInt8>, depth: Int) {
        if let subject = fields["subject"] {
            text += Array("Subject: ".utf8)
            append(EncodedWords.decode(Array(subject.drop { $0 == 32 || $0 == 9 })))
        }
        readPart(fields, body, depth: depth)
    }

    private mutating func append(_ bytes: [UInt8]) {
        // A zero is no part of any word; elsewhere it means that a file is in UTF-16.
        text += bytes.map { $0 == 0 ? 32 : $0 }
        text.append(10)
    }

    private mutating func readPart(_ fields: MailFields, _ body: ArraySlice<UInt8>, depth: Int) {
        parts += 1
        guard depth <= MailText.deepest, parts <= MailText.mostParts else { return }
        let type = ContentType(fields["content-type"])
        if type.name.hasPrefix("multipart/"), let boundary = type.parameters["boundary"], !boundary.isEmpty {
            for part in Multipart.parts(of: body, boundary: Array(boundary.utf8)) {
                let (fields, body) = MailFields.read(part) ?? (MailFields(), part)
                readPart(fields, body, depth: depth + 1)
            }
            return
        }
        let content = TransferEncoding.decode(body, fields["content-transfer-encoding"])
        switch type.name {
        case "message/rfc822":
            guard let (fields, body) = MailFields.read(content[...]) else { return append(content) }
            readMessage(fields, body, depth: depth + 1)
        case "text/html", "application/xhtml+xml":
            append(HTMLText.text(of: CharacterSets.utf8(content, type.parameters["charset"])))
        case let name where name.hasPrefix("text/") || name.hasPrefix("multipart/"):
            append(CharacterSets.utf8(content, type.parameters["charset"]))
        default: break
        }
    }
}
