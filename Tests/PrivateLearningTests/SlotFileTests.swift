import BinaryCoding
import CKKS
import Datasets
import Foundation
import PrivateLearning
import Randomness
import TacitTestSupport
import Tabular
import Testing

/// Encrypted rows, models and scores as files: the whole way from a table to predictions, and damaged bytes.
@Suite struct SlotFileTests {
    /// A table of 60 patients in a ring that is quick.
    private final class Small: Sendable {
        static let shared = try! Small(
            .init(
                logDegree: 11, scaleBits: 40, depth: 9, specialModuliBits: [50, 50, 50],
                security: .insecureForTestsOnly), iterations: 3)
        /// A few kilobytes a polynomial, so that many inputs can be tried; nothing computed in it is right.
        static let tiny = try! Small(
            .init(
                logDegree: 11, firstModulusBits: 30, scaleBits: 20, depth: 1, specialModuliBits: [30],
                security: .insecureForTestsOnly), iterations: 1)
        let table: Table
        let schema: Schema
        let secret: CKKSSecretKey
        let keys: CKKSEvaluationKeys
        let plan: TrainingPlan

        init(_ literal: CKKSParameters.Literal, iterations: Int) throws {
            let loaded = try Dataset.breastCancer.load()
            let names = ["mean_radius", "mean_texture", "worst_concavity", "diagnosis"]
            schema = try Schema(columns: loaded.schema.columns.filter { names.contains($0.name) })
            let columns = try names.map { try loaded.table.column($0) }
            table = try Table(columns: columns).rows(Array(0..<120))
            plan = try TrainingPlan(iterations: iterations)
            let circuit = GradientCircuit(plan: plan, rowCount: table.rowCount, columnCount: 4, entryBound: 3)
            let parameters = try CKKSParameters(literal)
            let context = CKKSContext(parameters)
            var random = SeededRandom(seed: 9)
            secret = CKKSSecretKey(context, using: &random)
            let record = CircuitRecord()
            _ = try circuit.run(
                circuit.inputs(maximumSlots: context.maximumSlots).map {
                    CKKSCiphertext.planned(context, slots: $0.slots, magnitude: $0.magnitude)
                }, with: CKKSEvaluator(context, record: record))
            var needed = record.keys
            needed.rotations.formUnion([1, 2])  // sums over single rows of three columns
            keys = try CKKSEvaluationKeys(secret, for: needed, using: &random)
        }

        func rows(with encryptor: CKKSEncryptor? = nil) throws -> EncryptedTrainingRows {
            var random = SeededRandom(seed: 10)
            return try EncryptedTrainingRows.encrypt(
                table, schema: schema, isSigned: true, owner: "clinic", with: encryptor ?? CKKSEncryptor(secret),
                using: &random)
        }
    }

    private func bytes(_ body: (String) throws -> Void) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        try body(folder.file("file"))
        return Array(try Data(contentsOf: URL(fileURLWithPath: folder.file("file"))))
    }

    @Test func fromRowsToAModelThroughFiles() throws {
        let small = Small.shared
        let folder = try TemporaryFolder()
        try small.rows().write(to: folder.file("rows"))
        let rows = try EncryptedTrainingRows(path: folder.file("rows"), context: small.secret.context)
        #expect(rows.meaning.packing.rowCount == 120 && rows.meaning.owner == "clinic")
        var iterations: [Int] = []
        try rows.trained(small.plan, keys: small.keys) { iterations.append($0) }.write(to: folder.file("model"))
        #expect(iterations == [1, 2, 3])
        let trained = try EncryptedTrainedModel(path: folder.file("model"))
        let model = try trained.open(small.secret)

        // The same in the clear.
        let plan = try EncodingPlan(schema: small.schema, maximumRows: 1024, minimumCohort: 1)
        let labelled = try LabelledRows(small.table, plan: plan, target: "diagnosis=M")
        let scaling = try FeatureScaling(rows: labelled.features, names: labelled.featureNames)
        let weights = try GradientTraining.simulate(
            small.plan, rows: labelled.signed(scaling), width: scaling.columnCount)
        let (coefficients, intercept) = scaling.unscaled(weights)
        for (ours, theirs) in zip(model.coefficients + [model.intercept], coefficients + [intercept]) {
            #expect(abs(ours - theirs) < 1e-5 * max(1, abs(theirs)), "\(ours), \(theirs)")
        }
        #expect(model.featureNames == ["mean_radius", "mean_texture", "worst_concavity"])
        #expect(model.target == "diagnosis=M" && model.link == .logit && model.rowCount == 120)

        // The model's own encoding cuts values off as training did.
        let scaled = scaling.rows(labelled.features)
        let predicted = try model.predict(small.table)
        for row in 0..<120 {
            let score = weights.indices.reduce(0.0) { $0 + weights[$1] * scaled[row * weights.count + $1] }
            #expect(abs(predicted[row] - Link.logit.mean(score)) < 1e-4)
        }
    }

    @Test func predictionsInThreeWays() throws {
        let small = Small.shared
        let plain = try EncodingPlan(schema: small.schema, maximumRows: 1024, minimumCohort: 1)
        let model = LinearModel(
            kind: "logistic", link: .logit, target: "diagnosis=M",
            featureNames: ["worst_concavity", "mean_radius"], coefficients: [7, 0.4], intercept: -9, rowCount: 120,
            rank: 2, plan: plain)
        let wanted = try model.predict(small.table)
        var random = SeededRandom(seed: 11)
        let encryptor = CKKSEncryptor(CKKSPublicKey(small.secret, using: &random))
        for layout in SlotFeatureLayout.allCases {
            let features = try SlotFeatures.encrypt(
                small.table, plan: plain, layout: layout, with: encryptor, using: &random)
            let read = try SlotFeatures(encoded: bytes { try features.write(to: $0) })
            let scores = try read.scores(of: model, keys: layout == .rows ? small.keys : nil)
            let opened = try SlotScores(encoded: bytes { try scores.write(to: $0) }).open(small.secret)
            #expect(opened.count == wanted.count)
            for (ours, theirs) in zip(opened, wanted) {
                #expect(abs(ours - theirs) <= scores.errorBound, "\(layout)")
                #expect(abs(ours - theirs) < 1e-5, "\(layout)")
            }
        }
        let sealed = try SlotModel(
            encoded: bytes {
                try SlotModel.encrypt(model, with: encryptor, using: &random).write(to: $0)
            })
        let opened = try sealed.scores(of: small.table).open(small.secret)
        for (ours, theirs) in zip(opened, wanted) { #expect(abs(ours - theirs) < 1e-5) }
    }

    @Test func wrongKeysAndModelsAreNamed() throws {
        let small = Small.shared
        let rows = try small.rows()
        var random = SeededRandom(seed: 12)
        let other = CKKSSecretKey(small.secret.context, using: &random)
        expectRefusal(.mismatch) {
            _ = try rows.trained(small.plan, keys: CKKSEvaluationKeys(other, for: .init(), using: &random))
        }
        expectRefusal(.mismatch, "model: these rows were encrypted for a logistic model") {
            _ = try rows.trained(TrainingPlan(loss: .squared, iterations: 2), keys: small.keys)
        }
        expectRefusal(.mismatch) { _ = try rows.trained(TrainingPlan(iterations: 3, batches: 2), keys: small.keys) }
        let trained = try rows.trained(TrainingPlan(iterations: 1), keys: small.keys)
        expectRefusal(.mismatch) { _ = try trained.open(other) }
        expectRefusal(.invalidParameter) { _ = try rows.trained(TrainingPlan(iterations: 9), keys: small.keys) }
        expectRefusal(.unknownColumn, "feature x: not among the encrypted columns") {
            let plan = try EncodingPlan(schema: small.schema, maximumRows: 1024, minimumCohort: 1)
            let features = try SlotFeatures.encrypt(
                small.table, plan: plan, with: CKKSEncryptor(small.secret), using: &random)
            _ = try features.scores(
                of: LinearModel(
                    kind: "linear", link: .identity, target: "y", featureNames: ["x"], coefficients: [1], intercept: 0,
                    rowCount: 1, rank: 1, plan: plan))
        }
    }

    /// Files cut or flipped give a value or an error, never a trap.
    @Test func fuzzingDamagedFiles() throws {
        let small = Small.tiny
        var random = SeededRandom(seed: 13)
        let plan = try EncodingPlan(schema: small.schema, maximumRows: 1024, minimumCohort: 1)
        let encryptor = CKKSEncryptor(small.secret)
        let rows = try small.rows()
        let model = LinearModel(
            kind: "linear", link: .identity, target: "y", featureNames: ["mean_radius"], coefficients: [1],
            intercept: 0, rowCount: 1, rank: 1, plan: plan)
        let features = try SlotFeatures.encrypt(small.table, plan: plan, with: encryptor, using: &random)
        let context = small.secret.context
        let cases: [(bytes: [UInt8], read: ([UInt8]) throws -> Void)] = [
            (try bytes { try rows.write(to: $0) }, { _ = try EncryptedTrainingRows(encoded: $0, context: context) }),
            (
                try bytes { try rows.trained(TrainingPlan(iterations: 1), keys: small.keys).write(to: $0) },
                { _ = try EncryptedTrainedModel(encoded: $0, context: context) }
            ),
            (try bytes { try features.write(to: $0) }, { _ = try SlotFeatures(encoded: $0, context: context) }),
            (
                try bytes { try features.scores(of: model).write(to: $0) },
                { _ = try SlotScores(encoded: $0, context: context) }
            ),
            (
                try bytes { try SlotModel.encrypt(model, with: encryptor, using: &random).write(to: $0) },
                { _ = try SlotModel(encoded: $0, context: context) }
            ),
        ]
        for (index, (bytes, read)) in cases.enumerated() {
            try read(bytes)
            for cut in [0, 10, 100, bytes.count / 2, bytes.count - 1] {
                #expect(throws: (any Error).self, "case \(index), \(cut) bytes") { try read(Array(bytes.prefix(cut))) }
            }
        }
        // Damage that a forger would have sealed again; ciphertexts themselves are fuzzed where they are decoded.
        for (index, (bytes, read)) in cases.enumerated() {
            let parts = try ContainerParts(decoding: bytes)
            Fuzzing.run(section: 1, of: parts, seed: UInt64(index), oneOf: 100) { try? read($0) }
            for section in parts.sections.indices {
                var forged = parts
                forged.sections.remove(at: section)
                if forged.sections.count > 2 { try? read(forged.sealed) }
            }
        }
    }
}
