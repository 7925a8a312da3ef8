import Tabular

/// A public data set: what it is, where it comes from, and how it is loaded.
///
/// To add one: a file with its description, schema and loader, one line in ``all``, a test on the real data.
public struct Dataset: Sendable {
    public enum Task: String, Hashable, Sendable, Codable {
        case regression
        case binaryClassification = "binary-classification"
    }

    /// A file as its publisher offers it.
    public struct File: Hashable, Sendable, Codable {
        /// Path below the data directory, such as `hospital-readmission/dataset_diabetes.zip`.
        public let path: String
        /// The publisher's address.
        public let address: String
        public let byteCount: Int
        /// SHA-256 of the content in lower-case hexadecimal digits.
        public let sha256: String

        public init(path: String, address: String, byteCount: Int, sha256: String) {
            self.path = path
            self.address = address
            self.byteCount = byteCount
            self.sha256 = sha256
        }
    }

    /// The name by which commands call it.
    public let name: String
    public let title: String
    public let task: Task
    /// The column predicted unless another is asked for.
    public let target: String
    /// Columns that may serve as target, the usual one first.
    public let targets: [String]
    /// Of the table that is loaded.
    public let rowCount: Int
    /// Of the table that is loaded, all roles together.
    public let columnCount: Int
    public let sourcePage: String
    public let officialAddress: String
    public let citation: String
    public let licence: String
    /// How the loaded table differs from what is published.
    public let differences: String
    /// Files to be fetched; none for a set that is part of the product.
    public let files: [File]

    let loader: @Sendable (DatasetStore, String) throws(DatasetsError) -> (Table, Schema)

    public var isEmbedded: Bool { files.isEmpty }

    /// All data sets, in the order in which they are listed.
    public static let all: [Dataset] = [.diabetes, .breastCancer, .hospitalReadmission]

    /// - Throws: ``DatasetsError`` with the names that there are.
    public static func named(_ name: String) throws(DatasetsError) -> Dataset {
        guard let dataset = all.first(where: { $0.name == name }) else {
            throw DatasetsError(
                .unknownDataset,
                "data set: got \"\(name)\", want one of \(all.map(\.name).joined(separator: ", ")), or a file")
        }
        return dataset
    }

    /// Loads the table and its schema.
    /// - Parameters:
    ///   - store: where files are looked for; embedded sets need none.
    ///   - target: one of ``targets``; nil takes the usual one.
    /// - Throws: ``DatasetsError`` when files are not there or are not the published ones.
    public func load(
        from store: DatasetStore = DatasetStore(), target: String? = nil
    ) throws(DatasetsError) -> LoadedDataset {
        let target = target ?? self.target
        guard targets.contains(target) else {
            throw DatasetsError(
                .invalidData, "target of \(name): got \"\(target)\", want one of \(targets.joined(separator: ", "))")
        }
        let (table, schema) = try loader(store, target)
        return LoadedDataset(dataset: self, table: table, schema: schema)
    }
}

/// A data set in memory: a table that its schema has validated.
public struct LoadedDataset: Sendable {
    public let dataset: Dataset
    public let table: Table
    public let schema: Schema
}
