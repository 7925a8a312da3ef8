import AtomicFiles
import CZlib
import Datasets
import NeuralNetworks

/// Named arrays in a .npz file: a ZIP archive of .npy files, as `numpy.savez` writes it.
public struct NumPyArchive: Hashable, Sendable {
    public var tensors: [String: Tensor<Float>]

    public init(tensors: [String: Tensor<Float>]) { self.tensors = tensors }

    /// - Throws: ``WeightFormatsError`` with code `invalidFile`. Total.
    public init(decoding bytes: [UInt8], name: String = "npz") throws(WeightFormatsError) {
        tensors = [:]
        do throws(DatasetsError) {
            // No array is larger than what the archive can unpack to.
            let archive = try ZipArchive(
                bytes, name: name, limits: .init(entryCount: 10_000, entrySize: min(1 << 30, bytes.count * 1032)))
            for entry in archive.entries where entry.name.hasSuffix(".npy") {
                let array: Tensor<Float>
                let content = try archive.contents(of: entry)
                do throws(WeightFormatsError) {
                    array = try NumPyArray.decode(content, name: "\(name): \(entry.name)")
                } catch { throw DatasetsError(.invalidData, error.message) }
                tensors[String(entry.name.dropLast(4))] = array
            }
        } catch { throw .file(error.message) }
        guard !tensors.isEmpty else { throw .file("\(name): npz: got no arrays, want at least one") }
    }

    /// Stored without compression; names in the order of their bytes, so that equal archives have equal bytes.
    public func encoded() throws(WeightFormatsError) -> [UInt8] {
        var (bytes, directory): ([UInt8], [UInt8]) = ([], [])
        func append(_ value: Int, _ width: Int, to target: inout [UInt8]) {
            for shift in 0..<width { target.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
        }
        for key in tensors.keys.sorted() {
            let content = NumPyArray.encode(tensors[key]!)
            let name = Array((key + ".npy").utf8)
            guard name.count < 1 << 16, bytes.count + content.count < 1 << 31 else {
                throw WeightFormatsError(
                    code: .unsupported, message: "npz: want names below 64 kB and less than 2 GB of numbers")
            }
            let checksum = Int(content.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) })
            let start = bytes.count
            // Version 2.0, no flags, stored, 1 January 1980.
            var common: [UInt8] = []
            for (value, width) in [
                (20, 2), (0, 2), (0, 2), (0, 2), (0x21, 2), (checksum, 4), (content.count, 4), (content.count, 4),
                (name.count, 2), (0, 2),
            ] { append(value, width, to: &common) }
            append(0x0403_4B50, 4, to: &bytes)
            bytes += common + name + content
            append(0x0201_4B50, 4, to: &directory)
            append(20, 2, to: &directory)
            directory += common
            for (value, width) in [(0, 2), (0, 2), (0, 2), (0, 4), (start, 4)] { append(value, width, to: &directory) }
            directory += name
        }
        let (start, count) = (bytes.count, tensors.count)
        bytes += directory
        append(0x0605_4B50, 4, to: &bytes)
        for (value, width) in [(0, 2), (0, 2), (count, 2), (count, 2), (directory.count, 4), (start, 4), (0, 2)] {
            append(value, width, to: &bytes)
        }
        return bytes
    }

    public init(path: String) throws(WeightFormatsError) {
        try self.init(decoding: WeightFile.read(path), name: path)
    }
}
