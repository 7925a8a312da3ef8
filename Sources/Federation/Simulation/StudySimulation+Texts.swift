import PrivateLearning
import Tabular
import TextClassification

extension StudySimulation {
    /// Predictions of a model that texts in one place give, on the held-out texts of all: the study's own steps with one site.
    /// - Parameter owners: whose training texts these are, for a vocabulary of words that several sites have; a site alone takes
    ///   all of its words then.
    func fittedTexts(_ data: SiteData, of owners: [RowSplit]) throws(FederationError) -> [Double] {
        guard let plan = study.texts, let texts = rows.texts else { throw .data("rows: got a table, want texts") }
        var vocabulary: [Int32] = []
        if let union = plan.union {
            let all = 0..<plan.hashing.bucketCount
            var counts = [Int64](repeating: 0, count: all.count)
            for owner in owners {
                for (index, count) in texts.counts(owner.training, in: all).enumerated() {
                    counts[index] += min(count, union.cap)
                }
            }
            let least = union.counting == .sites ? min(union.threshold, Int64(owners.count)) : union.threshold
            vocabulary = counts.indices.filter { counts[$0] >= least }.map(Int32.init)
        }
        // A site may have no word often enough: it predicts the same for every text.
        guard plan.union == nil || !vocabulary.isEmpty else { return pooled.heldOut.map { _ in 0.5 } }
        let words = try plan.vocabulary(vocabulary)
        let training = try data.texts(data.training, words)
        var model = try study.network(vocabulary: vocabulary).initialModel()
        let counts = training.counts()
        if counts.positiveTexts > 0, counts.negativeTexts > 0 {
            model = try plan.start?.model(counts, like: model) ?? model
        }
        for round in 0..<study.rounds {
            let change = try TextTraining(parameters: study.literal.training).run(
                from: model, training, round: round, seed: study.seed &+ UInt64(round)
            ).change
            model = try model.replacing(zip(model.weights, change).map(+))
        }
        return try pooled.scores(of: pooled.heldOut, model, words).map(Link.logit.mean)
    }
}
