import AtomicFiles
import Foundation

extension PrivacyReport {
    /// Writes the report as JSON and as a page; each file appears whole or not at all.
    ///
    /// - Throws: ``PrivacyReportsError`` with code `cannotWrite`, or as ``jsonData()`` does.
    public func write(jsonPath: String, htmlPath: String, options: HTMLOptions = HTMLOptions())
        throws(PrivacyReportsError)
    {
        let json = try jsonData()
        try Self.write(json, to: jsonPath)
        try Self.write(Data(html(options).utf8), to: htmlPath)
    }

    /// Reads a report from a JSON file.
    ///
    /// - Throws: ``PrivacyReportsError``; the message begins with the path.
    public init(jsonPath path: String) throws(PrivacyReportsError) {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path))
        } catch {
            throw PrivacyReportsError(.malformed, "\(path): cannot be read")
        }
        do {
            try self.init(jsonData: data)
        } catch {
            throw PrivacyReportsError(error.code, "\(path): \(error.message)")
        }
    }

    private static func write(_ data: Data, to path: String) throws(PrivacyReportsError) {
        do {
            try writeAtomically(data, to: path)
        } catch {
            throw PrivacyReportsError(.cannotWrite, "\(error)")
        }
    }
}
