import AtomicFiles
import Foundation
import PrivateLearning

/// The key owner's answer to a checkpoint: a small JSON file without anything of the model or the rows.
struct StoppingAnswer: Codable {
    var iteration: Int
    var decision: EarlyStopping.Decision

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try writeAtomically(Array(encoder.encode(self)), to: path)
    }

    /// Waits until the file answers for that iteration or a later one. The process may be interrupted meanwhile: the
    /// checkpoint is there, and the same command goes on from it.
    static func wait(_ path: String, iteration: Int, checkpoint: String) -> EarlyStopping.Decision {
        Console.log(
            "iteration \(iteration): \(checkpoint) is ready; waiting for the key owner's answer in \(path) (`tacit validate "
                + "\(checkpoint) --key … --data … --answer \(path)`)")
        while true {
            if let bytes = try? readFile(path, limit: 1 << 16),
                let answer = try? JSONDecoder().decode(StoppingAnswer.self, from: Data(bytes)),
                answer.iteration >= iteration
            {
                return answer.decision
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }
}
