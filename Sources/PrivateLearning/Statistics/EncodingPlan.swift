import BigIntegers
import BinaryCoding
import FixedPoint
import Foundation
import Tabular

/// What all owners agree on before anything is encrypted: how rows become integers, and how large sums may grow.
///
/// The plan is public. It follows from the schema alone, never from the rows, so that owners who never speak to each
/// other encode alike; its fingerprint stands in the header of every file made under it, and files of different plans
/// do not mix.
public struct EncodingPlan: Codable, Hashable, Sendable {
    /// One integer column.
    public struct Column: Codable, Hashable, Sendable {
        public var name: String
        public var encoding: FixedPointEncoding

        public init(name: String, encoding: FixedPointEncoding) {
            self.name = name
            self.encoding = encoding
        }
    }

    public private(set) var format = 1
    /// How raw columns become numbers.
    public let recipe: FittedRecipe
    /// The numbers as integers, features and targets alike.
    public let columns: [Column]
    /// The column that is to be predicted unless the one who trains says otherwise.
    public let target: String?
    /// The most rows, over all owners and with their weights, that may ever stand in one sum.
    public let maximumRows: Int
    /// Sums over fewer rows than this are neither formed nor opened.
    public let minimumCohort: Int

    /// Sums of products stay within 127 bits: 2 · 52 bits for a product and 22 for the rows.
    public static let rowLimit = 1 << 22

    /// - Throws: `invalidParameter` for a maximum outside 2...2^22, a minimum cohort outside 1...maximum, no columns, or
    ///   names that come twice.
    public init(
        recipe: FittedRecipe, columns: [Column], target: String?, maximumRows: Int, minimumCohort: Int
    ) throws(PrivateLearningError) {
        func fail(_ message: String) -> PrivateLearningError {
            PrivateLearningError(code: .invalidParameter, message: message)
        }
        guard (2...Self.rowLimit).contains(maximumRows) else {
            throw fail("maximum rows: got \(maximumRows), want 2...\(Self.rowLimit)")
        }
        guard (1...maximumRows).contains(minimumCohort) else {
            throw fail("minimum cohort: got \(minimumCohort), want 1...\(maximumRows)")
        }
        guard !columns.isEmpty else { throw fail("columns: got none, want at least one") }
        guard Set(columns.map(\.name)).count == columns.count else { throw fail("columns: a name comes twice") }
        guard target == nil || columns.contains(where: { $0.name == target }) else {
            throw fail("target: got \(target!), which is not among the columns")
        }
        self.recipe = recipe
        self.columns = columns
        self.target = target
        self.maximumRows = maximumRows
        self.minimumCohort = minimumCohort
    }

    private enum Keys: String, CodingKey { case format, recipe, columns, target, maximumRows, minimumCohort }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        let format = try values.decode(Int.self, forKey: .format)
        guard format == 1 else {
            throw DecodingError.dataCorruptedError(
                forKey: .format, in: values, debugDescription: "format: got \(format), want 1")
        }
        do {
            try self.init(
                recipe: values.decode(FittedRecipe.self, forKey: .recipe),
                columns: values.decode([Column].self, forKey: .columns),
                target: values.decodeIfPresent(String.self, forKey: .target),
                maximumRows: values.decode(Int.self, forKey: .maximumRows),
                minimumCohort: values.decode(Int.self, forKey: .minimumCohort))
        } catch let error as PrivateLearningError {
            throw DecodingError.dataCorrupted(.init(codingPath: values.codingPath, debugDescription: error.message))
        }
    }

    /// JSON with sorted keys: equal plans give equal bytes.
    public var encoded: [UInt8] {
        get throws(PrivateLearningError) {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            do {
                return Array(try encoder.encode(self))
            } catch {
                throw PrivateLearningError(code: .invalidParameter, message: "plan: \(error)")
            }
        }
    }

    public init(decoding bytes: [UInt8]) throws(PrivateLearningError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw PrivateLearningError(code: .invalidFile, message: "plan: not readable: \(error)")
        }
    }

    public var fingerprint: Fingerprint {
        get throws(PrivateLearningError) { Fingerprint(of: try encoded) }
    }

    /// Integers that stand for 1.0, column by column.
    public var multipliers: [Int64] { columns.map(\.encoding.scale.multiplier) }

    /// - Throws: `unknownColumn`, with the names that there are.
    public func index(of name: String) throws(PrivateLearningError) -> Int {
        guard let index = columns.firstIndex(where: { $0.name == name }) else {
            let names = columns.map(\.name).joined(separator: ", ")
            throw PrivateLearningError(
                code: .unknownColumn, message: "column: got \(name), want one of \(names)")
        }
        return index
    }

    /// Intervals in which the entries of one row's ``MomentMatrix`` lie, in its order, or of no row at all: a sum over
    /// "at most so many rows" may be over fewer.
    public var momentBounds: [ClosedRange<BigInteger>] {
        let intervals = [Int64(1)...1] + columns.map(\.encoding.integerBounds)
        var bounds: [ClosedRange<BigInteger>] = []
        for i in intervals.indices {
            for j in i..<intervals.count {
                let (a, b) = (Int128(intervals[i].lowerBound), Int128(intervals[i].upperBound))
                let (c, d) = (Int128(intervals[j].lowerBound), Int128(intervals[j].upperBound))
                // A square is never negative.
                let products = i == j ? [0, a * a, b * b] : [0, a * c, a * d, b * c, b * d]
                bounds.append(BigInteger(products.min()!)...BigInteger(products.max()!))
            }
        }
        return bounds
    }

    /// Rows of numbers as integers.
    /// - Throws: `mismatch` for other columns than the plan's; `invalidValue` naming row and column.
    public func integers(from matrix: FeatureMatrix) throws(PrivateLearningError) -> IntegerTable {
        guard matrix.columnNames == columns.map(\.name) else {
            throw PrivateLearningError(
                code: .mismatch, message: "columns: got \(matrix.columnNames), want \(columns.map(\.name))")
        }
        guard matrix.rowCount <= maximumRows else {
            throw PrivateLearningError(
                code: .invalidParameter,
                message: "rows: got \(matrix.rowCount), want at most \(maximumRows); raise the plan's maximum")
        }
        var result: [[Int64]] = []
        for (index, column) in columns.enumerated() {
            var integers = [Int64](repeating: 0, count: matrix.rowCount)
            for row in 0..<matrix.rowCount {
                do throws(FixedPointError) {
                    integers[row] = try column.encoding.encode(matrix[row, index])
                } catch {
                    throw PrivateLearningError(
                        code: .invalidValue, message: "row \(row + 1), column \(column.name): \(error.message)")
                }
            }
            result.append(integers)
        }
        return IntegerTable(columns: result, rowCount: matrix.rowCount)
    }
}
