import Crypto
import Datasets
import Foundation
import Parallelism
import Tabular
import TextClassification

/// All mails as sets of hashed words, divided into training and test part and among the sites.
struct MailCorpus: Sendable {
    struct Item: Sendable {
        /// Ascending, each once.
        let buckets: [Int32]
        let isSpam: Bool
        let folder: Int
        /// Position in the published order, for looking at the mail itself.
        let source: Int
        /// Mails with the same number have the same words in the same order.
        let text: Int
    }

    let hashing: WordHashing
    let items: [Item]

    init(_ mails: [Mail], hashing: WordHashing) {
        self.hashing = hashing
        let read = parallelMap(mails.count, chunk: 64) { index in
            (
                buckets: hashing.buckets(mails[index].content),
                digest: Array(SHA256.hash(data: Data(WordReader.normalised(mails[index].content))))
            )
        }
        var texts: [[UInt8]: Int] = [:]
        items = read.indices.map { index in
            let text = texts[read[index].digest] ?? texts.count
            texts[read[index].digest] = text
            return Item(
                buckets: read[index].buckets, isSpam: mails[index].isSpam, folder: mails[index].folder, source: index,
                text: text)
        }
    }

    /// Positions of the first mail of each text.
    var distinct: [Int] {
        var seen: Set<Int> = []
        return items.indices.filter { seen.insert(items[$0].text).inserted }
    }

    /// A random division of some mails, the same for the same seed.
    static func split(_ positions: [Int], testShare: Double, seed: UInt64) -> (training: [Int], test: [Int]) {
        var order = positions
        var generator = ShuffleGenerator(seed: seed)
        generator.shuffle(&order)
        let testCount = Int((Double(order.count) * testShare).rounded())
        return (order[testCount...].sorted(), order[..<testCount].sorted())
    }

    func texts(_ positions: [Int], _ vocabulary: Vocabulary) -> LabelledTexts {
        LabelledTexts(positions.lazy.map { (items[$0].buckets, items[$0].isSpam) }, vocabulary)
    }

    /// For each bucket of a range, how many of some mails have a word in it.
    func textCounts(_ positions: [Int], in range: Range<Int>) -> [Int64] {
        var counts = [Int64](repeating: 0, count: range.count)
        for position in positions {
            for bucket in items[position].buckets where range.contains(Int(bucket)) {
                counts[Int(bucket) - range.lowerBound] += 1
            }
        }
        return counts
    }

    /// Three sites of very different size: four mailboxes; one mailbox and most of another; 1,000 mails of that other one.
    func sites(_ training: [Int], seed: UInt64) -> [Site] {
        var fifth = training.filter { items[$0].folder == 5 }
        var generator = ShuffleGenerator(seed: seed)
        generator.shuffle(&fifth)
        let small = fifth.prefix(Self.smallSite).sorted()
        let rest = Set(fifth.dropFirst(Self.smallSite))
        return [
            Site(name: "Site A", mails: training.filter { [2, 3, 4, 6].contains(items[$0].folder) }),
            Site(name: "Site B", mails: training.filter { items[$0].folder == 1 || rest.contains($0) }),
            Site(name: "Site C", mails: small),
        ]
    }

    /// Mails of the smallest site, whose words the leak is measured on.
    static let smallSite = 1000

    struct Site: Sendable {
        let name: String
        let mails: [Int]
    }
}
