import BigIntegers
import Foundation
import Paillier
import Randomness
import Tabular

/// Encrypted features, packed so that one ciphertext holds one column of many rows.
///
/// The owner of the rows holds the key; the server has a model in the clear, and learns nothing but the number of rows.
public struct EncryptedFeatures: Sendable {
    public let plan: EncodingPlan
    public let publicKey: PaillierPublicKey
    /// Names of the encrypted columns.
    public let columns: [String]
    public let rowCount: Int
    /// Column by column.
    let ciphertexts: [PaillierCiphertext]

    init(
        plan: EncodingPlan, publicKey: PaillierPublicKey, columns: [String], rowCount: Int,
        ciphertexts: [PaillierCiphertext]
    ) throws {
        guard (1...EncodingPlan.rowLimit).contains(rowCount), !columns.isEmpty, Set(columns).count == columns.count
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "rows or columns: got \(rowCount) and \(columns.count), out of range")
        }
        for column in columns { _ = try plan.index(of: column) }
        let layout = try ScoreEncoding.layout(rows: rowCount, modulusBits: publicKey.parameters.modulusBits)
        guard ciphertexts.count == columns.count * layout.plaintextCount else {
            throw PrivateLearningError(
                code: .invalidFile,
                message: "ciphertexts: got \(ciphertexts.count), want \(columns.count * layout.plaintextCount)")
        }
        self.plan = plan
        self.publicKey = publicKey
        self.columns = columns
        self.rowCount = rowCount
        self.ciphertexts = ciphertexts
    }

    /// - Throws: errors of the encoding with row and column.
    public static func encrypt(
        _ table: Table, plan: EncodingPlan, with encryptor: PaillierEncryptor, using random: inout some SecureRandom
    ) throws -> EncryptedFeatures {
        let integers = try plan.encode(table)
        let layout = try ScoreEncoding.layout(
            rows: integers.rowCount, modulusBits: encryptor.publicKey.parameters.modulusBits)
        var plaintexts: [BigInteger] = []
        for column in integers.columns { plaintexts += try layout.pack(column) }
        return try EncryptedFeatures(
            plan: plan, publicKey: encryptor.publicKey, columns: plan.columns.map(\.name), rowCount: integers.rowCount,
            ciphertexts: encryptor.encrypt(plaintexts, using: &random))
    }

    /// Encrypted scores of a model in the clear. Needs no key.
    ///
    /// What is returned has fresh randomisers, so that not even the key holder sees more of the weights in it than the
    /// scores tell.
    /// - Throws: `unknownColumn` when the model needs a column that was not encrypted.
    public func scores(of model: LinearModel, using random: inout some SecureRandom) throws -> EncryptedPredictions {
        let features = try model.featureNames.map { try plan.index(of: $0) }
        let positions = try model.featureNames.map { name in
            guard let position = columns.firstIndex(of: name) else {
                throw PrivateLearningError(
                    code: .unknownColumn, message: "feature \(name): not among the encrypted columns")
            }
            return position
        }
        let encoding = try ScoreEncoding(model: model, plan: plan, features: features)
        let layout = try ScoreEncoding.layout(rows: rowCount, modulusBits: publicKey.parameters.modulusBits)
        let size = layout.plaintextCount
        let constants = try layout.pack([BigInteger](repeating: encoding.intercept, count: rowCount))
        let sums = try publicKey.linearCombinations(
            ofRows: (0..<size).map { part in positions.map { ciphertexts[$0 * size + part] } },
            weights: encoding.weights,
            variableTime: false)
        let encryptor = PaillierEncryptor(publicKey, expectedCount: size)
        let shifted = try publicKey.add(sums, plaintexts: constants)
        return try EncryptedPredictions(
            plan: plan, publicKey: publicKey,
            meaning: .init(
                rows: rowCount, scaleBits: encoding.scaleBits, link: model.link, target: model.target, kind: model.kind),
            ciphertexts: encryptor.rerandomise(shifted, using: &random))
    }
}

/// An encrypted model, for predictions on clear rows.
///
/// The owner of the model holds the key; the owner of the rows has them in the clear and learns nothing of the weights;
/// the scores go back to the owner of the model.
public struct EncryptedModel: Sendable {
    public let plan: EncodingPlan
    public let publicKey: PaillierPublicKey
    public let featureNames: [String]
    public let meaning: Meaning
    /// W₁ … W_d and W₀.
    let ciphertexts: [PaillierCiphertext]

    /// What is public about the model.
    public struct Meaning: Codable, Hashable, Sendable {
        public var kind: String
        public var link: Link
        public var target: String
        public var scaleBits: Int
    }

    init(
        plan: EncodingPlan, publicKey: PaillierPublicKey, featureNames: [String], meaning: Meaning,
        ciphertexts: [PaillierCiphertext]
    ) throws {
        for name in featureNames { _ = try plan.index(of: name) }
        guard ciphertexts.count == featureNames.count + 1,
            (0...ScoreEncoding.maximumScaleBits).contains(meaning.scaleBits)
        else {
            throw PrivateLearningError(
                code: .invalidFile, message: "weights: got \(ciphertexts.count), want \(featureNames.count + 1)")
        }
        self.plan = plan
        self.publicKey = publicKey
        self.featureNames = featureNames
        self.meaning = meaning
        self.ciphertexts = ciphertexts
    }

    public static func encrypt(
        _ model: LinearModel, with encryptor: PaillierEncryptor, using random: inout some SecureRandom
    ) throws -> EncryptedModel {
        let features = try model.featureNames.map { try model.plan.index(of: $0) }
        let encoding = try ScoreEncoding(model: model, plan: model.plan, features: features)
        return try EncryptedModel(
            plan: model.plan, publicKey: encryptor.publicKey, featureNames: model.featureNames,
            meaning: Meaning(kind: model.kind, link: model.link, target: model.target, scaleBits: encoding.scaleBits),
            ciphertexts: encryptor.encrypt(encoding.weights + [encoding.intercept], using: &random))
    }

    /// Encrypted scores of clear rows.
    ///
    /// Fresh randomisers hide from the model's owner, who knows those of the weights, everything but the scores.
    public func scores(of table: Table, using random: inout some SecureRandom) throws -> EncryptedPredictions {
        let integers = try plan.encode(table, needing: featureNames)
        let layout = try ScoreEncoding.layout(
            rows: integers.rowCount, modulusBits: publicKey.parameters.modulusBits)
        // One exponent for each weight and plaintext: a packed column, so one power multiplies many rows at once.
        var columns = try featureNames.map { try layout.pack(integers.columns[try plan.index(of: $0)]) }
        columns.append(try layout.pack([Int64](repeating: 1, count: integers.rowCount)))
        let rows = (0..<layout.plaintextCount).map { part in columns.map { $0[part] } }
        let sums = try publicKey.linearCombinations(ciphertexts, weights: rows, variableTime: false)
        let encryptor = PaillierEncryptor(publicKey, expectedCount: sums.count)
        return try EncryptedPredictions(
            plan: plan, publicKey: publicKey,
            meaning: .init(
                rows: integers.rowCount, scaleBits: meaning.scaleBits, link: meaning.link, target: meaning.target,
                kind: meaning.kind),
            ciphertexts: encryptor.rerandomise(sums, using: &random))
    }
}

/// Encrypted scores, one slot a row.
public struct EncryptedPredictions: Sendable {
    /// What is public about the scores.
    public struct Meaning: Codable, Hashable, Sendable {
        public var rows: Int
        public var scaleBits: Int
        public var link: Link
        public var target: String
        public var kind: String
    }

    public let plan: EncodingPlan
    public let publicKey: PaillierPublicKey
    public let meaning: Meaning
    public let ciphertexts: [PaillierCiphertext]
    let layout: PackingLayout

    init(
        plan: EncodingPlan, publicKey: PaillierPublicKey, meaning: Meaning, ciphertexts: [PaillierCiphertext]
    ) throws {
        guard (1...EncodingPlan.rowLimit).contains(meaning.rows),
            (0...ScoreEncoding.maximumScaleBits).contains(meaning.scaleBits)
        else {
            throw PrivateLearningError(code: .invalidFile, message: "rows or scale: out of range")
        }
        layout = try ScoreEncoding.layout(rows: meaning.rows, modulusBits: publicKey.parameters.modulusBits)
        guard ciphertexts.count == layout.plaintextCount else {
            throw PrivateLearningError(
                code: .invalidFile, message: "ciphertexts: got \(ciphertexts.count), want \(layout.plaintextCount)")
        }
        self.plan = plan
        self.publicKey = publicKey
        self.meaning = meaning
        self.ciphertexts = ciphertexts
    }

    /// Predictions from decrypted plaintexts, row by row.
    public func open(plaintexts: [BigInteger]) throws -> [Double] {
        let scale = Double(Int64(1) << Int64(meaning.scaleBits))
        return try layout.unpack(plaintexts, weight: .one).map { meaning.link.mean($0.doubleValue / scale) }
    }
}
