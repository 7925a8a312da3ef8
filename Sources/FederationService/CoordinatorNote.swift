import Federation
import Foundation

/// A notice of the coordinator in the form in which it is stored, shown and logged.
public struct CoordinatorNote: Codable, Hashable, Sendable {
    public var kind: String
    public var text: String
    public var sites: [String] = []
    public var isTrouble = false
    public var summary: RoundSummary?
    /// Between opening and committing of a session, when the coordinator ran through.
    public var seconds: Double?

    init(_ notice: CoordinatorTransition.Notice, seconds: Double?) {
        switch notice {
        case .joined(let site): (kind, text, sites) = ("joined", "\(site) joined", [site])
        case .refused(let site, let reason):
            (kind, text, sites) = ("refused", "\(site ?? "somebody"): refused: \(reason)", site.map { [$0] } ?? [])
            isTrouble = true
        case .opened(let purpose, let round, let attempt, let cohort):
            kind = "opened"
            let again = attempt > 0 ? ", attempt \(attempt + 1)" : ""
            text = "\(Self.title("\(purpose)", round: round)): asks \(cohort.count) sites\(again)"
            sites = cohort
        case .dropped(let names, let stage):
            kind = "dropped"
            text = "No answer in time from \(names.joined(separator: ", ")) (stage \(stage + 1))"
            sites = names
            isTrouble = true
        case .abandoned(let session, let attempt, let reason):
            (kind, text) = ("abandoned", "Session \(session), attempt \(attempt + 1) given up: \(reason)")
            isTrouble = true
        case .waiting(let reason):
            (kind, text) = ("waiting", "Waiting: \(reason)")
            isTrouble = true
        case .committed(let summary):
            kind = "committed"
            text = "\(Self.title(summary)) committed: \(summary.contributors.count) sites in the sum"
            sites = summary.contributors
            self.summary = summary
            self.seconds = seconds
        case .finished: (kind, text) = ("finished", "The study is finished")
        }
    }

    static func title(_ summary: RoundSummary) -> String { title(summary.purpose, round: summary.round) }

    private static func title(_ purpose: String, round: Int) -> String {
        switch purpose {
        case "training": "Round \(round + 1)"
        case "evaluation": "Final evaluation"
        case "statistics": "Statistics"
        case "keys": "Joint key"
        case "local": "Each site alone"
        default: purpose
        }
    }

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    /// nil for an event of another program.
    public init?(json: String) {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let note = try? decoder.decode(CoordinatorNote.self, from: Data(json.utf8)) else { return nil }
        self = note
    }
}
