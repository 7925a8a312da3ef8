import Foundation
import TacitTestSupport

/// One small study with a file of every kind, made once through the command: keys of an insecure size, so that it is
/// quick, and without passphrases, which have tests of their own.
final class Study: Sendable {
    static let shared = Result { try Study() }

    private let folder: TemporaryFolder

    /// Every kind of binary file in it, with a command that reads it as its last argument.
    static let readers: [(file: String, command: [String])] = [
        ("team.public", ["keys", "inspect"]),
        ("solo.secret", ["keys", "inspect"]),
        ("team.share-1", ["keys", "inspect"]),
        ("a.tacit", ["train", "--out", "new", "--encrypted"]),
        ("rows.tacit", ["train", "--out", "new", "--encrypted"]),
        ("fit.tacit", ["decrypt", "--share", "team.share-1", "--out", "new"]),
        ("scores.tacit", ["decrypt", "--key", "solo.secret", "--out", "new"]),
        ("features.tacit", ["predict", "--model", "plain.safetensors", "--out", "new", "--encrypted"]),
        ("sealed.tacit", ["predict", "--data", "test.csv", "--out", "new", "--encrypted"]),
        ("one.part", ["decrypt", "fit.tacit", "--key", "team.public", "--out", "new", "--partial", "two.part"]),
    ]

    private init() throws {
        let process = try TacitProcess()
        folder = process.folder
        // A static value is never released.
        atexit {
            if case .success(let study) = Study.shared {
                try? FileManager.default.removeItem(atPath: study.folder.path)
            }
        }
        let quick = ["--bits", "1024", "--insecure", "--unprotected"]
        func make(_ line: String, _ more: [String] = []) throws {
            let arguments = line.split(separator: " ").map(String.init) + more
            let outcome = try process.run(arguments)
            guard outcome.status == 0 else { throw Failure(description: "tacit \(line): \(outcome.errors)") }
        }
        try make("keys generate --threshold 2 --shares 3 --out team", quick)
        try make("keys generate --out solo", quick)
        try make("keys generate --out other", quick)
        try make("keys generate --threshold 2 --shares 3 --out strangers", quick)
        try make("data split --data diabetes --out d")
        for name in ["train", "test"] {
            for ending in ["csv", "schema.json"] {
                try FileManager.default.moveItem(
                    atPath: folder.file("d-\(name).\(ending)"), toPath: folder.file("\(name).\(ending)"))
            }
        }
        try make("data split --data train.csv --parts 2 --out part")
        try make("encrypt --data part-1.csv --key team.public --out a.tacit --owner A")
        try make("encrypt --data part-2.csv --key team.public --out b.tacit --owner B")
        try make("encrypt --data part-2.csv --key strangers.public --out stranger.tacit --owner S")
        try make("encrypt --data train.csv --key solo.public --out solo.tacit")
        try make("encrypt --data test.csv --key solo.public --out rows.tacit --as rows")
        try make("encrypt --data test.csv --key solo.public --out features.tacit --as features")
        try make("train --encrypted a.tacit b.tacit --out fit.tacit")
        try make("train --encrypted a.tacit --out half.tacit")
        try make("train --encrypted solo.tacit --out solo-fit.tacit")
        try make("decrypt fit.tacit --share team.share-1 --out one.part")
        try make("decrypt fit.tacit --share team.share-2 --out two.part")
        try make("decrypt half.tacit --share team.share-2 --out half.part")
        try make("train --plain --data train.csv --out plain.safetensors")
        try make("encrypt --model plain.safetensors --key solo.public --out sealed.tacit")
        try make("predict --encrypted features.tacit --model plain.safetensors --out scores.tacit")
        try make("decrypt fit.tacit --key team.public --partial one.part two.part --out opened.safetensors")
    }

    struct Failure: Error, CustomStringConvertible { var description: String }

    func copy(_ name: String, to other: TemporaryFolder) throws {
        try FileManager.default.copyItem(atPath: folder.file(name), toPath: other.file(name))
    }
}
