import ArgumentParser
import AtomicFiles
import Datasets
import Foundation
import Tabular

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "List, describe, declare and split tables.",
        subcommands: [
            DataListCommand.self, DataFetchCommand.self, DataDescribeCommand.self, DataSchemaCommand.self,
            DataSplitCommand.self,
        ])
}

struct DataListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The registered data sets.")

    @Option(name: .customLong("data-dir"), help: "A folder with local copies.") var dataDirectory: String?
    @OptionGroup var common: CommonOptions

    struct Shown: Encodable {
        var name: String
        var title: String
        var rows: Int
        /// nil for what is no table.
        var columns: Int?
        var target: String?
        /// What `rows` counts.
        var items: String
        var isHere: Bool
        var source: String
        var licence: String
    }

    func run() throws {
        common.apply()
        let store = DatasetStore(dataDirectory: dataDirectory)
        let tables = Dataset.all.map { set in
            Shown(
                name: set.name, title: set.title, rows: set.rowCount, columns: set.columnCount, target: set.target,
                items: "rows", isHere: set.isEmbedded || store.has(set), source: set.sourcePage, licence: set.licence)
        }
        let collections = DataCollection.all.map { set in
            Shown(
                name: set.name, title: set.title, rows: set.itemCount, items: set.items, isHere: set.isHere(in: store),
                source: set.sourcePage, licence: set.licence)
        }
        let shown = tables + collections
        if common.json { return try Console.json(shown) }
        for set in shown {
            let state = set.isHere ? "" : "   (fetch it with `tacit data fetch \(set.name)`)"
            Console.result("\(set.name)\(state)")
            Console.result("    \(set.title)")
            let shape = set.columns.flatMap { columns in set.target.map { ", \(columns) columns, target \($0)" } } ?? ""
            Console.result("    \(set.rows) \(set.items)\(shape); \(set.licence)")
        }
    }
}

struct DataFetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Download a registered data set from its official place and check it.",
        discussion: "An interrupted download is continued by the next call. Nothing is fetched that is here already.")

    @Argument(help: "The data set's name.") var name: String
    @Option(name: .customLong("data-dir"), help: "A folder with local copies.") var dataDirectory: String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        common.apply()
        if let collection = DataCollection.all.first(where: { $0.name == name }) { return try await fetch(collection) }
        let set = try Dataset.named(name)
        guard !set.isEmbedded else { return Console.result("\(name): is part of the program") }
        let progress = Progress("fetching \(name)", total: set.files.reduce(0) { $0 + $1.byteCount }, unit: "bytes")
        defer { progress.finish() }
        let paths = try await DatasetStore(dataDirectory: dataDirectory).fetch(set) { progress.reach($0.receivedBytes) }
        progress.finish()
        for path in paths { Console.result(path) }
    }

    private func fetch(_ collection: DataCollection) async throws {
        let progress = Progress(
            "fetching \(name)", total: collection.files.reduce(0) { $0 + $1.byteCount }, unit: "bytes")
        defer { progress.finish() }
        let paths = try await DatasetStore(dataDirectory: dataDirectory).fetch(collection) {
            progress.reach($0.receivedBytes)
        }
        progress.finish()
        for path in paths { Console.result(path) }
        if paths.isEmpty { Console.result("\(name): is here") }
    }
}

struct DataDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Columns, ranges, missing values, oddities.")

    @OptionGroup var table: TableOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let (rows, schema) = try table.read()
        let summary = TableSummary(rows, schema: schema)
        if common.json { return try Console.json(summary) }
        Console.result("\(rows.rowCount) rows, \(rows.columns.count) columns")
        for column in summary.columns { Console.result("  " + Self.line(column)) }
        for warning in summary.warnings { Console.warn("\(warning)") }
    }
}

extension DataDescribeCommand {
    private static func line(_ column: TableSummary.ColumnSummary) -> String {
        let role = column.role.map { ", \($0.rawValue)" } ?? ""
        var text = "\(column.name) (\(column.type.rawValue)\(role)): "
        if let numbers = column.numbers {
            func short(_ value: Double) -> String { String(format: "%.6g", value) }
            text += "\(short(numbers.minimum)) … \(short(numbers.maximum)), mean \(short(numbers.mean))"
            if let deviation = numbers.standardDeviation { text += ", deviation \(short(deviation))" }
        } else if let top = column.topCategories {
            text += "\(column.distinct ?? top.count) categories: "
            text += top.map { "\($0.category) (\($0.count))" }.joined(separator: ", ")
        } else if let distinct = column.distinct {
            text += "\(distinct) different values"
        }
        return column.missing > 0 ? text + ", \(column.missing) missing" : text
    }
}

struct DataSchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Propose a schema for a CSV file, or confirm one.",
        discussion: """
            The proposal's bounds, decimals and categories are read off the data and say so. They become public when they \
            are used, so replace them by what is known about each quantity; then confirm with --confirm.
            """)

    @Option(help: "A CSV file.") var data: String
    @Option(help: "The column to predict.") var target: String?
    @Option(help: "The file to write; without it the one beside the data.") var out: String?
    @Flag(help: "Confirm the schema that is there, as it is.") var confirm = false
    @Flag(name: .customLong("latin1"), help: "The file is in ISO 8859-1.") var isLatin1 = false
    @Option(name: .customLong("missing"), help: "A field that means a missing value; may be repeated.")
    var missingMarks: [String] = []
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let place = out ?? Schema.sidecarPaths(for: data)[0]
        if confirm {
            guard FileManager.default.fileExists(atPath: place) else {
                throw CommandFailure(.noInput, "\(place): no schema to confirm; make a proposal first")
            }
            try Schema(path: place).confirmed().write(to: place)
            return try Console.result(Made(schema: place, confirmed: true), json: common.json, "\(place): confirmed")
        }
        guard common.yes || !FileManager.default.fileExists(atPath: place) else {
            throw CommandFailure(.cannotCreate, "\(place): exists; give another --out, or --yes to replace it")
        }
        let format = CSVFormat(encoding: isLatin1 ? .latin1 : .utf8, missingMarks: [""] + missingMarks)
        let proposal = try Schema.proposal(forCSV: data, format: format, target: target)
        try proposal.write(to: place)
        try Console.result(
            Made(schema: place, confirmed: false), json: common.json,
            "\(place): a proposal for \(proposal.columns.count) columns; check it, then `tacit data schema --data \(data) --confirm`"
        )
    }

    struct Made: Encodable {
        var schema: String
        var confirmed: Bool
    }
}

struct DataSplitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "split", abstract: "Divide a table into training and test rows, or among owners.",
        discussion:
            "Writes NAME-train.csv and NAME-test.csv, or NAME-1.csv … with --parts, each with its schema beside it.")

    @OptionGroup var table: TableOptions
    @Option(help: "Share of test rows.") var test: Double = 0.2
    @Option(help: "Divide among so many owners instead.") var parts: Int?
    @Option(help: "Keep rows with the same value of this column together, such as a patient's.") var group: String?
    @Option(help: "Keep the shares of this column's values alike.") var stratify: String?
    @Option(help: "Seed of the shuffle.") var seed: UInt64 = 1
    @Option(help: "Name of the files to write, without .csv.") var out: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let (rows, schema) = try table.read()
        let pieces: [(String, Table)]
        if let parts {
            pieces = try rows.partition(into: parts, seed: seed, groupBy: group, stratifyBy: stratify).enumerated()
                .map { ("\(out)-\($0 + 1)", $1) }
        } else {
            let split = try rows.split(testShare: test, seed: seed, groupBy: group, stratifyBy: stratify)
            pieces = [("\(out)-train", rows.rows(split.training)), ("\(out)-test", rows.rows(split.test))]
        }
        for (name, piece) in pieces {
            try CSVWriter().write(piece, to: name + ".csv")
            try schema.write(to: name + ".schema.json")
            if !common.json { Console.result("\(name).csv: \(piece.rowCount) rows") }
        }
        if common.json { try Console.json(pieces.map { Made(file: $0.0 + ".csv", rows: $0.1.rowCount) }) }
    }

    struct Made: Encodable {
        var file: String
        var rows: Int
    }
}
