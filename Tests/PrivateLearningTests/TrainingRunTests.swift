import BinaryCoding
import Bootstrapping
import CKKS
import Datasets
import Foundation
import PrivateLearning
import Randomness
import TacitTestSupport
import Tabular
import Testing

/// Whole runs on encrypted rows: bootstrapped, kept and taken up again, over several owners, without a fold.
@Suite struct TrainingRunTests {
    /// Ten columns of the breast cancer table in an insecure ring whose keys bootstrap.
    private final class Bench: Sendable {
        static let shared = Result { try Bench() }
        let table: Table
        let schema: Schema
        let parameters: BootstrappingParameters
        let context: CKKSContext
        let secret: CKKSSecretKey
        let keys: CKKSEvaluationKeys
        let bootstrapping: BootstrappingKeys
        static let rowCount = 200

        init() throws {
            let loaded = try Dataset.breastCancer.load()
            let names = loaded.schema.columns.map(\.name).filter { $0.hasPrefix("mean_") } + ["diagnosis"]
            schema = try Schema(columns: loaded.schema.columns.filter { names.contains($0.name) })
            table = try Table(columns: names.map { try loaded.table.column($0) }).rows(Array(100..<100 + Self.rowCount))
            parameters = try BootstrappingParameters(.insecure4096depth10)
            context = CKKSContext(parameters.ckks)
            var random = SeededRandom(seed: 21)
            secret = CKKSSecretKey(context, using: &random)
            let circuit = GradientCircuit(
                plan: try TrainingPlan(iterations: 7), rowCount: Self.rowCount, columnCount: 11, entryBound: 3)
            let design = try EncryptedTrainingDesign(circuit, bootstrapping: parameters)
            // Through files, as a server gets them.
            let folder = try TemporaryFolder()
            try CKKSEvaluationKeyFile.make(
                secret, for: design.plan.keys, to: folder.file("e"), using: &random)
            keys = try CKKSEvaluationKeyFile.read(path: folder.file("e"), context: context)
            try BootstrappingKeyFile.write(
                BootstrappingKeys(secret, parameters: parameters, using: &random), to: folder.file("b"))
            bootstrapping = try BootstrappingKeyFile.read(path: folder.file("b"), context: context)
        }

        func rows(
            _ part: Range<Int>? = nil, owner: String = "clinic", scaling: StudyScaling? = nil,
            signed isSigned: Bool = true, target: String? = nil
        ) throws -> EncryptedTrainingRows {
            var random = SeededRandom(seed: 22)
            let own = part.map { table.rows(Array($0)) } ?? table
            return try EncryptedTrainingRows.encrypt(
                own, schema: schema, target: target, isSigned: isSigned, owner: owner, scaling: scaling,
                with: CKKSEncryptor(secret), using: &random)
        }

        func refresher(_ rows: EncryptedTrainingRows) throws -> Bootstrapper {
            try EncryptedTrainingDesign.bootstrapper(for: rows, keys: bootstrapping)
        }

        var labelled: LabelledRows {
            get throws {
                let plan = try EncodingPlan(schema: schema, maximumRows: 1024, minimumCohort: 1)
                return try LabelledRows(table, plan: plan, target: "diagnosis=M")
            }
        }

        /// Weights in the features' own units, from training in the clear on some of the rows.
        func simulated(
            _ plan: TrainingPlan, on chosen: [Int]? = nil, scaling given: FeatureScaling? = nil, stopping: Int? = nil
        ) throws -> [Double] {
            let all = try labelled
            let scaling = try given ?? FeatureScaling(rows: all.features, names: all.featureNames)
            let rows = chosen.map { all.selecting($0) } ?? all
            let weights = try GradientTraining.simulate(
                plan, rows: rows.signed(scaling), width: scaling.columnCount, stopping: stopping)
            let (coefficients, intercept) = scaling.unscaled(weights)
            return coefficients + [intercept]
        }
    }

    private func expectEqual(
        _ model: LinearModel, _ wanted: [Double], within tolerance: Double = 1e-4,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        for (ours, theirs) in zip(model.coefficients + [model.intercept], wanted) {
            #expect(
                abs(ours - theirs) < tolerance * max(1, abs(theirs)), "\(ours), \(theirs)",
                sourceLocation: sourceLocation)
        }
    }

    /// Seven iterations out of ten levels: two bootstrappings at least, two blocks sharing each.
    @Test func bootstrappingAddsIterations() throws {
        let bench = try Bench.shared.get()
        let rows = try bench.rows()
        #expect(rows.meaning.packing.blockCount == 2)
        let plan = try TrainingPlan(iterations: 7)
        #expect(plan.levels > bench.context.chain.top)
        let design = try EncryptedTrainingDesign(
            rows.circuit(plan), bootstrapping: bench.parameters, cost: .measured())
        #expect(design.refreshes == 2)
        let trained = try rows.trained(plan, keys: bench.keys, refresher: bench.refresher(rows))
        let model = try trained.open(bench.secret)
        try expectEqual(model, bench.simulated(plan), within: 1e-3)
        // The stated bound is for scaled weights; what was planned is what came out.
        #expect(abs(trained.errorBound / 8 / design.plan.errorBound - 1) < 0.5)
        #expect(trained.errorBound < 0.05)
        // Without the keys the refusal says what to do.
        expectRefusal(
            .invalidParameter,
            "iterations: got 7, want at most 3, which the 10 levels of these keys allow; make keys for more, or give "
                + "bootstrapping keys"
        ) { _ = try rows.trained(plan, keys: bench.keys) }
    }

    /// Stopped anywhere, a run gives the same ciphertexts as if it had not been stopped.
    @Test func checkpointsAreTakenUpAgain() throws {
        let bench = try Bench.shared.get()
        let rows = try bench.rows()
        let plan = try TrainingPlan(iterations: 5, ridge: 0.02)
        let refresher = try bench.refresher(rows)
        func start(_ checkpoint: TrainingCheckpoint? = nil) throws -> EncryptedTraining {
            try EncryptedTraining(rows, plan: plan, keys: bench.keys, refresher: refresher, resuming: checkpoint)
        }
        var whole = try start()
        let folder = try TemporaryFolder()
        while !whole.isFinished {
            try whole.advance()
            try whole.checkpoint.write(to: folder.file("after-\(whole.completed)"))
        }
        let wanted = try whole.model.open(bench.secret)
        try expectEqual(wanted, bench.simulated(plan), within: 1e-3)
        for completed in 1...4 {
            let checkpoint = try TrainingCheckpoint(
                path: folder.file("after-\(completed)"), context: bench.context)
            #expect(checkpoint.meaning.completed == completed)
            // What the owner sees of it.
            let opened = checkpoint.model
            #expect(opened.meaning.iterations == completed)
            try expectEqual(opened.open(bench.secret), bench.simulated(plan, stopping: completed), within: 1e-3)
            var rest = try start(checkpoint)
            while !rest.isFinished { try rest.advance() }
            #expect(try rest.model.open(bench.secret) == wanted)
            #expect(rest.model.errorBound == whole.model.errorBound)
        }
        let checkpoint = try TrainingCheckpoint(path: folder.file("after-2"), context: bench.context)
        expectRefusal(.mismatch) {
            _ = try EncryptedTraining(
                rows, plan: TrainingPlan(iterations: 6, ridge: 0.02), keys: bench.keys, refresher: refresher,
                resuming: checkpoint)
        }
        expectRefusal(.mismatch) {
            let others = try bench.rows(0..<150)
            _ = try EncryptedTraining(
                others, plan: plan, keys: bench.keys, refresher: refresher, resuming: checkpoint)
        }
        expectRefusal(.invalidParameter) { _ = try start().checkpoint }
    }

    @Test func ownersTrainTogether() throws {
        let bench = try Bench.shared.get()
        let encoding = try EncodingPlan(schema: bench.schema, maximumRows: 1024, minimumCohort: 1)
        let parts = [0..<90, 90..<97, 97..<Bench.rowCount]
        // What a secure sum opens to.
        let sums = try parts.map { MomentMatrix(of: try encoding.encode(bench.table.rows(Array($0)))) }
        var random = SeededRandom(seed: 23)
        let made = try StudyScaling(
            moments: sums[0] + sums[1] + sums[2], plan: encoding, target: "diagnosis=M", using: &random)
        let scaling = try StudyScaling(decoding: made.encoded)
        #expect(scaling == made && scaling.rowCount == Bench.rowCount)
        let labelled = try bench.labelled
        let own = try FeatureScaling(rows: labelled.features, names: labelled.featureNames)
        for (shared, pooled) in zip(scaling.scaling.features, own.features) {
            #expect(abs(shared.mean / pooled.mean - 1) < 1e-9 && abs(shared.deviation / pooled.deviation - 1) < 1e-9)
        }
        let files = try parts.enumerated().map { number, part in
            try bench.rows(part, owner: "owner \(number)", scaling: scaling)
        }
        let joined = try EncryptedTrainingRows.joined(files)
        #expect(joined.meaning.packing.rowCount == Bench.rowCount)
        #expect(joined.meaning.owner == "owner 0, owner 1, owner 2")
        let plan = try TrainingPlan(iterations: 3)
        let model = try joined.trained(plan, keys: bench.keys).open(bench.secret)
        try expectEqual(model, bench.simulated(plan, scaling: scaling.scaling))
        #expect(model.rowCount == Bench.rowCount)

        expectRefusal(.mismatch, "owner owner 1: comes twice, so its rows would count twice") {
            _ = try EncryptedTrainingRows.joined([files[1], files[1]])
        }
        expectRefusal(.mismatch) { _ = try EncryptedTrainingRows.joined([files[0], bench.rows(90..<97, owner: "x")]) }
        let another = try StudyScaling(
            moments: sums[0] + sums[1], plan: encoding, target: "diagnosis=M", using: &random)
        expectRefusal(.mismatch, "x: another scaling than owner 0's rows") {
            _ = try EncryptedTrainingRows.joined([files[0], bench.rows(90..<97, owner: "x", scaling: another)])
        }
        let narrow = try StudyScaling(
            moments: sums[0], plan: encoding, target: "diagnosis=M", features: ["mean_area"], using: &random)
        expectRefusal(.mismatch) { _ = try bench.rows(scaling: narrow) }
    }

    /// Leaving rows out is the same as not having them, for both losses.
    @Test func foldsAreLeftOut() throws {
        let bench = try Bench.shared.get()
        let fold = try TrainingFold(index: 1, count: 4, seed: 5)
        let held = fold.heldOut(rowCount: Bench.rowCount)
        #expect(held.count == 50)
        let others = try (0..<4).filter { $0 != 1 }.flatMap {
            try TrainingFold(index: $0, count: 4, seed: 5).heldOut(rowCount: Bench.rowCount)
        }
        #expect((held + others).sorted() == Array(0..<Bench.rowCount))
        let kept = others.sorted()
        let plan = try TrainingPlan(iterations: 3, batches: 1)
        let trained = try bench.rows().trained(plan, keys: bench.keys, fold: fold)
        #expect(trained.meaning.fold == fold)
        try expectEqual(trained.open(bench.secret), bench.simulated(plan, on: kept))

        let linear = try TrainingPlan(loss: .squared, iterations: 4)
        let rows = try bench.rows(signed: false, target: "mean_area")
        let model = try rows.trained(linear, keys: bench.keys, fold: fold).open(bench.secret)
        let encoding = try EncodingPlan(schema: bench.schema, maximumRows: 1024, minimumCohort: 1)
        let all = try LabelledRows(bench.table, plan: encoding, target: "mean_area")
        let scaling = try FeatureScaling(rows: all.features, names: all.featureNames)
        let mean = all.targets.reduce(0, +) / Double(all.targets.count)
        let scaled = scaling.rows(all.features)
        let width = scaling.columnCount
        let table = kept.flatMap { scaled[$0 * width..<($0 + 1) * width] + [all.targets[$0] - mean] }
        let weights = try GradientTraining.simulate(linear, rows: table, width: width + 1)
        let (coefficients, intercept) = scaling.unscaled(Array(weights.dropLast()))
        expectEqual(model, coefficients + [intercept + mean])
        #expect(throws: PrivateLearningError.self) { _ = try TrainingFold(index: 4, count: 4, seed: 1) }
    }

    /// Two courses of Nesterov's method on a quadratic, one of them disturbed, stay within what `ErrorCourse` says.
    @Test(arguments: 1...20) func disturbancesStayWithinTheirBound(seed: UInt64) {
        var generator = ShuffleGenerator(seed: seed)
        func uniform() -> Double { Double(generator.next() >> 11) / exp2(53) }
        let iterations = 3 + Int(uniform() * 40)
        let curvatures = (0..<6).map { _ in uniform() }
        let momenta = (0..<iterations).map { $0 == iterations - 1 ? 0 : 1 - 3 / (Double($0) + 3) }
        var course = ErrorCourse()
        var (position, ahead) = ([Double](repeating: 0, count: 6), [Double](repeating: 0, count: 6))
        func noise(_ size: Double) -> [Double] {
            let direction = (0..<6).map { _ in uniform() - 0.5 }
            let norm = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return direction.map { size * $0 / norm }
        }
        for beta in momenta {
            let size = uniform()
            let added = noise(size)
            // Errors only: the undisturbed course is zero.
            let next = (0..<6).map { (1 - curvatures[$0]) * ahead[$0] + added[$0] }
            ahead = (0..<6).map { (1 + beta) * next[$0] - beta * position[$0] }
            position = next
            course.advance(momentum: beta, noise: size)
            if uniform() < 0.3 {
                let (one, two) = (uniform(), uniform())
                for (index, value) in noise(one).enumerated() { ahead[index] += value }
                for (index, value) in noise(two).enumerated() { position[index] += value }
                course.disturb(ahead: one, position: two)
            }
            let norm = ahead.reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(norm <= course.ahead * 1.01)
            #expect(course.ahead <= course.worst.ahead * (1 + 1e-9))
        }
        #expect(ErrorCourse(course.events).ahead == course.ahead)
    }

    /// What is released differs from what the owner opens by noise of the stated deviation, and not with coarse parameters.
    @Test func releasedWeightsAreFlooded() throws {
        let bench = try Bench.shared.get()
        let plan = try TrainingPlan(iterations: 3)
        func study(scaleBits: Int) throws -> (EncryptedTrainedModel, CKKSSecretKey, EncryptedTrainingDesign) {
            let parameters = try CKKSParameters(
                .init(
                    logDegree: 12, scaleBits: scaleBits, depth: plan.levels + 1,
                    specialModuliBits: [50, 50, 50, 50],
                    security: .insecureForTestsOnly))
            var random = SeededRandom(seed: 31)
            let secret = CKKSSecretKey(CKKSContext(parameters), using: &random)
            let rows = try EncryptedTrainingRows.encrypt(
                bench.table, schema: bench.schema, isSigned: true, owner: "clinic", with: CKKSEncryptor(secret),
                using: &random)
            let design = try EncryptedTrainingDesign(rows.circuit(plan), parameters: parameters)
            let keys = try CKKSEvaluationKeys(secret, for: design.plan.keys, using: &random)
            return (try rows.trained(plan, keys: keys), secret, design)
        }
        let (trained, secret, design) = try study(scaleBits: 50)
        let opened = try trained.open(secret)
        let policy = try CKKSReleasePolicy(statisticalBits: 30, queries: 4)
        var random = SeededRandom(seed: 32)
        let all = try bench.labelled
        let scaling = try FeatureScaling(rows: all.features, names: all.featureNames)
        var squares: [Double] = []
        for _ in 0..<40 {
            let released = try trained.release(secret, design: design, policy: policy, using: &random)
            #expect(released.queries == 2)
            // In units of scaled columns, of which the released weights are those divided by deviation and √λ.
            for (index, feature) in scaling.features.enumerated() {
                let unit = feature.deviation * scaling.spectralBound.squareRoot()
                let noise = (released.model.coefficients[index] - opened.coefficients[index]) * unit
                #expect(abs(noise) <= released.errorBound)
                squares.append(noise * noise / (released.noiseDeviation * released.noiseDeviation))
            }
            #expect(released.floodedBound >= trained.errorBound / 16)
        }
        // A mean of 400 squares of nearly normal numbers: within five deviations of 1, blocks having a little less noise.
        let mean = squares.reduce(0, +) / Double(squares.count)
        #expect(mean > 0.6 && mean < 1.36, "\(mean)")

        let (coarse, other, coarseDesign) = try study(scaleBits: 36)
        do {
            _ = try coarse.release(other, design: coarseDesign, using: &random)
            Issue.record("nothing was thrown")
        } catch let error as CKKSError {
            #expect(error.code == .noPrecision)
        }
        expectRefusal(.invalidParameter) {
            _ = try trained.release(
                secret, design: design, policy: CKKSReleasePolicy(statisticalBits: 30, queries: 1), using: &random)
        }
        expectRefusal(.mismatch) { _ = try trained.release(secret, design: coarseDesign, using: &random) }
    }

    @Test func stoppingWaitsAndForgetsWhatIsRepeated() throws {
        var stopping = try EarlyStopping(patience: 2, tolerance: 0.01)
        #expect(stopping.add(iteration: 1, loss: 0.6) == .continue)
        #expect(stopping.add(iteration: 2, loss: 0.5) == .continue)
        #expect(stopping.add(iteration: 3, loss: 0.495) == .continue)
        #expect(stopping.add(iteration: 3, loss: 0.495) == .continue)
        #expect(stopping.add(iteration: 4, loss: 0.52) == .stop)
        #expect(stopping.best?.iteration == 3)
        #expect(stopping.add(iteration: 4, loss: 0.4) == .continue)
        #expect(throws: PrivateLearningError.self) { _ = try EarlyStopping(patience: 0) }
        #expect(throws: PrivateLearningError.self) { _ = try EarlyStopping(tolerance: .nan) }
    }

    @Test func missingKeysAreNamedBeforeTheWork() throws {
        let bench = try Bench.shared.get()
        var random = SeededRandom(seed: 24)
        let few = try CKKSEvaluationKeys(
            bench.secret, for: .init(relinearisation: true, rotations: [1, 8]), using: &random)
        do {
            try few.require(.init(relinearisation: true, conjugation: true, rotations: [1, 4, 16]))
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.code == .missingKey)
            #expect(
                error.message
                    == "evaluation keys: lack the conjugation key, the keys for rotations by 4, 16; generate keys for this "
                    + "computation")
        }
        try bench.keys.require(bench.keys.contents)
    }

    /// Memory is injected, not allocated.
    @Test func tooLittleMemoryIsRefused() throws {
        let circuit = GradientCircuit(
            plan: try TrainingPlan(iterations: 20), rowCount: 455, columnCount: 31, entryBound: 3)
        let design = try EncryptedTrainingDesign(circuit)
        #expect(design.bootstrapping != nil && design.refreshes > 5)
        #expect(design.plan.securityRow?.level == .bits128)
        #expect(design.failureProbability > 0 && design.failureProbability < exp2(-38))
        try design.plan.requireMemory(design.plan.memoryBytes)
        do {
            try design.plan.requireMemory(design.plan.memoryBytes - 1)
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.code == .insufficientMemory)
            #expect(error.message.hasPrefix("memory: this computation takes about "))
        }
        #expect(design.explanation.contains { $0.hasPrefix("bootstrapping") && $0.contains("2^-") })
        let roundTrip = try JSONDecoder().decode(
            EncryptedTrainingDesign.Summary.self, from: JSONEncoder().encode(design.summary))
        #expect(roundTrip.bootstrapping?.refreshes == design.refreshes)
    }

    /// Files cut or flipped give a value or an error, never a trap.
    @Test func fuzzingDamagedFiles() throws {
        let bench = try Bench.shared.get()
        let folder = try TemporaryFolder()
        func bytes(_ name: String, _ write: (String) throws -> Void) throws -> [UInt8] {
            try write(folder.file(name))
            return Array(try Data(contentsOf: URL(fileURLWithPath: folder.file(name))))
        }
        let context = bench.context
        var training = try EncryptedTraining(
            bench.rows(), plan: TrainingPlan(iterations: 3), keys: bench.keys)
        try training.advance()
        try training.advance()
        let checkpoint = try bytes("checkpoint") { try training.checkpoint.write(to: $0) }
        let keys = try bytes("keys") { try BootstrappingKeyFile.write(bench.bootstrapping, to: $0) }
        let cases: [(bytes: [UInt8], section: Int, read: ([UInt8]) throws -> Void)] = [
            (checkpoint, 1, { _ = try TrainingCheckpoint(encoded: $0, context: context) }),
            (keys, 0, { _ = try BootstrappingKeyFile.read(MemorySource($0), context: context) }),
        ]
        for (index, (bytes, section, read)) in cases.enumerated() {
            try read(bytes)
            for cut in [0, 10, 100, bytes.count / 2, bytes.count - 1] {
                #expect(throws: (any Error).self, "case \(index), \(cut) bytes") { try read(Array(bytes.prefix(cut))) }
            }
            let parts = try ContainerParts(decoding: bytes)
            Fuzzing.run(section: section, of: parts, seed: UInt64(index), oneOf: 100) { try? read($0) }
            for section in parts.sections.indices {
                var forged = parts
                forged.sections.remove(at: section)
                try? read(forged.sealed)
                forged = parts
                forged.sections[section].bytes.removeLast()
                #expect(throws: (any Error).self) { try read(forged.sealed) }
            }
        }
        let other = CKKSContext(
            try CKKSParameters(.init(logDegree: 12, depth: 2, security: .insecureForTestsOnly)))
        do {
            _ = try BootstrappingKeyFile.read(MemorySource(keys), context: other)
            Issue.record("nothing was thrown")
        } catch let error as CKKSError {
            #expect(error.code == .parameterMismatch)
        }
        var random = SeededRandom(seed: 25)
        let encoding = try EncodingPlan(schema: bench.schema, maximumRows: 1024, minimumCohort: 1)
        let scaling = try StudyScaling(
            moments: MomentMatrix(of: encoding.encode(bench.table)), plan: encoding, target: "diagnosis=M",
            using: &random)
        Fuzzing.run(valid: [try scaling.encoded], seed: 3, iterations: Fuzzing.iterations(oneOf: 10)) {
            _ = try? StudyScaling(decoding: $0)
        }
    }
}
