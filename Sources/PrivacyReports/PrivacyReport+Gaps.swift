extension PrivacyReport {
    /// Something that the report does not have, or that speaks against itself.
    public struct Gap: Codable, Hashable, Sendable {
        /// The kind of gap; an open set.
        public struct Kind: RawRepresentable, Codable, Hashable, Sendable {
            public let rawValue: String
            public init(rawValue: String) { self.rawValue = rawValue }

            public static let insecureParameters = Kind(rawValue: "insecure parameters")
            public static let failedCheck = Kind(rawValue: "failed check")
            public static let contradiction = Kind(rawValue: "contradiction")
            public static let noDifferentialPrivacy = Kind(rawValue: "no differential privacy")
            public static let noAudit = Kind(rawValue: "no audit")
            public static let noMaliciousSecurity = Kind(rawValue: "no malicious security")
            public static let unknownSecurity = Kind(rawValue: "unknown security level")
            public static let noCryptography = Kind(rawValue: "no cryptography")
            public static let noObservations = Kind(rawValue: "no observations")
            public static let noDisclosures = Kind(rawValue: "no disclosures")
            public static let noReference = Kind(rawValue: "no reference")
            public static let noCosts = Kind(rawValue: "no costs")
            public static let noFingerprint = Kind(rawValue: "no fingerprint")
        }

        public var kind: Kind
        public var message: String
    }

    /// What this report lacks, gravest first; computed, never stored, shown by every renderer.
    public var gaps: [Gap] {
        graveGaps + protectionGaps + recordGaps
    }

    /// True when any scheme in use has parameters that are for tests only.
    public var isInsecure: Bool { cryptography.contains(where: \.insecure) }

    private var graveGaps: [Gap] {
        var gaps: [Gap] = []
        for scheme in cryptography where scheme.insecure {
            gaps.append(
                Gap(
                    kind: .insecureParameters,
                    message: "\(scheme.scheme) ran with insecure parameters (\(scheme.parameterSet)): "
                        + "nothing that it should have protected is protected."))
        }
        for check in agreement where !check.passed {
            gaps.append(
                Gap(kind: .failedCheck, message: "The check \u{201C}\(check.name)\u{201D} failed."))
        }
        for party in parties where party.secretKey == .none {
            if let seen = observations.first(where: {
                $0.observer == party.id && ($0.form == .keyShare || $0.form == .secretKey)
            }) {
                gaps.append(
                    Gap(
                        kind: .contradiction,
                        message: "\(party.name) is listed without a secret key, and yet received \(seen.what) "
                            + "(\(seen.form.rawValue))."))
            }
        }
        return gaps
    }

    private var protectionGaps: [Gap] {
        var gaps: [Gap] = []
        if differentialPrivacy.guarantees.isEmpty {
            gaps.append(
                Gap(
                    kind: .noDifferentialPrivacy,
                    message:
                        "The output is exact: nothing bounds what it tells about a single one of the \(task.rowNoun)."))
        }
        if audits.runs.isEmpty {
            gaps.append(
                Gap(kind: .noAudit, message: "No attack on the output was tried."))
        }
        if adversary.behaviour != .malicious, adversary.behaviour != .maliciousWithAbort {
            gaps.append(
                Gap(
                    kind: .noMaliciousSecurity,
                    message: adversary.behaviour == .none
                        ? "There is no formal adversary model: the report measures, and promises nothing."
                        : "A party that deviates from the protocol can spoil the result, and may learn more than is "
                            + "listed here."))
        }
        if cryptography.isEmpty {
            gaps.append(Gap(kind: .noCryptography, message: "None was used, or none is recorded."))
        }
        for scheme in cryptography where scheme.estimatedSecurityBits == nil || scheme.securitySource == nil {
            gaps.append(
                Gap(
                    kind: .unknownSecurity,
                    message: "The security level of \(scheme.scheme) (\(scheme.parameterSet)) is not backed by a "
                        + "table or an estimator."))
        }
        return gaps
    }

    private var recordGaps: [Gap] {
        var gaps: [Gap] = []
        let silent = parties.filter { party in !observations.contains { $0.observer == party.id } }
        if observations.isEmpty {
            gaps.append(Gap(kind: .noObservations, message: "What the parties saw was not recorded."))
        } else if !silent.isEmpty {
            gaps.append(
                Gap(
                    kind: .noObservations,
                    message: "Nothing is recorded as seen by " + Prose.list(silent.map(\.name)) + "."))
        }
        if disclosures.isEmpty {
            gaps.append(Gap(kind: .noDisclosures, message: "What the output reveals was not assessed."))
        }
        if !results.isEmpty, !results.contains(where: \.hasReference), agreement.isEmpty {
            gaps.append(
                Gap(kind: .noReference, message: "The result was not compared with one from pooled plaintext."))
        }
        if costs.isEmpty { gaps.append(Gap(kind: .noCosts, message: "Time, traffic and memory were not measured.")) }
        if provenance.inputs.isEmpty {
            gaps.append(
                Gap(
                    kind: .noFingerprint,
                    message: "The input has no fingerprint: it cannot be told later which data this was."))
        }
        return gaps
    }
}

extension PrivacyReport.ModelResult {
    /// Whether any of its numbers stands beside one from pooled plaintext.
    package var hasReference: Bool {
        coefficients.contains { $0.reference != nil } || metrics.contains { $0.reference != nil }
    }
}
