import Foundation
import NeuralNetworks
import TacitTestSupport
import Testing
import WeightFormats

/// Files by Keras 3, NumPy and ONNX Runtime (Vectors/*.json say which versions), and damaged ones.
@Suite struct WeightFormatsTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    private struct Run: Decodable {
        var origin: String
        var input: [Float]
        var output: [Float]
    }

    static let kerasLayers: [LayerDescription] = [
        .convolution(filters: 4, window: 3, stride: 2), .batchNormalization, .relu, .depthwiseConvolution(window: 2),
        .tanh, .averagePooling(window: 2, stride: 1), .flatten, .dense(outputs: 8), .sigmoid, .dense(outputs: 8),
        .dense(outputs: 3, bias: false),
    ]

    static func kerasNetwork(_ layers: [LayerDescription] = kerasLayers) throws -> Network<Float> {
        try Network<Float>(layers, input: [9, 8, 2])
    }

    @Test(arguments: ["keras3.weights.h5", "keras2-style.h5"])
    func kerasWeightsComputeWhatKerasDoes(_ name: String) throws {
        let run = try JSONDecoder().decode(Run.self, from: Data(Self.bytes("keras.json")))
        let network = try Self.kerasNetwork()
        try KerasWeights(decoding: Self.bytes(name), name: name).load(into: network)
        let found = network.predict(run.input)
        try #require(found.count == run.output.count)
        for (a, b) in zip(found, run.output) { #expect(abs(a - b) < 2e-5) }
    }

    @Test func kerasWeightsThatDoNotFitAreRefused() throws {
        let weights = try KerasWeights(decoding: Self.bytes("keras3.weights.h5"))
        #expect(weights.layerNames.contains("dense_2"))
        func refusal(_ layers: [LayerDescription]) throws -> String {
            let network = try Self.kerasNetwork(layers)
            let before = network.parameterVector
            let error = #expect(throws: WeightFormatsError.self) { try weights.load(into: network) }
            #expect(network.parameterVector == before)
            return error?.message ?? ""
        }
        var wide = Self.kerasLayers
        wide[10] = .dense(outputs: 4, bias: false)
        #expect(try refusal(wide).hasPrefix("layer 10: got no Keras layer with weight [8, 4] among dense_2"))
        #expect(
            try refusal(Self.kerasLayers.dropLast()) == "Keras layers dense_2: have no counterpart in the network")
        #expect(try refusal([.flatten, .groupNormalization(groups: 1)]).hasPrefix("layer 1: groupNormalization"))
    }

    @Test func damagedHDF5NamesTheFile() throws {
        let good = try Self.bytes("keras3.weights.h5")
        func message(_ bytes: [UInt8]) -> String {
            do {
                _ = try KerasWeights(decoding: bytes, name: "x.h5")
                return ""
            } catch { return error.message }
        }
        #expect(message([]) == "x.h5: HDF5: want a file in this format")
        #expect(message(Array(good.prefix(500))).hasPrefix("x.h5: HDF5: is damaged"))
        #expect(message(Array("not a file".utf8)) == "x.h5: HDF5: want a file in this format")
    }

    @Test func numpyArchives() throws {
        struct Values: Decodable { var values: [Float] }
        let values = try JSONDecoder().decode(Values.self, from: Data(Self.bytes("arrays.json"))).values
        let archive = try NumPyArchive(decoding: Self.bytes("arrays.npz"))
        for name in ["single", "double", "big", "fortran"] {
            #expect(archive.tensors[name] == Tensor(shape: [3, 4], values: values), "\(name)")
        }
        for (a, b) in zip(archive.tensors["half"]!.values, values) { #expect(abs(a - b) <= 0.001 * max(0.1, abs(b))) }
        #expect(archive.tensors["vector"] == Tensor(shape: [4], values: Array(values[..<4])))
        #expect(archive.tensors["scalar"] == Tensor(shape: [], values: [2.5]))
        // cube[i][j][k] was arange(24).reshape(2, 3, 4)[j][k][i].
        let cube = try #require(archive.tensors["cube"])
        #expect(cube.shape == [4, 2, 3])
        for i in 0..<4 {
            for j in 0..<2 {
                for k in 0..<3 { #expect(cube.values[(i * 2 + j) * 3 + k] == Float((j * 3 + k) * 4 + i)) }
            }
        }
        let packed = try NumPyArchive(decoding: Self.bytes("compressed.npz"))
        #expect(packed.tensors["0.weight"] == Tensor(shape: [3, 4], values: values))
        #expect(packed.tensors["0.bias"] == Tensor(shape: [3], values: [values[0], values[4], values[8]]))
        #expect(try NumPyArchive(decoding: archive.encoded()) == archive)
        let error = #expect(throws: WeightFormatsError.self) {
            try NumPyArchive(decoding: Self.bytes("bad_integers.npz"), name: "bad.npz")
        }
        #expect(error?.message == "bad.npz: x.npy: npy: type: got <i8, want floating-point numbers of 2, 4 or 8 bytes")
    }

    @Test func fuzzingNumPyArchives() throws {
        let valid = try ["arrays.npz", "compressed.npz"].map(Self.bytes)
        Fuzzing.run(valid: valid, iterations: Fuzzing.iterations(oneOf: 2)) { _ = try? NumPyArchive(decoding: $0) }
        // Headers behind checksums that fit: an archive of one array with a changed header.
        let array = Array(try Self.bytes("arrays.npz"))
        let start = try #require(array.indices.first { array[$0...].starts(with: [0x93, 0x4E, 0x55]) })
        let npy = Array(array[start..<start + 200])
        Fuzzing.run(valid: [npy], seed: 3) { _ = try? NumPyArchive(decoding: Self.stored($0)) }
    }

    /// One entry, stored, with its checksum.
    static func stored(_ content: [UInt8]) -> [UInt8] {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in content {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        func little(_ value: UInt32, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: value >> UInt32(8 * $0)) }
        }
        let name = Array("x.npy".utf8)
        let size = little(UInt32(content.count), 4)
        let common = little(20, 2) + little(0, 8) + little(~crc, 4) + size + size + little(5, 2) + little(0, 2)
        let local = little(0x0403_4B50, 4) + common + name + content
        let directory =
            little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 10) + little(0, 4) + name
        return local + directory + little(0x0605_4B50, 4) + little(0, 4) + little(1, 2) + little(1, 2)
            + little(UInt32(directory.count), 4) + little(UInt32(local.count), 4) + little(0, 2)
    }

    /// The file that onnx.checker accepted and ONNX Runtime ran is, byte for byte, what we write.
    @Test func onnxModels() throws {
        let network = try Self.kerasNetwork()
        try KerasWeights(decoding: Self.bytes("keras3.weights.h5")).load(into: network)
        #expect(try ONNXModel.encoded(network, producerVersion: "0.1.0") == Self.bytes("keras.onnx"))
        let run = try JSONDecoder().decode(Run.self, from: Data(Self.bytes("onnx-polynomial.json")))
        let polynomial = try Network<Float>(Self.onnxLayers, input: [10, 10, 2])
        try polynomial.loadPyTorch(NumPyArchive(decoding: Self.bytes("polynomial.npz")).tensors)
        #expect(try ONNXModel.encoded(polynomial, producerVersion: "0.1.0") == Self.bytes("polynomial.onnx"))
        for (a, b) in zip(polynomial.predict(run.input), run.output) { #expect(abs(a - b) < 2e-5) }
    }

    static let onnxLayers: [LayerDescription] = [
        .convolution(filters: 4, window: 3, stride: 1, padding: 1), .activation(.polynomial([0.1, 0.5, 0.25, -0.01])),
        .maximumPooling(window: 2, stride: 2), .dropout(rate: 0.5), .convolution(filters: 6, window: 3, bias: false),
        .relu6, .averagePooling(window: 3, stride: 2, padding: 1), .flatten, .dense(outputs: 5),
    ]

    @Test func layersThatONNXDoesNotGetAreNamed() throws {
        for (layers, input, wanted) in [
            ([LayerDescription.lstm(units: 3)], [4, 2], "layer 0"),
            ([.dense(outputs: 3), .layerNormalization], [4], "layer 1"),
            ([.residual([.dense(outputs: 4)])], [4], "layer 0"),
        ] {
            let error = #expect(throws: WeightFormatsError.self) {
                try ONNXModel.encoded(Network<Float>(layers, input: input))
            }
            #expect(error?.message.hasPrefix(wanted) == true)
        }
    }
}
