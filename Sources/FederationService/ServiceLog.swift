import Foundation
import Synchronization

/// One line of the log: an event with its facts, as JSON. Holds no secrets and no content of messages.
public struct LogLine: Sendable {
    public enum Level: String, Sendable { case info, warning, error }

    public let moment: Date
    public let level: Level
    public let event: String
    public let facts: [String: String]

    public init(_ level: Level, _ event: String, _ facts: [String: String] = [:], at moment: Date = Date()) {
        self.moment = moment
        self.level = level
        self.event = event
        self.facts = facts
    }

    /// `{"event":…,"level":…,"time":…, facts}` without a line break.
    public var json: String {
        var object = facts
        object["time"] = moment.formatted(.iso8601.year().month().day().time(includingFractionalSeconds: true))
        object["level"] = level.rawValue
        object["event"] = event
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }
}

/// Numbers since the start, in Prometheus text form.
final class Counters: Sendable {
    private struct Series: Hashable {
        var name: String
        var site: String
    }
    private let values = Mutex<[Series: Double]>([:])
    /// Name, kind and meaning of every series.
    private static let meanings: [(name: String, kind: String, help: String)] = [
        ("tacit_rounds_committed_total", "counter", "Sums that were opened and committed."),
        ("tacit_messages_committed_total", "counter", "Messages of sites that were committed."),
        ("tacit_messages_refused_total", "counter", "Messages and connections that were refused."),
        ("tacit_uploads_resumed_total", "counter", "Uploads that went on where a connection broke."),
        ("tacit_received_bytes_total", "counter", "Bytes of messages from sites."),
        ("tacit_sent_bytes_total", "counter", "Bytes of messages to sites."),
        ("tacit_dropouts_total", "counter", "Sites that did not answer a stage in time."),
        ("tacit_connected_sites", "gauge", "Sites that listen for messages now."),
        ("tacit_round_seconds_total", "counter", "Seconds between opening and committing of sums."),
        ("tacit_handling_seconds_total", "counter", "Seconds in which the coordinator computed and stored."),
    ]

    func add(_ name: String, _ value: Double = 1, site: String = "") {
        values.withLock { $0[Series(name: name, site: site), default: 0] += value }
    }

    func value(_ name: String, site: String = "") -> Double {
        values.withLock { $0[Series(name: name, site: site)] ?? 0 }
    }

    var text: String {
        let values = values.withLock { $0 }
        var lines: [String] = []
        for (name, kind, help) in Self.meanings {
            lines += ["# HELP \(name) \(help)", "# TYPE \(name) \(kind)"]
            let series = values.filter { $0.key.name == name }.sorted { $0.key.site < $1.key.site }
            if series.isEmpty { lines.append("\(name) 0") }
            for (key, value) in series {
                let site = key.site.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
                    "\n", with: " ")
                let label = site.isEmpty ? "" : "{site=\"\(site)\"}"
                lines.append("\(name)\(label) \(value == value.rounded() ? String(Int(value)) : String(value))")
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
