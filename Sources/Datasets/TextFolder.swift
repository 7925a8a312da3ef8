import AtomicFiles
import Foundation

/// Texts of two classes as people keep them: a file a text, in two folders side by side that are named after the classes, or
/// in folders within these.
///
/// The two folders may stand in the folder that is named, or deeper in it; a `.tar.gz` of it will do as well.
public struct TextFolder: Sendable {
    public struct Text: Sendable {
        /// Within the folder.
        public let name: String
        public let isPositive: Bool
        public let content: [UInt8]
    }

    /// In the order of their names.
    public let texts: [Text]
    /// Names of files of which a quarter or more are bytes 0, as in UTF-16 and UTF-32, and of empty ones; they are not
    /// among the texts.
    public let unreadable: [String]

    /// What to say of one of ``unreadable``.
    public static func reason(unreadable name: String) -> String {
        "\(name): is empty or in UTF-16; left out, want text in an encoding that keeps ASCII"
    }

    /// Of one text.
    public static let byteLimit = 1 << 24
    static let countLimit = 1_000_000

    /// - Parameter positive: the name of the folder whose texts are of class yes; the folder beside it is the other class.
    /// - Throws: ``DatasetsError``, naming the place.
    public init(path: String, positive: String) throws(DatasetsError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
            throw DatasetsError(.notFetched, "\(path): not found; want a folder of texts or a .tar.gz of one")
        }
        if isFolder.boolValue {
            try self.init(
                names: try Self.files(in: path), path: path, positive: positive
            ) { name throws(DatasetsError) in
                try Self.contents("\(path)/\(name)", limit: Self.byteLimit)
            }
            return
        }
        let packed = try Self.contents(path, limit: 1 << 30)
        guard packed.starts(with: [0x1F, 0x8B]) else {
            throw DatasetsError(
                .invalidData,
                "\(path): want a folder with the folders \(positive) and another, a file a text, or a .tar.gz of one")
        }
        let archive = try TarArchive(
            try Gzip.unpack(packed, name: path, limit: 1 << 31), name: path, entryLimit: Self.countLimit)
        let entries = Dictionary(uniqueKeysWithValues: archive.entries.map { ($0.name, $0) })
        try self.init(names: archive.entries.map(\.name), path: path, positive: positive) { name in
            entries[name].map { Array(archive.contents(of: $0)) } ?? []
        }
    }

    private init(
        names: [String], path: String, positive: String, content: (String) throws(DatasetsError) -> [UInt8]
    ) throws(DatasetsError) {
        let paths = names.map { (name: $0, parts: $0.split(separator: "/").map(String.init)) }
            .filter { path in path.parts.count >= 2 && !path.parts.contains { $0.hasPrefix(".") } }
        // Where the folder of class yes stands; the first one on the way to a file counts.
        func outer(_ parts: [String], _ known: (String) -> Bool) -> String? {
            (0..<parts.count - 1).lazy.map { parts[..<$0].joined(separator: "/") }.first(where: known)
        }
        var pairs: [String: Set<String>] = [:]
        for path in paths {
            guard let place = path.parts.dropLast().firstIndex(of: positive) else { continue }
            pairs[path.parts[..<place].joined(separator: "/")] = []
        }
        var files: [(name: String, folder: String)] = []
        for path in paths {
            guard let outer = outer(path.parts, { pairs[$0] != nil }) else { continue }
            let folder = path.parts[outer.isEmpty ? 0 : outer.split(separator: "/").count]
            pairs[outer]?.insert(folder)
            files.append((path.name, folder))
        }
        guard !pairs.isEmpty else {
            throw DatasetsError(
                .invalidData, "\(path): has no folder \(positive) with texts; want it and one beside it for the others")
        }
        for (outer, folders) in pairs.sorted(by: { $0.key < $1.key }) where folders.count != 2 {
            throw DatasetsError(
                .invalidData,
                "\(path)\(outer.isEmpty ? "" : "/" + outer): got the folders \(folders.sorted().joined(separator: ", ")), want "
                    + "\(positive) and one other")
        }
        var (texts, unreadable) = ([Text](), [String]())
        for file in files.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            let bytes = try content(file.name)
            if bytes.isEmpty || bytes.count(where: { $0 == 0 }) * 4 >= bytes.count {
                unreadable.append("\(path)/\(file.name)")
            } else {
                texts.append(Text(name: file.name, isPositive: file.folder == positive, content: bytes))
            }
        }
        guard !texts.isEmpty else { throw DatasetsError(.invalidData, "\(path): has no text that can be read") }
        (self.texts, self.unreadable) = (texts, unreadable)
    }

    private static func contents(_ path: String, limit: Int) throws(DatasetsError) -> [UInt8] {
        do { return try readFile(path, limit: limit) } catch { throw DatasetsError(.invalidData, error.message) }
    }

    private static func files(in path: String) throws(DatasetsError) -> [String] {
        guard let walk = FileManager.default.enumerator(atPath: path) else {
            throw DatasetsError(.invalidData, "\(path): cannot be listed; are its permissions right?")
        }
        var names: [String] = []
        while let name = walk.nextObject() as? String {
            guard walk.fileAttributes?[.type] as? FileAttributeType != .typeDirectory else { continue }
            guard names.count < countLimit else {
                throw DatasetsError(.invalidData, "\(path): got more than \(countLimit) files")
            }
            names.append(name)
        }
        return names
    }
}
