import BigIntegers
import BinaryCoding
import Foundation
import Paillier
import Randomness

/// What the one who trains asks for.
public struct FitRequest: Codable, Hashable, Sendable {
    /// The column to predict.
    public var target: String
    /// The columns to predict it from.
    public var features: [String]
    /// Ridge penalties to try; 0 is ordinary least squares. Never empty.
    public var penalties: [Double]

    /// - Throws: `unknownColumn`; `invalidParameter` for no or repeated features, the target among them, or a penalty
    ///   that is negative or not finite.
    public init(plan: EncodingPlan, target: String, features: [String]? = nil, penalties: [Double])
        throws(PrivateLearningError)
    {
        self.target = target
        self.features = features ?? plan.features(for: target)
        self.penalties = penalties
        try check(against: plan)
    }

    func check(against plan: EncodingPlan) throws(PrivateLearningError) {
        _ = try plan.index(of: target)
        for feature in features { _ = try plan.index(of: feature) }
        func fail(_ message: String) -> PrivateLearningError {
            PrivateLearningError(code: .invalidParameter, message: message)
        }
        guard !features.isEmpty else { throw fail("features: got none, want at least one") }
        guard Set(features).count == features.count, !features.contains(target) else {
            throw fail("features: want each once, and not the target \(target)")
        }
        guard !penalties.isEmpty, penalties.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw fail("lambda: got \(penalties), want numbers ≥ 0")
        }
    }
}

/// A model under encryption: encrypted moments and what shall be made of them.
///
/// Training on sums is addition, which the server does; solving the normal equations is left to the key holders, who
/// alone can read them. With folds, each part is one fold's moments, the parts add up to all rows, and the key holders
/// learn the folds' sums too.
public struct EncryptedFit: Sendable {
    public let request: FitRequest
    /// One for a plain fit, k for k folds; all of one plan and key.
    public let parts: [EncryptedMoments]

    public var plan: EncodingPlan { parts[0].plan }
    public var publicKey: PaillierPublicKey { parts[0].publicKey }
    /// All ciphertexts that have to be decrypted, part by part.
    public var ciphertexts: [PaillierCiphertext] { parts.flatMap { $0.packed.ciphertexts } }

    init(request: FitRequest, parts: [EncryptedMoments]) throws {
        guard let first = parts.first else {
            throw PrivateLearningError(code: .invalidFile, message: "parts: got none, want at least one")
        }
        guard parts.allSatisfy({ $0.plan == first.plan && $0.publicKey == first.publicKey }) else {
            throw PrivateLearningError(code: .mismatch, message: "parts: want one plan and one key")
        }
        try request.check(against: first.plan)
        self.request = request
        self.parts = parts
    }

    /// A fit over the rows of several owners.
    public init(_ request: FitRequest, over uploads: [EncryptedMoments]) throws {
        try self.init(request: request, parts: [EncryptedMoments.sum(uploads)])
    }

    /// A fit with cross-validation over one owner's encrypted rows.
    /// - Parameter folds: disjoint sets of row numbers.
    /// - Throws: `invalidParameter` for folds that overlap, `cohortTooSmall` for a fold below the plan's minimum.
    public init(_ request: FitRequest, over rows: EncryptedRows, folds: [[Int]]) throws {
        var seen: Set<Int> = []
        for row in folds.joined() where !seen.insert(row).inserted {
            throw PrivateLearningError(
                code: .invalidParameter, message: "folds: row \(row) comes twice, want each row at most once")
        }
        try self.init(request: request, parts: folds.map { try rows.moments(rows: $0) })
    }

    /// A fit over weighted encrypted rows.
    public init(_ request: FitRequest, over rows: EncryptedRows, weights: [Int]) throws {
        try self.init(request: request, parts: [rows.moments(weights: weights)])
    }

    /// A fit over the rows of a file that is read in one pass.
    /// - Parameter weightings: one weight a row; several weightings are folds and must not share a row.
    /// - Throws: `invalidParameter` for folds that overlap, `cohortTooSmall` for one below the plan's minimum.
    public init(_ request: FitRequest, over rows: EncryptedRowsFile, weightings: [[Int]]) throws {
        if weightings.count > 1 {
            for row in 0..<rows.rowCount where weightings.count(where: { $0.indices.contains(row) && $0[row] > 0 }) > 1
            {
                throw PrivateLearningError(
                    code: .invalidParameter, message: "folds: row \(row) comes twice, want each row at most once")
            }
        }
        try self.init(request: request, parts: rows.moments(weightings: weightings))
    }

    /// The same fit in ciphertexts that cannot be linked to the uploads. To be called before it leaves the server.
    public func rerandomised(using random: inout some SecureRandom) throws -> EncryptedFit {
        var fresh: [EncryptedMoments] = []
        for part in parts { fresh.append(try part.rerandomised(using: &random)) }
        return try EncryptedFit(request: request, parts: fresh)
    }

    /// Solves with decrypted plaintexts.
    /// - Parameter plaintexts: of ``ciphertexts``, in their order.
    public func open(plaintexts: [BigInteger]) throws -> OpenedFit {
        guard plaintexts.count == ciphertexts.count else {
            throw PrivateLearningError(
                code: .mismatch, message: "plaintexts: got \(plaintexts.count), want \(ciphertexts.count)")
        }
        var start = 0
        let moments = try parts.map { part in
            defer { start += part.packed.ciphertexts.count }
            return try part.open(plaintexts: Array(plaintexts[start..<start + part.packed.ciphertexts.count]))
        }
        return try OpenedFit(request: request, plan: plan, parts: moments)
    }
}

/// Models made from opened sums.
public struct OpenedFit: Sendable {
    /// One penalty's model and how it did.
    public struct Candidate: Sendable {
        public let model: LinearModel
        /// Mean squared error over the folds that were left out, when there are folds.
        public let crossValidatedMSE: Double?
    }

    public let request: FitRequest
    public let plan: EncodingPlan
    /// Moments over all rows.
    public let total: MomentMatrix
    /// In the order of the penalties.
    public let candidates: [Candidate]

    /// The candidate with the least cross-validated error; the first when there are no folds.
    public var best: Candidate {
        candidates.min { ($0.crossValidatedMSE ?? 0) < ($1.crossValidatedMSE ?? 0) } ?? candidates[0]
    }

    /// - Parameter parts: moments of disjoint sets of rows, one or a fold each.
    public init(request: FitRequest, plan: EncodingPlan, parts: [MomentMatrix]) throws(PrivateLearningError) {
        try request.check(against: plan)
        precondition(!parts.isEmpty, "parts: want at least one")
        self.request = request
        self.plan = plan
        let total = parts.dropFirst().reduce(parts[0], +)
        self.total = total
        var features: [Int] = []
        for name in request.features { features.append(try plan.index(of: name)) }
        let target = try plan.index(of: request.target)
        let multipliers = plan.multipliers
        var candidates: [Candidate] = []
        for penalty in request.penalties {
            let fit = try LeastSquares(
                moments: total, multipliers: multipliers, features: features, target: target, ridge: penalty)
            var validated: Double?
            if parts.count > 1 {
                var squared = 0.0
                for part in parts {
                    let other = try LeastSquares(
                        moments: total - part, multipliers: multipliers, features: features, target: target,
                        ridge: penalty)
                    squared += part.squaredError(
                        coefficients: other.coefficients, intercept: other.intercept, multipliers: multipliers,
                        features: features, target: target)
                }
                validated = squared / Double(fit.rowCount)
            }
            let rows = Double(fit.rowCount)
            var metrics = ["mse": fit.residualSumOfSquares / rows, "targetVariance": fit.totalSumOfSquares / rows]
            if fit.totalSumOfSquares > 0 { metrics["r2"] = 1 - fit.residualSumOfSquares / fit.totalSumOfSquares }
            if let validated { metrics["crossValidatedMse"] = validated }
            let model = LinearModel(
                kind: penalty == 0 ? "linear" : "ridge", link: .identity, target: request.target,
                featureNames: request.features, coefficients: fit.coefficients, intercept: fit.intercept,
                standardErrors: fit.standardErrors, ridge: penalty, rowCount: fit.rowCount, rank: fit.rank,
                trainingMetrics: metrics, plan: plan)
            candidates.append(Candidate(model: model, crossValidatedMSE: validated))
        }
        self.candidates = candidates
    }

    /// What people should know before they pass the model on.
    public var warnings: [String] {
        let constant = plan.columns.indices.filter { index in
            let name = plan.columns[index].name
            let variance = total[0, 0] * total[index + 1, index + 1] - total[0, index + 1] * total[0, index + 1]
            return variance.isZero && (request.features.contains(name) || request.target == name)
        }
        return best.model.disclosureWarnings
            + constant.map { "Column \(plan.columns[$0].name) is constant over all rows." }
    }
}

extension LinearModel {
    /// What the size of the model says about the rows behind it.
    public var disclosureWarnings: [String] {
        let weights = featureNames.count + 1
        let perWeight = Double(rowCount) / Double(weights)
        var result: [String] = []
        if perWeight < 2 {
            result.append(
                "The model nearly determines the data: \(rowCount) rows for \(weights) weights. Do not release it or the "
                    + "sums.")
        } else if perWeight < 10 {
            result.append(
                String(
                    format: "Only %.1f rows for each weight: the sums say much about single rows. Release with care.",
                    perWeight))
        }
        if rank < featureNames.count {
            result.append(
                "The columns are linearly dependent (rank \(rank) of \(featureNames.count)); the weights are those of "
                    + "least norm.")
        }
        return result
    }
}
