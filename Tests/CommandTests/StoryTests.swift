import Foundation
import TacitTestSupport
import Testing

/// The whole story through the command, with keys of full size and passphrases.
@Suite struct StoryTests {
    /// The tensors of a model file, without its header.
    private func tensors(_ process: TacitProcess, _ name: String) throws -> Data {
        let bytes = try process.read(name)
        let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        return bytes.dropFirst(8 + length)
    }

    private func column(_ process: TacitProcess, _ name: String) throws -> [Double] {
        try String(decoding: process.read(name), as: UTF8.self).split(separator: "\n").dropFirst().map {
            try #require(Double($0))
        }
    }

    @Test func threeHospitalsWithShares() throws {
        let process = try TacitProcess()
        try process.succeed("data", "split", "--data", "diabetes", "--out", "d")
        try process.succeed("data", "split", "--data", "d-train.csv", "--parts", "3", "--out", "h")
        try process.succeed("keys", "generate", "--threshold", "2", "--shares", "3", "--out", "hospital")
        for number in 1...3 {
            #expect(try process.mode("hospital.share-\(number)") == 0o600)
            try process.succeed(
                "encrypt", "--data", "h-\(number).csv", "--key", "hospital.public", "--out", "h\(number).tacit",
                "--owner",
                "Hospital \(number)")
        }
        #expect(try process.mode("hospital.public") == 0o644)
        let made = try process.succeed(
            "train", "--encrypted", "h1.tacit", "h2.tacit", "h3.tacit", "--model", "linear", "--out", "model.tacit",
            "--json")
        #expect(try process.json(made.output)["owners"] as? [String] == ["Hospital 1", "Hospital 2", "Hospital 3"])
        for number in [1, 3] {
            try process.succeed(
                "decrypt", "model.tacit", "--share", "hospital.share-\(number)", "--out", "p\(number).part")
        }
        let opened = try process.succeed(
            "decrypt", "model.tacit", "--key", "hospital.public", "--partial", "p1.part", "p3.part", "--out",
            "model.safetensors", "--json")
        let plain = try process.succeed(
            "train", "--plain", "--data", "d-train.csv", "--out", "plain.safetensors", "--json")
        #expect(try tensors(process, "model.safetensors") == tensors(process, "plain.safetensors"))
        for key in ["coefficients", "intercept", "metrics", "rank", "rows", "standardErrors"] {
            #expect(try process.json(opened.output)[key] as? NSObject == process.json(plain.output)[key] as? NSObject)
        }
        let quality = try process.json(
            process.succeed("evaluate", "--model", "model.safetensors", "--data", "d-test.csv", "--json").output)
        let model = try #require(quality["model"] as? [String: Double])
        let baseline = try #require(quality["baseline"] as? [String: Double])
        #expect(model["meanSquaredError"]! < 0.8 * baseline["meanSquaredError"]!)

        // What remains of it can be shown and set beside another run.
        let shown = try process.succeed("report", "show", "model.report.json").output
        for owner in ["Hospital 1", "Hospital 2", "Hospital 3"] { #expect(shown.contains(owner)) }
        try process.succeed("report", "show", "model.report.json", "--html", "page.html")
        #expect(try process.read("page.html") == process.read("model.report.html"))
        let compared = try process.succeed("report", "compare", "model.report.json", "model.report.json").output
        #expect(compared.contains("COMPARISON OF 2 PRIVACY REPORTS"))
        try process.succeed("report", "compare", "model.report.json", "model.report.json", "--html", "both.html")
        #expect(String(decoding: try process.read("both.html"), as: UTF8.self).hasPrefix("<!DOCTYPE html>"))
    }

    @Test func oneKeyAndBothPredictions() throws {
        var process = try TacitProcess(with: ["train.csv", "train.schema.json", "test.csv", "test.schema.json"])
        process.environment["TACIT_PASSPHRASE"] = nil as String?
        try process.write("a long passphrase, with spaces\n", to: "phrase")
        try process.succeed("keys", "generate", "--out", "clinic", "--passphrase-file", "phrase")
        #expect(try process.mode("clinic.secret") == 0o600)
        try process.succeed("encrypt", "--data", "train.csv", "--key", "clinic.public", "--out", "t.tacit")
        try process.succeed(
            "train", "--encrypted", "t.tacit", "--model", "ridge", "--lambda", "10", "--out", "ridge.tacit")
        try process.succeed(
            "decrypt", "ridge.tacit", "--key", "clinic.secret", "--passphrase-file", "phrase", "--out",
            "ridge.safetensors")
        try process.succeed(
            "train", "--plain", "--data", "train.csv", "--model", "ridge", "--lambda", "10", "--out",
            "plain.safetensors")
        #expect(try tensors(process, "ridge.safetensors") == tensors(process, "plain.safetensors"))

        try process.succeed("predict", "--model", "ridge.safetensors", "--data", "test.csv", "--out", "clear.csv")
        try process.succeed(
            "encrypt", "--data", "test.csv", "--key", "clinic.public", "--as", "features", "--out", "features.tacit")
        try process.succeed(
            "predict", "--encrypted", "features.tacit", "--model", "ridge.safetensors", "--out", "scores1.tacit")
        try process.succeed(
            "encrypt", "--model", "ridge.safetensors", "--key", "clinic.public", "--out", "sealed.tacit")
        try process.succeed("predict", "--encrypted", "sealed.tacit", "--data", "test.csv", "--out", "scores2.tacit")
        let clear = try column(process, "clear.csv")
        #expect(clear.count > 50)
        for number in [1, 2] {
            try process.succeed(
                "decrypt", "scores\(number).tacit", "--key", "clinic.secret", "--passphrase-file", "phrase", "--out",
                "scores\(number).csv")
            let scores = try column(process, "scores\(number).csv")
            #expect(scores.count == clear.count)
            #expect(zip(scores, clear).allSatisfy { abs($0 - $1) <= 1e-9 * abs($1) })
        }
        let byModel = try process.succeed("evaluate", "--model", "ridge.safetensors", "--data", "test.csv").output
        let byFile = try process.succeed("evaluate", "--predictions", "scores2.csv", "--data", "test.csv").output
        #expect(byModel == byFile)
        #expect(byModel.contains("MSE") && byModel.contains("trivial baseline"))

        // The owner of a whole key may also open the sums themselves; they are as private as the rows of few people.
        try process.succeed(
            "decrypt", "t.tacit", "--key", "clinic.secret", "--passphrase-file", "phrase", "--out", "sums.json")
        #expect(try process.mode("sums.json") == 0o600)
        let sums = try process.json(String(decoding: process.read("sums.json"), as: UTF8.self))
        #expect((sums["upperTriangle"] as? [[String]])?[0][0] == "\(442 - clear.count)")
    }

    @Test func rowsInFoldsSubsetsAndWeights() throws {
        let process = try TacitProcess(with: [
            "solo.public", "solo.secret", "test.csv", "test.schema.json", "rows.tacit",
        ])
        let lines = String(decoding: try process.read("test.csv"), as: UTF8.self).split(separator: "\n")
        let count = lines.count - 1
        func plain(_ rows: [Int], _ name: String) throws {
            try process.write(([0] + rows).map { String(lines[$0]) }.joined(separator: "\n") + "\n", to: name + ".csv")
            try process.write(Array(process.read("test.schema.json")), to: name + ".schema.json")
            try process.succeed("train", "--plain", "--data", name + ".csv", "--out", name + ".safetensors")
        }
        func encrypted(_ name: String, _ options: String...) throws -> Data {
            let outcome = try process.run(["train", "--encrypted", "rows.tacit", "--out", name + ".tacit"] + options)
            try #require(outcome.status == 0, "\(outcome.errors)")
            try process.succeed("decrypt", name + ".tacit", "--key", "solo.secret", "--out", name + ".opened")
            return try tensors(process, name + ".opened")
        }
        try plain(Array(1...count), "all")
        #expect(try encrypted("whole") == tensors(process, "all.safetensors"))
        try plain(Array(1...30) + [40, 50, 60], "some")
        #expect(try encrypted("subset", "--rows", "1-30,40,50,60") == tensors(process, "some.safetensors"))
        let weights = (1...count).map { $0 % 4 }
        try process.write(weights.map(String.init).joined(separator: "\n") + "\n", to: "weights.txt")
        try plain(weights.enumerated().flatMap { [Int](repeating: $0 + 1, count: $1) }, "often")
        #expect(try encrypted("weighted", "--weights", "weights.txt") == tensors(process, "often.safetensors"))

        try process.succeed(
            "train", "--encrypted", "rows.tacit", "--folds", "4", "--model", "ridge", "--lambda", "0", "1", "1e7",
            "--out",
            "folds.tacit")
        let opened = try process.succeed("decrypt", "folds.tacit", "--key", "solo.secret", "--out", "folds.safetensors")
        #expect(opened.errors.components(separatedBy: "cross-validated MSE").count == 4)
        #expect(opened.output.contains("crossValidatedMse"))
    }

    /// A user's own file, with everything that CSV files have.
    @Test func anOwnTable() throws {
        let process = try TacitProcess()
        var text = "\u{FEFF}id,age,\"colour, of eyes\",size,y\r\n"
        for row in 0..<24 {
            let age = row % 7 == 3 ? "" : "\(20 + row)"
            let colour = ["blue", "\"br\"\"own\"", "grün"][row % 3]
            text += "p\(row),\(age),\(colour),\(Double(row * row) / 10),\(row % 5 + row)\r\n"
        }
        try process.write(text, to: "own.csv")
        try process.succeed("data", "schema", "--data", "own.csv", "--target", "y")
        let proposal = String(decoding: try process.read("own.schema.json"), as: UTF8.self)
        #expect(
            proposal.contains("\"confirmed\" : false") && proposal.contains("br\\\"own") && proposal.contains("grün"))
        let described = try process.succeed("data", "describe", "--data", "own.csv")
        #expect(described.output.contains("24 rows, 5 columns"))
        #expect(described.output.contains("3 missing"))
        #expect(described.errors.contains("the schema is a proposal read off the data"))
        try process.refuse(73, ["own.schema.json: exists"], "data", "schema", "--data", "own.csv", "--target", "y")
        try process.refuse(
            78, ["is a proposal read off the data"], "train", "--plain", "--data", "own.csv", "--out", "m.safetensors")
        try process.succeed("data", "schema", "--data", "own.csv", "--confirm")
        #expect(try process.succeed("data", "describe", "--data", "own.csv").errors == "")
        try process.succeed("data", "split", "--data", "own.csv", "--test", "0.25", "--out", "s")
        let pieces = try ["s-train.csv", "s-test.csv"].map { String(decoding: try process.read($0), as: UTF8.self) }
        #expect(pieces.map { $0.split(whereSeparator: \.isNewline).count } == [19, 7])
        try process.succeed("keys", "generate", "--bits", "1024", "--insecure", "--unprotected", "--out", "k")
        try process.succeed("encrypt", "--data", "own.csv", "--key", "k.public", "--out", "own.tacit")
        try process.succeed("train", "--encrypted", "own.tacit", "--out", "fit.tacit")
        try process.succeed("decrypt", "fit.tacit", "--key", "k.secret", "--out", "m.safetensors")
        try process.succeed("train", "--plain", "--data", "own.csv", "--out", "plain.safetensors")
        #expect(try tensors(process, "m.safetensors") == tensors(process, "plain.safetensors"))
        let list = try process.succeed("data", "list").output
        for name in ["diabetes", "breast-cancer", "hospital-readmission"] { #expect(list.contains(name)) }
    }
}
