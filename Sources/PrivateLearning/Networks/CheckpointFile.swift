import BinaryCoding
import Foundation
import NeuralNetworks

/// How checkpoints of private runs lie on the disk: a trainer's file with a note on the run, and a digest over all of it.
enum CheckpointFile {
    static func write(_ file: TensorFile, to path: String) throws {
        var file = file
        file.metadata["digest"] = Fingerprint(of: try file.encoded()).hexadecimal
        try file.write(to: path)
    }

    /// - Throws: `NeuralNetworksError` when there is no such file; ``PrivateLearningError`` with code `invalidFile`, naming
    ///   the file, when it is damaged or something else.
    static func read<Note: Decodable>(_: Note.Type, _ path: String) throws -> (file: TensorFile, note: Note) {
        do {
            var file = try TensorFile(path: path)
            guard let digest = file.metadata.removeValue(forKey: "digest"), let text = file.metadata["run"] else {
                throw damaged(path, "is no checkpoint of private training")
            }
            guard Fingerprint(of: try file.encoded()).hexadecimal == digest else {
                throw damaged(path, "its digest does not fit: the checkpoint is damaged")
            }
            guard let note = try? NetworkModel.value(Note.self, "run", text) else {
                throw damaged(path, "is the checkpoint of another kind of run")
            }
            return (file, note)
        } catch let error as NeuralNetworksError where error.code == .invalidFile {
            throw damaged(path, error.message)
        }
    }

    static func damaged(_ path: String, _ reason: String) -> PrivateLearningError {
        PrivateLearningError(
            code: .invalidFile,
            message:
                "\(path): \(reason); the run cannot go on from it. Remove it to begin a new run, which is charged anew"
        )
    }
}
