import Foundation
import MailMessages
import TacitTestSupport
import Testing

@Suite struct MailTextTests {
    static func text(_ mail: String) -> String { String(decoding: MailText.text(of: Array(mail.utf8)), as: UTF8.self) }

    static func words(_ text: String) -> [String] {
        text.split { $0 == " " || $0.isNewline || $0 == "\t" }.map(String.init)
    }

    static let hasPython =
        PeerPython.path != nil
        || (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/python3")
        }

    /// Mails that Python's email package made, in six character sets and all transfer encodings, with parts, attachments and
    /// messages within: exactly the words that were put in, in their order.
    @Test(.enabled(if: MailTextTests.hasPython, "SKIPPED: no python3")) func mailsOfPythonsEmailPackage() throws {
        struct Sample: Decodable {
            var mail: Data
            var words: [String]
        }
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors/mail_peer.py")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [PeerPython.path ?? "python3", script.path, "400", "1"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        let samples = try JSONDecoder().decode([Sample].self, from: data)
        #expect(samples.count == 400)
        for (number, sample) in samples.enumerated() {
            let found = Self.words(String(decoding: MailText.text(of: Array(sample.mail)), as: UTF8.self))
            let difference = zip(found, sample.words).first { $0 != $1 }
            #expect(
                difference == nil && found.count == sample.words.count,
                "mail \(number): \(found.count) words, want \(sample.words.count); \(difference ?? ("", ""))")
        }
    }

    @Test func whatIsNoMessageStaysAsItIs() {
        for text in [
            "", "\n", "free money", "Subject: free\nmoney = good &amp; <b>cheap</b>\n", "Subject: a\n\nb", ":\n\nx",
            "note: a\nno field\n\nFrom: x\n", " From: a\n\nb", "From : a\n\nb",
        ] { #expect(Self.text(text) == text) }
        let latin: [UInt8] = [0xE9, 0x20, 0xFF]
        #expect(MailText.text(of: latin) == latin)
        #expect(Self.text("\u{FEFF}free") == "free")
        #expect(MailText.text(of: [0xFF, 0xFE, 0x66, 0, 0x72, 0, 0xE9, 0]) == Array("fré".utf8))
        #expect(MailText.text(of: [0xFE, 0xFF, 0, 0x66, 0xD8]) == Array("f".utf8))
    }

    @Test func partsAndEncodings() {
        let head = "From: a\nSubject: s\n"
        func body(_ fields: String, _ content: String) -> String {
            let text = Self.text(head + fields + "\n" + content)
            return text.hasPrefix("Subject: s\n") ? String(text.dropFirst(11)) : text
        }
        #expect(body("", "x\ny") == "x\ny\n")
        #expect(Self.text("From: a\nSubject:=?x") == "Subject: =?x\n\n")
        // Lenient where senders are careless (RFC 2045, 6.7: digits may be small, white space may follow).
        let printable = "Content-Transfer-Encoding: Quoted-Printable \n"
        #expect(body(printable, "a=3db =  \r\nc=C3=A9=zz=") == "a=b cé=zz\n")
        let base64 = "Content-Transfer-Encoding: base64\n"
        #expect(body(base64, "d29\ny ZA==!\nc3ViIA==") == "wordsub \n")
        #expect(body(base64, "A") == "\n")
        // A first field counts, its folded lines too.
        #expect(
            body("Content-Type: text/html;\n charset=\"x\"\nContent-Type: text/plain\n", "<i>a</i>b<p>c&lt;&bad;&#0;")
                == "ab c<&bad;\0\n".replacing("\0", with: " "))
        // Without its last line, with text before and behind, with a boundary that begins as another does.
        let parts = "Content-Type: multipart/mixed; boundary=\"a\"\n"
        #expect(
            body(parts, "before\n--a\n\none\n--ab\n\n--a  \nContent-Type: image/png\n\ntwo\n--a\nX: y\n\nthree")
                == "one\n--ab\n\n\nthree\n")
        #expect(body(parts, "--a\n\none\n--a--\nbehind") == "one\n\n")
        #expect(body(parts, "no line of it") == "no line of it\n")
        #expect(body("Content-Type: multipart/mixed\n", "no boundary") == "no boundary\n")
        // Encoded words: white space between two is dropped, that beside others is not; what is malformed stays.
        #expect(
            Self.text("From: a\nSubject: =?utf-8?Q?a_b?= \n =?ISO-8859-1*en?b?6Q==?= c =?utf-8?x?d?= =?utf-8?Q?e\n\n")
                == "Subject: a b\u{E9} c =?utf-8?x?d?= =?utf-8?Q?e\n\n")
    }

    @Test func pages() {
        func body(_ page: String) -> String {
            Self.text("From: a\nContent-Type: text/html; charset=utf-8\n\n" + page).trimmingCharacters(in: .newlines)
        }
        #expect(body("a < b > c") == "a < b > c")
        #expect(body("a<!-- b > c --->d") == "ad")
        #expect(body("a<!-- b") == "a<!-- b" && body("a<!-- b <p>") == "a")
        #expect(body("<SCRIPT>x</p></Script >y").contains("x") == false)
        #expect(body("v<b></b>iagra <span style='x'>c</span>ialis") == "viagra cialis")
        #expect(body("a&nbsp;b&#160;c&shy;&#xAD;d&#xZZ;&#1114112;") == "a b c&shy;d&#xZZ;&#1114112;")
        #expect(body("<") == "<" && body("a</") == "a</" && body("<>") == "<>" && body("&") == "&")
    }

    /// Any bytes give a text, and none that is much longer than they are.
    @Test func neverFails() {
        let mails = [
            "From: a\nSubject: =?utf-8?B?d29yZA==?= =?iso-8859-15?q?=A4_x?=\nContent-Type: multipart/alternative; boundary=\"b\"\n\n"
                + "--b\nContent-Type: text/plain; charset=windows-1252\nContent-Transfer-Encoding: quoted-printable\n\na=80b=\n c\n"
                + "--b\nContent-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+YTwvYj48IS0tIHggLS0+Jm5ic3A7Yw==\n--b--\n",
            "From x\nReceived: y\nContent-Type: message/rfc822\n\nFrom: c\nContent-Type: text/html; charset=utf-16\n\n"
                + "<script>a</script><p title='x'>&#228;&auml;<!-- - --> </p",
        ].map { Array($0.utf8) }
        Fuzzing.run(valid: mails) { bytes in
            let text = MailText.text(of: bytes)
            #expect(text.count <= 3 * bytes.count + 16)
        }
    }

    /// Nesting beyond the bound ends, and a mail of nothing but boundaries takes no longer than its length.
    @Test func nestingAndPartsAreBounded() {
        var deep = "word"
        for level in 0..<200 {
            deep = "Content-Type: multipart/mixed; boundary=b\(level)\n\n--b\(level)\n\(deep)\n--b\(level)--\n"
        }
        #expect(!Self.text("From: a\n" + deep).contains("word"))
        let many =
            "From: a\nContent-Type: multipart/mixed; boundary=b\n\n" + String(repeating: "--b\n\nx\n", count: 100_000)
        #expect(Self.words(Self.text(many)).count == 1000 - 1)
    }
}
