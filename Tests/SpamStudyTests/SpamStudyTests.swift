import Datasets
import Federation
import Foundation
import PrivacyReports
import SpamStudy
import TacitTestSupport
import Testing

@Suite struct SpamStudyTests {
    /// All four acts on all mails, with threshold CKKS; all protections behind TACIT_LONG_TESTS.
    @Test func fourActs() throws {
        guard let folder = RealData.directory, RealData.path("enron-spam") != nil else { return }
        let isLong = ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] != nil
        let study = try SpamStudy(try EnronSpam.load(from: DatasetStore(dataDirectory: folder)))
        let (outcome, _, _) = try study.run(
            protections: isLong ? [.secagg, .ckks, .paillier] : [.ckks], timedUpdates: isLong ? 2000 : 0,
            scoredMails: isLong ? 2000 : 60
        ) { _ in }
        #expect(outcome.mails == 33_715 && outcome.duplicates == 3_625 && outcome.siteMails[2] == 1000)
        #expect(outcome.central.naiveBayes > 0.985 && outcome.central.logistic > 0.989)
        #expect(outcome.plain.accuracies[1] > 0.97 && outcome.plain.accuracy > 0.989)

        let leak = outcome.leak
        #expect(leak.fromUpdate.recall >= 0.99 && leak.fromUpdate.precision >= 0.999)
        #expect(leak.fromCounts.recall >= 0.99 && leak.fromExponents.recall >= 0.99)
        #expect(leak.exactDifferences == leak.modelFeatures)

        for run in outcome.protected {
            #expect(run.equalsPlain, "\(run.protection): weights differ by \(run.difference)")
            let wire = try #require(run.wire)
            #expect(wire.readings.count == 12)
            for reading in wire.readings { #expect(abs(reading.auroc - 0.5) <= 0.02, "\(run.protection): \(reading)") }
            #expect(wire.sizesAreEqual)
            if run.protection == .secagg, wire.timedUpdates > 0 { #expect(abs(wire.seconds - 0.5) <= 0.04) }
        }
        let scoring = try #require(outcome.scoring)
        #expect(scoring.sameDecisions == scoring.mails && scoring.greatestError <= scoring.statedError)
        #expect(scoring.statedError < 0.05 && scoring.accuracy > 0.95)

        let report = SpamStudyReport(outcome: outcome, commandLine: ["tacit", "study", "spam"], version: "test").make()
        let html = report.html()
        #expect(
            html.contains(isLong ? "secure aggregation" : "threshold CKKS") && html.contains("encrypted model")
                && !html.contains("Subject:"))
        #expect(try PrivacyReport(jsonData: report.jsonData()) == report)
    }

    /// Words that two of the three sites have, instead of words of three mails: fewer features, found by sites alone.
    @Test func aVocabularyOfSeveralSites() throws {
        guard ProcessInfo.processInfo.environment["TACIT_LONG_TESTS"] != nil, let folder = RealData.directory,
            RealData.path("enron-spam") != nil
        else { return }
        var settings = SpamStudySettings()
        settings.leastSites = 2
        let study = try SpamStudy(try EnronSpam.load(from: DatasetStore(dataDirectory: folder)), settings: settings)
        let outcome = try study.run(protections: [.secagg], timedUpdates: 0, scoredMails: 0) { _ in }.outcome
        #expect(outcome.plain.features > 10_000 && outcome.plain.accuracy > 0.985)
        #expect(outcome.protected[0].equalsPlain && outcome.scoring == nil)
    }
}
