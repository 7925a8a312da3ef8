import Foundation

/// The safetensors container: an 8-byte little-endian length, a JSON header, then raw tensor bytes.
///
/// Only 64-bit floating-point tensors are written; reading accepts F64 and F32. Total on untrusted input.
/// - Reference: the format's public description in the safetensors project.
public struct Safetensors: Hashable, Sendable {
    public struct Tensor: Hashable, Sendable {
        public var shape: [Int]
        /// Row-major.
        public var values: [Double]

        public init(shape: [Int], values: [Double]) {
            precondition(shape.reduce(1, *) == values.count, "values: got \(values.count), want \(shape)")
            self.shape = shape
            self.values = values
        }
    }

    public var tensors: [String: Tensor]
    public var metadata: [String: String]

    public init(tensors: [String: Tensor], metadata: [String: String]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    private static let headerLimit = 100_000_000

    public var encoded: [UInt8] {
        get throws {
            var header: [String: Any] = ["__metadata__": metadata]
            var data: [UInt8] = []
            for name in tensors.keys.sorted() {
                let tensor = tensors[name]!
                let start = data.count
                for value in tensor.values {
                    withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
                }
                header[name] = ["dtype": "F64", "shape": tensor.shape, "data_offsets": [start, data.count]]
            }
            var json = Array(try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys]))
            while json.count % 8 != 0 { json.append(UInt8(ascii: " ")) }
            return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json + data
        }
    }

    public init(decoding bytes: [UInt8]) throws(PrivateLearningError) {
        func fail(_ message: String) -> PrivateLearningError {
            PrivateLearningError(code: .invalidFile, message: "safetensors: \(message)")
        }
        guard bytes.count >= 8 else { throw fail("got \(bytes.count) bytes, want at least 8") }
        let length = bytes.prefix(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        guard length <= Self.headerLimit, Int(length) <= bytes.count - 8 else {
            throw fail("header: got a length of \(length) bytes, want at most \(bytes.count - 8)")
        }
        let start = 8 + Int(length)
        guard let object = try? JSONSerialization.jsonObject(with: Data(bytes[8..<start])),
            let header = object as? [String: Any]
        else { throw fail("header: want a JSON object") }
        metadata = [:]
        tensors = [:]
        for (name, value) in header {
            if name == "__metadata__" {
                guard let texts = value as? [String: String] else { throw fail("__metadata__: want texts") }
                metadata = texts
                continue
            }
            guard let entry = value as? [String: Any], let type = entry["dtype"] as? String,
                let shape = entry["shape"] as? [Int], let offsets = entry["data_offsets"] as? [Int], offsets.count == 2
            else { throw fail("\(name): want dtype, shape and data_offsets") }
            guard let width = ["F64": 8, "F32": 4][type] else { throw fail("\(name): got \(type), want F64 or F32") }
            var count = 1
            for extent in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: extent)
                guard extent >= 0, !overflow, product <= bytes.count else {
                    throw fail("\(name): shape \(shape) too large")
                }
                count = product
            }
            guard offsets[0] >= 0, offsets[1] >= offsets[0], offsets[1] <= bytes.count - start,
                offsets[1] - offsets[0] == count * width
            else { throw fail("\(name): data_offsets \(offsets) do not fit shape \(shape) and the file") }
            let base = start + offsets[0]
            let values = (0..<count).map { index -> Double in
                let field = bytes[base + index * width..<base + (index + 1) * width]
                let pattern = field.reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
                return width == 8 ? Double(bitPattern: pattern) : Double(Float(bitPattern: UInt32(pattern)))
            }
            tensors[name] = Tensor(shape: shape, values: values)
        }
    }
}
