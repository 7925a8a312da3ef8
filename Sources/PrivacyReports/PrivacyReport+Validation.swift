import Foundation

extension PrivacyReport {
    /// Checks that the report is consistent: every party referred to exists, counts are not negative, plots have as
    /// many x as y, an agreement check passed exactly when its difference is within its tolerance, and so on.
    ///
    /// - Throws: ``PrivacyReportsError`` with code `invalidField` and the JSON path of the first thing found wrong.
    /// - Cost: linear in the size of the report.
    public func validate() throws(PrivacyReportsError) {
        try validateSizes()
        try validateParties()
        try validateProtection()
        try validateNumbers()
    }

    /// Beyond 2^53 other readers of JSON lose digits.
    package static let largestInteger = 1 << 53

    private func fail(_ path: String, _ got: some Any, _ want: String) -> PrivacyReportsError {
        PrivacyReportsError(.invalidField, "$.\(path): got \(got), want \(want)")
    }

    private func check(_ value: Int?, _ path: @autoclosure () -> String) throws(PrivacyReportsError) {
        guard let value else { return }
        guard (0...Self.largestInteger).contains(value) else {
            throw fail(path(), value, "an integer in [0, 2^53]")
        }
    }

    private func checkSeconds(_ value: Double?, _ path: @autoclosure () -> String) throws(PrivacyReportsError) {
        guard let value else { return }
        guard value.isFinite, value >= 0 else { throw fail(path(), value, "a finite number of seconds ≥ 0") }
    }

    private func validateSizes() throws(PrivacyReportsError) {
        for (i, data) in task.dataSets.enumerated() {
            try check(data.rows, "task.dataSets[\(i)].rows")
            try check(data.columns, "task.dataSets[\(i)].columns")
        }
        for (i, cost) in costs.enumerated() {
            try checkSeconds(cost.wallSeconds, "costs[\(i)].wallSeconds")
            try checkSeconds(cost.cpuSeconds, "costs[\(i)].cpuSeconds")
            try check(cost.bytesSent, "costs[\(i)].bytesSent")
            try check(cost.peakMemoryBytes, "costs[\(i)].peakMemoryBytes")
        }
        for (i, input) in provenance.inputs.enumerated() { try check(input.bytes, "provenance.inputs[\(i)].bytes") }
        for (i, disclosure) in disclosures.enumerated() { try check(disclosure.count, "disclosures[\(i)].count") }
    }

    private func validateParties() throws(PrivacyReportsError) {
        guard !parties.isEmpty else { throw fail("parties", "an empty list", "at least one party") }
        var known: Set<Party.ID> = []
        for (i, party) in parties.enumerated() {
            guard !party.id.isEmpty else { throw fail("parties[\(i)].id", "\"\"", "a name") }
            guard known.insert(party.id).inserted else {
                throw fail("parties[\(i)].id", "\"\(party.id)\" a second time", "an id of its own for each party")
            }
            try check(party.ownRows, "parties[\(i)].ownRows")
            try check(party.processID, "parties[\(i)].processID")
        }
        func checkID(_ id: Party.ID, _ path: @autoclosure () -> String) throws(PrivacyReportsError) {
            guard known.contains(id) else { throw fail(path(), "\"\(id)\"", "the id of one of the parties") }
        }
        for (i, observation) in observations.enumerated() {
            try checkID(observation.observer, "observations[\(i)].observer")
            if let source = observation.source { try checkID(source, "observations[\(i)].source") }
            try check(observation.count, "observations[\(i)].count")
            try check(observation.bytes, "observations[\(i)].bytes")
        }
        for (i, disclosure) in disclosures.enumerated() {
            for (j, id) in disclosure.to.enumerated() { try checkID(id, "disclosures[\(i)].to[\(j)]") }
        }
        for (i, coalition) in adversary.coalitions.enumerated() {
            for (j, id) in coalition.among.enumerated() { try checkID(id, "adversary.coalitions[\(i)].among[\(j)]") }
            guard (0...coalition.among.count).contains(coalition.atMost) else {
                throw fail(
                    "adversary.coalitions[\(i)].atMost", coalition.atMost, "0...\(coalition.among.count)")
            }
        }
    }

    private func validateProtection() throws(PrivacyReportsError) {
        for (i, scheme) in cryptography.enumerated() {
            let path = "cryptography[\(i)]"
            try check(scheme.modulusBits, "\(path).modulusBits")
            if let bits = scheme.estimatedSecurityBits, !(bits.isFinite && bits >= 0) {
                throw fail("\(path).estimatedSecurityBits", bits, "a finite number of bits ≥ 0")
            }
            if let threshold = scheme.threshold {
                try check(threshold.shares, "\(path).threshold.shares")
                guard threshold.required >= 1, threshold.required <= threshold.shares else {
                    throw fail("\(path).threshold.required", threshold.required, "1...\(threshold.shares)")
                }
            }
        }
        for (i, guarantee) in differentialPrivacy.guarantees.enumerated() {
            let path = "differentialPrivacy.guarantees[\(i)]"
            guard guarantee.epsilon >= 0 else { throw fail("\(path).epsilon", guarantee.epsilon, "ε ≥ 0") }
            guard guarantee.delta >= 0, guarantee.delta < 1 else {
                throw fail("\(path).delta", guarantee.delta, "δ in [0, 1)")
            }
        }
        for (i, audit) in audits.runs.enumerated() {
            guard let interval = audit.interval else { continue }
            let path = "audits.runs[\(i)].interval"
            guard interval.low <= interval.high else {
                throw fail("\(path).low", interval.low, "at most high, \(interval.high)")
            }
            guard interval.confidence > 0, interval.confidence < 1 else {
                throw fail("\(path).confidence", interval.confidence, "a value in (0, 1)")
            }
        }
    }

    private func validateNumbers() throws(PrivacyReportsError) {
        for (i, check) in agreement.enumerated() {
            if check.difference < 0 {
                throw fail("agreement[\(i)].difference", check.difference, "a difference ≥ 0")
            }
            if check.passed != (check.difference <= check.tolerance) {
                throw fail(
                    "agreement[\(i)].passed", check.passed,
                    "\(!check.passed): the difference is \(check.difference), the tolerance \(check.tolerance)")
            }
        }
        for (i, plot) in plots.enumerated() {
            for (j, series) in plot.series.enumerated() {
                let path = "plots[\(i)].series[\(j)].y"
                switch plot.kind {
                case .bars where series.y.count != plot.categories.count:
                    throw fail(path, "\(series.y.count) values", "\(plot.categories.count), one per category")
                case .curves where series.x.count != series.y.count,
                    .scatter where series.x.count != series.y.count:
                    throw fail(path, "\(series.y.count) values", "\(series.x.count), one per x")
                default: break
                }
            }
        }
    }
}
