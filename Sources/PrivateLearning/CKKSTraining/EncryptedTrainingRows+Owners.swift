import BinaryCoding
import CKKS
import Foundation

// Rows of several owners.
extension EncryptedTrainingRows {
    /// Rows of several owners as one table, to be trained on together. Needs no key.
    /// - Throws: `mismatch`, which names the owner and what differs: key, parameters, kind of loss, layout, or the scaling
    ///   that all must share; an owner that comes twice.
    public static func joined(_ files: [EncryptedTrainingRows]) throws -> EncryptedTrainingRows {
        guard let first = files.first else {
            throw PrivateLearningError(code: .invalidParameter, message: "files: got none, want at least one")
        }
        guard files.count > 1 else { return first }
        func differs(_ other: EncryptedTrainingRows, _ what: String) -> PrivateLearningError {
            PrivateLearningError(
                code: .mismatch,
                message: "\(other.meaning.owner): \(what) than \(first.meaning.owner)'s rows")
        }
        for other in files {
            guard let name = other.meaning.scaling else {
                throw PrivateLearningError(
                    code: .mismatch,
                    message: "\(other.meaning.owner): rows were scaled by their own mean and deviation; all owners "
                        + "encrypt with one scaling (`tacit encrypt --scaling`)")
            }
            guard other.key == first.key else { throw differs(other, "encrypted under another key") }
            guard other.context.parameters == first.context.parameters else { throw differs(other, "other parameters") }
            guard name == first.meaning.scaling else { throw differs(other, "another scaling") }
            guard other.meaning.isSigned == first.meaning.isSigned else {
                throw differs(other, "made for another loss")
            }
            let (one, all) = (other.meaning.packing, first.meaning.packing)
            guard one.slots == all.slots, one.blockColumns == all.blockColumns, one.columnCount == all.columnCount,
                one.batches == all.batches, other.meaning.entryBound == first.meaning.entryBound
            else { throw differs(other, "another layout or other batches") }
        }
        let owners = files.map(\.meaning.owner)
        if let twice = Dictionary(grouping: owners, by: { $0 }).filter({ $1.count > 1 }).keys.min() {
            throw PrivateLearningError(
                code: .mismatch, message: "owner \(twice): comes twice, so its rows would count twice")
        }
        var meaning = first.meaning
        meaning.owner = owners.joined(separator: ", ")
        meaning.owners = files.map { Owner(name: $0.meaning.owner, rowCount: $0.meaning.packing.rowCount) }
        meaning.packing = try meaning.packing.holding(files.reduce(0) { $0 + $1.meaning.packing.rowCount })
        return EncryptedTrainingRows(
            meaning: meaning, context: first.context, key: first.key, note: first.note, rows: files.flatMap(\.rows),
            parts: files.flatMap(\.parts))
    }

    /// By which a checkpoint knows its rows: a digest of the first ciphertext of each owner.
    var contentIdentity: String {
        get throws {
            var encoder = BinaryEncoder()
            var first = 0
            for part in parts {
                try rows[first].encode(into: &encoder)
                first += part.ciphertextCount
            }
            return Fingerprint(of: encoder.bytes).hexadecimal
        }
    }
}
