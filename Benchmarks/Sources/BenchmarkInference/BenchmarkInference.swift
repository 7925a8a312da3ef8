import CKKS
import Datasets
import Foundation
import NeuralNetworks
import Parallelism
import PrivateLearning
import Randomness

/// Encrypted predictions of a convolutional network on MNIST, one picture at a time on one core: processor time, bytes, and
/// how right.
///
///     BenchmarkInference MODEL.safetensors DATA-FOLDER [pictures] [threads]
///
/// Without the model file a network with polynomial activations is trained first and written there. Prints one line of JSON.
@main
struct BenchmarkInference {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3 else {
            print("usage: BenchmarkInference MODEL.safetensors DATA-FOLDER [pictures] [threads]")
            exit(64)
        }
        let images = arguments.count > 3 ? Int(arguments[3]) ?? 20 : 20
        let (training, test) = try MNIST.load(from: DatasetStore(dataDirectory: arguments[2]))
        if !FileManager.default.fileExists(atPath: arguments[1]) { try train(training, to: arguments[1]) }
        Cores.limit(to: arguments.count > 4 ? Int(arguments[4]) ?? 1 : 1)
        try measure(EncryptedInference(path: arguments[1]), test, images)
    }

    /// As `tacit train --plain --data mnist --model cnn --activation polynomial --held-out 0`. Looks at no test image.
    static func train(_ training: LabelledImages, to path: String) throws {
        let task = NetworkTask.mnist
        let usual = PlainTrainingDefaults(.cnn, images: true)
        let network = try Network<Float>(
            StandardNetwork.cnn.encryptedLayers(for: task), input: task.inputShape, seed: 1)
        let examples = try task.examples(training)
        var run = try PlainNetworkRun(
            network, examples, loss: task.loss, parameters: usual.parameters(rows: examples.count, seed: 1),
            heldOut: nil)
        try run.run(
            epochs: usual.epochs,
            onEpoch: {
                FileHandle.standardError.write(Data("epoch \($0.number): loss \($0.loss)\n".utf8))
            })
        let bounds = try ActivationBounds(measuring: PolynomialNetwork(network), on: examples.features)
        try NetworkModel(network: network, task: task, guarantee: nil).file(bounds: bounds).write(to: path)
    }

    struct Result: Encodable {
        var benchmark = "encrypted-inference"
        var pictures: Int
        var threads: Int
        var parameters: String
        var securityBits: Int?
        var encryptMilliseconds: Double
        var evaluateMilliseconds: Double
        var decryptMilliseconds: Double
        var prepareSeconds: Double
        var uploadBytes: Int
        var downloadBytes: Int
        var keyBytes: Int
        var plainAccuracy: Double
        /// With normal noise of the stated deviation in every score, which is far more than encryption makes.
        var accuracyWithStatedNoise: Double
        /// The greatest magnitudes on the test images in units of the bounds that parameters were chosen for.
        var reachOfBounds: [Double]
        var encryptedCorrect: Int
        var encryptedAgrees: Int
        var largestError: Double
        var statedError: Double
        var scoreBound: Double
    }

    static func measure(_ inference: EncryptedInference, _ test: LabelledImages, _ count: Int) throws {
        let plan = try inference.plan()
        for line in plan.explanation { FileHandle.standardError.write(Data((line + "\n").utf8)) }
        let description = inference.description(plan)
        let features = try inference.task.features(test)
        let width = features.count / test.count
        let plain = inference.circuit.network.scores(ofRows: features)
        func label(_ scores: [Double]) -> Int { scores.indices.max { scores[$0] < scores[$1] }! }
        let accuracy = Double(zip(plain, test.labels).count { label($0) == $1 }) / Double(test.count)

        let deviation = description.errorBound / CKKSCiphertext.boundFactor
        var noise = Noise()
        let noisy = plain.map { $0.map { $0 + deviation * noise.next() } }
        let noisyAccuracy = Double(zip(noisy, test.labels).count { label($0) == $1 }) / Double(test.count)
        let reached = try ActivationBounds(measuring: inference.circuit.network, on: features, margin: 1)
        let reach = zip(reached.magnitudes, inference.circuit.bounds.magnitudes).map { $0 / $1 }

        let secret = CKKSSecretKey(try description.context())
        var random = SystemRandom()
        let keys = try CKKSEvaluationKeys(secret, for: description.keys, using: &random)
        let clock = ProcessorClock()
        let prepared = try clock.measure { try inference.circuit.prepare(secret.context) }
        var times = (encrypt: [Double](), evaluate: [Double](), decrypt: [Double]())
        var (correct, agrees, largest, stated) = (0, 0, 0.0, 0.0)
        for picture in 0..<count {
            var inputs: EncryptedInputs!
            var scores: EncryptedNetworkScores!
            var opened: [EncryptedNetworkScores.Prediction]!
            let input = Array(features[picture * width..<(picture + 1) * width])
            times.encrypt.append(
                try clock.measure {
                    inputs = try EncryptedInputs.encrypt(
                        input, by: description, with: CKKSEncryptor(secret), using: &random)
                })
            times.evaluate.append(try clock.measure { scores = try inference.scores(of: inputs, keys: keys) })
            times.decrypt.append(try clock.measure { opened = try scores.open(secret) })
            if opened[0].label == test.labels[picture] { correct += 1 }
            if opened[0].label == label(plain[picture]) { agrees += 1 }
            for (one, other) in zip(opened[0].scores, plain[picture]) { largest = max(largest, abs(one - other)) }
            stated = scores.errorBound
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] * 1000 }
        let result = Result(
            pictures: count, threads: Cores.count, parameters: "\(plan.parameters)",
            securityBits: plan.securityRow?.level.rawValue, encryptMilliseconds: median(times.encrypt),
            evaluateMilliseconds: median(times.evaluate), decryptMilliseconds: median(times.decrypt),
            prepareSeconds: prepared, uploadBytes: plan.uploadBytes, downloadBytes: plan.downloadBytes,
            keyBytes: plan.keyBytes, plainAccuracy: accuracy,
            accuracyWithStatedNoise: noisyAccuracy, reachOfBounds: reach, encryptedCorrect: correct,
            encryptedAgrees: agrees,
            largestError: largest, statedError: stated, scoreBound: inference.circuit.scoreBound)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        print(String(decoding: try encoder.encode(result), as: UTF8.self))
    }
}

/// Normal numbers for the simulation, the same in every run.
struct Noise {
    private var state: UInt64 = 1

    private mutating func uniform() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (Double(state >> 11) + 0.5) * 0x1p-53
    }

    mutating func next() -> Double { (-2 * log(uniform())).squareRoot() * cos(2 * Double.pi * uniform()) }
}

/// Processor time of this process, which other work on the machine does not change much.
struct ProcessorClock {
    func measure(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let start = now()
        try body()
        return now() - start
    }
}
