import ArgumentParser
import AtomicFiles
import Foundation
import NeuralNetworks
import PrivateLearning
import WeightFormats

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a network for other software.",
        discussion: """
            By the ending of --out:
              .onnx          an ONNX model (opset 13, images channels first), which others can run
              .npz           arrays for numpy.load
              .safetensors   weights alone
            The last two have the names and layout of PyTorch's nn.Sequential with the same layers (0.weight, 0.bias, …): dense \
            [outputs, inputs], convolutions [filters, channels, height, width]. With --own-layout they are as we keep them: \
            dense [inputs, outputs], convolutions [height, width, channels, filters], images channels last.
            """)

    @Option(help: "The network.") var model: String
    @Flag(name: .customLong("own-layout"), help: "Our names and layout instead of PyTorch's.") var isOwnLayout = false
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable {
        var file: String
        var bytes: Int
    }

    func run() throws {
        common.apply()
        let file = try TensorFile(path: model)
        let network = try NetworkFile.network(file, model)
        let bytes: [UInt8]
        let tensors = try isOwnLayout ? file.tensors : network.pyTorchTensors()
        switch URL(fileURLWithPath: out).pathExtension {
        case "onnx": bytes = try ONNXModel.encoded(network, producerVersion: TacitCommand.version)
        case "npz": bytes = try NumPyArchive(tensors: tensors).encoded()
        case "safetensors": bytes = try TensorFile(tensors: tensors).encoded()
        default: throw CommandFailure(.usage, "--out: got \(out), want a name that ends in .onnx, .npz or .safetensors")
        }
        try writeAtomically(bytes, to: out)
        try Console.result(Made(file: out, bytes: bytes.count), json: common.json, "\(out): \(bytes.count) bytes")
    }
}

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Make a network of weights from other software.",
        discussion: """
            The weights (.safetensors or .npz in PyTorch's layout, or in ours with --own-layout; .h5 of Keras) are put into \
            the layers of --like, a network of ours with the same layers, or into those of --layers with what --like \
            says of inputs and target. --layers is a JSON list as it stands in the metadata of every network file, such as
              [{"convolution":{"bias":true,"filters":16,"groups":1,"padding":2,"stride":2,"window":5}},
               {"activation":{"_0":{"relu":{}}}},{"flatten":{}},{"dense":{"bias":true,"outputs":10}}]
            HDF5 files are read with a large C library, in a process of its own: a damaged file breaks that one only. It is no \
            sandbox: take them only from where you would run programs from.
            """)

    @Option(help: "The file with the weights.") var weights: String
    @Option(help: "A network of ours that says what inputs and target are, and the layers.") var like: String
    @Option(help: "A JSON file with the layers, where they are not those of --like.") var layers: String?
    @Flag(name: .customLong("own-layout"), help: "The weights have our names and layout instead of PyTorch's.")
    var isOwnLayout = false
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    private struct Made: Encodable {
        var file: String
        var parameters: Int
    }

    func run() throws {
        common.apply()
        let known = try NetworkFile.model(like)
        var descriptions = known.network.layers
        if let layers { descriptions = try NetworkFile.layers(layers) }
        let network = try Network<Float>(descriptions, input: known.network.inputShape)
        try WeightFile.load(weights, into: network, isPyTorch: !isOwnLayout) { path throws(WeightFormatsError) in
            try IsolatedHDF5.weights(
                path: path, program: ChildProcess.executable, arguments: [ReadHDF5Command._commandName])
        }
        try NetworkModel(network: network, task: known.task, guarantee: nil).file.write(to: out)
        try Console.result(
            Made(file: out, parameters: network.parameterCount), json: common.json,
            "\(out): network of \(network.parameterCount) parameters")
    }
}

/// What `tacit import` calls as another process.
struct ReadHDF5Command: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read-hdf5", abstract: "Write the arrays of an HDF5 file to standard output as safetensors.",
        shouldDisplay: false)

    @Argument(help: "The file.") var file: String

    func run() throws { Foundation.exit(IsolatedHDF5.serve(file)) }
}
