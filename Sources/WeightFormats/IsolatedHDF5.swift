import Foundation
import NeuralNetworks

/// HDF5 files read by another process, so that a file that breaks libhdf5 ends that process and not this one.
///
/// Mutated files do break it: about one in 1,500 of ours makes version 1.10 follow a wild pointer or free one twice. The other
/// process limits its own memory and time, takes the file's name, and answers with the arrays as safetensors, which a total
/// reader takes in. It runs with the same rights as this one: what is kept out is breakage, not a file that is made to take
/// that process over.
///
/// The other process is a program that calls ``serve(_:)``; the command `tacit` does when it is called to.
public enum IsolatedHDF5 {
    /// Memory that reading may take beside what the file's size justifies.
    private static let roomBytes = 4 << 30
    private static let processorSeconds = 120
    /// The most that the other process may answer with.
    private static let answerLimit = 4 << 30

    // MARK: The other process

    /// Reads a file within limits and writes its arrays to standard output; what is wrong with it goes to standard error.
    /// - Returns: the exit status for the process to end with: 0, or 65.
    public static func serve(_ path: String) -> Int32 {
        do {
            let bytes = try WeightFile.read(path)
            limit(RLIMIT_AS, to: roomBytes + 64 * bytes.count)
            limit(RLIMIT_CPU, to: processorSeconds)
            limit(RLIMIT_CORE, to: 0)
            limit(RLIMIT_FSIZE, to: 0)
            let answer = try TensorFile(tensors: HDF5File(bytes, name: path).arrays).encoded()
            try FileHandle.standardOutput.write(contentsOf: Data(answer))
            return 0
        } catch {
            try? FileHandle.standardError.write(contentsOf: Data("\(error)".utf8))
            return 65
        }
    }

    #if canImport(Darwin)
        private static func limit(_ resource: Int32, to value: Int) {
            var limits = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
            setrlimit(resource, &limits)
        }
    #else
        private static func limit(_ resource: __rlimit_resource, to value: Int) {
            var limits = rlimit(rlim_cur: rlim_t(value), rlim_max: rlim_t(value))
            setrlimit(__rlimit_resource_t(resource.rawValue), &limits)
        }
    #endif

    // MARK: This process

    /// Keras weights, read by `program` with `arguments` and the file's path after them.
    /// - Throws: ``WeightFormatsError``: `invalidFile` with what the other process says, or how it ended; `inputOutput` when it
    ///   cannot be started.
    public static func weights(
        path: String, program: URL, arguments: [String]
    ) throws(WeightFormatsError) -> KerasWeights {
        let process = Process()
        process.executableURL = program
        process.arguments = arguments + [path]
        var environment = ProcessInfo.processInfo.environment
        environment["SWIFT_BACKTRACE"] = "enable=no"
        process.environment = environment
        process.standardInput = FileHandle.nullDevice
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        do { try process.run() } catch {
            throw WeightFormatsError(
                code: .inputOutput, message: "\(path): the process that reads HDF5 could not be started: \(error)")
        }
        let answer = bytes(of: output, limit: answerLimit, process)
        let said = bytes(of: errors, limit: 1 << 16, process)
        process.waitUntilExit()
        guard process.terminationReason == .exit else {
            throw .file(
                "\(path): HDF5: reading it broke the library (signal \(process.terminationStatus)); the file is damaged, or "
                    + "made to do that")
        }
        guard process.terminationStatus == 0, let answer else {
            let words = String(decoding: said ?? [], as: UTF8.self)
            throw .file(words.hasPrefix(path) ? words : "\(path): HDF5: cannot be read")
        }
        let arrays: [String: Tensor<Float>]
        do throws(NeuralNetworksError) { arrays = try TensorFile(decoding: answer).tensors } catch {
            throw .file("\(path): HDF5: \(error.message)")
        }
        return try KerasWeights(arrays: arrays, name: path)
    }

    /// nil when there are more than the limit; the process is ended then.
    private static func bytes(of pipe: Pipe, limit: Int, _ process: Process) -> [UInt8]? {
        var bytes: [UInt8] = []
        while true {
            let piece = pipe.fileHandleForReading.availableData
            if piece.isEmpty { return bytes }
            bytes += piece
            if bytes.count > limit {
                process.terminate()
                return nil
            }
        }
    }
}
