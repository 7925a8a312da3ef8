import CKKS
import Datasets
import Foundation
import NeuralNetworks
import PrivateLearning
import Randomness
import TacitTestSupport
import Testing

/// The convolutional network for MNIST at 128 bits. Vectors/mnist-cnn.safetensors was trained by `tacit train --plain --data
/// mnist --model cnn --activation polynomial --held-out 0`: 20 passes over the 60,000 training images, seed 1.
@Suite struct EncryptedMNISTTests {
    static let dataDirectory = RealData.path("mnist/t10k-images-idx3-ubyte.gz") == nil ? nil : RealData.directory

    static func inference() throws -> EncryptedInference {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return try EncryptedInference(path: folder.appending(path: "Vectors/mnist-cnn.safetensors").path)
    }

    /// The plan is within what was promised: 128 bits, at most 0.4 MB both ways together.
    @Test func theCircuitFitsASmallRing() throws {
        let plan = try Self.inference().plan()
        #expect(plan.securityRow?.level.rawValue ?? 0 >= 128)
        #expect(plan.parameters.logDegree == 13 && plan.depth == 5)
        #expect(plan.uploadBytes + plan.downloadBytes < 400_000)
    }

    @Test(
        .enabled(if: dataDirectory != nil, "SKIPPED: MNIST is not there"),
        arguments: [
            ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] == nil ? 6 : 250
        ])
    func encryptedScoresAreThoseOfTheSameWeights(_ count: Int) throws {
        let inference = try Self.inference()
        let description = inference.description(try inference.plan())
        let test = try MNIST.load(from: DatasetStore(dataDirectory: Self.dataDirectory)).test
        let features = try inference.task.features(test)
        var random = SeededRandom(seed: 31)
        let secret = CKKSSecretKey(try description.context(), using: &random)
        let keys = try CKKSEvaluationKeys(secret, for: description.keys, using: &random)
        let rows = Array(features[..<(count * 784)])
        let inputs = try EncryptedInputs.encrypt(rows, by: description, with: CKKSEncryptor(secret), using: &random)
        let scores = try inference.scores(of: inputs, keys: keys)
        let opened = try scores.open(secret)
        let expected = inference.circuit.network.scores(ofRows: rows)
        try #require(opened.count == count)
        var (agree, largest) = (0, 0.0)
        for (found, wanted) in zip(opened, expected) {
            for (a, b) in zip(found.scores, wanted) { largest = max(largest, abs(a - b)) }
            if found.label == wanted.indices.max(by: { wanted[$0] < wanted[$1] }) { agree += 1 }
            #expect(!found.isBeyondBounds)
        }
        #expect(largest <= scores.errorBound)
        #expect(largest < 0.05)
        #expect(agree >= count - 1)
        // A score of the network itself differs from the compiled one by single precision only.
        let model = try NetworkModel(
            TensorFile(
                path: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                    .appending(path: "Vectors/mnist-cnn.safetensors").path))
        for (a, b) in zip(model.network.predict(rows), expected.joined()) { #expect(abs(Double(a) - b) < 1e-2) }
    }

    /// All 10,000 test images in the clear, and with noise of the stated deviation in every score.
    @Test(
        .enabled(if: dataDirectory != nil, "SKIPPED: MNIST is not there"))
    func accuracyOnAllTestImages() throws {
        let inference = try Self.inference()
        let test = try MNIST.load(from: DatasetStore(dataDirectory: Self.dataDirectory)).test
        let scores = try inference.circuit.network.scores(ofRows: inference.task.features(test))
        let deviation = inference.description(try inference.plan()).errorBound / CKKSCiphertext.boundFactor
        var generator = TestGenerator(seed: 3)
        func normal() -> Double {
            (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0...1, using: &generator) }
        }
        func accuracy(_ all: [[Double]]) -> Double {
            let right = zip(all, test.labels).count { row, label in row.indices.max { row[$0] < row[$1] } == label }
            return Double(right) / Double(test.count)
        }
        let plain = accuracy(scores)
        #expect(plain >= 0.989)
        #expect(abs(accuracy(scores.map { $0.map { $0 + deviation * normal() } }) - plain) <= 0.001)
    }
}
