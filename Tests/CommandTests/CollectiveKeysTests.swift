import BinaryCoding
import Foundation
import TacitTestSupport
import Testing

/// Three hospitals make one CKKS key, a server trains on rows under it, two of them open the model. The ring is insecure so
/// that it is quick.
@Suite struct CollectiveKeysTests {
    private func run(_ process: TacitProcess, _ line: String) throws -> TacitProcess.Outcome {
        let outcome = try process.run(line.split(separator: " ").map(String.init))
        try #require(outcome.status == 0, "tacit \(line): \(outcome.errors)")
        return outcome
    }

    private func contribute(_ process: TacitProcess, _ holder: Int) throws -> [String: Any] {
        let name = ["a", "b", "c"][holder - 1]
        return try process.json(
            run(
                process,
                "keys collective contribute --folder study --holder \(holder) --out \(name) --insecure --json"
            ).output)
    }

    @Test func threeHospitalsTrainAndTwoOpen() throws {
        let process = try TacitProcess()
        _ = try run(process, "data split --data breast-cancer --stratify diagnosis --out bc")
        let began = try process.json(
            run(
                process,
                "keys collective start --folder study --threshold 2 --shares 3 --data bc-train.csv --model logistic "
                    + "--iterations 3 --label stroke-study --openings 40 --opened-error 0.05 --insecure --json"
            ).output)
        let foreseen = try #require(began["openedErrorBound"] as? Double)
        #expect(foreseen <= 0.05 && foreseen > 0)
        try process.refuse(
            65, ["study/group.tacit: exists"], "keys", "collective", "start", "--folder", "study", "--threshold", "2",
            "--shares", "3", "--rows", "10", "--columns", "2", "--iterations", "1", "--insecure")

        // Turns in any order, until all are done.
        var done: Set<Int> = []
        var codes: Set<String> = []
        var fingerprints: Set<String> = []
        for turn in 0..<18 where done.count < 3 {
            let holder = [2, 3, 1][turn % 3]
            guard !done.contains(holder) else { continue }
            let answer = try contribute(process, holder)
            if let code = answer["checkCode"] as? String { codes.insert(code) }
            if let fingerprint = answer["fingerprint"] as? String {
                done.insert(holder)
                fingerprints.insert(fingerprint)
            } else {
                let name = ["a", "b", "c"][holder - 1]
                #expect(try process.mode("\(name).share-\(holder).unfinished") == 0o600)
                #expect(!((answer["waitingFor"] as? [String])?.isEmpty ?? true))
            }
        }
        #expect(done.count == 3 && codes.count == 1 && fingerprints.count == 1)
        for (name, holder) in [("a", 1), ("b", 2), ("c", 3)] {
            #expect(try process.mode("\(name).share-\(holder)") == 0o600)
            #expect(!process.folder.names.contains("\(name).share-\(holder).unfinished"))
        }
        // All hold the same public material; what names the key differs only in label and date.
        func key(_ name: String) throws -> [UInt8] {
            try ContainerParts(decoding: Array(process.read(name))).sections[1].bytes
        }
        #expect(try key("a.public") == key("c.public"))
        #expect(try process.read("a.evaluation") == process.read("b.evaluation"))
        let shown = try run(process, "keys inspect b.share-2").output
        #expect(shown.contains("any 2 of 3") && shown.contains("number 2") && shown.contains("3 key holders"))

        _ = try run(
            process, "encrypt --data bc-train.csv --as rows --key a.public --out rows.tacit --owner Clinic")
        _ = try run(
            process, "train --encrypted rows.tacit --evaluation-keys b.evaluation --model logistic --out model.tacit")
        try process.refuse(
            64, ["--holders"], "decrypt", "model.tacit", "--share", "a.share-1", "--out", "x")
        try process.refuse(
            65, ["want at least 2 of 3"], "decrypt", "model.tacit", "--share", "a.share-1", "--holders", "1", "--out",
            "x")
        _ = try run(process, "decrypt model.tacit --share a.share-1 --holders 1 3 --out one.part")
        let third = try run(process, "decrypt model.tacit --share c.share-3 --join one.part --out three.part").output
        #expect(third.contains("for holders 1, 3"))
        try process.refuse(
            77, ["was answered before"], "decrypt", "model.tacit", "--share", "c.share-3", "--join", "one.part",
            "--out", "x")
        try process.refuse(
            65, ["asks parties [1, 3], this is party 2"], "decrypt", "model.tacit", "--share", "b.share-2", "--join",
            "one.part", "--out", "x")
        try process.refuse(
            65, ["those of holders 3 are missing"], "decrypt", "model.tacit", "--key", "a.public", "--partial",
            "one.part",
            "--out", "x")
        let opened = try run(
            process,
            "decrypt model.tacit --key a.public --partial one.part three.part --out model.safetensors")
        #expect(opened.errors.contains("noise of the opening"))
        let answer = try process.json(
            run(process, "evaluate --json --model model.safetensors --data bc-test.csv").output)
        let model = try #require(answer["model"] as? [String: Double])
        #expect(model["accuracy"]! > 0.9 && model["auroc"]! > 0.97)
        let report = try run(process, "report show model.report.json").output
        #expect(report.contains("Key holder 1") && report.contains("Key holder 3") && report.contains("INSECURE"))
        let text = String(decoding: try process.read("model.report.json"), as: UTF8.self)
        #expect(text.contains("bits of precision") && text.contains("key recovery at a loss of 1 bits"))

        // The key's openings run out.
        var refused = ""
        for _ in 0..<4 where refused == "" {
            let outcome = try process.run(
                "decrypt model.tacit --share a.share-1 --holders 1 2 --out y.part".split(separator: " ").map(
                    String.init))
            if outcome.status != 0 {
                #expect(outcome.status == 77)
                refused = outcome.errors
            }
        }
        #expect(refused.contains("openings are left under this key; make a new key"), "\(refused)")
    }

    @Test func aHolderThatChangesItsMessagesIsNamed() throws {
        let process = try TacitProcess()
        _ = try run(
            process,
            "keys collective start --folder study --threshold 2 --shares 3 --rows 20 --columns 2 --iterations 1 --insecure"
        )
        let wrong = try process.run([
            "keys", "collective", "contribute", "--folder", "study", "--holder", "4", "--out", "d", "--insecure",
        ])
        #expect(wrong.status == 65 && wrong.errors.contains("holder: got 4, want 1...3"))
        let secure = try process.run([
            "keys", "collective", "contribute", "--folder", "study", "--holder", "1", "--out", "a",
        ])
        #expect(secure.status == 64 && secure.errors.contains("--insecure"))
        for holder in [1, 2, 3, 1] { _ = try contribute(process, holder) }
        let name = "study/holder-2.commitment.tacit"
        var parts = try ContainerParts(decoding: Array(process.read(name)))
        parts.sections[0].bytes[40] ^= 1
        try process.write(parts.sealed, to: name)
        let outcome = try process.run([
            "keys", "collective", "contribute", "--folder", "study", "--holder", "1", "--out", "a", "--insecure",
        ])
        #expect(outcome.status == 65)
        #expect(outcome.errors.contains("is not the message that holder 2 had put there"), "\(outcome.errors)")
    }
}
