import CHDF5
import NeuralNetworks
import Synchronization

/// The floating-point arrays in an HDF5 file, by their paths, read with libhdf5.
///
/// libhdf5 is a large C library that damaged files break: read files only from where you would run programs from, or in
/// another process (``IsolatedHDF5``). What it gives back is checked here, and no memory is taken that the file's size does
/// not justify.
struct HDF5File {
    let arrays: [String: Tensor<Float>]

    /// Groups within groups, objects in all.
    private static let (depthLimit, objectLimit) = (16, 100_000)
    /// The library keeps state that threads must not share.
    private static let lock = Mutex(())

    /// - Throws: ``WeightFormatsError`` with code `invalidFile`.
    init(_ bytes: [UInt8], name: String) throws(WeightFormatsError) {
        let result: Result<[String: Tensor<Float>], WeightFormatsError> = Self.lock.withLock { _ in
            do throws(WeightFormatsError) { return .success(try Self.read(bytes, name)) } catch {
                return .failure(error)
            }
        }
        arrays = try result.get()
    }

    private static func read(_ bytes: [UInt8], _ name: String) throws(WeightFormatsError) -> [String: Tensor<Float>] {
        func invalid(_ message: String) -> WeightFormatsError { .file("\(name): HDF5: \(message)") }
        guard bytes.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) else {
            throw invalid("want a file in this format")
        }
        guard H5open() >= 0 else { throw invalid("the library could not be started") }
        // Errors come back as results; nothing is printed.
        H5Eset_auto2(0, nil, nil)
        let access = H5Pcreate(tacit_hdf5_file_access())
        defer { H5Pclose(access) }
        var copy = bytes
        let file = copy.withUnsafeMutableBytes { raw -> hid_t in
            guard H5Pset_fapl_core(access, 1 << 16, false) >= 0,
                H5Pset_file_image(access, raw.baseAddress, raw.count) >= 0
            else { return -1 }
            return H5Fopen("memory", 0, access)
        }
        guard file >= 0 else { throw invalid("is damaged, or in a version that this library does not read") }
        defer { H5Fclose(file) }
        var reader = Reader(fileSize: bytes.count, name: name)
        try reader.visit(file, path: "", depth: 0)
        return reader.arrays
    }

    private struct Reader {
        let fileSize: Int
        let name: String
        var arrays: [String: Tensor<Float>] = [:]
        var objects = 0
        var numbers = 0

        init(fileSize: Int, name: String) {
            self.fileSize = fileSize
            self.name = name
        }

        func invalid(_ message: String) -> WeightFormatsError { .file("\(name): HDF5: \(message)") }

        mutating func visit(_ group: hid_t, path: String, depth: Int) throws(WeightFormatsError) {
            guard depth < HDF5File.depthLimit else { throw invalid("groups lie more than \(depth) deep") }
            var info = H5G_info_t()
            guard H5Gget_info(group, &info) >= 0 else { throw invalid("\(path): a group is damaged") }
            for index in 0..<min(info.nlinks, 1 << 32) {
                objects += 1
                guard objects <= HDF5File.objectLimit else { throw invalid("got more than \(objects - 1) objects") }
                let length = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, nil, 0, 0)
                guard length > 0, length < 4096 else { throw invalid("\(path): a name is damaged") }
                var text = [CChar](repeating: 0, count: length + 1)
                guard
                    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, &text, length + 1, 0) >= 0
                else { throw invalid("\(path): a name is damaged") }
                let own = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                let child = path.isEmpty ? own : "\(path)/\(own)"
                let object = H5Oopen(group, text, 0)
                // Links to other files and to nothing are passed over.
                guard object >= 0 else { continue }
                defer { H5Oclose(object) }
                switch H5Iget_type(object) {
                case H5I_GROUP: try visit(object, path: child, depth: depth + 1)
                case H5I_DATASET: if let array = try array(object, child) { arrays[child] = array }
                default: break
                }
            }
        }

        /// nil for what is no floating-point array.
        private mutating func array(_ set: hid_t, _ path: String) throws(WeightFormatsError) -> Tensor<Float>? {
            let type = H5Dget_type(set)
            defer { H5Tclose(type) }
            guard H5Tget_class(type) == H5T_FLOAT else { return nil }
            let space = H5Dget_space(set)
            defer { H5Sclose(space) }
            let rank = Int(H5Sget_simple_extent_ndims(space))
            guard (0...8).contains(rank) else { throw invalid("\(path): got \(rank) extents, want at most 8") }
            var extents = [hsize_t](repeating: 0, count: max(1, rank))
            guard H5Sget_simple_extent_dims(space, &extents, nil) >= 0 else { throw invalid("\(path): is damaged") }
            var count = 1
            for extent in extents.prefix(rank) {
                // Deflate makes at best one byte out of 1032; more than that is not in the file.
                let (product, overflow) = count.multipliedReportingOverflow(by: Int(clamping: extent))
                guard !overflow, product <= fileSize.multipliedReportingOverflow(by: 1032).partialValue else {
                    throw invalid("\(path): is larger than the file can hold")
                }
                count = product
            }
            numbers += count
            guard numbers <= 1 << 30 else { throw invalid("got more than \(1 << 30) numbers") }
            var values = [Float](repeating: 0, count: count)
            if count > 0 {
                guard H5Dread(set, tacit_hdf5_native_float(), 0, 0, 0, &values) >= 0 else {
                    throw invalid("\(path): its numbers cannot be read")
                }
            }
            return Tensor(shape: extents.prefix(rank).map { Int($0) }, values: values)
        }
    }
}
