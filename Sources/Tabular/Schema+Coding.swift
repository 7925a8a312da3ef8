import AtomicFiles
import Foundation
import Yams

/// Keys that a decoder met and does not know are refused: a misspelt `bound` must not silently mean no bounds.
private struct AnyKey: CodingKey {
    let stringValue: String
    let intValue: Int?
    init(stringValue: String) { (self.stringValue, intValue) = (stringValue, nil) }
    init(intValue: Int) { (stringValue, self.intValue) = (String(intValue), intValue) }
}

extension Decoder {
    fileprivate func refuseUnknownKeys<Key: CodingKey & CaseIterable>(_ keys: Key.Type) throws {
        let known = Set(Key.allCases.map(\.stringValue))
        for key in try container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: codingPath + [key],
                    debugDescription: "got an unknown key, want one of \(known.sorted().joined(separator: ", "))"))
        }
    }
}

extension ColumnSchema: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name, type, role, bounds, decimals, categories, missingMarks, allowsMissing, readOffData, note
    }

    private enum BoundsKeys: String, CodingKey, CaseIterable { case lower, upper }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try container.decode(String.self, forKey: .name), try container.decode(ColumnType.self, forKey: .type),
            role: try container.decodeIfPresent(ColumnRole.self, forKey: .role) ?? .feature,
            decimals: try container.decodeIfPresent(Int.self, forKey: .decimals),
            categories: try container.decodeIfPresent([String].self, forKey: .categories),
            missingMarks: try container.decodeIfPresent([String].self, forKey: .missingMarks),
            allowsMissing: try container.decodeIfPresent(Bool.self, forKey: .allowsMissing) ?? false,
            isReadOffData: try container.decodeIfPresent(Bool.self, forKey: .readOffData) ?? false,
            note: try container.decodeIfPresent(String.self, forKey: .note))
        if container.contains(.bounds), try !container.decodeNil(forKey: .bounds) {
            try container.superDecoder(forKey: .bounds).refuseUnknownKeys(BoundsKeys.self)
            let pair = try container.nestedContainer(keyedBy: BoundsKeys.self, forKey: .bounds)
            let lower = try pair.decode(Double.self, forKey: .lower)
            let upper = try pair.decode(Double.self, forKey: .upper)
            do { bounds = try Bounds(lower, upper) } catch {
                throw DecodingError.dataCorrupted(.init(codingPath: pair.codingPath, debugDescription: error.message))
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(type, forKey: .type)
        try container.encode(role, forKey: .role)
        try container.encodeIfPresent(bounds, forKey: .bounds)
        try container.encodeIfPresent(decimals, forKey: .decimals)
        try container.encodeIfPresent(categories, forKey: .categories)
        try container.encodeIfPresent(missingMarks, forKey: .missingMarks)
        if allowsMissing { try container.encode(true, forKey: .allowsMissing) }
        if isReadOffData { try container.encode(true, forKey: .readOffData) }
        try container.encodeIfPresent(note, forKey: .note)
    }
}

extension Schema: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case formatVersion, confirmed, note, missingMarks, columns
    }

    public init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(CodingKeys.self)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let version = try container.decode(Int.self, forKey: .formatVersion)
        guard version == Schema.formatVersion else {
            throw DecodingError.dataCorruptedError(
                forKey: .formatVersion, in: container,
                debugDescription: "got \(version), want \(Schema.formatVersion)")
        }
        let isConfirmed = try container.decode(Bool.self, forKey: .confirmed)
        let columns = try container.decode([ColumnSchema].self, forKey: .columns)
        let missingMarks = try container.decodeIfPresent([String].self, forKey: .missingMarks)
        let note = try container.decodeIfPresent(String.self, forKey: .note)
        do {
            try self.init(columns: columns, isConfirmed: isConfirmed, missingMarks: missingMarks, note: note)
        } catch {
            // The message begins with the path below this value.
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: error.message))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Schema.formatVersion, forKey: .formatVersion)
        try container.encode(isConfirmed, forKey: .confirmed)
        try container.encodeIfPresent(note, forKey: .note)
        try container.encodeIfPresent(missingMarks, forKey: .missingMarks)
        try container.encode(columns, forKey: .columns)
    }
}

extension Schema {
    public enum FileFormat: String, Hashable, Sendable, CaseIterable {
        case json, yaml

        /// By the file's extension; anything but `.yaml` and `.yml` is JSON.
        public init(path: String) {
            self = path.hasSuffix(".yaml") || path.hasSuffix(".yml") ? .yaml : .json
        }
    }

    /// Schemas are small; a larger file is a mistake or an attack.
    public static let fileLimit = 4 << 20

    /// Decodes a schema file.
    /// - Parameter name: stands for the file in messages.
    /// - Throws: ``TabularError`` with code `invalidSchema` and the path of the culprit, such as `columns[3].bounds.lower`.
    public init(decoding bytes: [UInt8], as format: FileFormat, name: String) throws(TabularError) {
        let file = DataLocation(file: name)
        guard bytes.count <= Self.fileLimit else {
            throw TabularError(
                .limitExceeded, "schema: got \(bytes.count) bytes, want at most \(Self.fileLimit)", at: file)
        }
        do {
            switch format {
            case .json: self = try JSONDecoder().decode(Schema.self, from: Data(bytes))
            case .yaml:
                if let offset = Self.firstYAMLAnchor(bytes) {
                    throw TabularError(
                        .invalidSchema,
                        "schema: got a YAML anchor or alias (& or *), want plain YAML; write text that has one of these "
                            + "signs before a letter in the JSON form",
                        at: DataLocation(file: name, byteOffset: offset))
                }
                self = try YAMLDecoder().decode(Schema.self, from: Data(bytes))
            }
        } catch let error as TabularError {
            throw error
        } catch let error as DecodingError {
            throw TabularError(.invalidSchema, Self.describe(error), at: file)
        } catch {
            throw TabularError(.invalidSchema, "schema: not \(format.rawValue.uppercased()): \(error)", at: file)
        }
    }

    /// Reads a schema file, JSON or YAML by its extension.
    /// - Throws: ``TabularError``.
    public init(path: String) throws(TabularError) {
        let bytes: [UInt8]
        do { bytes = try readFile(path, limit: Self.fileLimit) } catch {
            throw TabularError(.unreadable, error.message)
        }
        try self.init(decoding: bytes, as: FileFormat(path: path), name: path)
    }

    /// The bytes of a schema file, ending in a line end. The same schema always gives the same bytes.
    public func encoded(as format: FileFormat) throws(TabularError) -> [UInt8] {
        do {
            switch format {
            case .json:
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                return Array(try encoder.encode(self)) + [0x0A]
            case .yaml: return Array(try YAMLEncoder().encode(self).utf8)
            }
        } catch {
            throw TabularError(.invalidSchema, "schema: cannot be encoded: \(error)")
        }
    }

    /// Writes a schema file, JSON or YAML by its extension, whole or not at all.
    /// - Throws: ``TabularError``.
    public func write(to path: String) throws(TabularError) {
        let bytes = try encoded(as: FileFormat(path: path))
        do { try writeAtomically(bytes, to: path) } catch { throw TabularError(.unwritable, error.message) }
    }

    /// Where the schema of a data file is looked for: `x.csv` has `x.schema.json`, `x.schema.yaml` or `x.schema.yml`.
    public static func sidecarPaths(for dataPath: String) -> [String] {
        let url = URL(fileURLWithPath: dataPath)
        let name = url.deletingPathExtension().lastPathComponent
        let slash = dataPath.lastIndex(of: "/").map { dataPath[...$0] } ?? ""
        return ["json", "yaml", "yml"].map { "\(slash)\(name).schema.\($0)" }
    }

    /// The schema beside a data file, or nil when there is none.
    /// - Throws: ``TabularError`` when there is one that cannot be understood.
    public static func sidecar(for dataPath: String) throws(TabularError) -> Schema? {
        guard let path = sidecarPaths(for: dataPath).first(where: FileManager.default.fileExists) else { return nil }
        return try Schema(path: path)
    }

    /// The offset of the first sign that could begin a YAML anchor or alias.
    ///
    /// Aliases let a few bytes stand for gigabytes. Schemas have no use for them, so the text is refused before it is
    /// parsed; the test is crude and also refuses such a sign inside plain text.
    private static func firstYAMLAnchor(_ bytes: [UInt8]) -> Int? {
        for index in bytes.indices where bytes[index] == 0x26 || bytes[index] == 0x2A {
            let before = index == 0 ? 0x0A : bytes[index - 1]
            let after = index + 1 < bytes.count ? bytes[index + 1] : 0x0A
            if [0x09, 0x0A, 0x0D, 0x20, 0x2C, 0x5B, 0x7B, 0x3A, 0x2D, 0x3F].contains(before) && after > 0x20 {
                return index
            }
        }
        return nil
    }

    static func describe(_ error: DecodingError) -> String {
        func path(_ keys: [any CodingKey]) -> String {
            var text = ""
            for key in keys {
                if let index = key.intValue {
                    text += "[\(index)]"
                } else {
                    text += (text.isEmpty ? "" : ".") + key.stringValue
                }
            }
            return text.isEmpty ? "schema" : text
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])): missing"
        case .typeMismatch(let type, let context):
            return "\(path(context.codingPath)): got another type, want \(name(of: type))"
        case .valueNotFound(let type, let context):
            return "\(path(context.codingPath)): got null, want \(name(of: type))"
        case .dataCorrupted(let context):
            if let reason = context.underlyingError {
                return "\(path(context.codingPath)): \(context.debugDescription) (\(reason))"
            }
            // What the schema itself found wrong begins with its own path.
            if context.codingPath.isEmpty && context.debugDescription.hasPrefix("columns") {
                return context.debugDescription
            }
            return "\(path(context.codingPath)): \(context.debugDescription)"
        @unknown default: return "schema: \(error)"
        }
    }

    private static func name(of type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is Int.Type: "an integer"
        case is Double.Type: "a number"
        case is ColumnType.Type: "one of number, integer, category, text"
        case is ColumnRole.Type: "one of \(ColumnRole.allCases.map(\.rawValue).joined(separator: ", "))"
        default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
        }
    }
}
