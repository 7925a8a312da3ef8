import CoordinatorStore
import Federation
import Foundation
import PrivacyReports
import TacitDashboard
import Transports

extension CoordinatorService: DashboardSource {
    public func change(since version: UInt64, within time: Duration) async -> UInt64 {
        await changes.wait(after: version, within: time)
        return changes.version
    }

    public func metricsText() async -> String { counters.text }

    public func trouble() async -> String? {
        if case .failed(let reason) = coordinator.phase { return reason }
        do {
            _ = try store.state("position")
            return nil
        } catch { return error.message }
    }

    public func privacyReport(_ format: ReportFormat) async -> [UInt8]? {
        guard !coordinator.history.isEmpty, let report = try? makeReport() else { return nil }
        switch format {
        case .html: return Array(report.html().utf8)
        case .json: return try? Array(report.jsonData())
        }
    }

    public func dashboardState() async -> DashboardState {
        let (phase, standing) = phaseWords
        let events = (try? recentNotes(limit: 300)) ?? []
        var state = DashboardState(
            study: study.literal.name, phase: phase, standing: standing, roundsDone: coordinator.round,
            roundsPlanned: study.rounds, adversary: StudyWords.adversary(study), metrics: metrics)
        let seconds = Self.secondsOfSessions(events)
        state.rounds = coordinator.history.map { summary in
            var metrics: [String: Double] = [:]
            // A line to compare with, not a point on the way of the joint model.
            if summary.purpose != "local", let known = summary.metrics {
                metrics["loss"] = known.loss
                metrics["accuracy"] = known.accuracy
                metrics["auroc"] = known.auroc
                metrics["auprc"] = known.auprc
            }
            return DashboardState.Round(
                title: CoordinatorNote.title(summary), contributors: summary.contributors, dropped: summary.dropped,
                seconds: seconds["\(summary.session).\(summary.attempt)"], bytesReceived: summary.bytesReceived,
                bytesSent: summary.bytesSent, metrics: metrics)
        }
        state.baselines = majority + alone
        state.baselines += baselines.map {
            DashboardState.Baseline(name: $0.name, metric: $0.metric ?? metrics[0].key, value: $0.value)
        }
        let missing = Set(coordinator.missing)
        state.sites = study.sites.map { site in
            let known = coordinator.sites[site.name]
            let hasJoined = known?.hasJoined ?? false
            let standing =
                study.identity(of: site.name) == nil
                ? "revoked"
                : known?.hasLeft ?? false
                    ? "left"
                    : !hasJoined
                        ? "waiting"
                        : known?.isSilent ?? false ? "silent" : missing.contains(site.name) ? "working" : "joined"
            return DashboardState.Site(
                name: site.name, standing: standing,
                rounds: coordinator.history.count {
                    $0.purpose == "\(SessionPurpose.training)" && $0.contributors.contains(site.name)
                },
                dropped: coordinator.history.count { $0.dropped.contains(site.name) },
                bytesReceived: Int(counters.value("tacit_received_bytes_total", site: site.name)),
                bytesSent: Int(counters.value("tacit_sent_bytes_total", site: site.name)),
                lastHeard: lastHeard[site.name]?.timeIntervalSince1970, isConnected: (connections[site.name] ?? 0) > 0)
        }
        state.privacy = StudyWords.privacy(study, coordinator: coordinator)
        state.events = events.suffix(100).map { event in
            DashboardState.Event(
                sequence: event.sequence, moment: event.moment.timeIntervalSince1970,
                text: event.note?.text ?? event.kind,
                isTrouble: event.note?.isTrouble ?? false)
        }
        return state
    }

    private var metrics: [DashboardState.Metric] {
        let loss = DashboardState.Metric(key: "loss", title: "Loss", isHigherBetter: false)
        let accuracy = DashboardState.Metric(key: "accuracy", title: "Accuracy", isHigherBetter: true)
        switch study.task {
        case .binary:
            return [
                .init(key: "auroc", title: "AUROC", isHigherBetter: true), accuracy,
                .init(key: "auprc", title: "AUPRC", isHigherBetter: true), loss,
            ]
        case .classes: return [accuracy, loss]
        case .regression: return [loss]
        }
    }

    /// What always naming the greater class, with its share as the probability, gives on the same rows.
    private var majority: [DashboardState.Baseline] {
        guard let share = coordinator.history.last(where: { $0.metrics?.majority != nil })?.metrics?.majority else {
            return []
        }
        var list = [
            // A score that is the same for everybody ranks nothing.
            DashboardState.Baseline(name: "Majority", metric: "auroc", value: 0.5),
            .init(name: "Majority", metric: "accuracy", value: share),
        ]
        if share < 1 {
            let rest: Double = 1 - share
            let (own, other): (Double, Double) = (share * Foundation.log(share), rest * Foundation.log(rest))
            list.append(.init(name: "Majority", metric: "loss", value: -(own + other)))
        }
        return list
    }

    /// What models do that each site trained without the others.
    private var alone: [DashboardState.Baseline] {
        guard let known = coordinator.alone else { return [] }
        let figures = ["auroc": known.auroc, "accuracy": known.accuracy, "auprc": known.auprc, "loss": known.loss]
        return metrics.compactMap { metric in
            (figures[metric.key] ?? nil).map { .init(name: "Each site alone", metric: metric.key, value: $0) }
        }
    }

    var phaseWords: (String, String) {
        switch coordinator.phase {
        case .waiting:
            let joined = coordinator.sites.values.count(where: \.hasJoined)
            return ("Waiting: \(joined) of \(study.sites.count) sites have joined", "waiting")
        case .running:
            let words =
                switch coordinator.purposeDue {
                case .keys: "The sites make their joint key"
                case .statistics: "Means and deviations"
                case .vocabulary: "Words that enough texts or sites have"
                case .counts: "Counts of words"
                case .local: "Each site trains alone"
                case .evaluation: "Final evaluation"
                case .training, nil: "Round \(min(coordinator.round + 1, study.rounds)) of \(study.rounds)"
                }
            return (words, "running")
        case .stalled(let reason): return ("Waiting for sites: \(reason)", "stalled")
        case .finished: return ("Finished after \(coordinator.round) rounds", "finished")
        case .failed(let reason): return ("Failed: \(reason)", "failed")
        }
    }

    struct RecentNote: Sendable {
        var sequence: Int64
        var moment: Date
        var kind: String
        var note: CoordinatorNote?
    }

    /// By session and attempt, of what the latest notes say.
    var secondsOfSessions: [String: Double] { Self.secondsOfSessions((try? recentNotes(limit: 300)) ?? []) }

    private static func secondsOfSessions(_ notes: [RecentNote]) -> [String: Double] {
        notes.compactMap(\.note).reduce(into: [:]) { seconds, note in
            guard let summary = note.summary, let value = note.seconds else { return }
            seconds["\(summary.session).\(summary.attempt)"] = value
        }
    }

    private func recentNotes(limit: Int) throws -> [RecentNote] {
        try store.latestEvents(limit: limit).map {
            RecentNote(sequence: $0.sequence, moment: $0.moment, kind: $0.kind, note: CoordinatorNote(json: $0.content))
        }
    }

    /// What the network tells.
    public func take(_ event: TransportEvent) {
        switch event {
        case .received(let peer, let count):
            counters.add("tacit_received_bytes_total", Double(count), site: peer.name)
        case .delivered(let peer, let sequence, let count):
            if isFinished, isLast(sequence, to: peer.name) { served.insert(peer.name) }
            counters.add("tacit_sent_bytes_total", Double(count), site: peer.name)
        case .uploadResumed(let peer, let offset, let count):
            counters.add("tacit_uploads_resumed_total", site: peer.name)
            log(LogLine(.info, "resumed", ["site": peer.name, "offset": "\(offset)", "bytes": "\(count)"]))
        case .connected(let peer, let address):
            connections[peer.name, default: 0] += 1
            lastHeard[peer.name] = Date()
            counters.add("tacit_connected_sites", connections[peer.name] == 1 ? 1 : 0)
            log(LogLine(.info, "connected", ["site": peer.name, "address": address]))
        case .disconnected(let peer):
            connections[peer.name, default: 1] -= 1
            left[peer.name] = .now
            counters.add("tacit_connected_sites", connections[peer.name] == 0 ? -1 : 0)
            log(LogLine(.info, "disconnected", ["site": peer.name]))
        case .refused(let party, let address, let reason):
            counters.add("tacit_messages_refused_total")
            log(
                LogLine(
                    .warning, "refused",
                    ["party": party, "address": address, "reason": reason.code.name, "text": reason.message]))
        }
        changes.signal()
    }
}
