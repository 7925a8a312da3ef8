import Foundation
import TacitTestSupport
import Testing

/// The owner of a spam model and the reader of a mail, with nothing but files between them.
@Suite struct PrivateScoringCommandTests {
    /// Mails of our own, enough to train on: text files and Internet messages.
    static func write(_ process: TacitProcess) throws {
        let folder = URL(fileURLWithPath: process.folder.path)
        for kind in ["spam", "ham"] {
            let place = folder.appending(path: "mails/\(kind)/2026")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            let words = kind == "spam" ? "cheap pills, win money now" : "the meeting is on tuesday in the office"
            for number in 0..<6 {
                let text = "Subject: \(words)\n\(words) \(number)"
                let mail =
                    "From: a@example.com\nContent-Type: text/html\nSubject: \(words)\n\n<p>\(words)<br>\(number)</p>"
                try Data((number % 2 == 0 ? text : mail).utf8).write(to: place.appending(path: "\(number).txt"))
            }
        }
        try process.write("Subject: money\nwin cheap pills", to: "spam.txt")
        try process.write(
            "From: b@example.com\nContent-Transfer-Encoding: base64\nSubject: =?utf-8?q?mon?= =?utf-8?q?ey?=\n\n"
                + Data("win cheap pills".utf8).base64EncodedString(), to: "spam.eml")
        try process.write([0xE9, 0xFF, 32] + Array("tuesday office meeting".utf8), to: "latin.txt")
        try process.write("win money".utf8.flatMap { [$0, 0] }, to: "wide.txt")
        try process.write("", to: "empty.txt")
        try process.write(" \n,.\n", to: "blank.txt")
    }

    static func train(_ process: TacitProcess) throws {
        try process.succeed("spam", "train", "mails", "--held-out", "0", "--out", "text")
    }

    struct Score {
        var mail: String
        var isSpam: Bool
        var score: Double
    }

    /// The scores in what a command printed with --json.
    static func scores(_ process: TacitProcess, _ output: String) throws -> [Score] {
        try #require(process.json(output)["scores"] as? [[String: Any]]).map { one in
            Score(
                mail: try #require(one["mail"] as? String), isSpam: try #require(one["isSpam"] as? Bool),
                score: try #require(one["score"] as? Double))
        }
    }

    @Test func oneScoreByFiveCommands() throws {
        let process = try TacitProcess()
        try Self.write(process)
        let trained = try process.json(
            process.succeed("spam", "train", "mails", "--held-out", "0", "--out", "text", "--json").output)
        #expect(trained["spam"] as? Int == 6 && trained["ham"] as? Int == 6 && trained["accuracy"] == nil)
        try process.succeed("spam", "encrypt", "text", "--out", "owner", "--answers", "2")
        for secret in ["text", "owner.secret", "owner.answers"] { #expect(try process.mode(secret) == 0o600) }
        // The same words as a text file and as a message.
        let scores = try ["spam.txt", "spam.eml"].map { mail in
            try Self.scores(process, process.succeed("spam", "predict", mail, "--model", "text", "--json").output)[0]
                .score
        }
        #expect(scores[0] == scores[1] && scores[0] > 0)

        let inspected = try process.json(process.succeed("keys", "inspect", "owner.secret", "--json").output)
        #expect(inspected["securityBits"] as? Int == 192 && inspected["passphrase"] as? Bool == true)
        try process.succeed("spam", "ask", "spam.eml", "--model", "owner.model", "--out", "a")
        try process.succeed("spam", "ask", "latin.txt", "--model", "owner.model", "--out", "b")
        #expect(try process.mode("a.blinding") == 0o600)
        #expect(try process.read("a.question").count == process.read("b.question").count)
        // A lost blinding is a lost answer, a replaced one a wrong score.
        for present in ["a.blinding", "a.question"] {
            let absent = present == "a.blinding" ? "a.question" : "a.blinding"
            try FileManager.default.moveItem(atPath: process.folder.file(absent), toPath: process.folder.file("kept"))
            try process.refuse(
                73, ["\(present): exists; an answer to the question there needs the blinding there"], "spam", "ask",
                "spam.txt", "--model", "owner.model", "--out", "a")
            try FileManager.default.moveItem(atPath: process.folder.file("kept"), toPath: process.folder.file(absent))
        }
        let answered = try process.succeed(
            "spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out", "a.answer",
            "--report", "owner-report")
        #expect(
            answered.output.hasPrefix(
                "a.answer: to send back; 1 of 2 answers are given\n  adversary: the owner, even one"))
        try process.refuse(
            65, ["a.answer: answer: is that of another question; give the NAME.blinding of its question"], "spam",
            "open",
            "a.answer", "--model", "owner.model", "--blinding", "b.blinding")
        let shown = try process.succeed(
            "spam", "open", "a.answer", "--model", "owner.model", "--blinding", "a.blinding", "--report", "own-report")
        #expect(
            shown.output.hasPrefix("spam.eml: spam, score ") && shown.output.contains("adversary: the owner, even one"))
        try process.succeed(
            "spam", "answer", "b.question", "--model", "owner.model", "--key", "owner.secret", "--out", "b.answer")
        let ham = try process.succeed("spam", "open", "b.answer", "--model", "owner.model", "--blinding", "b.blinding")
        #expect(ham.output.hasPrefix("latin.txt: ham, score "))
        try process.refuse(
            77, ["all 2 that the noise was sized for are given; make a new key"], "spam", "answer", "a.question",
            "--model", "owner.model", "--key", "owner.secret", "--out", "x")
        // Reports of both sides.
        for (report, words) in [("owner-report", "1 of 2 answers are given now."), ("own-report", "whole model")] {
            let text = try process.succeed("report", "show", "\(report).json", "--json").output
            #expect(text.contains(words) && text.contains("A reader that sends something else than its selection"))
            #expect(try String(decoding: process.read("\(report).html"), as: UTF8.self).contains("128"))
        }
    }

    @Test func badInputOfTheOwner() throws {
        let process = try TacitProcess()
        try Self.write(process)
        for (words, line) in [
            ("--answers: got 0, want 1...1000000", "encrypt text --out z --answers 0"),
            ("--held-out: got 0.95, want 0...0.9", "train mails --out z --held-out 0.95"),
            ("--held-out: got nan", "train mails --out z --held-out nan"),
            ("--log-buckets: got 19, want 10...18", "train mails --out z --log-buckets 19"),
            ("--least-mails: got 0", "train mails --out z --least-mails 0"),
            ("--passes: got -1", "train mails --out z --passes=-1"),
            ("--data-dir: goes with enron-spam, got the folder mails", "train mails --out z --data-dir mails"),
        ] {
            let outcome = try process.run(["spam"] + line.split(separator: " ").map(String.init))
            #expect(outcome.status == 64 && outcome.errors.contains(words), "\(line): \(outcome)")
        }
        try process.refuse(
            66,
            ["nothing: not found; want a folder of texts or a .tar.gz of one"], "spam", "train", "nothing", "--out", "z"
        )
        try process.refuse(
            66, ["enron-spam/enron1.tar.gz: not found", "--data-dir"], "spam", "train", "enron-spam", "--data-dir",
            "nowhere", "--out", "z")
        try process.refuse(
            65, ["mails: texts: no word is in 100 of them; give more mails or smaller --held-out and --least-mails"],
            "spam", "train", "mails", "--held-out", "0", "--least-mails", "100", "--out", "z")
        let folder = URL(fileURLWithPath: process.folder.path)
        try FileManager.default.createDirectory(
            at: folder.appending(path: "odd/spam"), withIntermediateDirectories: true)
        try process.refuse(65, ["odd: has no folder spam with texts"], "spam", "train", "odd", "--out", "z")
        try Data().write(to: folder.appending(path: "odd/spam/1"))
        try process.refuse(
            65, ["odd: got the folders spam, want spam and one other"], "spam", "train", "odd", "--out", "z")
        try FileManager.default.createDirectory(
            at: folder.appending(path: "odd/ham"), withIntermediateDirectories: true)
        try Data("?".utf8).write(to: folder.appending(path: "odd/ham/1"))
        try FileManager.default.copyItem(
            at: folder.appending(path: "spam.txt"), to: folder.appending(path: "odd/spam/2"))
        try process.refuse(
            65,
            [
                "odd/spam/1: is empty or in UTF-16; left out", "odd/ham/1: no words that can be read; left out",
                "odd: has no ham that can be read",
            ], "spam", "train", "odd", "--out", "z")
        try process.refuse(
            65, ["spam.txt: want a folder with the folders spam and another"], "spam", "train", "spam.txt", "--out", "z"
        )
        try process.refuse(73, ["no/z: cannot create"], "spam", "train", "mails", "--held-out", "0", "--out", "no/z")

        try Self.train(process)
        try process.refuse(66, ["none: cannot open"], "spam", "encrypt", "none", "--out", "z")
        try process.refuse(
            65, ["spam.txt: "], "spam", "encrypt", "spam.txt", "--out", "z")
        try process.refuse(
            65, ["text: kind: got text model, want encrypted text model"], "spam", "ask", "spam.txt", "--model", "text",
            "--out", "x")
        var bare = process
        bare.environment["TACIT_PASSPHRASE"] = .some(nil)
        try bare.refuse(77, ["z: needs a passphrase; set TACIT_PASSPHRASE"], "spam", "encrypt", "text", "--out", "z")
        try process.succeed("spam", "encrypt", "text", "--out", "owner")
        try process.refuse(
            73, ["owner.model: exists; keys are never overwritten"], "spam", "encrypt", "text", "--out", "owner")
        let many = try process.succeed("spam", "encrypt", "text", "--out", "many", "--answers", "1000", "--unprotected")
        #expect(many.errors.contains("a reader that does not follow the protocol takes the key from"))
        #expect(many.errors.contains("without a passphrase"))
        // Weights from elsewhere that no score could hold are refused with the file's name.
        try process.refuse(66, ["none.txt: cannot open"], "spam", "predict", "none.txt", "--model", "text")
        try process.refuse(65, ["empty.txt: mail: has no words"], "spam", "predict", "empty.txt", "--model", "text")
    }

    @Test func badInputOfTheExchange() throws {
        let process = try TacitProcess()
        try Self.write(process)
        try Self.train(process)
        for name in ["owner", "other"] { try process.succeed("spam", "encrypt", "text", "--out", name) }
        for (mail, status, words) in [
            ("empty.txt", 65, "empty.txt: mail: has no words"), ("blank.txt", 65, "blank.txt: mail: has no words"),
            ("wide.txt", 65, "wide.txt: mail: has many zero bytes, as in UTF-16"),
            ("none.txt", 66, "none.txt: cannot open"), ("mails", 66, "mails: is a folder, want a file"),
        ] as [(String, Int32, String)] {
            try process.refuse(
                status, [words], "spam", "ask", "spam.txt", mail, "--model", "owner.model", "--out", "x")
        }
        try process.refuse(
            73, ["no/x.blinding: cannot create"], "spam", "ask", "spam.txt", "--model", "owner.model", "--out", "no/x")
        try process.succeed("spam", "ask", "spam.txt", "--model", "owner.model", "--out", "a")

        func refuse(
            _ status: Int32, _ words: String, question: String = "a.question", model: String = "owner.model",
            key: String = "owner.secret", out: String = "x", by process: TacitProcess, _ line: Int = #line
        ) throws {
            let message = try process.refuse(
                status, [words], "spam", "answer", question, "--model", model, "--key", key, "--out", out)
            #expect(message.contains(words), "line \(line)")
        }
        try refuse(
            65, "kind: got encrypted text model, want question for a private score", question: "owner.model",
            by: process)
        let question = try process.read("a.question")
        try process.write(Array(question.prefix(question.count / 2)), to: "cut.question")
        try refuse(65, "cut.question: section: the file ends early", question: "cut.question", by: process)
        var damaged = Array(question)
        damaged[500] ^= 1
        try process.write(damaged, to: "damaged.question")
        try refuse(65, "damaged.question: ", question: "damaged.question", by: process)
        try refuse(65, "other.secret: is the key of model", key: "other.secret", by: process)
        try refuse(65, "a.question: question: belongs to model", model: "other.model", key: "other.secret", by: process)
        try refuse(65, "text: ", key: "text", by: process)
        try refuse(73, "no/x: cannot create", out: "no/x", by: process)
        try refuse(73, "owner.secret: exists; choose another name", out: "owner.secret", by: process)
        var wrong = process
        wrong.environment["TACIT_PASSPHRASE"] = "another passphrase"
        try refuse(77, "owner.secret: ", by: wrong)
        // The count is the owner's, and has to be there.
        let count = try process.read("owner.answers")
        try process.write(Array(process.read("other.answers")), to: "owner.answers")
        try refuse(65, "owner.answers: count: is that of another key", by: process)
        try FileManager.default.removeItem(atPath: process.folder.file("owner.answers"))
        try refuse(66, "owner.answers: cannot open", by: process)
        try process.write(Array(count), to: "owner.answers")
        let answered = try process.succeed(
            "spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out", "a.answer")
        #expect(answered.output.hasPrefix("a.answer: to send back; 1 of 64"))

        try process.refuse(
            65, ["a.answer: answer: belongs to model"], "spam", "open", "a.answer", "--model", "other.model",
            "--blinding", "a.blinding")
        try process.refuse(
            65, ["a.question: kind: got question for a private score, want blinding of a private score"], "spam",
            "open",
            "a.answer", "--model", "owner.model", "--blinding", "a.question")
        try process.refuse(
            66, ["none: cannot open"], "spam", "open", "none", "--model", "owner.model", "--blinding", "a.blinding")
    }

    /// A disk that is full after the count: the answer is counted, nothing of it is left, and the message says so.
    @Test(.enabled(if: FullDisk.isPossible)) func fullDisk() throws {
        let process = try TacitProcess()
        try Self.write(process)
        try Self.train(process)
        try process.succeed("spam", "encrypt", "text", "--out", "owner", "--unprotected")
        let disk = try FullDisk(megabytes: 1)
        let filler = Data(count: 1 << 20)
        try? filler.write(to: URL(fileURLWithPath: disk.path + "/filler"))
        let asked = try process.run(["spam", "ask", "spam.txt", "--model", "owner.model", "--out", disk.path + "/a"])
        #expect(asked.status == 74 && asked.errors.contains("No space left on device"), "\(asked)")
        try process.succeed("spam", "ask", "spam.txt", "--model", "owner.model", "--out", "a")
        let answered = try process.run([
            "spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out",
            disk.path + "/a.answer",
        ])
        #expect(answered.status == 74 && answered.errors.contains("No space left on device"), "\(answered)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk.path) == ["filler"])
        let next = try process.succeed(
            "spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out", "a.answer")
        #expect(next.output.hasPrefix("a.answer: to send back; 2 of 64"))
    }

    /// Answers of processes that are killed: never more than are counted, and the count is whole at any time.
    @Test func killedOwnersLoseNoCount() throws {
        let process = try TacitProcess()
        try Self.write(process)
        try Self.train(process)
        try process.succeed("spam", "encrypt", "text", "--out", "owner", "--unprotected")
        try process.succeed("spam", "ask", "spam.txt", "--model", "owner.model", "--out", "a")
        var last = 0
        for round in 0..<12 {
            let (child, _, _) = try process.prepare([
                "spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out",
                "\(round).answer",
            ])
            try child.run()
            usleep(UInt32(2000 * (round + 1)))
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
            // Only a whole answer of the next process tells the count.
            let next = try process.json(
                process.run([
                    "spam", "answer", "a.question", "--model", "owner.model", "--key", "owner.secret", "--out",
                    "\(round)-whole.answer", "--json",
                ]).output)
            let count = try #require(next["answered"] as? Int)
            let given = process.folder.names.filter { $0.hasSuffix(".answer") }.count
            #expect(count >= given && (1...2).contains(count - last), "\(round): \(count), \(given), \(last)")
            last = count
        }
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
        var mails: [String] = []
        for kind in ["ham", "spam"] {
            let place = folder.appending(path: "enron1/\(kind)")
            let names = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted()
            for (index, name) in names.suffix(5).enumerated() {
                try FileManager.default.moveItem(
                    at: place.appending(path: name), to: folder.appending(path: "\(kind)\(index)"))
                mails.append("\(kind)\(index)")
            }
        }
        let trained = try process.json(process.succeed("spam", "train", "enron1", "--out", "text", "--json").output)
        // 5,162 mails of which some are alike; naive Bayes of Metsis et al. has 97 to 98 % on this archive.
        #expect(try #require(trained["accuracy"] as? Double) > 0.97)
        try process.succeed("spam", "encrypt", "text", "--out", "owner", "--answers", "15")
        // One by itself, the others together.
        let sent = [[mails[0]], Array(mails.dropFirst())]
        for (number, some) in sent.enumerated() {
            let ask = try process.run(["spam", "ask"] + some + ["--model", "owner.model", "--out", "q\(number)"])
            try #require(ask.status == 0, "\(ask.errors)")
            try process.succeed(
                "spam", "answer", "q\(number).question", "--model", "owner.model", "--key", "owner.secret", "--out",
                "q\(number).answer")
            let opened = try process.succeed(
                "spam", "open", "q\(number).answer", "--model", "owner.model", "--blinding", "q\(number).blinding",
                "--json")
            let bound = try #require(process.json(opened.output)["statedError"] as? Double)
            let plain = try process.run(["spam", "predict"] + some + ["--model", "text", "--json"])
            let (own, clear) = (try Self.scores(process, opened.output), try Self.scores(process, plain.output))
            #expect(own.map(\.mail) == some && clear.map(\.mail) == some)
            for (one, other) in zip(own, clear) {
                #expect(one.isSpam == other.isSpam && abs(one.score - other.score) <= bound, "\(one), \(other)")
            }
            // Both classes occur, so that equality says something.
            if number == 1 { #expect(Set(own.map(\.isSpam)).count == 2) }
        }
        // The length of a question follows from the number of its mails.
        let (first, second) = (try process.read("q0.question").count, try process.read("q1.question").count)
        #expect((second - first) % 8 == 0 && (second - first) / 8 > 36_000)
        try process.refuse(
            77, ["answers: got 9 questions, want at most 5, the answers left"], "spam", "answer", "q1.question",
            "--model",
            "owner.model", "--key", "owner.secret", "--out", "x")
    }
}
