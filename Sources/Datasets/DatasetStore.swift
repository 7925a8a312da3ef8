import AtomicFiles
import Crypto
import Foundation

/// Where the files of data sets are on this machine.
///
/// A file is looked for below the data directory (given, or named by the environment variable `TACIT_DATA`) and then
/// below the cache directory, and must have the published length and hash.
public struct DatasetStore: Sendable {
    /// Read only; nil when none was named.
    public let dataDirectory: String?
    /// Where downloads go.
    public let cacheDirectory: String

    /// - Parameters:
    ///   - dataDirectory: nil takes `TACIT_DATA`.
    ///   - cacheDirectory: nil takes `$XDG_CACHE_HOME/tacit`, `~/.cache/tacit`, or on macOS `~/Library/Caches/tacit`.
    public init(
        dataDirectory: String? = nil, cacheDirectory: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        self.dataDirectory = dataDirectory ?? value("TACIT_DATA")
        if let cacheDirectory {
            self.cacheDirectory = cacheDirectory
        } else if let base = value("XDG_CACHE_HOME"), base.hasPrefix("/") {
            self.cacheDirectory = base + "/tacit"
        } else {
            let home = value("HOME") ?? NSHomeDirectory()
            #if os(macOS)
                self.cacheDirectory = home + "/Library/Caches/tacit"
            #else
                self.cacheDirectory = home + "/.cache/tacit"
            #endif
        }
    }

    /// Where a download of a file is kept.
    public func cachePath(of file: Dataset.File) -> String { cacheDirectory + "/" + file.path }

    /// Whether every file of a data set is here, by name and length.
    public func has(_ dataset: Dataset) -> Bool { dataset.files.allSatisfy { find($0) != nil } }

    /// The path of a file of the right length, or nil.
    func find(_ file: Dataset.File) -> String? {
        for path in candidates(file) {
            let size = try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            if size == file.byteCount { return path }
        }
        return nil
    }

    private func candidates(_ file: Dataset.File) -> [String] { directories.map { $0 + "/" + file.path } }

    /// Where files are looked for, the first place first.
    var directories: [String] { (dataDirectory.map { [$0] } ?? []) + [cacheDirectory] }

    /// The first place where there is a file of this name, or nil.
    func path(below name: String) -> String? {
        directories.map { $0 + "/" + name }.first(where: FileManager.default.fileExists)
    }

    /// The content of a file that its reader checks.
    func contents(atPath path: String) throws(DatasetsError) -> [UInt8] {
        do throws(AtomicFilesError) { return try readFile(path, limit: 1 << 30) } catch {
            throw DatasetsError(.unreadable, error.message)
        }
    }

    /// The content of a file, checked against its published hash.
    /// - Throws: ``DatasetsError`` with code `notFetched`, `sizeMismatch` or `hashMismatch`.
    public func contents(of file: Dataset.File, in dataset: String) throws(DatasetsError) -> [UInt8] {
        guard let path = candidates(file).first(where: FileManager.default.fileExists) else {
            throw DatasetsError(
                .notFetched,
                "\(file.path): not found in \(directories); fetch it with "
                    + "`tacit data fetch \(dataset)`, or name its folder with --data-dir or TACIT_DATA")
        }
        let bytes = try contents(atPath: path)
        guard bytes.count == file.byteCount else {
            throw DatasetsError(
                .sizeMismatch, "\(path): got \(bytes.count) bytes, want \(file.byteCount); delete it and fetch it again"
            )
        }
        try Self.check(hash: Self.hexadecimal(SHA256.hash(data: bytes)), of: file, at: path)
        return bytes
    }

    static func check(hash: String, of file: Dataset.File, at path: String) throws(DatasetsError) {
        guard hash == file.sha256 else {
            throw DatasetsError(.hashMismatch, "\(path): got SHA-256 \(hash), want \(file.sha256)")
        }
    }

    static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef")
        return String(digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
