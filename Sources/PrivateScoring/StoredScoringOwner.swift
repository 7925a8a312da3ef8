import BinaryCoding
import Foundation
import Randomness

/// An owner whose key and count of answers are kept in files.
///
/// Answers are counted durably before their first byte is written. So whatever ends the process, no answer exists that is not
/// counted; some may be counted that nobody has. A count set back from a copy is believed: it must not be.
public struct StoredScoringOwner: Sendable {
    public let model: EncryptedTextModel
    private let secret: SecretBytes
    private let countPath: String

    /// - Parameters:
    ///   - secret: what ``ScoringOwner/encodedSecret(_:)`` gave.
    ///   - countPath: a file of ``ScoringCountFile``.
    public init(model: EncryptedTextModel, secret: SecretBytes, countPath: String) {
        self.model = model
        self.secret = secret
        self.countPath = countPath
    }

    /// Writes the answer to a new file.
    ///
    /// - Returns: answers given so far, these included, and how many there may be.
    /// - Throws: ``PrivateScoringError``: `budgetExhausted`; `exists` for a file that is there; `invalidEncoding` for the key or
    ///   count of another model. ``AtomicFilesError``. Only when writing itself fails, as on a full disk, is an answer counted
    ///   that was not given.
    public func answer(
        _ question: ScoringQuestionFile, to path: String, using random: inout some SecureRandom
    ) throws -> (answered: Int, queries: Int) {
        try lockingFolder {
            guard !FileManager.default.fileExists(atPath: path) else {
                throw PrivateScoringError(.exists, "\(path): exists; choose another name or move it away")
            }
            let key = model.model.publicKey.identity
            let before = try ScoringCountFile.read(path: countPath, key: key)
            var owner = try ScoringOwner(model: model.model, encoded: secret, answered: before)
            guard owner.queries == model.queries else {
                throw PrivateScoringError(.invalidEncoding, "secret: is the key of another model")
            }
            let answers = try owner.answer(question.questions, using: &random)
            // Created first: a folder that cannot be written costs no answer.
            let file = try ScoringAnswerFile(answers, to: question).begin(model, path)
            try ScoringCountFile.write(owner.answered, key: key, to: countPath)
            try file.finish()
            return (owner.answered, owner.queries)
        }
    }

    /// While no other process counts: two answers at once must not count as one.
    private func lockingFolder<Value>(_ body: () throws -> Value) throws -> Value {
        let path = URL(fileURLWithPath: countPath).deletingLastPathComponent().path
        let folder = open(path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else {
            throw PrivateScoringError(.cannotLock, "\(path): cannot open: \(String(cString: strerror(errno)))")
        }
        defer { close(folder) }
        while flock(folder, LOCK_EX) != 0 {
            guard errno == EINTR else {
                throw PrivateScoringError(.cannotLock, "\(path): cannot lock: \(String(cString: strerror(errno)))")
            }
        }
        return try body()
    }
}
