import Foundation
import Tabular

// Which rows an iteration sees: those of several owners, and of them those that count.
extension GradientRun {
    /// Owner and group within it, for a group of all.
    private func place(_ group: Int) -> (part: Int, group: Int) {
        var first = 0
        for (number, part) in parts.enumerated() {
            if group < first + part.groupCount { return (number, group - first) }
            first += part.groupCount
        }
        preconditionFailure("group: got \(group), want 0..<\(first)")
    }

    /// Numbers of the groups of a batch.
    func groups(batch: Int) -> [Int] {
        var (first, result) = (0, [Int]())
        for part in parts {
            result += part.groups(batch: batch).map { first + $0 }
            first += part.groupCount
        }
        return result
    }

    /// Rows of a batch that count.
    func rowCount(batch: Int) -> Int {
        parts.indices.reduce(0) { total, number in
            let left = excluded.isEmpty ? 0 : excluded[number].count { $0 % plan.batches == batch }
            return total + parts[number].rowCount(batch: batch) - left
        }
    }

    /// `factor` in the slots of rows that count and 0 elsewhere.
    func chosen(group: Int, _ factor: Double) -> [Double] {
        let (part, own) = place(group)
        var result = [Double](repeating: 0, count: packing.slots)
        let width = packing.blockWidth
        for (position, row) in parts[part].rows(group: own).enumerated() where !excluded[part].contains(row) {
            for slot in position * width..<(position + 1) * width { result[slot] = factor }
        }
        return result
    }
}

/// One of k parts into which rows are divided by chance, to be left out of training and predicted afterwards.
///
/// The division follows from the public seed and the number of rows, so that the server, which leaves the rows out, and
/// their owner, who evaluates on them, make the same.
public struct TrainingFold: Hashable, Sendable, Codable {
    /// 0..<count
    public let index: Int
    /// k
    public let count: Int
    public let seed: UInt64

    /// - Errors: `invalidParameter` for a count outside 2...100 or an index outside it.
    public init(index: Int, count: Int, seed: UInt64) throws(PrivateLearningError) {
        guard (2...100).contains(count), (0..<count).contains(index) else {
            throw PrivateLearningError(
                code: .invalidParameter, message: "folds: got \(index) of \(count), want 2...100 folds")
        }
        self.index = index
        self.count = count
        self.seed = seed
    }

    private enum Keys: String, CodingKey { case index, count, seed }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        do {
            try self.init(
                index: values.decode(Int.self, forKey: .index), count: values.decode(Int.self, forKey: .count),
                seed: values.decode(UInt64.self, forKey: .seed))
        } catch let error as PrivateLearningError {
            throw DecodingError.dataCorrupted(.init(codingPath: values.codingPath, debugDescription: error.message))
        }
    }

    /// Numbers of the rows that are left out, ascending.
    public func heldOut(rowCount: Int) -> [Int] {
        var order = Array(0..<rowCount)
        var generator = ShuffleGenerator(seed: seed)
        generator.shuffle(&order)
        return stride(from: index, to: rowCount, by: count).map { order[$0] }.sorted()
    }
}
