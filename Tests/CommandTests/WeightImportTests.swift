import Foundation
import TacitTestSupport
import Testing

/// `tacit import` of HDF5 files, which another process reads with a library that damaged files break.
@Suite struct WeightImportTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    private static let network = tests.appending(path: "PrivateLearningTests/Vectors/mnist-cnn.safetensors").path

    private static func vector(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: tests.appending(path: "WeightFormatsTests/Vectors/\(name)")))
    }

    /// The error of importing these bytes into a network that has other layers.
    private func refusal(_ process: TacitProcess, _ bytes: [UInt8]) throws -> String {
        try process.write(bytes, to: "x.h5")
        let outcome = try process.run([
            "import", "--weights", "x.h5", "--like", Self.network, "--out", "out.safetensors",
        ])
        #expect(outcome.status == 65 && outcome.output == "", "\(outcome)")
        #expect(process.folder.names == ["x.h5"])
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(outcome.errors)")
        return String(lines.last ?? "")
    }

    @Test func filesThatBreakTheLibraryAreRefused() throws {
        let process = try TacitProcess()
        // A whole file is read, and found to have other layers.
        #expect(
            try refusal(process, Self.vector("keras3.weights.h5")).contains(
                "layer 0: got no Keras layer with bias [16]"))
        for name in ["bad_heap.h5", "bad_pointer.h5"] {
            // What the library does to itself depends on its version; that the command survives does not.
            #expect(try refusal(process, Self.vector(name)).contains("x.h5: HDF5: "), "\(name)")
        }
        #expect(try refusal(process, [1, 2, 3]).contains("x.h5: HDF5: want a file in this format"))
        let missing = try process.run([
            "import", "--weights", "no.h5", "--like", Self.network, "--out", "o.safetensors",
        ])
        #expect(missing.status == 65 && missing.errors.contains("no.h5"), "\(missing)")
    }

    @Test func mutatedFilesAreRefused() throws {
        let process = try TacitProcess()
        let whole = try Self.vector("keras2-style.h5")
        var random = TestGenerator(seed: 12)
        let isLong = ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] != nil
        for _ in 0..<(isLong ? 2000 : 20) {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                if Bool.random(using: &random) {
                    bytes[index] = UInt8.random(in: 0...255, using: &random)
                } else {
                    for place in index..<min(index + 8, bytes.count) { bytes[place] = 255 }
                }
            }
            // Damaged, or whole still and of another network.
            _ = try refusal(process, bytes)
        }
    }
}
