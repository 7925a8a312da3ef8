import AtomicFiles
import PrivateLearning

/// Models on disk.
enum ModelFile {
    static func read(_ path: String) throws -> LinearModel {
        let bytes = try readFile(path, limit: 1 << 28)
        do throws(PrivateLearningError) {
            return try LinearModel(safetensors: Safetensors(decoding: bytes))
        } catch {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }

    /// A model of any kind that makes predictions for a table.
    static func readAny(_ path: String) throws -> any TableModel {
        let bytes = try readFile(path, limit: 1 << 28)
        do throws(PrivateLearningError) {
            return try TableModels.read(Safetensors(decoding: bytes))
        } catch {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }

    static func write(_ model: LinearModel, to path: String) throws {
        try writeAtomically(model.safetensors.encoded, to: path)
    }
}
