import BinaryCoding
import Foundation
import TacitTestSupport
import Testing

/// Secrets stay in secret files.
@Suite struct SecrecyTests {
    /// Ways in which bytes could be shown.
    private func forms(_ bytes: [UInt8]) -> [Data] {
        let hexadecimal = bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return [
            Data(bytes), Data(bytes.reversed()), Data(hexadecimal.utf8), Data(hexadecimal.uppercased().utf8),
            // Without the last characters, which depend on what follows.
            Data(Data(bytes.prefix(bytes.count / 3 * 3)).base64EncodedString().utf8),
        ]
    }

    @Test func nothingSecretIsPrintedOrPublished() throws {
        var process = try TacitProcess(with: ["part-1.csv", "part-1.schema.json", "part-2.csv", "part-2.schema.json"])
        let phrase = "a passphrase nobody else uses 7391"
        process.environment["TACIT_PASSPHRASE"] = phrase
        var spoken = ""
        func run(_ line: String) throws {
            let outcome = try process.run(line.split(separator: " ").map(String.init))
            try #require(outcome.status == 0, "\(line): \(outcome.errors)")
            spoken += outcome.output + outcome.errors
        }
        try run("keys generate --bits 1024 --insecure --unprotected --out k")
        try run("keys inspect k.secret")
        try run("keys inspect k.secret --json")
        try run("keys split k.secret --threshold 2 --shares 2 --unprotected --out s")
        try run("keys split k.secret --threshold 2 --shares 2 --out wrapped")
        try run("keys generate --bits 512 --insecure --out w")
        for number in [1, 2] {
            try run("encrypt --data part-\(number).csv --key s.public --out \(number).tacit --owner o\(number) --json")
        }
        try run("train --encrypted 1.tacit 2.tacit --out fit.tacit")
        for number in [1, 2] { try run("decrypt fit.tacit --share s.share-\(number) --out \(number).part") }
        try run("decrypt fit.tacit --key s.public --partial 1.part 2.part --out m.safetensors --json")
        try run("decrypt fit.tacit --key k.secret --out m2.safetensors")
        try run("report show m.report.json")

        // The factors are the last two numbers of an unprotected key file, a share's secret the last of a share file.
        let secret = try ContainerParts(decoding: Array(process.read("k.secret"))).sections[2].bytes
        let share = try ContainerParts(decoding: Array(process.read("s.share-1"))).sections[2].bytes
        let p = Array(secret.suffix(256).prefix(128).suffix(48))
        let q = Array(secret.suffix(48))
        let s = Array(share.suffix(48))
        #expect(Set(p).count > 20 && Set(q).count > 20 && Set(s).count > 20)
        let factors = forms(p) + forms(q)
        let files = try process.contents()
        // The search finds what is there.
        #expect(files["k.secret"]?.range(of: Data(p)) != nil && files["k.secret"]?.range(of: Data(q)) != nil)
        #expect(files["s.share-1"]?.range(of: Data(s)) != nil)
        for (name, bytes) in files {
            #expect(bytes.range(of: Data(phrase.utf8)) == nil, "\(name)")
            if name != "k.secret" { for form in factors { #expect(bytes.range(of: form) == nil, "\(name)") } }
            if name != "s.share-1" { for form in forms(s) { #expect(bytes.range(of: form) == nil, "\(name)") } }
        }
        let said = Data(spoken.utf8)
        for form in factors + forms(s) + [Data(phrase.utf8)] { #expect(said.range(of: form) == nil) }

        for name in ["k.secret", "s.share-1", "s.share-2", "wrapped.share-1", "wrapped.share-2", "w.secret"] {
            #expect(try process.mode(name) == 0o600, "\(name)")
        }
        for name in ["k.public", "s.public", "fit.tacit", "1.tacit"] {
            #expect(try process.mode(name) == 0o644, "\(name)")
        }
    }

    /// Secret files are private from their first byte, whatever the umask says.
    @Test func modesDoNotDependOnTheUmask() throws {
        let process = try TacitProcess()
        for mask in ["000", "022", "077"] {
            let outcome = try process.run(
                ["keys", "generate", "--bits", "512", "--insecure", "--unprotected", "--out", "k\(mask)"],
                shell: "umask \(mask); exec \"$@\"")
            #expect(outcome.status == 0)
            #expect(try process.mode("k\(mask).secret") == 0o600)
        }
    }

    /// Two encryptions of the same table have no ciphertext byte in common beyond chance.
    @Test func encryptionIsRandomised() throws {
        let process = try TacitProcess(with: ["part-1.csv", "part-1.schema.json", "solo.public"])
        for name in ["x", "y"] {
            try process.succeed("encrypt", "--data", "part-1.csv", "--key", "solo.public", "--out", name)
        }
        let sections = try ["x", "y"].map { try ContainerParts(decoding: Array(process.read($0))).sections }
        #expect(sections[0].count == sections[1].count && sections[0].count >= 4)
        for (a, b) in zip(sections[0], sections[1]) where a.tag == 4 {
            let equal = zip(a.bytes, b.bytes).count { $0 == $1 }
            #expect(equal < a.bytes.count / 16, "\(equal) of \(a.bytes.count) bytes are equal")
        }
    }
}
