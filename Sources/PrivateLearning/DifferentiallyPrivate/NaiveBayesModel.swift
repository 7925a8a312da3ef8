import Foundation
import Tabular

/// A naive Bayes classifier of two classes: given the class, features are independent; numbers have normal, zeros and
/// ones Bernoulli distributions.
public struct NaiveBayesModel: TableModel, Hashable {
    public static let format = "tacit-naive-bayes"
    public let kind = "naive-bayes"
    public let target: String
    public let plan: EncodingPlan
    /// Features with a normal distribution, then those of zeros and ones.
    public let numbers: [String]
    public let flags: [String]
    /// P(class 1).
    public let prior: Double
    /// Class by class, in the features' own units.
    public let means: [[Double]]
    public let deviations: [[Double]]
    /// P(feature = 1), class by class.
    public let rates: [[Double]]

    /// - Errors: `invalidFile` for numbers that are no such model.
    public init(
        target: String, plan: EncodingPlan, numbers: [String], flags: [String], prior: Double, means: [[Double]],
        deviations: [[Double]], rates: [[Double]]
    ) throws(PrivateLearningError) {
        let fits =
            prior > 0 && prior < 1 && means.count == 2 && deviations.count == 2 && rates.count == 2
            && means.allSatisfy { $0.count == numbers.count && $0.allSatisfy(\.isFinite) }
            && deviations.allSatisfy { $0.count == numbers.count && $0.allSatisfy { $0 > 0 && $0.isFinite } }
            && rates.allSatisfy { $0.count == flags.count && $0.allSatisfy { $0 > 0 && $0 < 1 } }
        guard fits, !numbers.isEmpty || !flags.isEmpty else {
            throw PrivateLearningError(
                code: .invalidFile,
                message:
                    "naive Bayes: want a prior and rates in (0, 1), deviations above 0, one for each feature and class")
        }
        self.target = target
        self.plan = plan
        self.numbers = numbers
        self.flags = flags
        self.prior = prior
        self.means = means
        self.deviations = deviations
        self.rates = rates
    }

    /// P(class 1) of every row.
    public func predict(_ table: Table) throws -> [Double] {
        let integers = try plan.encode(table, needing: numbers + flags)
        let columns = integers.realRows(try (numbers + flags).map { try plan.index(of: $0) }, plan: plan)
        let width = numbers.count + flags.count
        return (0..<table.rowCount).map { row in
            var score = log(prior) - log1p(-prior)
            for j in numbers.indices {
                let x = columns[row * width + j]
                func logDensity(_ c: Int) -> Double {
                    let u = (x - means[c][j]) / deviations[c][j]
                    return -u * u / 2 - log(deviations[c][j])
                }
                score += logDensity(1) - logDensity(0)
            }
            for j in flags.indices {
                let isSet = columns[row * width + numbers.count + j] > 0.5
                func logChance(_ c: Int) -> Double { isSet ? log(rates[c][j]) : log1p(-rates[c][j]) }
                score += logChance(1) - logChance(0)
            }
            return Link.logit.mean(score)
        }
    }

    private struct Architecture: Codable {
        var target: String
        var numbers: [String]
        var flags: [String]
        var plan: EncodingPlan
    }

    public var safetensors: Safetensors {
        get throws {
            try .model(
                Self.format, Architecture(target: target, numbers: numbers, flags: flags, plan: plan),
                tensors: [
                    "prior": .init(shape: [1], values: [prior]),
                    "means": .init(shape: [2, numbers.count], values: means.flatMap { $0 }),
                    "deviations": .init(shape: [2, numbers.count], values: deviations.flatMap { $0 }),
                    "rates": .init(shape: [2, flags.count], values: rates.flatMap { $0 }),
                ])
        }
    }

    public init(safetensors file: Safetensors) throws(PrivateLearningError) {
        let architecture = try file.architecture(Self.format, Architecture.self)
        func halves(_ name: String, _ width: Int) throws(PrivateLearningError) -> [[Double]] {
            let values = try file.values(name, shape: [2, width])
            return [Array(values[..<width]), Array(values[width...])]
        }
        for name in architecture.numbers + architecture.flags { _ = try architecture.plan.index(of: name) }
        try self.init(
            target: architecture.target, plan: architecture.plan, numbers: architecture.numbers,
            flags: architecture.flags, prior: file.values("prior", shape: [1])[0],
            means: halves("means", architecture.numbers.count),
            deviations: halves("deviations", architecture.numbers.count),
            rates: halves("rates", architecture.flags.count))
    }
}
