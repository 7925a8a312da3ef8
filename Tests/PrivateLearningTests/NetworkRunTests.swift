import BinaryCoding
import Datasets
import DifferentialPrivacy
import Foundation
import NeuralNetworks
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// Private training of networks from plan to model: accounting, interruption, damage.
@Suite struct NetworkRunTests {
    /// Remembers what was let through, and can refuse.
    final class Recorder: ReleaseAuthority {
        var calls: [Int] = []
        var most = Int.max
        var authorised: Int
        var isFinished = false
        let runIdentifier: String? = "a run"
        struct Refused: Error {}

        init(authorised: Int = 0) { self.authorised = authorised }

        func advance(through: Int) throws {
            guard through <= most else { throw Refused() }
            calls.append(through)
            authorised = through
        }

        func finish() throws { isFinished = true }
    }

    static func examples(_ count: Int, seed: UInt64 = 2) throws -> Examples<Float> {
        var random = SeededGenerator(seed: seed)
        let features = (0..<count * 3).map { _ in Float(random.next() >> 40) * 0x1p-23 - 1 }
        return try Examples(
            features: features, width: 3, targets: .classes((0..<count).map { features[3 * $0] > 0 ? 1 : 0 }))
    }

    /// Calibration takes a moment; one serves all tests.
    static let plan = Result { try DescentPlan(epsilon: 4, delta: 1e-5, samplingRate: 0.1, steps: 60) }

    static func settings(steps: Int = 60, averaging: Double? = 0.9) throws -> PrivateNetworkSettings {
        PrivateNetworkSettings(
            plan: steps == 60
                ? try plan.get() : try DescentPlan(epsilon: 4, delta: 1e-5, samplingRate: 0.1, steps: steps),
            clipping: .fixed(norm: 1), optimizer: .adam(), learningRate: 0.02, averaging: averaging)
    }

    static func run(
        _ path: String?, settings: PrivateNetworkSettings, examples: Examples<Float>, seed: UInt64 = 1
    ) throws -> PrivateNetworkRun {
        let network = try Network<Float>(
            .multilayerPerceptron(hidden: [5], outputs: 2, activation: .tanh), input: [3], seed: seed)
        let checkpoint = try path.flatMap {
            FileManager.default.fileExists(atPath: $0) ? try PrivateNetworkCheckpoint(path: $0) : nil
        }
        return try PrivateNetworkRun(
            network, examples, loss: .crossEntropy, unitOfRow: nil, settings: settings,
            heldOut: Self.examples(200, seed: 9),
            checkpointPath: path, resuming: checkpoint)
    }

    /// The plan keeps its ε by an accountant that knows nothing of it, and hardly more noise than needed is taken.
    @Test func plansKeepWhatTheyPromise() throws {
        for (epsilon, rate, steps) in [(1.0, 0.05, 300), (3.0, 0.01, 1000), (8.0, 1.0, 10)] {
            let plan = try DescentPlan(epsilon: epsilon, delta: 1e-5, samplingRate: rate, steps: steps)
            var accountant = PrivacyLossAccountant(neighbouring: .addOrRemoveOne)
            try accountant.compose(
                .poissonSampled(rate: rate, event: .gaussian(noiseMultiplier: plan.noiseMultiplier)), count: steps)
            let spent = try accountant.epsilon(delta: 1e-5)
            #expect(spent <= epsilon && spent > 0.995 * epsilon)
            #expect(spent == plan.epsilonOfAllSteps)
            let half = try plan.epsilon(after: steps / 2)
            #expect(half > 0 && half < spent)
            #expect(try plan.epsilon(after: 0) == 0)
        }
    }

    @Test(arguments: [
        (0.0, 1e-5, 0.1, 10), (-1, 1e-5, 0.1, 10), (.nan, 1e-5, 0.1, 10), (.infinity, 1e-5, 0.1, 10), (1, 0, 0.1, 10),
        (1, 1, 0.1, 10), (1, .nan, 0.1, 10), (1, 1e-5, 0, 10), (1, 1e-5, 1.1, 10), (1, 1e-5, 0.1, 0),
    ])
    func plansOutOfRangeAreRefused(_ epsilon: Double, _ delta: Double, _ rate: Double, _ steps: Int) {
        #expect(throws: PrivateLearningError.self) {
            try DescentPlan(epsilon: epsilon, delta: delta, samplingRate: rate, steps: steps)
        }
    }

    @Test func everyStepIsAuthorisedFirstAndTheModelLearns() throws {
        let recorder = Recorder()
        let folder = try TemporaryFolder()
        let run = try Self.run(folder.file("c"), settings: Self.settings(), examples: Self.examples(3000))
        var stepsBefore: [Int] = []
        let outcome = try run.run(authority: recorder, onStep: { stepsBefore.append($0) })
        #expect(outcome == .finished && !recorder.isFinished)
        #expect(stepsBefore == Array(1...60))
        #expect(recorder.calls.last == 60)
        #expect(zip(recorder.calls, recorder.calls.dropFirst()).allSatisfy { $0 < $1 })
        #expect(run.history.count == 6 && run.history.last?.steps == 60)
        #expect(run.history.last?.epsilon == run.settings.plan.epsilonOfAllSteps)
        #expect((run.history.last?.heldOutAccuracy ?? 0) > 0.85)
        run.removeCheckpoint()
        #expect(folder.names.isEmpty)
    }

    /// Stopped and resumed after every portion: the steps carried out, and those charged, are those of one run.
    @Test func interruptedRunsGoOn() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let examples = try Self.examples(500)
        let recorder = Recorder()
        var carriedOut = 0
        var outcomes: [PrivateNetworkRun.Outcome] = []
        while outcomes.last != .finished {
            let run = try Self.run(path, settings: Self.settings(), examples: examples, seed: UInt64(outcomes.count))
            outcomes.append(
                try run.run(authority: recorder, shouldStop: { true }, onStep: { _ in carriedOut += 1 }))
            if outcomes.last == .finished { #expect(run.history.count == 6) }
        }
        #expect(outcomes.count > 1)
        #expect(carriedOut == 60 && recorder.authorised == 60)
    }

    /// The process dies inside a portion: what was paid for stays charged, and no step is carried out twice.
    @Test func crashesNeverUnderCount() throws {
        struct Crash: Error {}
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let examples = try Self.examples(500)
        var random = SeededGenerator(seed: 4)
        var carriedOut = 0
        var charged = 0
        var isDone = false
        while !isDone {
            let recorder = Recorder(authorised: charged)
            // The ledger refuses at some point: the same as an end of the process between checkpoint and ledger.
            recorder.most = charged + Int(random.next() % 25)
            let run = try Self.run(path, settings: Self.settings(), examples: examples)
            do {
                isDone = try run.run(authority: recorder, onStep: { _ in carriedOut += 1 }) == .finished
            } catch is Recorder.Refused {}
            charged = max(recorder.authorised, try PrivateNetworkCheckpoint(path: path).charged)
            #expect(carriedOut <= charged)
        }
        #expect(charged == 60 && carriedOut <= 60)
    }

    @Test func otherSettingsAndDamageAreRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let examples = try Self.examples(100)
        _ = try Self.run(path, settings: Self.settings(), examples: examples)
            .run(authority: NoLedger(), shouldStop: { true })
        #expect(throws: PrivateLearningError.self) {
            try Self.run(path, settings: Self.settings(steps: 61), examples: examples)
        }
        #expect(throws: (any Error).self) {
            try Self.run(path, settings: Self.settings(), examples: Self.examples(101))
        }
        let whole = try Data(contentsOf: URL(fileURLWithPath: path))
        var random = SeededGenerator(seed: 8)
        for index in 0..<400 {
            var bytes = whole
            if index % 4 == 0 {
                bytes = whole.prefix(Int(random.next() % UInt64(whole.count)))
            } else {
                bytes[Int(random.next() % UInt64(whole.count))] ^= UInt8(1 << (random.next() % 8))
            }
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(throws: (any Error).self, "\(index)") { try PrivateNetworkCheckpoint(path: path) }
        }
    }

    /// Gradients that are not finite end the run; nothing is left that could be gone on with.
    @Test func divergenceReleasesNothing() throws {
        let folder = try TemporaryFolder()
        var settings = try Self.settings()
        settings.optimizer = .sgd()
        settings.learningRate = 1e300
        let run = try Self.run(folder.file("c"), settings: settings, examples: Self.examples(300))
        let recorder = Recorder()
        let error = #expect(throws: NeuralNetworksError.self) { try run.run(authority: recorder) }
        #expect(error?.code == .diverged)
        #expect(recorder.isFinished && folder.names.isEmpty)
        // Also when it is the very last step that breaks the weights.
        settings.plan = try DescentPlan(epsilon: 4, delta: 1e-5, samplingRate: 0.1, steps: 1)
        let last = try Self.run(folder.file("c"), settings: settings, examples: Self.examples(300))
        #expect(throws: NeuralNetworksError.self) { try last.run(authority: NoLedger()) }
        #expect(folder.names.isEmpty)
    }

    @Test func orderedPlansAreExactGaussians() throws {
        for passes in [1, 4] {
            let plan = try OrderedPlan(
                epsilon: 2, delta: 1e-6, noise: .banded(.squareRoot(bands: 4)), passes: passes, mostStepsOfPass: 100)
            let deviation = try NoiseCalibration.gaussianDeviation(epsilon: 2, delta: 1e-6, sensitivity: 1)
            #expect(abs(plan.noiseMultiplier - deviation) < 3e-4 * deviation)
            // Seven levels of a tree over 100 steps cost as much as one Gaussian of a seventh of the variance.
            let tree = try OrderedPlan(epsilon: 2, delta: 1e-6, noise: .tree, passes: passes, mostStepsOfPass: 100)
            let want = deviation * Double(7 * passes).squareRoot()
            #expect(abs(tree.noiseMultiplier - want) < 3e-4 * want)
            #expect(try tree.epsilon(after: passes) == tree.epsilonOfAllSteps)
        }
    }

    private static func ordered(_ plan: OrderedPlan) -> OrderedNetworkSettings {
        OrderedNetworkSettings(
            plan: plan, clippingNorm: 1, batchSize: 100, optimizer: .sgd(momentum: 0.9), learningRate: 0.1, seed: 1)
    }

    private static func orderedRun(
        _ path: String, _ settings: OrderedNetworkSettings, rows: Int = 4000, resuming: Bool
    ) throws -> OrderedNetworkRun {
        let network = try Network<Float>(
            .multilayerPerceptron(hidden: [5], outputs: 2, activation: .tanh), input: [3], seed: 1)
        return try OrderedNetworkRun(
            network, examples(rows), loss: .crossEntropy, settings: settings, heldOut: examples(200, seed: 9),
            checkpointPath: path, resuming: resuming ? OrderedNetworkCheckpoint(path: path) : nil)
    }

    /// Stopped and resumed after every portion: every step is made once, the authority is asked once, and damage and other
    /// settings are refused.
    @Test(arguments: [OrderedNoise.tree, .banded(try! .squareRoot(bands: 4))])
    func orderedRunsGoOn(_ noise: OrderedNoise) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let plan = try OrderedPlan(epsilon: 4, delta: 1e-5, noise: noise, passes: 2, mostStepsOfPass: 40)
        let settings = Self.ordered(plan)
        let recorder = Recorder()
        var made: [Int] = []
        var tries = 1
        var run = try Self.orderedRun(path, settings, resuming: false)
        while try run.run(
            authority: recorder, shouldStop: { true }, onStep: { made.append($0) }) == .interrupted
        {
            tries += 1
            run = try Self.orderedRun(path, settings, resuming: true)
            #expect(run.counted == made.last)
        }
        #expect(tries > 1)
        #expect(recorder.calls == [1])
        #expect(made == Array(1...80))
        #expect(run.history.last?.epsilon == plan.epsilonOfAllSteps)
        var other = settings
        other.learningRate = 0.2
        #expect(throws: PrivateLearningError.self) { try Self.orderedRun(path, other, resuming: true) }
        #expect(throws: NeuralNetworksError.self) { try Self.orderedRun(path, settings, rows: 3999, resuming: true) }
        // A checkpoint of the other kind of run.
        #expect(throws: PrivateLearningError.self) { try PrivateNetworkCheckpoint(path: path) }
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count - 3] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: PrivateLearningError.self) { try OrderedNetworkCheckpoint(path: path) }
        #expect(error?.message.contains("is damaged") == true)
        run.removeCheckpoint()
        #expect(folder.names.isEmpty)
    }

    /// A run that dies between counting steps and carrying them out: their rows have had their turn.
    @Test func orderedCrashesNeverUseARowTwice() throws {
        struct Crash: Error {}
        final class Dying: ReleaseAuthority {
            var authorised = 0
            let runIdentifier: String? = nil
            func advance(through: Int) throws {
                authorised = through
                throw Crash()
            }
            func finish() throws {}
        }
        let folder = try TemporaryFolder()
        let path = folder.file("c")
        let plan = try OrderedPlan(epsilon: 4, delta: 1e-5, noise: .tree, passes: 1, mostStepsOfPass: 40)
        let authority = Dying()
        #expect(throws: Crash.self) {
            try Self.orderedRun(path, Self.ordered(plan), resuming: false).run(authority: authority)
        }
        let counted = try OrderedNetworkCheckpoint(path: path).counted
        #expect(counted == 1)
        var made: [Int] = []
        let outcome = try Self.orderedRun(path, Self.ordered(plan), resuming: true)
            .run(authority: authority, onStep: { made.append($0) })
        #expect(outcome == .finished && made == Array(2...40))
    }

    @Test func orderedRunsLearn() throws {
        for noise in [OrderedNoise.tree, .banded(try .squareRoot(bands: 4))] {
            let network = try Network<Float>(
                .multilayerPerceptron(hidden: [5], outputs: 2, activation: .tanh), input: [3], seed: 1)
            let plan = try OrderedPlan(epsilon: 4, delta: 1e-5, noise: noise, passes: 2, mostStepsOfPass: 40)
            let run = try OrderedNetworkRun(
                network, Self.examples(4000), loss: .crossEntropy, settings: Self.ordered(plan),
                heldOut: Self.examples(200, seed: 9), checkpointPath: nil)
            let recorder = Recorder()
            #expect(try run.run(authority: recorder) == .finished)
            #expect(recorder.calls == [1])
            #expect((run.history.last?.heldOutAccuracy ?? 0) > 0.8, "\(noise)")
        }
    }
}

/// Tasks made from schemas, and files of models.
@Suite struct NetworkModelTests {
    static func schema() throws -> Schema {
        try Schema(columns: [
            ColumnSchema("age", .integer, bounds: Bounds(0, 120)),
            ColumnSchema("ward", .category, categories: ["A", "B", "C"]),
            ColumnSchema("dose", .number, bounds: Bounds(-1, 3), decimals: 2, allowsMissing: true),
            ColumnSchema("outcome", .category, role: .target, categories: ["no", "maybe", "yes"]),
        ])
    }

    @Test func tasksFollowTheSchemaAlone() throws {
        let task = try NetworkTask(schema: Self.schema())
        let table = try Table(columns: [
            Column("age", numbers: [0, 60, 120]), Column("ward", categories: ["A", "B", "C"]),
            Column("dose", numbers: [3, .nan, 0]), Column("outcome", categories: ["maybe", "yes", "no"]),
        ])
        let examples = try task.examples(table)
        guard case .classes(let classes) = examples.targets else { throw Missing() }
        #expect(classes == [1, 2, 0])
        let rows = (0..<3).map { Array(examples.features[$0 * examples.width..<($0 + 1) * examples.width]) }
        #expect(rows[0].first == 0 && rows[1].first == 0.5 && rows[2].first == 1)
        #expect(examples.features.allSatisfy { $0 >= 0 && $0 <= 1 })
        #expect(rows[0] != rows[1])
    }

    struct Missing: Error {}

    static func model() throws -> NetworkModel {
        let task = try NetworkTask(schema: schema())
        let network = try Network<Float>([.dense(outputs: 3)], input: task.inputShape, seed: 7)
        return try NetworkModel(
            network: network, task: task,
            guarantee: .init(epsilon: 1, delta: 1e-5, neighbouring: "addOrRemoveOne", unit: "row"))
    }

    @Test func modelsComeBackAsTheyWere() throws {
        let model = try Self.model()
        let back = try NetworkModel(TensorFile(decoding: model.file.encoded()))
        #expect(back.task == model.task && back.guarantee == model.guarantee)
        #expect(back.network.parameterVector == model.network.parameterVector)
        // Whoever knows networks only can read it too.
        #expect(try Network<Float>(model.file).parameterCount == model.network.parameterCount)
    }

    /// Every network by name can be trained both ways; the private ones have a rule in every layer.
    @Test func networksByNameHavePrivateRules() throws {
        let table = try NetworkTask(schema: Self.schema())
        for (network, task) in [
            (StandardNetwork.cnn, NetworkTask.mnist), (.mobileNet, .mnist), (.mlp(hidden: [4]), .mnist),
            (.mlp(hidden: []), table), (.scattering(.linear), .scatteredMNIST), (.scattering(.cnn), .scatteredMNIST),
        ] {
            for isPrivate in [false, true] {
                let built = try Network<Float>(
                    network.layers(for: task, isPrivate: isPrivate), input: task.inputShape, seed: 1)
                let examples = try Examples<Float>(
                    features: [Float](repeating: 0.5, count: built.inputWidth), width: built.inputWidth,
                    targets: .classes([1]))
                guard isPrivate else { continue }
                _ = try PrivateTrainer(
                    built, examples, loss: .crossEntropy, unitOfRow: nil,
                    PrivateTrainingParameters(
                        samplingRate: 1, noiseMultiplier: 1, clipping: .fixed(norm: 1), learningRate: 0.1)
                ).step()
            }
        }
        #expect(throws: PrivateLearningError.self) { try StandardNetwork.cnn.layers(for: table, isPrivate: true) }
    }

    @Test func damagedModelsAreErrors() throws {
        let bytes = try Self.model().file.encoded()
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            var damaged = bytes
            for _ in 0...random.next() % 3 {
                damaged[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            // Returns or throws; never traps.
            _ = try? NetworkModel(TensorFile(decoding: damaged))
        }
        var file = try Self.model().file
        for task in [
            #"{"input":{"image":{"height":9000000000000000000,"width":9,"mean":0,"deviation":1}},"target":{"number":{"name":"x","lower":0,"upper":1}}}"#,
            #"{"input":{"scattering":{"_0":{"height":28,"width":28,"orientations":4000000000000000000,"groups":3}}},"target":{"number":{"name":"x","lower":0,"upper":1}}}"#,
            #"{"input":{"scattering":{"_0":{"height":28,"width":28,"orientations":8,"groups":0}}},"target":{"classes":{"name":"x","labels":["a"]}}}"#,
        ] {
            file.metadata["task"] = task
            let error = #expect(throws: PrivateLearningError.self) { try NetworkModel(file) }
            #expect(error?.code == .invalidFile)
        }
    }
}
