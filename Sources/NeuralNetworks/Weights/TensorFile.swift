import AtomicFiles
import Foundation

/// Named tensors with texts beside them, in the safetensors container: an 8-byte little-endian length, a JSON header,
/// then raw numbers.
///
/// Written as F32 or F64, as the type of the numbers is; F32, F64, F16 and BF16 are read and turned into it. Any bytes give a value or an error: offsets
/// must lie one after the other without gap or overlap and end where the file ends, and nothing is allocated that the
/// file's own length does not justify.
/// - Reference: the format's public description in the safetensors project.
public struct TensorContainer<Scalar: NetworkScalar>: Hashable, Sendable {
    public typealias Tensor = NeuralNetworks.Tensor<Scalar>

    public var tensors: [String: Tensor]
    public var metadata: [String: String]

    public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    /// Names in the order of their bytes, so that equal files have equal bytes.
    public func encoded() throws(NeuralNetworksError) -> [UInt8] {
        var header: [String: Any] = ["__metadata__": metadata]
        var size = 0
        let names = tensors.keys.sorted()
        let isDouble = Scalar.self == Double.self
        let width = isDouble ? 8 : 4
        for name in names {
            let tensor = tensors[name]!
            let end = size + width * tensor.values.count
            header[name] = ["dtype": isDouble ? "F64" : "F32", "shape": tensor.shape, "data_offsets": [size, end]]
            size = end
        }
        guard let json = try? JSONSerialization.data(withJSONObject: header, options: [.sortedKeys]) else {
            throw .file("safetensors: the header cannot be written as JSON")
        }
        let length = (json.count + 7) / 8 * 8
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + length + size)
        withUnsafeBytes(of: UInt64(length).littleEndian) { bytes.append(contentsOf: $0) }
        bytes += json
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: length - json.count)
        for name in names {
            for value in tensors[name]!.values {
                if isDouble {
                    withUnsafeBytes(of: Double(value).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
                } else {
                    withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
                }
            }
        }
        return bytes
    }

    /// - Throws: ``NeuralNetworksError`` with code `invalidFile`.
    public init(decoding bytes: [UInt8]) throws(NeuralNetworksError) {
        func fail(_ message: String) -> NeuralNetworksError { .file("safetensors: \(message)") }
        guard bytes.count >= 8 else { throw fail("got \(bytes.count) bytes, want at least 8") }
        let length = bytes.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(min(bytes.count - 8, 100_000_000)) else {
            throw fail("header: got a length of \(length) bytes, want at most \(bytes.count - 8)")
        }
        let start = 8 + Int(length)
        guard let object = try? JSONSerialization.jsonObject(with: Data(bytes[8..<start])),
            let header = object as? [String: Any]
        else { throw fail("header: want a JSON object") }
        metadata = [:]
        tensors = [:]
        var spans: [Range<Int>] = []
        for (name, value) in header {
            if name == "__metadata__" {
                guard let texts = value as? [String: String] else { throw fail("__metadata__: want texts") }
                metadata = texts
                continue
            }
            guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int], offsets.count == 2
            else { throw fail("\(name): want dtype, shape and data_offsets") }
            guard let format = TensorNumberFormat(rawValue: type) else {
                throw fail("\(name): got \(type), want F32, F64, F16 or BF16")
            }
            var count = 1
            for extent in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: extent)
                guard extent >= 0, !overflow, product <= bytes.count else {
                    throw fail("\(name): \(shape) is too large")
                }
                count = product
            }
            guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= bytes.count - start,
                offsets[1] - offsets[0] == count * format.width
            else { throw fail("\(name): offsets \(offsets) do not fit \(shape) of \(type)") }
            let span = start + offsets[0]..<start + offsets[1]
            if !span.isEmpty { spans.append(span) }
            tensors[name] = Tensor(shape: shape, values: format.numbers(bytes[span]))
        }
        spans.sort { $0.lowerBound < $1.lowerBound }
        var end = start
        for span in spans {
            guard span.lowerBound == end else { throw fail("tensors overlap or leave a gap at byte \(end)") }
            end = span.upperBound
        }
        guard end == bytes.count else { throw fail("\(bytes.count - end) bytes are left over") }
    }

    /// - Throws: ``NeuralNetworksError`` with code `inputOutput` or `invalidFile`.
    public init(path: String) throws(NeuralNetworksError) {
        let bytes: [UInt8]
        do throws(AtomicFilesError) { bytes = try readFile(path, limit: 1 << 32) } catch {
            throw NeuralNetworksError(code: .inputOutput, message: error.message)
        }
        try self.init(decoding: bytes)
    }

    /// Writes beside, flushes, renames: after a crash there is the old file or the whole new one.
    public func write(to path: String) throws(NeuralNetworksError) {
        let bytes = try encoded()
        do throws(AtomicFilesError) { try writeAtomically(bytes, to: path) } catch {
            throw NeuralNetworksError(code: .inputOutput, message: error.message)
        }
    }
}

/// How numbers are stored in the container.
package enum TensorNumberFormat: String {
    case f32 = "F32"
    case f64 = "F64"
    case f16 = "F16"
    case bf16 = "BF16"

    var width: Int {
        switch self {
        case .f64: 8
        case .f32: 4
        case .f16, .bf16: 2
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func numbers<Scalar: NetworkScalar>(_ bytes: ArraySlice<UInt8>) -> [Scalar] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / width).map { index in
                switch self {
                case .f32:
                    Scalar(
                        Float(
                            bitPattern: UInt32(
                                littleEndian: raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))))
                case .f64:
                    Scalar(
                        Double(
                            bitPattern: UInt64(
                                littleEndian: raw.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))))
                case .bf16:
                    Scalar(
                        Float(
                            bitPattern: UInt32(
                                UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self)))
                                << 16))
                case .f16:
                    Scalar(
                        Self.half(
                            UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))))
                }
            }
        }
    }

    /// IEEE half precision; the type `Float16` is not there on every platform.
    package static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits >> 15 == 1 ? -1 : 1
        let exponent = Int(bits >> 10 & 31)
        let fraction = Float(bits & 1023)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign * (1 + fraction * 0x1p-10) * Float(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }
}

/// The container as networks use it.
public typealias TensorFile = TensorContainer<Float>
