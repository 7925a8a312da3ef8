import Datasets
import Federation
import Foundation
import TextClassification

/// The spam filter in four acts: central, federated, leak, encrypted.
///
/// Three sites of very different size hold the mails of Enron-Spam. They agree on hashed words that enough mails have, add up
/// counts to a naive Bayes model, and improve it by rounds of logistic regression.
public struct SpamStudy: Sendable {
    public let settings: SpamStudySettings
    let mails: [Mail]
    let corpus: MailCorpus
    let training: [Int]
    let test: [Int]
    let sites: [MailCorpus.Site]

    /// - Throws: ``SpamStudyError`` for mails of which a site has none.
    public init(_ mails: [Mail], settings: SpamStudySettings = .init()) throws {
        self.settings = settings
        self.mails = mails
        corpus = MailCorpus(mails, hashing: try WordHashing(logBuckets: settings.logBuckets))
        (training, test) = MailCorpus.split(corpus.distinct, testShare: settings.testShare, seed: settings.seed)
        sites = corpus.sites(training, seed: settings.seed)
        if let empty = sites.first(where: { $0.mails.isEmpty }) {
            throw SpamStudyError("\(empty.name): has no mails, want those of all six archives")
        }
    }
}

public struct SpamStudyError: Error, Sendable, CustomStringConvertible {
    public let message: String
    init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// Accuracy and what it is held against, on the test mails.
public struct SpamAccuracies: Hashable, Sendable, Codable {
    public var mails: Int
    public var testMails: Int
    /// Share of the greater class.
    public var majority: Double
    public var naiveBayes: Double
    public var logistic: Double
}
