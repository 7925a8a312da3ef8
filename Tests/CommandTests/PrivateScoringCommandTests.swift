import Foundation
import TacitTestSupport
import Testing

/// The owner of a spam model and the holder of a mail, with nothing but files between them.
@Suite struct PrivateScoringCommandTests {
    /// A few mails of our own, enough to train on.
    static func write(_ process: TacitProcess) throws {
        let folder = URL(fileURLWithPath: process.folder.path)
        for kind in ["spam", "ham"] {
            let place = folder.appending(path: "mails/\(kind)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let words = kind == "spam" ? "cheap pills, win money now" : "the meeting is on tuesday in the office"
            for number in 0..<5 {
                try Data("Subject: \(words)\n\(words) \(number)".utf8).write(to: place.appending(path: "\(number).txt"))
            }
        }
        let own: [(String, Data)] = [
            ("spam.txt", Data("Subject: money\nwin cheap pills".utf8)),
            ("latin.txt", Data([0xE9, 0xFF, 32]) + Data("tuesday office meeting".utf8)),
            ("wide.txt", Data("win money".utf8.flatMap { [$0, 0] })), ("empty.txt", Data()),
            ("blank.txt", Data(" \n,.\n".utf8)),
        ]
        for (name, content) in own { try content.write(to: folder.appending(path: name)) }
        try process.succeed("spam", "train", "mails", "--out", "text")
        try process.succeed("spam", "encrypt", "text", "--out", "owner", "--answers", "2")
    }

    @Test func badInputIsRefusedAndAnswersAreCounted() throws {
        let process = try TacitProcess()
        try Self.write(process)
        for secret in ["text", "owner.secret", "owner.answers"] { #expect(try process.mode(secret) == 0o600) }
        try process.succeed("spam", "ask", "spam.txt", "--model", "owner.model", "--out", "a")
        try process.succeed("spam", "ask", "latin.txt", "--model", "owner.model", "--out", "b")
        #expect(try process.mode("a.blinding") == 0o600)
        try process.refuse(
            65, ["empty.txt: mail: has no words"], "spam", "ask", "empty.txt", "--model", "owner.model", "--out", "x")
        try process.refuse(
            65, ["blank.txt: mail: has no words"], "spam", "ask", "blank.txt", "--model", "owner.model", "--out", "x")
        try process.refuse(
            65, ["wide.txt: byte 1: is 0, as in UTF-16"], "spam", "ask", "wide.txt", "--model", "owner.model", "--out",
            "x")
        try process.refuse(
            66, ["none.txt: not found"], "spam", "ask", "none.txt", "--model", "owner.model", "--out", "x")
        try process.refuse(
            65, ["text: kind: got text model, want encrypted text model"], "spam", "ask", "spam.txt", "--model", "text",
            "--out", "x")
        try process.refuse(
            64, ["--answers: got 0, want 1...1000000"], "spam", "encrypt", "text", "--out", "z", "--answers", "0")
        try process.refuse(73, ["owner.model: exists"], "spam", "encrypt", "text", "--out", "owner")

        func answer(_ question: String, _ model: String = "owner.model", _ key: String = "owner.secret") -> [String] {
            ["spam", "answer", question, "--model", model, "--key", key, "--out", "x"]
        }
        func refuse(_ status: Int32, _ words: String, _ arguments: [String]) throws {
            let before = try process.read("owner.answers")
            let result = try process.run(arguments)
            #expect(result.status == status && result.errors.contains(words), "\(result.status), \(result.errors)")
            #expect(try process.read("owner.answers") == before && !process.folder.names.contains("x"))
        }
        try refuse(65, "kind: got encrypted text model, want question for a private score", answer("owner.model"))
        let question = try process.read("a.question")
        let cut = URL(fileURLWithPath: process.folder.path).appending(path: "cut.question")
        try Data(question.prefix(question.count / 2)).write(to: cut)
        try refuse(65, "cut.question: ", answer("cut.question"))
        try process.succeed("spam", "encrypt", "text", "--out", "other")
        try refuse(65, "other.secret: is the key of another model", answer("a.question", "owner.model", "other.secret"))
        try refuse(65, "a.question: question: belongs to model", answer("a.question", "other.model", "other.secret"))

        try process.succeed("spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out", "a.answer")
        try process.refuse(
            65, ["a.answer: answer: is that of another question"], "spam", "open", "a.answer", "--model", "owner.model",
            "--blinding", "b.blinding")
        let shown = try process.succeed("spam", "open", "a.answer", "--model", "owner.model", "--blinding", "a.blinding")
        #expect(shown.output.hasPrefix("spam, score ") && shown.output.contains("adversary: the owner, even one that deviates"))
        try process.succeed("spam", "answer", "b.question", "--model", "owner.model", "--key", "owner.secret", "--out", "b.answer")
        #expect(
            try process.succeed("spam", "open", "b.answer", "--model", "owner.model", "--blinding", "b.blinding").output
                .hasPrefix("ham, score "))
        try refuse(77, "all 2 that the noise was sized for are given", answer("a.question"))
    }

    /// Decisions on real mails are the plain model's.
    @Test func realMailsAreCalledAsInTheClear() throws {
        guard let archive = RealData.path("enron-spam/enron1.tar.gz") else { return }
        let process = try TacitProcess()
        let folder = URL(fileURLWithPath: process.folder.path)
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "-xzf", archive, "-C", folder.path]
        try tar.run()
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)
        for kind in ["ham", "spam"] {
            let place = folder.appending(path: "enron1/\(kind)")
            let names = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
            for (index, name) in names.suffix(3).enumerated() {
                try FileManager.default.moveItem(
                    at: place.appending(path: name), to: folder.appending(path: "\(kind)\(index)"))
            }
        }
        try process.succeed("spam", "train", "enron1", "--out", "text")
        try process.succeed("spam", "encrypt", "text", "--out", "owner")
        for mail in ["ham0", "ham1", "ham2", "spam0", "spam1", "spam2"] {
            try process.succeed("spam", "ask", mail, "--model", "owner.model", "--out", mail)
            try process.succeed(
                "spam", "answer", "\(mail).question", "--model", "owner.model", "--key", "owner.secret", "--out",
                "\(mail).answer")
            let result = try process.json(
                process.succeed(
                    "spam", "open", "\(mail).answer", "--model", "owner.model", "--blinding", "\(mail).blinding",
                    "--json"
                ).output)
            let plain = try process.json(
                process.succeed("spam", "predict", mail, "--model", "text", "--json").output)
            #expect(result["isSpam"] as? Bool == plain["isSpam"] as? Bool, "\(mail)")
            let (score, expected) = (result["score"] as? Double ?? .nan, plain["score"] as? Double ?? .nan)
            #expect(abs(score - expected) <= result["statedError"] as? Double ?? 0, "\(mail): \(score), \(expected)")
        }
        #expect(try Set(["ham0", "spam0", "spam2"].map { try process.read("\($0).question").count }).count == 1)
    }
}
