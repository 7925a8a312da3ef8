import Foundation

extension PrivacyReport {
    /// Larger files are refused before they are parsed: a report is a summary.
    public static let maximumBytes = 64 << 20

    /// The report as pretty-printed JSON with sorted keys, ending in a line break.
    ///
    /// Numbers that JSON lacks are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`. The computed ``gaps`` and
    /// ``headline`` are written too, for readers of the JSON alone; reading computes them anew.
    /// - Throws: ``PrivacyReportsError`` when ``validate()`` does.
    public func jsonData() throws(PrivacyReportsError) -> Data {
        try validate()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            return try encoder.encode(self) + Data("\n".utf8)
        } catch {
            throw PrivacyReportsError(.cannotWrite, "report: cannot be written as JSON: \(error)")
        }
    }

    /// Reads a report of this or an older major version; fields it does not know are passed over.
    ///
    /// Total: any bytes give a report that satisfies ``validate()``, or an error that names the JSON path.
    /// - Throws: ``PrivacyReportsError`` with code `malformed`, `unsupportedVersion` or `invalidField`.
    /// - Cost: linear in the input, which is at most ``maximumBytes``.
    public init(jsonData data: Data) throws(PrivacyReportsError) {
        guard data.count <= Self.maximumBytes else {
            throw PrivacyReportsError(
                .malformed, "report: got \(data.count) bytes, want at most \(Self.maximumBytes)")
        }
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        do {
            // The version first: in a report of the future, any other field may be different.
            let version = try decoder.decode(Header.self, from: data).schemaVersion
            guard version.major <= SchemaVersion.current.major else {
                throw PrivacyReportsError(
                    .unsupportedVersion,
                    "$.schemaVersion: got \(version), want at most \(SchemaVersion.current.major).x: "
                        + "this report was written by a newer version; update to read it")
            }
            self = try decoder.decode(PrivacyReport.self, from: data)
        } catch {
            throw PrivacyReportsError(decoding: error)
        }
        try validate()
    }

    private struct Header: Decodable {
        var schemaVersion: SchemaVersion
    }
}

extension PrivacyReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case schemaVersion, title, created, tool, task, parties, adversary, observations, disclosures, cryptography
        case differentialPrivacy, audits, results, agreement, costs, plots, provenance
        // Derived; written, never read.
        case gaps, headline
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func list<Element: Decodable>(_ key: CodingKeys) throws -> [Element] {
            try container.decodeIfPresent([Element].self, forKey: key) ?? []
        }
        schemaVersion = try container.decode(SchemaVersion.self, forKey: .schemaVersion)
        title = try container.decode(String.self, forKey: .title)
        let text = try container.decode(String.self, forKey: .created)
        guard let date = Timestamp.date(text) else {
            throw DecodingError.dataCorruptedError(
                forKey: .created, in: container,
                debugDescription: "got \"\(text.prefix(40))\", want ISO 8601 such as 2026-01-31T12:00:00Z")
        }
        created = date
        tool = try container.decode(Tool.self, forKey: .tool)
        task = try container.decode(TaskSummary.self, forKey: .task)
        parties = try container.decode([Party].self, forKey: .parties)
        adversary = try container.decode(AdversaryModel.self, forKey: .adversary)
        observations = try list(.observations)
        disclosures = try list(.disclosures)
        cryptography = try list(.cryptography)
        differentialPrivacy = try container.decode(DifferentialPrivacy.self, forKey: .differentialPrivacy)
        audits = try container.decode(Audits.self, forKey: .audits)
        results = try list(.results)
        agreement = try list(.agreement)
        costs = try list(.costs)
        plots = try list(.plots)
        provenance = try container.decode(Provenance.self, forKey: .provenance)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(schemaVersion, forKey: .schemaVersion)
        try container.encode(title, forKey: .title)
        try container.encode(Timestamp.text(created), forKey: .created)
        try container.encode(tool, forKey: .tool)
        try container.encode(task, forKey: .task)
        try container.encode(parties, forKey: .parties)
        try container.encode(adversary, forKey: .adversary)
        try container.encode(observations, forKey: .observations)
        try container.encode(disclosures, forKey: .disclosures)
        try container.encode(cryptography, forKey: .cryptography)
        try container.encode(differentialPrivacy, forKey: .differentialPrivacy)
        try container.encode(audits, forKey: .audits)
        try container.encode(results, forKey: .results)
        try container.encode(agreement, forKey: .agreement)
        try container.encode(costs, forKey: .costs)
        try container.encode(plots, forKey: .plots)
        try container.encode(provenance, forKey: .provenance)
        try container.encode(gaps, forKey: .gaps)
        try container.encode(headline, forKey: .headline)
    }
}

extension PrivacyReport.SchemaVersion: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let major = Int(parts[0]), let minor = Int(parts[1]), major >= 1
        else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "got \"\(text.prefix(40))\", want major.minor such as 1.0"))
        }
        self.init(major: major, minor: minor)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension PrivacyReportsError {
    /// A decoding failure in our own words, with the JSON path.
    fileprivate init(decoding error: any Error) {
        if let own = error as? PrivacyReportsError {
            self = own
            return
        }
        func path(_ keys: [any CodingKey]) -> String {
            keys.reduce(into: "$") { text, key in
                text += key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
            }
        }
        switch error as? DecodingError {
        case .keyNotFound(let key, let context):
            self.init(.invalidField, "\(path(context.codingPath + [key])): missing")
        case .valueNotFound(let type, let context):
            self.init(.invalidField, "\(path(context.codingPath)): got null, want \(Self.name(of: type))")
        case .typeMismatch(let type, let context):
            self.init(.invalidField, "\(path(context.codingPath)): another type, want \(Self.name(of: type))")
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            let reason = (context.underlyingError as NSError?)?.userInfo[NSDebugDescriptionErrorKey] as? String
            self.init(.malformed, "report: not JSON: \(reason ?? context.debugDescription)")
        case .dataCorrupted(let context):
            self.init(.invalidField, "\(path(context.codingPath)): \(context.debugDescription)")
        default:
            self.init(.malformed, "report: cannot be read: \(error)")
        }
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Int.Type: "an integer"
        case is Double.Type: "a number"
        case is Bool.Type: "true or false"
        case is any Collection.Type where !(type is any StringProtocol.Type): "a list or object"
        default: "an object"
        }
    }
}

/// ISO 8601 with second resolution, in UTC.
package enum Timestamp {
    /// Years 0 to 9999; dates beyond are brought to the nearest end, since ISO 8601 has no plain form for them.
    package static func text(_ date: Date) -> String {
        let seconds = date.timeIntervalSince1970
        let bounded = seconds.isNaN ? 0 : min(max(seconds.rounded(.down), -62_135_596_800), 253_402_300_799)
        return Date(timeIntervalSince1970: bounded).formatted(.iso8601)
    }

    package static func date(_ text: String) -> Date? {
        guard text.utf8.count <= 40 else { return nil }
        if let date = try? Date(text, strategy: .iso8601) { return date }
        guard let date = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)) else {
            return nil
        }
        return Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
    }
}
