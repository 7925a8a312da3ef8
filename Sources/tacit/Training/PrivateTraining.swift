import ArgumentParser
import DifferentialPrivacy
import Foundation
import PrivacyLedger
import PrivacyReports
import PrivateLearning

/// `tacit train --private`: what is the same for every method.
struct PrivateTraining {
    var request: PrivateTrainingRequest
    var json: Bool

    struct Made: Encodable {
        var file: String
        var report: String
        var epsilon: Double
        var delta: Double
        var neighbouring: String
        var unit: String
        var accountant: String
        var metrics: [String: Double]
        var seconds: Double
    }

    func run() throws {
        let method = try PrivateMethods.method(for: request)
        let releases = method.releases
        let authority = try authority(for: releases, method)
        let result: PrivateTrainingResult?
        do {
            result = try method.train(authority)
        } catch {
            // Nothing was carried out: what was reserved is given back, where the budget's rules allow it.
            if let ledger = authority as? LedgerAuthority, !ledger.hasAdvanced, releases.ledgerRun == nil {
                try? ledger.finish()
            }
            throw error
        }
        guard let result else {
            Console.log("\(checkpointPath(request.out)): holds the run; the same command with --resume goes on")
            throw ExitCode(128 + (Interruption.requested ?? SIGINT))
        }
        let base = String(request.out.hasSuffix(".safetensors") ? request.out.dropLast(12) : request.out[...])
        let report = PrivateTrainingReport(
            releases: releases, result: result, ledger: request.privacy.ledger,
            commandLine: ["tacit"] + CommandLine.arguments.dropFirst()
        ).make()
        try ReportFile.write(report, stem: base + ".report")
        result.finish()
        try authority.finish()
        let made = Made(
            file: request.out, report: base + ".report.json", epsilon: releases.epsilon, delta: releases.delta,
            neighbouring: releases.neighbouring.rawValue, unit: releases.unit, accountant: releases.accountant,
            metrics: Dictionary(result.metrics.map { ($0.name, $0.value) }) { first, _ in first },
            seconds: result.seconds)
        let metrics = result.metrics.map { ", \($0.name) \(String(format: "%.4f", $0.value))" }.joined()
        try Console.result(
            made, json: json,
            "\(request.out): \(result.title), ε = \(Self.text(releases.epsilon)) at δ = \(releases.delta) for each "
                + "\(releases.unit)\(metrics); report \(base).report.html")
    }

    /// Rounded up: what is shown is never less than what holds.
    static func text(_ epsilon: Double) -> String {
        String(format: "%.4f", (epsilon * 1e4 * (1 - 1e-12)).rounded(.up) / 1e4)
    }

    /// Asks the ledger, before anything of the data is read.
    private func authority(
        for releases: PlannedReleases, _ method: any PrivateMethod
    ) throws -> any ReleaseAuthority {
        guard let path = request.privacy.ledger else { return NoLedger() }
        let ledger = try PrivacyLedger.open(path, .spending)
        try ledger.require(unit: PrivacyUnit(releases.unit), neighbouring: releases.neighbouring, fingerprint: nil)
        if let run = releases.ledgerRun {
            let standing = try ledger.run(run)
            return LedgerAuthority(
                run: try ledger.resumeRun(run, from: standing.authorised), authorised: standing.authorised)
        }
        // The budget decides before the file is opened, even for its fingerprint.
        try ledger.forecast(.repeated(releases.step, count: releases.steps)).requireFit(path: path)
        try method.requireData()
        try ledger.require(
            unit: PrivacyUnit(releases.unit), neighbouring: releases.neighbouring,
            fingerprint: LedgerDataSet(named: request.data, name: nil).fingerprint)
        let run = try ledger.beginRun(
            releases.step, steps: releases.steps, reserved: true,
            purpose: "train --private --model \(request.model.rawValue) to \(request.out)")
        return LedgerAuthority(run: run, authorised: 0)
    }
}

/// Where an unfinished run is kept.
func checkpointPath(_ out: String) -> String { out + ".checkpoint" }

extension PrivateTrainingRequest {
    /// The checkpoint to go on from; nil for a run that begins.
    func checkpointToResume() throws -> String? {
        let path = checkpointPath(out)
        let isThere = FileManager.default.fileExists(atPath: path)
        guard privacy.resume else {
            guard !isThere else {
                throw CommandFailure(
                    .cannotCreate,
                    "\(path): is of a run that did not end; go on with --resume, or remove it to begin a new one")
            }
            return nil
        }
        guard isThere else { throw CommandFailure(.noInput, "\(path): no such checkpoint; leave out --resume") }
        return path
    }

    func requireLedger(of run: String?) throws {
        guard run == nil || privacy.ledger != nil else {
            throw CommandFailure(
                .usage, "\(checkpointPath(out)): belongs to a run in a ledger; give its --ledger")
        }
    }
}

/// A ledger's run as the training sees it.
final class LedgerAuthority: ReleaseAuthority {
    private let run: LedgerRun
    let authorised: Int
    private(set) var hasAdvanced = false
    var runIdentifier: String? { run.identifier }

    init(run: LedgerRun, authorised: Int) {
        self.run = run
        self.authorised = authorised
    }

    func advance(through: Int) throws {
        hasAdvanced = true
        try run.advance(through: through)
    }

    func finish() throws { try run.finish() }
}
