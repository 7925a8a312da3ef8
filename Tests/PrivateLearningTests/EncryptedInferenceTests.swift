import CKKS
import Datasets
import Foundation
import NeuralNetworks
import PrivateLearning
import Randomness
import TacitTestSupport
import Testing

/// Networks on ciphertexts: the compiler against the networks themselves, then the ciphertexts against the compiler.
@Suite struct EncryptedInferenceTests {
    static let square = LayerDescription.activation(.polynomial([0.1, 0.5, 0.25]))

    /// Every layer that ciphertexts can run, in the ways in which they can follow each other.
    static let networks: [(name: String, input: [Int], layers: [LayerDescription])] = [
        (
            "perceptron", [7],
            .multilayerPerceptron(hidden: [12, 5], outputs: 3, activation: .polynomial([0, 0.5, 0.2]))
        ),
        ("no activation", [4], [.dense(outputs: 3), .dense(outputs: 2, bias: false)]),
        ("odd degrees", [6], [.dense(outputs: 5), .activation(.polynomial([0.2, 0.7, 0, -0.1])), .dense(outputs: 2)]),
        (
            "degrees 1, 2 and 5", [5],
            [
                .activation(.polynomial([0.3, 2])), .dense(outputs: 6), .activation(.polynomial([0.5, 0.25])), square,
                .activation(.polynomial([0, 0.4, 0, -0.02, 0, 0.001])), .dense(outputs: 2),
            ]
        ),
        (
            "strides", [12, 12, 1],
            [
                .convolution(filters: 3, window: 5, stride: 2, padding: 2), square,
                .convolution(filters: 4, window: 3, stride: 2, padding: 1), square, .flatten, .dense(outputs: 3),
            ]
        ),
        (
            "stride 3, groups, no bias", [11, 9, 2],
            [
                .convolution(filters: 4, window: 4, stride: 3, padding: 1, groups: 2, bias: false), square,
                .convolution(filters: 3, window: 2), .flatten, square, .dense(outputs: 2),
            ]
        ),
        (
            "pooling, normalisation, dropout", [10, 10, 1],
            [
                .convolution(filters: 4, window: 3, padding: 1), .batchNormalization, square,
                .averagePooling(window: 3, stride: 2, padding: 1), .depthwiseConvolution(window: 3, padding: 1),
                .dropout(rate: 0.5), square, .globalAveragePooling, .flatten, .dense(outputs: 3),
            ]
        ),
        ("ends in a square", [6], [.dense(outputs: 4), square]),
        ("dense on sequences", [3, 4], [.dense(outputs: 5), square, .flatten, .dense(outputs: 2)]),
    ]

    /// The network with random weights and, where it has them, random running averages.
    static func network(_ index: Int) throws -> Network<Float> {
        let entry = networks[index]
        let network = try Network<Float>(entry.layers, input: entry.input, seed: 3)
        var generator = TestGenerator(seed: 5)
        var tensors: [String: Tensor<Float>] = [:]
        for parameter in network.parameters { tensors[parameter.name] = parameter.tensor }
        for statistic in network.statistics {
            tensors[statistic.name] = Tensor(
                shape: statistic.shape,
                values: (0..<statistic.count).map { _ in Float.random(in: 0.5...2, using: &generator) })
        }
        try network.load(tensors)
        return network
    }

    static func rows(_ count: Int, width: Int, seed: UInt64 = 1) -> [Float] {
        var generator = TestGenerator(seed: seed)
        return (0..<count * width).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    static func model(_ network: Network<Float>) throws -> NetworkModel {
        // Pictures with mean ½ and deviation ½ have inputs in ±1.
        let shape = network.inputShape
        let labels = (0..<network.outputWidth).map { "class \($0)" }
        let task = NetworkTask(
            input: .image(height: shape[0], width: shape.dropFirst().reduce(1, *), mean: 0.5, deviation: 0.5),
            target: .classes(name: "kind", labels: labels))
        return try NetworkModel(network: network, task: task, guarantee: nil)
    }

    @Test(arguments: networks.indices)
    func theCompilerComputesWhatTheNetworkDoes(_ index: Int) throws {
        let network = try Self.network(index)
        let rows = Self.rows(20, width: network.inputWidth)
        let expected = network.predict(rows)
        let found = try PolynomialNetwork(network).scores(ofRows: rows).flatMap { $0 }
        try #require(found.count == expected.count)
        for (a, b) in zip(found, expected) { #expect(abs(a - Double(b)) < 1e-4 * max(1, abs(a))) }
    }

    @Test(arguments: networks.indices)
    func boundsHold(_ index: Int) throws {
        let network = try PolynomialNetwork(Self.network(index))
        let proven = ActivationBounds(proving: network, inputs: -1...1)
        let measured = try ActivationBounds(
            measuring: network, on: Self.rows(300, width: network.inputCount, seed: 9), margin: 1)
        for (a, b) in zip(measured.magnitudes, proven.magnitudes) { #expect(a <= b * (1 + 1e-6)) }
        // Of one layer alone the proven bound is reached at a corner.
        let row = network.inputCount
        #expect(measured.measuredRows == 300 && proven.measuredRows == 0 && row > 0)
    }

    @Test func layersThatCiphertextsCannotRunAreRefusedWithWhatToDo() throws {
        let cases: [([LayerDescription], [Int], String)] = [
            (
                [.dense(outputs: 2), .relu], [3],
                "layer 1: relu cannot be computed on ciphertexts; put a polynomial in its"
            ),
            (
                [.maximumPooling(window: 2, stride: 2)], [4, 4, 1],
                "layer 0: max pooling cannot be computed on ciphertexts; use"
            ),
            ([.dense(outputs: 4), .layerNormalization], [3], "layer 1: normalisation by the row's own variance"),
            ([.residual([.dense(outputs: 3)])], [3], "layer 0: a residual block cannot"),
            ([.lstm(units: 3)], [2, 3], "layer 0: a recurrent cell cannot"),
            ([.embedding(count: 5, dimension: 2)], [3], "layer 0: an embedding cannot"),
            ([.dense(outputs: 2), .activation(.polynomial([1]))], [3], "layer 1: an activation that is constant"),
        ]
        for (layers, input, message) in cases {
            let network = try Network<Float>(layers, input: input)
            do {
                _ = try PolynomialNetwork(network)
                Issue.record("want a refusal: \(message)")
            } catch {
                #expect(error.message.hasPrefix(message), "\(error.message)")
                #expect(error.code == .invalidParameter)
            }
        }
    }

    /// A ring that is too small for 128 bits and quick.
    private static func run(
        _ inference: EncryptedInference, _ layout: InferenceLayout, rows: [Float], logDegree: Int
    ) throws -> (scores: EncryptedNetworkScores, secret: CKKSSecretKey) {
        let plan: CircuitPlan
        switch layout {
        case .single:
            plan = try inference.circuit.plan(
                errorBound: 0x1p-6, security: .insecureForTestsOnly, logDegrees: logDegree...logDegree)
        case .batched:
            plan = try inference.plan(.batched, insecure: true)
        }
        let description = inference.description(plan, layout)
        var random = SeededRandom(seed: 11)
        let secret = CKKSSecretKey(try description.context(), using: &random)
        let keys = try CKKSEvaluationKeys(secret, for: description.keys, using: &random)
        let inputs = try EncryptedInputs.encrypt(rows, by: description, with: CKKSEncryptor(secret), using: &random)
        return (try inference.scores(of: inputs, keys: keys), secret)
    }

    /// Rings of 1,024 and 8,192 slots: the small one needs several ciphertexts for what the large one puts in one.
    @Test(arguments: networks.indices, [11, 14])
    func encryptedScoresAreThoseOfTheNetwork(_ index: Int, _ logDegree: Int) throws {
        if logDegree == 14, index % 3 != 1 { return }
        let model = try Self.model(Self.network(index))
        let inference = try EncryptedInference(model)
        let rows = Self.rows(2, width: model.network.inputWidth, seed: 4)
        let (scores, secret) = try Self.run(inference, .single, rows: rows, logDegree: logDegree)
        let expected = inference.circuit.network.scores(ofRows: rows)
        let opened = try scores.open(secret)
        try #require(opened.count == 2)
        var largest = 0.0
        for (found, wanted) in zip(opened, expected) {
            for (a, b) in zip(found.scores, wanted) { largest = max(largest, abs(a - b)) }
            #expect(!found.isBeyondBounds)
        }
        #expect(largest <= scores.errorBound)
        #expect(scores.errorBound <= 0x1p-6 * inference.circuit.scoreBound)
    }

    @Test func batchesAreThoseOfTheNetwork() throws {
        for index in [0, 4] {
            let model = try Self.model(Self.network(index))
            let inference = try EncryptedInference(model)
            let rows = Self.rows(3, width: model.network.inputWidth, seed: 6)
            let (scores, secret) = try Self.run(inference, .batched, rows: rows, logDegree: 11)
            let expected = inference.circuit.network.scores(ofRows: rows)
            for (found, wanted) in zip(try scores.open(secret), expected) {
                for (a, b) in zip(found.scores, wanted) { #expect(abs(a - b) <= scores.errorBound) }
            }
        }
    }

    /// More outputs and channels than a small ring has slots.
    @Test func largeLayersTakeSeveralCiphertexts() throws {
        let layers: [LayerDescription] = [
            .convolution(filters: 6, window: 3, stride: 1, padding: 1), Self.square,
            .convolution(filters: 8, window: 3, stride: 2, padding: 1), Self.square, .flatten, .dense(outputs: 1100),
        ]
        let model = try Self.model(Network<Float>(layers, input: [24, 24, 1], seed: 8))
        let inference = try EncryptedInference(model)
        let rows = Self.rows(1, width: 576)
        let (scores, secret) = try Self.run(inference, .single, rows: rows, logDegree: 11)
        let expected = inference.circuit.network.scores(ofRows: rows)[0]
        let found = try scores.open(secret)[0]
        for (a, b) in zip(found.scores, expected) { #expect(abs(a - b) <= scores.errorBound) }
        #expect(found.scores.count == 1100)
    }

    @Test func inputsBeyondTheMeasuredBoundsAreRecognised() throws {
        let network = try Network<Float>(
            [.dense(outputs: 4), Self.square, .dense(outputs: 2)], input: [8, 1, 1], seed: 2)
        let model = try Self.model(network)
        let compiled = try PolynomialNetwork(network)
        // Measured on inputs a hundred times smaller than what comes.
        let small = Self.rows(50, width: 8).map { $0 / 100 }
        let bounds = try ActivationBounds(measuring: compiled, on: small, margin: 1)
        let inference = try EncryptedInference(model, bounds: bounds)
        let (scores, secret) = try Self.run(inference, .single, rows: [Float](repeating: 1, count: 8), logDegree: 11)
        #expect(try scores.open(secret)[0].isBeyondBounds)
        let (usual, key) = try Self.run(inference, .single, rows: Array(small[..<8]), logDegree: 11)
        #expect(try !usual.open(key)[0].isBeyondBounds)
    }

    @Test func whatDoesNotBelongTogetherIsRefused() throws {
        let model = try Self.model(Self.network(0))
        let inference = try EncryptedInference(model)
        let plan = try inference.plan(insecure: true)
        let description = inference.description(plan)
        #expect(try InferenceDescription(decoding: Array(JSONEncoder().encode(description))) == description)
        let secret = CKKSSecretKey(try description.context())
        let inputs = try EncryptedInputs.encrypt(
            Self.rows(1, width: 7), by: description, with: CKKSEncryptor(secret), using: &Self.random)
        let keys = try CKKSEvaluationKeys(secret, for: description.keys, using: &Self.random)

        let other = try EncryptedInference(Self.model(Network<Float>(Self.networks[0].layers, input: [7], seed: 99)))
        #expect(throws: PrivateLearningError.self) { try other.scores(of: inputs, keys: keys) }
        let none = try CKKSEvaluationKeys(secret, for: .init(), using: &Self.random)
        #expect(throws: CKKSError.self) { try inference.scores(of: inputs, keys: none) }
        let stranger = CKKSSecretKey(try description.context())
        #expect(throws: PrivateLearningError.self) {
            try inference.scores(of: inputs, keys: keys).open(stranger)
        }
        for bad in [Float.nan, .infinity, 1.5] {
            var row = Self.rows(1, width: 7)
            row[3] = bad
            let error = #expect(throws: PrivateLearningError.self) {
                try EncryptedInputs.encrypt(row, by: description, with: CKKSEncryptor(secret), using: &Self.random)
            }
            #expect(error?.message.contains("input 0, number 3") == true)
        }
        #expect(throws: PrivateLearningError.self) {
            try EncryptedInputs.encrypt([], by: description, with: CKKSEncryptor(secret), using: &Self.random)
        }
    }

    nonisolated(unsafe) private static var random = SeededRandom(seed: 21)

    @Test func fuzzDamagedFiles() throws {
        let model = try Self.model(Self.network(0))
        let inference = try EncryptedInference(model)
        let plan = try inference.circuit.plan(
            errorBound: 0x1p-6, security: .insecureForTestsOnly, logDegrees: 11...11)
        let description = inference.description(plan)
        let secret = CKKSSecretKey(try description.context())
        var random = SeededRandom(seed: 2)
        let inputs = try EncryptedInputs.encrypt(
            Self.rows(1, width: 7), by: description, with: CKKSEncryptor(secret), using: &random)
        let keys = try CKKSEvaluationKeys(secret, for: description.keys, using: &random)
        let scores = try inference.scores(of: inputs, keys: keys)
        let folder = try TemporaryFolder()
        func bytes(_ name: String, _ write: (String) throws -> Void) throws -> [UInt8] {
            try write(folder.file(name))
            return Array(try Data(contentsOf: URL(fileURLWithPath: folder.file(name))))
        }
        let inputBytes = try bytes("inputs") { try inputs.write(to: $0) }
        let scoreBytes = try bytes("scores") { try scores.write(to: $0) }
        let described = try bytes("circuit") { try description.write(to: $0) }
        // What comes out of a file may be wrong, but neither it nor its use traps.
        func forge(_ bytes: [UInt8], _ body: ([UInt8]) -> Void) throws {
            let parts = try ContainerParts(decoding: bytes)
            Fuzzing.run(section: 1, of: parts, oneOf: 13, body)
            let iterations = min(Fuzzing.iterations(oneOf: 130), 100_000)
            Fuzzing.run(valid: [parts.sections[2].bytes], iterations: iterations) { body(parts.forged(2, $0)) }
            for cut in [0, 50, bytes.count / 2, bytes.count - 1] { body(Array(bytes.prefix(cut))) }
        }
        try forge(inputBytes) { input in
            guard let read = try? EncryptedInputs(encoded: input, context: secret.context) else { return }
            _ = try? inference.scores(of: read, keys: keys)
        }
        try forge(scoreBytes) { input in
            _ = try? EncryptedNetworkScores(encoded: input, context: secret.context).open(secret)
        }
        Fuzzing.run(valid: [described], iterations: Fuzzing.iterations(oneOf: 5)) { input in
            guard let read = try? InferenceDescription(decoding: input) else { return }
            _ = try? read.fingerprint
            guard read.inputCount == 7 else { return }
            _ = try? EncryptedInputs.encrypt(
                Self.rows(1, width: 7), by: read, with: CKKSEncryptor(secret), using: &random)
        }
        #expect(try EncryptedInputs(encoded: inputBytes).meaning == inputs.meaning)
        #expect(try EncryptedNetworkScores(encoded: scoreBytes).meaning == scores.meaning)
    }
}
