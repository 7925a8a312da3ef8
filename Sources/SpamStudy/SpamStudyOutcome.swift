import Auditing
import Federation
import Foundation
import TextClassification

/// What the four acts gave; stored as JSON beside the report.
public struct SpamStudyOutcome: Hashable, Sendable, Codable {
    /// A federated run under one protection.
    public struct Run: Hashable, Sendable, Codable {
        public var protection: ProtectionKind
        /// After the counts, then after each round.
        public var accuracies: [Double]
        public var features: Int
        /// Bytes that each site sent for the counts and in one round.
        public var bytesForCounts: [Int]
        public var bytesInARound: [Int]
        public var seconds: Double
        /// Whether all weights equal those of the plain run, bit for bit.
        public var equalsPlain: Bool
        /// Largest difference of a weight from the plain run.
        public var difference: Double
        public var wire: WireAudit?

        public var accuracy: Double { accuracies[accuracies.count - 1] }
    }

    public var settings: SpamStudySettings
    public var mails: Int
    public var duplicates: Int
    public var testMails: Int
    public var siteMails: [Int]
    public var central: SpamAccuracies
    public var centralWithDuplicates: SpamAccuracies
    /// Bytes that each site sent for the vocabulary.
    public var bytesForVocabulary: [Int]
    public var plain: Run
    public var leak: SpamLeak
    public var protected: [Run]
    /// With the model of act 4; nil when no mail was scored.
    public var scoring: SpamScoring?
}

extension SpamStudy {
    /// What a run is doing, for a progress line.
    public enum Progress: Sendable {
        case act(Int, String)
        case round(Int, of: Int, accuracy: Double)
    }

    /// All four acts.
    /// - Parameters:
    ///   - protections: of act 4.
    ///   - timedUpdates: updates that are timed under each protection, in each of two cases.
    ///   - scoredMails: test mails that are scored by the encrypted model.
    /// - Throws: errors of the modules that the acts use.
    public func run(
        protections: [ProtectionKind], timedUpdates: Int, scoredMails: Int, progress: (Progress) -> Void
    ) throws -> (outcome: SpamStudyOutcome, model: LinearTextModel, vocabulary: Vocabulary) {
        progress(.act(1, "all mails in one place"))
        let (distinct, withDuplicates) = try central()

        progress(.act(2, "three sites, nothing protected"))
        var vocabularySums = try sums(.none, numbers: 1)
        var plainSums = try sums(.none, numbers: 1)
        func rounds(_ round: Int, _ accuracy: Double) {
            progress(.round(round, of: settings.rounds, accuracy: accuracy))
        }
        let plain = try federated(&plainSums, vocabularySums: &vocabularySums, progress: rounds)

        progress(.act(3, "what the smallest site's messages give away"))
        let leak = try leak(plain)

        var protected: [SpamStudyOutcome.Run] = []
        var final = plain
        var vocabularyBytes = plain.bytes.vocabulary
        for protection in protections {
            let key = protection == .paillier ? ", whose key the sites make first" : ""
            progress(.act(4, "the same under \(protection.rawValue)\(key)"))
            var masked = try sums(.secagg, numbers: 1)
            let timed = Self.affordable(timedUpdates, protection)
            let numbers = 2 * plain.vocabulary.count + 2
            var protecting = try sums(protection, numbers: numbers, vectors: settings.rounds + 1 + 2 * timed)
            let run = try federated(&protecting, vocabularySums: &masked, progress: rounds)
            vocabularyBytes = run.bytes.vocabulary
            final = run
            let wire = try wire(run, &protecting, timedUpdates: timed)
            protected.append(figures(run, plain: plain, wire: wire))
        }
        if scoredMails > 0 { progress(.act(4, "scores of mails that stay at home")) }
        let scoring = try scoring(final, mails: scoredMails)
        let outcome = SpamStudyOutcome(
            settings: settings, mails: corpus.items.count, duplicates: corpus.items.count - corpus.distinct.count,
            testMails: test.count, siteMails: sites.map(\.mails.count), central: distinct,
            centralWithDuplicates: withDuplicates, bytesForVocabulary: vocabularyBytes,
            plain: figures(plain, plain: plain, wire: nil), leak: leak, protected: protected, scoring: scoring)
        return (outcome, plain.model, plain.vocabulary)
    }

    /// Masks cost milliseconds, ciphertexts up to a second.
    private static func affordable(_ updates: Int, _ protection: ProtectionKind) -> Int {
        switch protection {
        case .none, .secagg: updates
        case .ckks: updates / 8
        case .paillier: updates / 40
        }
    }

    private func sums(_ protection: ProtectionKind, numbers: Int, vectors: Int = 1) throws -> LocalSums {
        try LocalSums(
            protection: protection, sites: sites.count, threshold: 2,
            // Under CKKS a ciphertext holds 4,096 numbers.
            openings: vectors * ((numbers + 4095) / 4096))
    }

    private func figures(_ run: FederatedSpamRun, plain: FederatedSpamRun, wire: WireAudit?) -> SpamStudyOutcome.Run {
        let pairs = zip(run.model.weights + [run.model.intercept], plain.model.weights + [plain.model.intercept])
        let isSame = run.vocabulary == plain.vocabulary
        return SpamStudyOutcome.Run(
            protection: run.protection, accuracies: run.accuracies, features: run.vocabulary.count,
            bytesForCounts: run.bytes.counts, bytesInARound: run.bytes.round, seconds: run.seconds,
            equalsPlain: isSame && run.model == plain.model,
            difference: isSame ? pairs.reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity,
            wire: wire)
    }
}
