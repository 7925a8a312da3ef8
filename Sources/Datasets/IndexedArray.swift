/// The idx format of the MNIST files: two zero bytes, the type, the number of extents, the extents as 32-bit big-endian
/// numbers, then the values. Only unsigned bytes (type 8) are read.
/// - Reference: LeCun, Cortes, Burges, the MNIST page, "file formats".
public struct IndexedArray: Hashable, Sendable {
    public let shape: [Int]
    /// Row-major.
    public let values: [UInt8]

    /// - Throws: ``DatasetsError`` with code `invalidData` for a wrong type, a wrong length or trailing bytes.
    public init(decoding bytes: [UInt8], name: String) throws(DatasetsError) {
        func invalid(_ message: String) -> DatasetsError { DatasetsError(.invalidData, "\(name): idx: \(message)") }
        guard bytes.count >= 4 else { throw invalid("got \(bytes.count) bytes, want at least 4") }
        guard bytes[0] == 0, bytes[1] == 0, bytes[2] == 8 else {
            throw invalid(
                "magic: got \(bytes[0]), \(bytes[1]), \(bytes[2]), want 0, 0, 8 (unsigned bytes)")
        }
        let rank = Int(bytes[3])
        guard (1...4).contains(rank), bytes.count >= 4 + 4 * rank else {
            throw invalid("got \(rank) extents in \(bytes.count) bytes, want 1 to 4")
        }
        var shape: [Int] = []
        var count = 1
        for index in 0..<rank {
            let extent = bytes[4 + 4 * index..<8 + 4 * index].reduce(0) { $0 << 8 | Int($1) }
            let (product, overflow) = count.multipliedReportingOverflow(by: extent)
            guard !overflow, product <= bytes.count else {
                throw invalid("extents: got \(shape + [extent]), more than the file's \(bytes.count) bytes")
            }
            shape.append(extent)
            count = product
        }
        let start = 4 + 4 * rank
        guard bytes.count - start == count else {
            throw invalid("got \(bytes.count - start) values, want \(count) for \(shape)")
        }
        self.shape = shape
        values = Array(bytes[start...])
    }
}
