import Crypto

/// A mail as bytes, with what its archive says of it.
public struct Mail: Hashable, Sendable {
    /// Which of the six archives it comes from, 1 to 6; each is the mailbox of one or two people mixed with one spam trap.
    public let folder: Int
    /// The file's name in its archive.
    public let name: String
    public let isSpam: Bool
    /// Subject line and body in the publication's preprocessed form; of no declared encoding.
    public let content: [UInt8]
}

/// Enron-Spam in its preprocessed form: mails of six Enron employees mixed with spam of four collections.
///
/// The publisher names no checksums, and archives with the same mails differ in their packing. So mails are checked and not
/// archives: the SHA-256 over all mails of an archive in the order of their names must be the known one.
///
/// These are real mails of real people: nothing in the product prints their text.
/// - Reference: V. Metsis, I. Androutsopoulos, G. Paliouras, Spam Filtering with Naive Bayes – Which Naive Bayes?, CEAS 2006.
public enum EnronSpam {
    /// By which commands call it.
    public static let name = "enron-spam"
    public static let sourcePage = "http://www2.aueb.gr/users/ion/data/enron-spam/"

    /// Of one archive: counts of its mails and the SHA-256 over them.
    struct Folder: Sendable {
        let number: Int
        let ham: Int
        let spam: Int
        let sha256: String
    }

    /// A mail that some copies of the fourth archive lack; it is left out everywhere, so that all copies are alike.
    static let omitted = "enron4/spam/3111."

    static let folders = [
        Folder(
            number: 1, ham: 3672, spam: 1500, sha256: "a832ad684d58f7fb6dcdc8b61d628c39c706dd3f8577f01b27c781896a84d4b1"
        ),
        Folder(
            number: 2, ham: 4361, spam: 1496, sha256: "5e302eb266dc3a4ed11e6fdefd18d2231a16a6c68025a34cebd15be90cff1d0e"
        ),
        Folder(
            number: 3, ham: 4012, spam: 1500, sha256: "89c992bfdd4d35d33a5d999372ab125f84dbb87ac3d60727059572eb7411638d"
        ),
        Folder(
            number: 4, ham: 1500, spam: 4499, sha256: "a9313fbcd192ddc04f74f187e66026a47307b700b559f37fe6400a69f856d333"
        ),
        Folder(
            number: 5, ham: 1500, spam: 3675, sha256: "242fb0863fb62b8421613a8047c3203d0dc7df47ed1f954e3e77d08a3d630505"
        ),
        Folder(
            number: 6, ham: 1500, spam: 4500, sha256: "4b6f5f71d940308a46c24a20ede6dd0efb1830c422806a5e63781e6fc62da48e"
        ),
    ]

    /// Mails of all archives together.
    public static let mailCount = folders.reduce(0) { $0 + $1.ham + $1.spam }

    /// Whether all archives are here, by name.
    public static func isHere(in store: DatasetStore = DatasetStore()) -> Bool {
        folders.allSatisfy { store.path(below: path($0.number)) != nil }
    }

    /// All mails, archive after archive, in the order of their names.
    /// - Throws: ``DatasetsError`` when an archive is missing or its mails are not the published ones.
    public static func load(from store: DatasetStore = DatasetStore()) throws(DatasetsError) -> [Mail] {
        var mails: [Mail] = []
        for folder in folders { mails += try load(folder, store) }
        return mails
    }

    private static func path(_ number: Int) -> String { "\(name)/enron\(number).tar.gz" }

    private static func load(_ folder: Folder, _ store: DatasetStore) throws(DatasetsError) -> [Mail] {
        let file = path(folder.number)
        guard let place = store.path(below: file) else {
            throw DatasetsError(
                .notFetched,
                "\(file): not found in \(store.directories); download the six archives from \(sourcePage) into a folder "
                    + "\(name) and name the folder around it with --data-dir or TACIT_DATA")
        }
        let mails = try mails(unpacking: try store.contents(atPath: place), folder: folder.number, name: place)
        let spam = mails.count { $0.isSpam }
        guard mails.count - spam == folder.ham, spam == folder.spam else {
            throw DatasetsError(
                .invalidData,
                "\(place): got \(mails.count - spam) ham and \(spam) spam, want \(folder.ham) and \(folder.spam)")
        }
        let hash = digest(mails)
        guard hash == folder.sha256 else {
            throw DatasetsError(.hashMismatch, "\(place): the mails have SHA-256 \(hash), want \(folder.sha256)")
        }
        return mails
    }

    /// The mails of one archive, in the order of their names.
    static func mails(unpacking bytes: [UInt8], folder: Int, name: String) throws(DatasetsError) -> [Mail] {
        let archive = try TarArchive(
            try Gzip.unpack(bytes, name: name, limit: 1 << 28), name: name, entryLimit: 100_000)
        var mails: [Mail] = []
        for entry in archive.entries where !entry.name.hasPrefix(omitted) {
            let parts = entry.name.split(separator: "/")
            guard parts.count == 3, parts[1] == "ham" || parts[1] == "spam" else { continue }
            mails.append(
                Mail(
                    folder: folder, name: entry.name, isSpam: parts[1] == "spam",
                    content: Array(archive.contents(of: entry))))
        }
        return mails.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// SHA-256 over name and content of every mail, each preceded by its length in eight bytes, little end first.
    static func digest(_ mails: [Mail]) -> String {
        var hash = SHA256()
        func add(_ bytes: some Collection<UInt8>) {
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: Array(bytes))
        }
        for mail in mails {
            add(mail.name.utf8)
            add(mail.content)
        }
        return DatasetStore.hexadecimal(hash.finalize())
    }
}
