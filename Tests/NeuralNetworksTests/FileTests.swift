import Foundation
import NeuralNetworks
import TacitTestSupport
import Testing

@Suite struct FileTests {
    static let layers: [LayerDescription] = [
        .convolution(filters: 2, window: 2), .batchNormalization, .relu, .flatten, .dense(outputs: 3),
    ]

    @Test func networksSurviveTheirFile() throws {
        let network = try Network<Float>(Self.layers, input: [3, 3, 1], seed: 8)
        let bytes = try network.file.encoded()
        let copy = try Network<Float>(TensorFile(decoding: bytes))
        #expect(copy.parameterVector == network.parameterVector && copy.layers == network.layers)
        let image = (0..<9).map { Float($0) / 9 }
        #expect(copy.predict(image) == network.predict(image))
        #expect(try TensorFile(decoding: bytes).encoded() == bytes)
    }

    @Test func fuzzFiles() throws {
        let network = try Network<Float>(Self.layers, input: [3, 3, 1])
        let valid = try network.file.encoded()
        Fuzzing.run(valid: [valid]) { bytes in
            if let file = try? TensorFile(decoding: bytes) { _ = try? Network<Float>(file) }
        }
    }

    @Test func otherNumberFormatsAreRead() throws {
        func file(_ type: String, _ payload: [UInt8]) -> [UInt8] {
            let header = Array(#"{"x":{"dtype":"\#(type)","shape":[2],"data_offsets":[0,\#(payload.count)]}}"#.utf8)
            return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + payload
        }
        let half = try TensorFile(decoding: file("F16", [0x00, 0x3E, 0x01, 0x80]))
        #expect(half.tensors["x"]?.values == [1.5, -0x1p-24])
        let brain = try TensorFile(decoding: file("BF16", [0xC0, 0x3F, 0x00, 0xC0]))
        #expect(brain.tensors["x"]?.values == [1.5, -2])
        #expect(throws: NeuralNetworksError.self) {
            try TensorFile(decoding: file("I64", [UInt8](repeating: 0, count: 16)))
        }
        #expect(throws: NeuralNetworksError.self) { try TensorFile(decoding: file("F32", [0, 0, 0, 0])) }
    }

    @Test func checkpointsCarryTheAccounting() throws {
        let examples = try PrivateTrainingTests.examples(count: 50)
        func trainer() throws -> PrivateTrainer {
            try PrivateTrainer(
                Network<Float>([.dense(outputs: 3), .tanh, .dense(outputs: 2)], input: [4]), examples,
                loss: .crossEntropy, unitOfRow: nil,
                PrivateTrainingParameters(
                    samplingRate: 0.2, noiseMultiplier: 1, clipping: .fixed(norm: 1), optimizer: .adam(),
                    learningRate: 0.01))
        }
        let first = try trainer()
        for _ in 0..<7 { try first.step() }
        let folder = try TemporaryFolder()
        let path = folder.file("run.safetensors")
        try first.checkpoint.write(to: path)
        let second = try trainer()
        try second.resume(from: TensorFile(path: path))
        #expect(second.releases == first.releases && second.releases.steps == 7)
        #expect(second.network.parameterVector == first.network.parameterVector)
        #expect(try second.checkpoint.encoded() == first.checkpoint.encoded())

        var damaged = try TensorFile(path: path)
        damaged.metadata["units"] = "[51]"
        #expect(throws: NeuralNetworksError.self) { try second.resume(from: damaged) }
        var bytes = try first.checkpoint.encoded()
        bytes.removeLast(3)
        #expect(throws: NeuralNetworksError.self) { try TensorFile(decoding: bytes) }
    }
}
