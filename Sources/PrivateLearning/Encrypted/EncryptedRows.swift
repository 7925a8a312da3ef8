import BigIntegers
import Foundation
import Paillier
import Randomness
import Tabular

/// Encrypted rows with their encrypted products: the owner uploads once and goes away.
///
/// Each row is its own moments, (1, z)ᵀ(1, z), packed and encrypted. Without any key the server forms the moments of
/// every subset, fold or integer weighting by multiplying ciphertexts; a ciphertext alone is of one row, so the key
/// holder opens totals only over at least the plan's minimum cohort, and refuses others.
public struct EncryptedRows: Sendable {
    public let plan: EncodingPlan
    public let publicKey: PaillierPublicKey
    public let layout: PackingLayout
    /// Row by row, `layout.plaintextCount` each.
    public let ciphertexts: [PaillierCiphertext]
    public let owner: String

    public var rowCount: Int { ciphertexts.count / layout.plaintextCount }

    /// - Throws: `invalidFile` unless the ciphertexts make whole rows.
    init(
        plan: EncodingPlan, publicKey: PaillierPublicKey, ciphertexts: [PaillierCiphertext], owner: String
    ) throws {
        layout = try EncryptedMoments.layout(plan: plan, modulusBits: publicKey.parameters.modulusBits)
        guard !ciphertexts.isEmpty, ciphertexts.count % layout.plaintextCount == 0 else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "ciphertexts: got \(ciphertexts.count), want a multiple of \(layout.plaintextCount)")
        }
        self.plan = plan
        self.publicKey = publicKey
        self.ciphertexts = ciphertexts
        self.owner = owner
    }

    /// Encrypts every row.
    /// - Parameter progress: called with the number of rows done since the last call.
    public static func encrypt(
        _ table: Table, plan: EncodingPlan, owner: String, with encryptor: PaillierEncryptor,
        using random: inout some SecureRandom, progress: (Int) -> Void = { _ in }
    ) throws -> EncryptedRows {
        let integers = try plan.encode(table)
        try plan.requireCohort(integers.rowCount)
        let layout = try EncryptedMoments.layout(
            plan: plan, modulusBits: encryptor.publicKey.parameters.modulusBits)
        var ciphertexts: [PaillierCiphertext] = []
        for start in stride(from: 0, to: integers.rowCount, by: 64) {
            let rows = start..<min(start + 64, integers.rowCount)
            var plaintexts: [BigInteger] = []
            for row in rows {
                plaintexts += try layout.pack(MomentMatrix(of: integers.selecting(rows: [row])).entries)
            }
            ciphertexts += try encryptor.encrypt(plaintexts, using: &random)
            progress(rows.count)
        }
        return try EncryptedRows(plan: plan, publicKey: encryptor.publicKey, ciphertexts: ciphertexts, owner: owner)
    }

    /// The encrypted moments of the rows, each counted as often as its weight says. Needs no key.
    /// - Parameter weights: one integer ≥ 0 for each row.
    /// - Throws: `cohortTooSmall` when fewer distinct rows than the minimum have a weight, `invalidParameter` for a wrong
    ///   number of weights or negative ones; Paillier's `headroomExhausted` for a total above the plan's maximum.
    public func moments(weights: [Int]) throws -> EncryptedMoments {
        guard weights.count == rowCount else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "weights: got \(weights.count), want \(rowCount), one a row")
        }
        guard weights.allSatisfy({ $0 >= 0 && $0 <= plan.maximumRows }) else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "weights: want whole numbers in 0...\(plan.maximumRows)")
        }
        let chosen = weights.indices.filter { weights[$0] > 0 }
        try plan.requireCohort(chosen.count)
        let size = layout.plaintextCount
        // Rows of equal weight are summed first: one multiplication by the weight serves them all.
        var sums: [PackedCiphertexts] = []
        for (weight, rows) in Dictionary(grouping: chosen, by: { weights[$0] }).sorted(by: { $0.key < $1.key }) {
            let packed = try rows.map {
                try PackedCiphertexts(
                    layout: layout, ciphertexts: Array(ciphertexts[$0 * size..<($0 + 1) * size]), weight: .one)
            }
            let sum = try publicKey.sum(packed)
            sums.append(weight == 1 ? sum : try publicKey.multiply(sum, by: weight))
        }
        let total = sums.count == 1 ? sums[0] : try publicKey.sum(sums)
        return EncryptedMoments(plan: plan, publicKey: publicKey, packed: total, owners: [owner])
    }

    /// The moments of some rows, each counted once.
    /// - Parameter rows: numbers from 0.
    public func moments(rows: [Int]) throws -> EncryptedMoments {
        guard rows.allSatisfy({ (0..<rowCount).contains($0) }) else {
            throw PrivateLearningError(code: .invalidParameter, message: "rows: want numbers below \(rowCount)")
        }
        var weights = [Int](repeating: 0, count: rowCount)
        for row in rows { weights[row] = 1 }
        return try moments(weights: weights)
    }
}
