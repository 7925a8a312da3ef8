import Auditing
import Federation
import Foundation
import TextClassification

/// How well what crossed the wire tells the words of the smallest site, or its mails from others.
public struct WireAudit: Hashable, Sendable, Codable {
    /// From the bytes of its counts and of its first update: AUROC of telling its words from others; ½ is chance.
    public var readings: [WireInspection.Reading]
    /// Numbers of messages and their lengths with its own mails and with as many mails of another site are the same.
    public var sizesAreEqual: Bool
    /// AUROC of telling the two by the seconds that protecting an update takes.
    public var seconds: Double
    /// Updates timed in either case.
    public var timedUpdates: Int

    /// The farthest from chance of all readings of bytes.
    public var worst: WireInspection.Reading? {
        readings.max { abs($0.auroc - 0.5) < abs($1.auroc - 0.5) }
    }
}

extension SpamStudy {
    /// The same attack as on plain updates, on everything that crossed the wire.
    func wire(_ run: FederatedSpamRun, _ sums: inout LocalSums, timedUpdates: Int) throws -> WireAudit {
        let rows = corpus.texts(sites[Self.victim].mails, run.vocabulary)
        let counts = rows.counts()
        let isOwn = zip(counts.positive, counts.negative).map { $0 + $1 > 0 }
        var readings: [WireInspection.Reading] = []
        for (what, record, facts) in [
            ("counts", run.countsRecord, isOwn + isOwn), ("first update", run.firstRound, isOwn),
        ] {
            guard let body = record?.messages[Self.victim].max(by: { $0.count < $1.count }) else { continue }
            for reading in try WireInspection.readings(of: body, facts: facts) {
                readings.append(.init(name: "\(what): \(reading.name)", auroc: reading.auroc))
            }
        }

        // As many mails of the largest site in the place of its own.
        let others = corpus.texts(Array(sites[0].mails.prefix(rows.count)), run.vocabulary)
        let layout = try run.roundLayout(settings, sites: sites.count)
        func vector(_ texts: LabelledTexts) throws -> [Int64] {
            let one = SpamRounds(settings: settings, sites: [texts], vocabulary: run.vocabulary)
            return try layout.integers([try one.update(site: 0, round: 0, from: run.start, share: 0.04)]).integers
        }
        let candidates = [try vector(rows), try vector(others)]
        let rest = [Int64](repeating: 0, count: layout.count)
        var sizes: [Set<[Int]>] = [[], []]
        var seconds: [[Double]] = [[], []]
        for index in 0..<2 * timedUpdates {
            var vectors = [[Int64]](repeating: rest, count: sites.count)
            vectors[Self.victim] = candidates[index % 2]
            let record = try sums.sum(layout, vectors)
            sizes[index % 2].insert(record.messages[Self.victim].map(\.count))
            seconds[index % 2].append(record.seconds)
        }
        return WireAudit(
            readings: readings, sizesAreEqual: sizes[0] == sizes[1],
            seconds: timedUpdates == 0 ? 0.5 : try WireInspection.auroc(first: seconds[0], second: seconds[1]),
            timedUpdates: timedUpdates)
    }
}
