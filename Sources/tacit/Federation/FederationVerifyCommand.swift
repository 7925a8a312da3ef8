import ArgumentParser
import AtomicFiles
import BinaryCoding
import Federation
import Foundation
import NeuralNetworks
import Paillier
import Tabular

struct FederationVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Replay a coordinator's transcript and say what that proves.",
        discussion: """
            Signatures, the chains of the sites' journals and the sums are checked by the code that took them in the first \
            time; the models of all rounds must come out again. Journals of sites are compared when they are given. Exit \
            code 65 when anything does not fit.
            """)

    @Option(help: "The study file.") var study: String
    @Option(help: "The schema of the tables, when the study has one.") var schema: String?
    @Option(help: "The coordinator's transcript.") var transcript: String
    @Option(parsing: .upToNextOption, help: "Journals of sites.") var journal: [String] = []
    @Option(help: "The model in use, to be compared.") var model: String?
    @Option(help: "The public side of the key, where a dealer made it (paillier in `simulate`).") var paillier: String?
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var proven: [String]
        var unproven: [String]
        var model: String
        var rounds: Int
        var isFinished: Bool
    }

    func run() throws {
        common.apply()
        let literal = try StudyLiteral(path: study)
        let checked = try Study(literal, schema: try schema.map { try Schema(path: $0) })
        let record = try Transcript(decoding: try readFile(transcript, limit: 1 << 34))
        let journals = try journal.map { try JournalFile(decoding: try readFile($0, limit: 1 << 30)) }
        let known = try model.map { try checked.weights(in: TensorFile(path: $0)) }
        let sharing = try paillier.map { path in
            var decoder = BinaryDecoder(try readFile(path, limit: 1 << 24))
            let sharing = try PaillierSharing(decoding: &decoder)
            try decoder.finish(path)
            return sharing
        }
        let result = try record.verify(study: checked, paillier: sharing, journals: journals, model: known)
        if common.json {
            return try Console.json(
                Result(
                    proven: result.proven, unproven: result.unproven, model: result.model.fingerprint.description,
                    rounds: result.history.filter { $0.purpose == "training" }.count, isFinished: result.isFinished))
        }
        Console.result("The transcript holds. This proves:")
        for line in result.proven { Console.result("  ✓ \(line)") }
        Console.result("It does not prove:")
        for line in result.unproven { Console.result("  – \(line)") }
    }
}
