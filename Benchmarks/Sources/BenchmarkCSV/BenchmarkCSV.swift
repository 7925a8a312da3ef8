import Foundation
import Tabular

/// Reads a numeric CSV file and prints how long it took, as one JSON line.
///
///     BenchmarkCSV FILE [table|stream|infer]
///
/// `table` reads the whole file with a schema of numbers, `stream` takes one chunk after another and keeps none,
/// `infer` reads it whole without being told any types. The sum over all cells is printed, so that the readers that are
/// compared can be seen to have read the same numbers.
@main struct BenchmarkCSV {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2 else {
            FileHandle.standardError.write(Data("usage: BenchmarkCSV FILE [table|stream|infer]\n".utf8))
            exit(64)
        }
        let path = arguments[1]
        let mode = arguments.count > 2 ? arguments[2] : "table"
        let size = (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        let header = try firstLine(path).split(separator: ",").map(String.init)
        let schema = try Schema(columns: header.map { ColumnSchema($0, .number) })
        let clock = ContinuousClock()
        var sum = 0.0
        var rows = 0
        let start = clock.now
        switch mode {
        case "stream":
            let reader = try CSVReader(path: path, schema: schema)
            while let chunk = try reader.next() {
                rows += chunk.rowCount
                sum += total(chunk)
            }
        case "infer":
            let table = try Table(csv: path)
            (rows, sum) = (table.rowCount, total(table))
        default:
            let table = try Table(csv: path, schema: schema)
            (rows, sum) = (table.rowCount, total(table))
        }
        let seconds = (clock.now - start) / .seconds(1)
        print(
            """
            {"reader":"tacit","mode":"\(mode)","rows":\(rows),"seconds":\(seconds),\
            "megabytes_per_second":\(Double(size) / 1e6 / seconds),"sum":\(sum)}
            """)
    }

    static func firstLine(_ path: String) throws -> String {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        let start = try file.read(upToCount: 1 << 16) ?? Data()
        return String(decoding: start.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    static func total(_ table: Table) -> Double {
        var sum = 0.0
        for column in table.columns {
            guard case .numeric(let numbers) = column.values else { continue }
            numbers.withUnsafeValues { values in
                for value in values { sum += value }
            }
        }
        return sum
    }
}
