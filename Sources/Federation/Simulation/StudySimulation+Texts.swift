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
        var model = try study.network(vocabulary: vocabulary).initialModel()
        guard plan.isLinear else {
            // Adaptive steps of the coordinator are part of how such models are learnt, so they are taken here too.
            let training = LocalTraining(
                network: study.network(vocabulary: vocabulary), parameters: study.literal.training, correction: .none)
            let rows = try data.indexed(words, limit: plan.wordLimit)
            let isMean = study.strategy.needsIndividualUpdates || study.strategy.uploadsControl
            let strategy: any FederationStrategy = isMean ? try FederatedAveraging() : study.strategy
            var state = StrategyState()
            for round in 0..<study.rounds {
                let change = try training.run(
                    from: model, rows, scaling: nil, round: round, seed: study.seed &+ UInt64(round)
                ).change
                let aggregate = RoundAggregate(meanChange: change, contributors: 1, population: 1)
                model = try model.replacing(strategy.step(from: model.weights, aggregate, state: &state))
            }
            return try textScores(model, vocabulary, plan)
        }
        let training = try data.texts(data.training, words)
        let counts = training.counts()
        if counts.positiveTexts > 0, counts.negativeTexts > 0 {
            model = try plan.start?.model(counts, like: model) ?? model
        }
        for round in 0..<study.rounds {
            let change = try LocalTextTraining(parameters: study.literal.training).run(
                from: model, training, round: round, seed: study.seed &+ UInt64(round)
            ).change
            model = try model.replacing(zip(model.weights, change).map(+))
        }
        return try textScores(model, vocabulary, plan)
    }

    /// Of the held-out texts of all sites.
    func textScores(_ model: GlobalModel, _ vocabulary: [Int32], _ plan: TextPlan) throws(FederationError) -> [Double] {
        let words = try plan.vocabulary(vocabulary)
        if plan.isLinear { return try pooled.scores(of: pooled.heldOut, model, words).map(Link.logit.mean) }
        return try pooled.indexed(words, limit: plan.wordLimit).scores(
            of: pooled.heldOut, model, study.network(vocabulary: vocabulary), scaling: nil
        ).map { Link.logit.mean(Double($0)) }
    }
}
