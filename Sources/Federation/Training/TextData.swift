import Crypto
import Foundation
import Parallelism
import TextClassification

extension Study {
    /// Name of the folder whose texts count as yes, in a study of texts.
    public var positiveTexts: String { literal.positive ?? "spam" }

    /// A site's texts as rows, each wording once, divided into training and held-out texts.
    ///
    /// On which side a text falls follows from its words and the study alone: the same text falls on the same side at every
    /// site, so that no site trains on what another holds back.
    /// - Parameter heldOutShare: in [0, 1), of distinct texts on average.
    /// - Returns: the rows, and how many texts were left out because another has the same words in the same order.
    /// - Throws: `invalidData`, `invalidParameter`.
    public func data(
        _ texts: [(content: [UInt8], isPositive: Bool)], heldOutShare: Double
    ) throws(FederationError) -> (data: SiteData, duplicates: Int) {
        guard let plan = self.texts else { throw .data("texts: the study takes tables") }
        guard (0..<1).contains(heldOutShare) else {
            throw .parameter("held-out share: got \(heldOutShare), want a number from 0 to below 1")
        }
        let label = Array("tacit held-out texts \(seed)\n".utf8)
        let hashing = plan.hashing
        let read = parallelMap(texts.count, chunk: 64) { index in
            (
                buckets: hashing.buckets(texts[index].content),
                digest: Array(SHA256.hash(data: Data(label + WordReader.normalised(texts[index].content))))
            )
        }
        var seen: Set<[UInt8]> = []
        var hashed = HashedTexts(hashing: hashing)
        var labels: [Bool] = []
        var (training, heldOut) = ([Int](), [Int]())
        let bound = heldOutShare * 0x1p64
        for (index, text) in read.enumerated() where seen.insert(text.digest).inserted {
            let place = text.digest.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            if Double(place) < bound { heldOut.append(labels.count) } else { training.append(labels.count) }
            hashed.append(buckets: text.buckets)
            labels.append(texts[index].isPositive)
        }
        guard !training.isEmpty else {
            throw .data("texts: got \(labels.count) different ones, none of them to train on; want more")
        }
        let rows = try SiteData.Rows(texts: hashed, isPositive: labels)
        return (SiteData(rows: rows, training: training, heldOut: heldOut), texts.count - labels.count)
    }
}
