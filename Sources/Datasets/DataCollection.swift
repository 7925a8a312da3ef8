/// A published set that is no table: images or mails. It has no schema; what learns from it has a loader of its own.
public struct DataCollection: Sendable {
    /// The name by which commands call it.
    public let name: String
    public let title: String
    /// Images or mails, all parts together.
    public let itemCount: Int
    /// What an item is called, in the plural.
    public let items: String
    public let sourcePage: String
    public let licence: String
    /// Files to be fetched; none where the publisher's files cannot be checked as a whole.
    public let files: [Dataset.File]

    private let looksForFiles: @Sendable (DatasetStore) -> Bool

    public func isHere(in store: DatasetStore) -> Bool { looksForFiles(store) }

    /// All collections, in the order in which they are listed.
    public static let all = [mnist, enronSpam]

    public static let mnist = DataCollection(
        name: "mnist", title: "MNIST: handwritten digits, 28 × 28 pixels", itemCount: 70_000, items: "images",
        sourcePage: "http://yann.lecun.com/exdb/mnist/", licence: "CC BY-SA 3.0, as commonly given", files: MNIST.files,
        looksForFiles: { store in MNIST.files.allSatisfy { store.find($0) != nil } })

    public static let enronSpam = DataCollection(
        name: EnronSpam.name, title: "Enron-Spam, preprocessed: six mailboxes, ham and spam",
        itemCount: EnronSpam.mailCount, items: "mails", sourcePage: EnronSpam.sourcePage,
        licence: "none stated; published for research", files: [], looksForFiles: { EnronSpam.isHere(in: $0) })
}

extension DatasetStore {
    /// Brings the files of a collection into the cache; see the overload for a data set.
    /// - Throws: ``DatasetsError``; `notFetched`, with what to do, for one that has to be downloaded by hand.
    @discardableResult
    public func fetch(
        _ collection: DataCollection, progress: @escaping @Sendable (DownloadProgress) -> Void = { _ in }
    ) async throws(DatasetsError) -> [String] {
        guard !collection.files.isEmpty else {
            if collection.isHere(in: self) { return [] }
            throw DatasetsError(
                .notFetched,
                "\(collection.name): its publisher gives no checksums, so it is not downloaded unseen; get its archives from "
                    + "\(collection.sourcePage) into a folder \(collection.name), and name the folder around that with "
                    + "--data-dir or TACIT_DATA (every item is checked when it is read)")
        }
        var paths: [String] = []
        for file in collection.files { paths.append(try await fetch(file, progress: progress)) }
        return paths
    }
}
