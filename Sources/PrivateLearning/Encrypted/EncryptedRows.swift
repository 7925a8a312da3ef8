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
        var ciphertexts: [PaillierCiphertext] = []
        try encryptEach(table, plan: plan, with: encryptor, using: &random) { more, rows in
            ciphertexts += more
            progress(rows)
        }
        return try EncryptedRows(plan: plan, publicKey: encryptor.publicKey, ciphertexts: ciphertexts, owner: owner)
    }

    /// Encrypts the rows some at a time.
    /// - Parameter receive: gets the ciphertexts of whole rows, and how many rows they are.
    static func encryptEach(
        _ table: Table, plan: EncodingPlan, with encryptor: PaillierEncryptor, using random: inout some SecureRandom,
        _ receive: ([PaillierCiphertext], Int) throws -> Void
    ) throws {
        let integers = try plan.encode(table)
        try plan.requireCohort(integers.rowCount)
        let layout = try EncryptedMoments.layout(
            plan: plan, modulusBits: encryptor.publicKey.parameters.modulusBits)
        let batch = max(1, EncryptedFileWriter.batch / layout.plaintextCount)
        for start in stride(from: 0, to: integers.rowCount, by: batch) {
            let rows = start..<min(start + batch, integers.rowCount)
            var plaintexts: [BigInteger] = []
            for row in rows {
                plaintexts += try layout.pack(MomentMatrix(of: integers.selecting(rows: [row])).entries)
            }
            try receive(encryptor.encrypt(plaintexts, using: &random), rows.count)
        }
    }

    /// The encrypted moments of the rows, each counted as often as its weight says. Needs no key.
    /// - Parameter weights: one integer ≥ 0 for each row.
    /// - Throws: `cohortTooSmall` when fewer distinct rows than the minimum have a weight, `invalidParameter` for a wrong
    ///   number of weights or negative ones; Paillier's `headroomExhausted` for a total above the plan's maximum.
    public func moments(weights: [Int]) throws -> EncryptedMoments {
        try RowSums.check(weights, rowCount: rowCount, plan: plan)
        var sums = RowSums(plan: plan, publicKey: publicKey, layout: layout, owner: owner)
        try sums.add(ciphertexts, weights: weights)
        return try sums.moments()
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

/// Sums of encrypted rows while they go by: rows of equal weight are added first, so that one multiplication by the
/// weight at the end serves them all.
struct RowSums {
    let plan: EncodingPlan
    let publicKey: PaillierPublicKey
    let layout: PackingLayout
    let owner: String
    private var byWeight: [Int: PackedCiphertexts] = [:]

    init(plan: EncodingPlan, publicKey: PaillierPublicKey, layout: PackingLayout, owner: String) {
        self.plan = plan
        self.publicKey = publicKey
        self.layout = layout
        self.owner = owner
    }

    /// - Throws: as ``EncryptedRows/moments(weights:)``, before any row is looked at.
    static func check(_ weights: [Int], rowCount: Int, plan: EncodingPlan) throws(PrivateLearningError) {
        guard weights.count == rowCount else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "weights: got \(weights.count), want \(rowCount), one a row")
        }
        guard weights.allSatisfy({ $0 >= 0 && $0 <= plan.maximumRows }) else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "weights: want whole numbers in 0...\(plan.maximumRows)")
        }
        try plan.requireCohort(weights.count { $0 > 0 })
    }

    /// - Parameters:
    ///   - ciphertexts: of whole rows.
    ///   - weights: one for each of these rows.
    mutating func add(_ ciphertexts: [PaillierCiphertext], weights: some Collection<Int>) throws {
        let size = layout.plaintextCount
        for (weight, rows) in Dictionary(grouping: weights.enumerated(), by: \.element) where weight > 0 {
            var summands = try rows.map { row in
                try PackedCiphertexts(
                    layout: layout, ciphertexts: Array(ciphertexts[row.offset * size..<(row.offset + 1) * size]),
                    weight: .one)
            }
            if let before = byWeight[weight] { summands.append(before) }
            byWeight[weight] = try publicKey.sum(summands)
        }
    }

    func moments() throws -> EncryptedMoments {
        let sums = try byWeight.sorted { $0.key < $1.key }.map { weight, sum in
            weight == 1 ? sum : try publicKey.multiply(sum, by: weight)
        }
        return EncryptedMoments(
            plan: plan, publicKey: publicKey, packed: sums.count == 1 ? sums[0] : try publicKey.sum(sums),
            owners: [owner])
    }
}
