import BinaryCoding

/// Asynchronous training: each site always has a task of its own, and updates are taken as they come.
struct AsynchronousState: Sendable {
    var assignments: [String: SessionTask] = [:]
    var buffer: [Update] = []

    struct Update: Sendable {
        var site: String
        var change: [Double]
    }
}

extension Coordinator {
    /// Gives a task to every site that has none.
    mutating func assign(_ transition: inout CoordinatorTransition) {
        phase = .running
        for site in study.sites where (sites[site.name]?.isAble ?? false) && asynchronous.assignments[site.name] == nil
        {
            let task = SessionTask(
                purpose: .training, session: nextSession, attempt: 0, round: round, cohort: [site.name], model: model,
                scaling: scaling, vocabulary: vocabulary)
            nextSession += 1
            asynchronous.assignments[site.name] = task
            transition.messages.append((site.name, Instruction.task(task).encoded(study: study.fingerprint)))
        }
    }

    mutating func takeAsynchronous(
        _ envelope: Envelope, _ transition: inout CoordinatorTransition
    ) throws(FederationError) {
        guard let task = asynchronous.assignments[envelope.entry.site], let size = study.strategy.bufferSize else {
            return
        }
        asynchronous.assignments[envelope.entry.site] = nil
        let layout = try study.layout(.training, model: model.count, norm: 0)
        let integers = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(envelope.body)
            let vector = try layout.decode(&decoder)
            try decoder.finish("update")
            return vector
        }
        try layout.check(integers)
        guard let update = Self.single(layout.numbers(integers), study) else { throw .update("update: got no rows") }
        let factor = BufferedAsynchronous.discount(staleness: round - task.round)
        asynchronous.buffer.append(.init(site: envelope.entry.site, change: update.change.map { factor * $0 }))
        guard asynchronous.buffer.count >= size else { return }
        let taken = asynchronous.buffer
        asynchronous.buffer = []
        var mean = [Double](repeating: 0, count: model.count)
        for update in taken { for index in mean.indices { mean[index] += update.change[index] / Double(size) } }
        let aggregate = RoundAggregate(meanChange: mean, contributors: taken.count, population: study.sites.count)
        model = try model.replacing(try study.strategy.step(from: model.weights, aggregate, state: &strategyState))
        let summary = RoundSummary(
            purpose: "training", round: round, session: task.session, attempt: 0, contributors: taken.map(\.site),
            dropped: [],
            metrics: nil, bytesReceived: envelope.encoded.count * taken.count, bytesSent: 0,
            model: model.fingerprint.description, clippingNorm: nil)
        round += 1
        history.append(summary)
        transition.notices.append(.committed(summary))
        if round >= study.rounds { asynchronous.assignments = [:] }
    }
}
