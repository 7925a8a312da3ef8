import BinaryCoding
import Foundation
import Paillier
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// Every kind of encrypted file: read back as written, and no bytes whatever end the process.
@Suite struct EncryptedFileTests {
    /// One small file of each kind, made once.
    struct Samples: Sendable {
        var bytes: [String: [UInt8]] = [:]
        var model: LinearModel
        var plan: EncodingPlan

        static let shared: Samples = try! Samples()

        init() throws {
            var random = SeededRandom(seed: 20)
            let key = TestKeys.bits512
            let encryptor = PaillierEncryptor(key.publicKey)
            func column(_ name: String, _ role: ColumnRole = .feature) throws -> ColumnSchema {
                ColumnSchema(name, .number, role: role, bounds: try Bounds(0, 10), decimals: 1)
            }
            let schema = try Schema(columns: [
                column("a"),
                ColumnSchema("c", .category, categories: ["red", "green", "blue"], allowsMissing: true),
                column("y", .target),
            ])
            let table = try Table(columns: [
                Column("a", numbers: [1, 2.5, 3, 4]), Column("c", categories: ["red", "blue", nil, "green"]),
                Column("y", numbers: [2, 3, 4.5, 1]),
            ])
            plan = try EncodingPlan(schema: schema, maximumRows: 64, minimumCohort: 2)
            let request = try FitRequest(plan: plan, target: "y", features: ["a"], penalties: [0, 1])
            model = try OpenedFit(
                request: request, plan: plan, parts: [MomentMatrix(of: plan.encode(table))]
            ).best.model
            let folder = try TemporaryFolder()
            func take(_ name: String, _ write: (String) throws -> Void) throws {
                try write(folder.file(name))
                bytes[name] = Array(try Data(contentsOf: URL(fileURLWithPath: folder.file(name))))
            }
            let sums = try EncryptedMoments.encrypt(table, plan: plan, owner: "o", with: encryptor, using: &random)
            let rows = try EncryptedRows.encrypt(table, plan: plan, owner: "o", with: encryptor, using: &random)
            let fit = try EncryptedFit(request, over: rows, folds: [[0, 1], [2, 3]])
            let features = try EncryptedFeatures.encrypt(table, plan: plan, with: encryptor, using: &random)
            let sealed = try EncryptedModel.encrypt(model, with: encryptor, using: &random)
            try take("sums") { try sums.write(to: $0) }
            try take("rows") { try rows.write(to: $0) }
            try take("fit") { try fit.write(to: $0) }
            try take("features") { try features.write(to: $0) }
            try take("model") { try sealed.write(to: $0) }
            let scores = try features.scores(of: model, using: &random)
            try take("predictions") { try scores.write(to: $0) }
        }
    }

    static let kinds = ["sums", "rows", "fit", "features", "model", "predictions"]

    /// Decodes bytes as that kind of file and writes them again.
    private static func decode(_ kind: String, _ bytes: [UInt8]) throws -> (String) throws -> Void {
        switch kind {
        case "sums":
            let value = try EncryptedMoments(encoded: bytes)
            return { try value.write(to: $0) }
        case "rows":
            let value = try EncryptedRows(encoded: bytes)
            return { try value.write(to: $0) }
        case "fit":
            let value = try EncryptedFit(encoded: bytes)
            return { try value.write(to: $0) }
        case "features":
            let value = try EncryptedFeatures(encoded: bytes)
            return { try value.write(to: $0) }
        case "model":
            let value = try EncryptedModel(encoded: bytes)
            return { try value.write(to: $0) }
        default:
            let value = try EncryptedPredictions(encoded: bytes)
            return { try value.write(to: $0) }
        }
    }

    private static func error(_ kind: String, _ bytes: [UInt8]) -> String? {
        do {
            _ = try decode(kind, bytes)
            return nil
        } catch { return "\(error)" }
    }

    @Test(arguments: kinds)
    func readsWhatItWrote(kind: String) throws {
        let bytes = Samples.shared.bytes[kind]!
        let folder = try TemporaryFolder()
        try Self.decode(kind, bytes)(folder.file("again"))
        #expect(Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("again")))) == bytes)
        for other in Self.kinds where other != kind {
            #expect(Self.error(other, bytes)?.hasPrefix("kind: got ") == true)
        }
    }

    /// No cut and no flipped bit goes unnoticed, wherever it is.
    @Test(arguments: kinds)
    func damageIsNoticedAtEveryByte(kind: String) {
        let bytes = Samples.shared.bytes[kind]!
        for end in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400)) {
            #expect(Self.error(kind, Array(bytes[..<end])) != nil, "cut at \(end)")
        }
        for position in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 400)) {
            var flipped = bytes
            flipped[position] ^= 1 << UInt8(position % 8)
            #expect(Self.error(kind, flipped) != nil, "byte \(position)")
        }
        #expect(Self.error(kind, bytes + [0]) == "end of file: got bytes after the checksum")
    }

    // MARK: Fuzzing

    @Test(arguments: kinds)
    func fuzzFiles(kind: String) {
        let all = Samples.shared.bytes
        Fuzzing.run(valid: [all[kind]!] + Self.kinds.map { all[$0]! }) { _ = try? Self.decode(kind, $0) }
    }

    /// The mutation is made before the checksum and the header's fingerprints, so that it reaches the inner decoders.
    /// Files that are accepted all the same are used as their owner would use them.
    @Test(arguments: kinds)
    func fuzzInnerDecoders(kind: String) throws {
        let original = try ContainerParts(decoding: Samples.shared.bytes[kind]!)
        let iterations = Fuzzing.iterations(oneOf: 4)
        for target in original.sections.indices {
            var accepted = 0
            Fuzzing.run(
                valid: [original.sections[target].bytes], seed: UInt64(target),
                iterations: iterations / original.sections.count
            ) { mutated in
                var file = original
                file.sections[target] = (file.sections[target].tag, mutated)
                let bytes = file.consistent
                guard (try? Self.decode(kind, bytes)) != nil else { return }
                accepted += 1
                guard accepted <= 20 else { return }
                Self.use(kind, bytes)
            }
        }
    }

    /// The description is JSON, where a change of one number says more than a change of one bit.
    @Test(arguments: kinds)
    func hostileDescriptions(kind: String) throws {
        let original = try ContainerParts(decoding: Samples.shared.bytes[kind]!)
        let numbers = [
            "0", "-1", "1", "3", "63", "64", "65", "4194304", "4194305", "9223372036854775807", "1e308", "1.5", "null",
            "\"x\"", "[]",
        ]
        for target in [0, 2] {  // the plan and the description
            let text = String(decoding: original.sections[target].bytes, as: UTF8.self)
            let matches = text.matches(of: /-?[0-9]+(\.[0-9]+)?/)
            #expect(target == 2 || matches.count > 10)
            for match in matches {
                for number in numbers {
                    var file = original
                    file.sections[target].bytes = Array(text.replacingCharacters(in: match.range, with: number).utf8)
                    Self.use(kind, file.consistent)
                }
            }
        }
    }

    private static func use(_ kind: String, _ bytes: [UInt8]) {
        let key = TestKeys.bits512
        var random = SeededRandom(seed: 1)
        switch kind {
        case "sums":
            guard let value = try? EncryptedMoments(encoded: bytes) else { return }
            _ = try? value.opened(key)
            guard let mine = try? EncryptedMoments(encoded: Samples.shared.bytes["sums"]!) else { return }
            _ = try? EncryptedMoments.sum([value, mine]).opened(key)
        case "rows":
            guard let value = try? EncryptedRows(encoded: bytes) else { return }
            _ = try? value.moments(weights: [Int](repeating: 3, count: value.rowCount)).opened(key)
        case "fit":
            guard let opened = try? EncryptedFit(encoded: bytes).opened(key) else { return }
            _ = opened.warnings
            _ = try? opened.best.model.safetensors.encoded
        case "features":
            guard let value = try? EncryptedFeatures(encoded: bytes) else { return }
            guard let scores = try? value.scores(of: Samples.shared.model, using: &random) else { return }
            _ = try? scores.open(plaintexts: key.decrypt(scores.ciphertexts))
        case "model":
            guard let value = try? EncryptedModel(encoded: bytes) else { return }
            let table = try! Table(columns: [Column("a", numbers: [1, 2]), Column("c", categories: ["red", nil])])
            guard let scores = try? value.scores(of: table, using: &random) else { return }
            _ = try? scores.open(plaintexts: key.decrypt(scores.ciphertexts))
        default:
            guard let value = try? EncryptedPredictions(encoded: bytes) else { return }
            _ = try? value.open(plaintexts: key.decrypt(value.ciphertexts))
        }
    }

    @Test func fuzzPlans() throws {
        let plans = [try Samples.shared.plan.encoded, try Diabetes().plan.encoded]
        let table = try Table(columns: [
            Column("a", numbers: [1, 2]), Column("c", categories: ["red", nil]), Column("y", numbers: [1, 2]),
        ])
        for valid in plans { #expect(try EncodingPlan(decoding: valid).encoded == valid) }
        Fuzzing.run(valid: plans) { input in
            guard let plan = try? EncodingPlan(decoding: input) else { return }
            _ = try? plan.encode(table)
            _ = try? EncryptedMoments.layout(plan: plan, modulusBits: 512)
        }
    }

    @Test func fuzzSafetensors() throws {
        let valid = try Samples.shared.model.safetensors.encoded
        let small = try Safetensors(
            tensors: ["w": .init(shape: [2, 3], values: [1, 2, 3, 4, 5, 6]), "e": .init(shape: [0], values: [])],
            metadata: ["k": "v"]
        ).encoded
        #expect(try Safetensors(decoding: valid).encoded == valid)
        #expect(try LinearModel(safetensors: Safetensors(decoding: valid)) == Samples.shared.model)
        let table = try Table(columns: [Column("a", numbers: [1, 2]), Column("c", categories: ["red", nil])])
        var random = SeededRandom(seed: 3)
        let encryptor = PaillierEncryptor(TestKeys.bits512.publicKey)
        var used = 0
        Fuzzing.run(valid: [valid, small]) { input in
            guard let file = try? Safetensors(decoding: input) else { return }
            guard let model = try? LinearModel(safetensors: file) else { return }
            _ = try? model.predict(table)
            _ = model.disclosureWarnings
            used += 1
            if used <= 200 { _ = try? EncryptedModel.encrypt(model, with: encryptor, using: &random) }
        }
    }
}

extension ContainerParts {
    /// The fingerprints in the header made to fit the plan and the key, where these can be read.
    fileprivate var consistent: [UInt8] {
        var copy = self
        if let plan = try? EncodingPlan(decoding: sections[0].bytes), let fingerprint = try? plan.fingerprint {
            copy.header.parameters = fingerprint
        }
        if let key = try? PaillierPublicKey(encoded: sections[1].bytes) { copy.header.key = key.fingerprint }
        return copy.sealed
    }
}
