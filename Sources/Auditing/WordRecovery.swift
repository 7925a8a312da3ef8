import TextClassification

/// Which words the texts of a site have, from the update of a linear text model that it sent in the clear.
///
/// A weight moves only when a text with its feature is trained on. So the features whose weights moved are those of the site's
/// texts, and whoever knows the public hashing and a list of words that may occur tries them all.
public enum WordRecovery {
    /// Words claimed to be in the site's texts.
    ///
    /// - Parameters:
    ///   - update: what the site adds to each weight.
    ///   - dictionary: candidate words, the likeliest first: where several have the same feature, only the first is claimed.
    public static func words(
        update: [Double], dictionary: some Sequence<[UInt8]>, vocabulary: Vocabulary
    ) -> Set<[UInt8]> {
        precondition(update.count == vocabulary.count, "update: got \(update.count) weights, want \(vocabulary.count)")
        var taken = [Bool](repeating: false, count: vocabulary.count)
        var found: Set<[UInt8]> = []
        for word in dictionary {
            guard let feature = vocabulary.feature(of: word).map(Int.init), !taken[feature] else { continue }
            taken[feature] = true
            if update[feature] != 0 { found.insert(word) }
        }
        return found
    }

    /// For each feature, in how many more spam than ham texts of the first batch it stands; exact.
    ///
    /// From the zero model the first step is learningRate/2B times that difference
    /// (``TextClassification/LinearTextModel/train(_:order:batchSize:learningRate:)``).
    /// - Parameter update: of one step from the zero model, on a batch of `batchSize` texts.
    public static func countDifferences(update: [Double], batchSize: Int, learningRate: Double) -> [Int] {
        update.map { Int(($0 * 2 * Double(batchSize) / learningRate).rounded()) }
    }
}

/// How well a set of claims names a set of facts.
public struct RecoveryScore: Hashable, Sendable {
    public let claimed: Int
    public let actual: Int
    public let right: Int

    public init<Item: Hashable>(claimed: Set<Item>, actual: Set<Item>) {
        self.claimed = claimed.count
        self.actual = actual.count
        right = claimed.intersection(actual).count
    }

    /// The share of the facts that is claimed; 0 without facts.
    public var recall: Double { actual == 0 ? 0 : Double(right) / Double(actual) }
    /// The share of the claims that is right; 0 without claims.
    public var precision: Double { claimed == 0 ? 0 : Double(right) / Double(claimed) }
}
