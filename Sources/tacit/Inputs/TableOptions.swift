import ArgumentParser
import Datasets
import Foundation
import Tabular

/// Where a table comes from, the same for every command.
struct TableOptions: ParsableArguments {
    @Option(name: .long, help: "A CSV file, or the name of a registered data set (see `tacit data list`).")
    var data: String

    @OptionGroup var format: TableFormatOptions

    /// The table and the schema that declares it.
    func read(for target: String? = nil) throws -> (table: Table, schema: Schema) {
        try format.read(data, target: target)
    }
}

struct TableFormatOptions: ParsableArguments {
    @Option(
        name: .long,
        help: "The schema file (JSON or YAML). Without it the one beside the data (my.csv: my.schema.json) is taken.")
    var schema: String?

    @Option(name: .customLong("data-dir"), help: "A folder with local copies of the registered data sets.")
    var dataDirectory: String?

    @Option(
        name: .customLong("missing"),
        help: "A field that means a missing value, besides the empty one; may be repeated.")
    var missingMarks: [String] = []

    @Flag(name: .customLong("latin1"), help: "The file is in ISO 8859-1, not in UTF-8.")
    var isLatin1 = false

    var csvFormat: CSVFormat {
        CSVFormat(encoding: isLatin1 ? .latin1 : .utf8, missingMarks: [""] + missingMarks)
    }

    /// - Parameters:
    ///   - target: overrides the schema's target.
    ///   - needsTarget: false at prediction time, when the target's column may be absent.
    func read(_ data: String, target: String? = nil, needsTarget: Bool = true) throws -> (table: Table, schema: Schema)
    {
        let isFile = FileManager.default.fileExists(atPath: data)
        if let set = Dataset.all.first(where: { $0.name == data }) {
            if isFile { Console.warn("\(data): taken as the registered data set; write ./\(data) for the file") }
            let known = target.flatMap { set.targets.contains($0) ? $0 : nil }
            let loaded = try set.load(from: DatasetStore(dataDirectory: dataDirectory), target: known)
            var declared = try schema.map { try Schema(path: $0) } ?? loaded.schema
            if let target { declared = try declared.targeting(target) }
            return (loaded.table, declared)
        }
        guard isFile else {
            let names = Dataset.all.map(\.name).joined(separator: ", ")
            throw CommandFailure(.noInput, "\(data): no such file, and no data set of that name (there are: \(names))")
        }
        var declared = try declaration(of: data, target: target)
        if !needsTarget { declared = try Self.withoutTargets(declared) }
        let table = try Table(csv: data, schema: declared, format: csvFormat)
        return (table, declared)
    }

    /// The schema alone. Of a file's rows nothing is read; a registered data set is public and is loaded, since its schema
    /// comes with its table.
    func schema(of data: String, target: String?) throws -> Schema {
        if Dataset.all.contains(where: { $0.name == data }) { return try read(data, target: target).schema }
        guard FileManager.default.fileExists(atPath: data) else { return try read(data, target: target).schema }
        return try declaration(of: data, target: target)
    }

    private func declaration(of data: String, target: String?) throws -> Schema {
        guard let declared = try schema.map({ try Schema(path: $0) }) ?? Schema.sidecar(for: data) else {
            throw CommandFailure(
                .configuration,
                "\(data): has no schema; make a proposal with `tacit data schema --data \(data)`, check it, and confirm it"
            )
        }
        guard let target else { return declared }
        return try declared.targeting(target)
    }

    /// The schema with its targets ignored, for rows whose outcome is not known yet.
    static func withoutTargets(_ schema: Schema) throws -> Schema {
        try Schema(
            columns: schema.columns.map { column in
                var column = column
                if column.role == .target { column.role = .ignore }
                return column
            }, isConfirmed: schema.isConfirmed, missingMarks: schema.missingMarks, note: schema.note)
    }
}
