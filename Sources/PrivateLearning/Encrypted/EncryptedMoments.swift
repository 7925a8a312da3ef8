import BigIntegers
import Foundation
import Paillier
import Randomness
import Tabular

/// The moments of one or several tables under a public key: n, Σz and Σzᵢzⱼ, packed into few ciphertexts.
///
/// Adding two of them adds the tables. Whoever holds the secret key learns the sums and nothing about which owner gave
/// what; whoever does not learns the plan, the owners' labels and an upper bound of their rows.
public struct EncryptedMoments: Sendable {
    public let plan: EncodingPlan
    public let publicKey: PaillierPublicKey
    /// The packed ciphertexts; their weight is an upper bound of the rows in them, which is public.
    public let packed: PackedCiphertexts
    /// Labels of the owners whose rows are in it.
    public let owners: [String]

    /// No more rows than this are in it.
    public var rowsAtMost: Int { packed.weight.positive }

    init(plan: EncodingPlan, publicKey: PaillierPublicKey, packed: PackedCiphertexts, owners: [String]) {
        self.plan = plan
        self.publicKey = publicKey
        self.packed = packed
        self.owners = owners
    }

    /// How moments of that plan lie in plaintexts of a key of that size: one slot an entry, wide enough for the plan's
    /// maximum of rows.
    public static func layout(plan: EncodingPlan, modulusBits: Int) throws(PaillierError) -> PackingLayout {
        try PackingLayout(
            runs: plan.momentBounds.map { PackingLayout.Run(count: 1, bounds: $0) },
            maximumWeight: PackingWeight(positive: plan.maximumRows), modulusBits: modulusBits)
    }

    /// Encrypts an owner's table.
    ///
    /// Each ciphertext has a fresh randomiser. The exact number of rows is encrypted too; what shows is the next power
    /// of two.
    /// - Throws: `cohortTooSmall` for fewer rows than the plan's minimum; errors of the encoding with row and column.
    public static func encrypt(
        _ table: Table, plan: EncodingPlan, owner: String, with encryptor: PaillierEncryptor,
        using random: inout some SecureRandom
    ) throws -> EncryptedMoments {
        try encrypt(plan.encode(table), plan: plan, owner: owner, with: encryptor, using: &random)
    }

    /// As ``encrypt(_:plan:owner:with:using:)-(Table,_,_,_,_)`` for rows that are integers already.
    public static func encrypt(
        _ integers: IntegerTable, plan: EncodingPlan, owner: String, with encryptor: PaillierEncryptor,
        using random: inout some SecureRandom
    ) throws -> EncryptedMoments {
        try plan.requireCohort(integers.rowCount)
        let layout = try layout(plan: plan, modulusBits: encryptor.publicKey.parameters.modulusBits)
        let weight = PackingWeight(positive: min(plan.maximumRows, roundedUp(integers.rowCount)))
        let packed = try encryptor.encrypt(
            packing: MomentMatrix(of: integers).entries, layout: layout, weight: weight, using: &random)
        return EncryptedMoments(plan: plan, publicKey: encryptor.publicKey, packed: packed, owners: [owner])
    }

    /// The next power of two.
    static func roundedUp(_ rows: Int) -> Int {
        var bound = 1
        while bound < rows { bound *= 2 }
        return bound
    }

    /// The sum of several owners' moments. Needs no key.
    /// - Throws: `mismatch` for different plans or keys or the same owner twice; Paillier's `headroomExhausted` when the
    ///   rows could be more than the plan's maximum.
    public static func sum(_ parts: [EncryptedMoments]) throws -> EncryptedMoments {
        guard let first = parts.first else {
            throw PrivateLearningError(code: .invalidParameter, message: "files: got none, want at least one")
        }
        for part in parts.dropFirst() {
            let name = part.owners.joined(separator: ", ")
            let firstName = first.owners.joined(separator: ", ")
            guard part.publicKey == first.publicKey else {
                throw PrivateLearningError(
                    code: .mismatch,
                    message: "\(name): encrypted under key \(part.publicKey.fingerprint), want "
                        + "\(first.publicKey.fingerprint) as \(firstName) has it")
            }
            guard part.plan == first.plan else {
                throw PrivateLearningError(
                    code: .mismatch,
                    message: "\(name): made under another plan than \(firstName); all owners need the same schema, "
                        + "--max-rows and --min-cohort")
            }
        }
        let owners = parts.flatMap(\.owners)
        if let twice = Dictionary(grouping: owners, by: { $0 }).filter({ $1.count > 1 }).keys.min() {
            throw PrivateLearningError(
                code: .mismatch, message: "owner \(twice): comes twice, so its rows would count twice")
        }
        let packed = parts.count == 1 ? first.packed : try first.publicKey.sum(parts.map(\.packed))
        return EncryptedMoments(plan: first.plan, publicKey: first.publicKey, packed: packed, owners: owners)
    }

    /// The same moments in other ciphertexts, which cannot be linked to the ones they came from.
    public func rerandomised(using random: inout some SecureRandom) throws -> EncryptedMoments {
        let encryptor = PaillierEncryptor(publicKey, expectedCount: packed.ciphertexts.count)
        return EncryptedMoments(
            plan: plan, publicKey: publicKey, packed: try encryptor.rerandomise(packed, using: &random), owners: owners)
    }

    /// The moments in decrypted plaintexts.
    /// - Throws: `cohortTooSmall` when they are over fewer rows than the plan's minimum: nothing of them is returned
    ///   then; `inconsistentSums` when they cannot be moments.
    public func open(plaintexts: [BigInteger]) throws -> MomentMatrix {
        let entries: [BigInteger]
        do throws(PaillierError) {
            entries = try packed.layout.unpack(plaintexts, weight: packed.weight)
        } catch {
            throw PrivateLearningError(
                code: .inconsistentSums,
                message: "sums: outside what the plan allows, so a file was not made as it says: \(error.message)")
        }
        let moments = MomentMatrix(columns: plan.columns.count, entries: entries)
        guard let rows = moments[0, 0].intValue, rows <= rowsAtMost else {
            throw PrivateLearningError(
                code: .inconsistentSums, message: "rows: the opened count is above \(rowsAtMost)")
        }
        guard rows >= plan.minimumCohort else {
            throw PrivateLearningError(
                code: .cohortTooSmall,
                message: "rows: the sums are over fewer rows than the minimum cohort of \(plan.minimumCohort), so they "
                    + "are not released")
        }
        return moments
    }
}

extension EncodingPlan {
    /// - Throws: `cohortTooSmall`.
    func requireCohort(_ rows: Int) throws(PrivateLearningError) {
        guard rows >= minimumCohort else {
            throw PrivateLearningError(
                code: .cohortTooSmall,
                message: "rows: got \(rows), want at least \(minimumCohort), the plan's minimum cohort")
        }
    }
}
