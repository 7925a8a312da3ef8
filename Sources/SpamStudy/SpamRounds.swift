import Tabular
import TextClassification

/// The numbers of a federated run that do not depend on its protection.
struct SpamRounds: Sendable {
    let settings: SpamStudySettings
    let sites: [LabelledTexts]
    let vocabulary: Vocabulary

    /// A site's addition to the weights and, last, to the intercept in a round, times its share of all mails.
    ///
    /// Starts from the joint model; one pass over the site's mails in an order that depends on seed, round and site.
    func update(
        site: Int, round: Int, from model: LinearTextModel, share: Double
    ) throws(TextClassificationError) -> [Double] {
        var order = Array(0..<sites[site].count)
        // Any injective mixture will do: orders must differ, not be secret.
        var generator = ShuffleGenerator(seed: settings.seed &* 1_000_003 &+ UInt64(round * 1000 + site))
        generator.shuffle(&order)
        var own = model
        try own.train(
            sites[site], order: order, batchSize: settings.batchSize,
            learningRate: settings.learningRate(round: round))
        return zip(own.weights + [own.intercept], model.weights + [model.intercept]).map { ($0 - $1) * share }
    }
}

extension LinearTextModel {
    /// Adds to the weights and, last, to the intercept.
    mutating func add(_ update: [Double]) {
        precondition(update.count == weights.count + 1, "update: got \(update.count), want \(weights.count + 1)")
        for index in weights.indices { weights[index] += update[index] }
        intercept += update[weights.count]
    }
}
