import Foundation
import Randomness

/// A scaling that the owners of parts of a table agree on, so that their encrypted rows can be trained on together.
///
/// It follows from sums over the rows of all (``MomentMatrix``), which a secure sum gives without anybody's rows being
/// seen. Whoever has it knows mean and deviation of every column over all owners together, the number of rows, and one
/// eigenvalue of their correlations.
public struct StudyScaling: Hashable, Sendable, Codable {
    /// A random name, which the files made with it carry in the clear.
    public let name: String
    public let scaling: FeatureScaling
    /// The encoded column that is to be predicted.
    public let target: String
    /// What brings targets of a linear model within the bound of the features.
    public let targetCentre: Double
    public let targetUnit: Double
    /// Of all owners together.
    public let rowCount: Int

    /// - Errors: `unknownColumn`, `tooFewRows`, `mismatch`, `invalidParameter` as in ``FeatureScaling``.
    public init(
        moments: MomentMatrix, plan: EncodingPlan, target: String, features: [String]? = nil,
        clip: Double = FeatureScaling.standardClip, using random: inout some SecureRandom
    ) throws(PrivateLearningError) {
        let index = try plan.index(of: target)
        scaling = try FeatureScaling(
            moments: moments, plan: plan, features: features ?? plan.features(for: target), clip: clip)
        // One column more, by the same rules.
        let own = try FeatureScaling(moments: moments, plan: plan, features: [target], clip: clip).features[0]
        let encoding = plan.columns[index].encoding
        let farthest = max(abs(encoding.upper - own.mean), abs(encoding.lower - own.mean))
        self.target = target
        targetCentre = own.mean
        // No row of any owner lies beyond the public bounds.
        targetUnit = max(own.deviation, farthest / scaling.entryBound)
        guard let count = moments[0, 0].intValue else {
            throw PrivateLearningError(code: .inconsistentSums, message: "rows: got \(moments[0, 0])")
        }
        rowCount = count
        name = random.bytes(count: 16).map { String(format: "%02x", $0) }.joined()
    }

    private enum Keys: String, CodingKey { case format, name, scaling, target, targetCentre, targetUnit, rowCount }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        func fail(_ key: Keys, _ message: String) -> DecodingError {
            DecodingError.dataCorruptedError(forKey: key, in: values, debugDescription: message)
        }
        guard try values.decode(Int.self, forKey: .format) == 1 else { throw fail(.format, "format: want 1") }
        name = try values.decode(String.self, forKey: .name)
        guard name.utf8.count == 32, name.allSatisfy(\.isHexDigit) else {
            throw fail(.name, "name: want 32 hexadecimal digits")
        }
        let read = try values.decode(FeatureScaling.self, forKey: .scaling)
        do {
            scaling = try FeatureScaling(features: read.features, clip: read.clip, spectralBound: read.spectralBound)
        } catch {
            throw fail(.scaling, error.message)
        }
        target = try values.decode(String.self, forKey: .target)
        targetCentre = try values.decode(Double.self, forKey: .targetCentre)
        targetUnit = try values.decode(Double.self, forKey: .targetUnit)
        rowCount = try values.decode(Int.self, forKey: .rowCount)
        guard targetCentre.isFinite, targetUnit.isFinite, targetUnit > 0 else {
            throw fail(.targetUnit, "targetCentre, targetUnit: want finite numbers, the unit above 0")
        }
        guard (2...EncodingPlan.rowLimit).contains(rowCount) else {
            throw fail(.rowCount, "rowCount: got \(rowCount), want 2...\(EncodingPlan.rowLimit)")
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        try values.encode(1, forKey: .format)
        try values.encode(name, forKey: .name)
        try values.encode(scaling, forKey: .scaling)
        try values.encode(target, forKey: .target)
        try values.encode(targetCentre, forKey: .targetCentre)
        try values.encode(targetUnit, forKey: .targetUnit)
        try values.encode(rowCount, forKey: .rowCount)
    }

    /// As a file: JSON.
    public var encoded: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            return Array(try encoder.encode(self))
        }
    }

    /// - Errors: `invalidFile`.
    public init(decoding bytes: [UInt8]) throws(PrivateLearningError) {
        do { self = try JSONDecoder().decode(Self.self, from: Data(bytes)) } catch let error as DecodingError {
            var reason = "not readable"
            if case .dataCorrupted(let context) = error { reason = context.debugDescription }
            if case .keyNotFound(let key, _) = error { reason = "\(key.stringValue): missing" }
            throw PrivateLearningError(code: .invalidFile, message: "scaling: \(reason)")
        } catch {
            throw PrivateLearningError(code: .invalidFile, message: "scaling: not readable")
        }
    }

    /// - Errors: `mismatch` for another target or other columns.
    func check(target: String, features: [String]) throws(PrivateLearningError) {
        guard target == self.target else {
            throw PrivateLearningError(
                code: .mismatch, message: "scaling: was made for target \(self.target), got \(target)")
        }
        let names = scaling.features.map(\.name)
        guard names == features else {
            throw PrivateLearningError(
                code: .mismatch,
                message: "scaling: was made for columns \(names.joined(separator: ", ")), got "
                    + "\(features.joined(separator: ", ")); all owners need the same schema")
        }
    }
}
