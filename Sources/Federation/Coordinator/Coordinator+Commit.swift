import BinaryCoding
import DifferentialPrivacy
import Foundation

extension Coordinator {
    /// Takes the sum of a session into the state.
    mutating func commit(
        _ result: ProtectedResult, _ current: ActiveSession, _ transition: inout CoordinatorTransition
    ) throws(FederationError) {
        let task = current.task
        let setting = try study.setting(task)
        var summary = RoundSummary(
            purpose: "\(task.purpose)", round: task.round, session: task.session, attempt: task.attempt,
            contributors: result.contributors.map { task.cohort[$0] },
            dropped: task.cohort.indices.filter { !result.contributors.contains($0) }.map { task.cohort[$0] },
            metrics: nil, bytesReceived: current.bytesReceived,
            bytesSent: current.bytesSent,
            model: "", clippingNorm: nil)
        var isOver = false
        switch task.purpose {
        case .keys:
            hasKeys = true
            paillier = result.paillier ?? paillier
        case .statistics: try takeStatistics(setting.layout.numbers(result.sums))
        case .training:
            if let privacy = study.literal.privacy {
                summary.clippingNorm = clippingNorm
                var random = current.random
                try takePrivate(result, setting.layout, privacy, using: &random)
            } else {
                summary.metrics = try takeTraining(result, setting.layout)
            }
            round += 1
        case .local:
            // Other models than the study's, so it is never the best of them.
            let numbers = setting.layout.numbers(result.sums).flatMap { $0 }
            summary.metrics = EvaluationSums(values: numbers, task: study.task)?.metrics
        case .evaluation:
            summary.metrics = evaluated(setting.layout.numbers(result.sums))
            isOver = true
        }
        for name in result.suspects.map({ task.cohort[$0] }) {
            sites[name]?.isSilent = true
            transition.notices.append(
                .refused(site: name, reason: "its share was forged; the sum was opened without it"))
        }
        summary.model = model.fingerprint.description
        history.append(summary)
        nextSession += 1
        transition.notices.append(.committed(summary))
        if isOver { finish(&transition) }
    }

    private mutating func takeStatistics(_ numbers: [[Double]]) throws(FederationError) {
        let rows = numbers[0][0]
        guard rows >= 1 else { throw FederationError(code: .tooFewSites, message: "statistics: got no rows") }
        totalRows = rows.rounded()
        var means: [Double] = []
        var deviations: [Double] = []
        for (column, bound) in try study.columnBounds().enumerated() {
            let mean = numbers[1][column] / rows
            let variance = max(0, numbers[2][column] / rows - mean * mean)
            means.append(bound.lower + bound.width * mean)
            // A column that is constant, or nearly, tells nothing and must not be blown up.
            deviations.append(variance > 1e-9 ? bound.width * variance.squareRoot() : 1)
        }
        scaling = ColumnScaling(means: means, deviations: deviations)
    }

    private mutating func evaluated(_ numbers: [[Double]]) -> EvaluationMetrics? {
        guard let sums = EvaluationSums(values: numbers.flatMap { $0 }, task: study.task), sums.rows >= 0.5 else {
            return nil
        }
        let metrics = sums.metrics
        if metrics.isBetter(than: best?.metrics) { best = (model, round, metrics) }
        return metrics
    }

    private mutating func takeTraining(
        _ result: ProtectedResult, _ layout: VectorLayout
    ) throws(FederationError) -> EvaluationMetrics? {
        var numbers = layout.numbers(result.sums)
        let metrics = evaluated(Array(numbers[(study.strategy.uploadsControl ? 3 : 2)...]))
        let change = numbers.removeFirst()
        let control = study.strategy.uploadsControl ? numbers.removeFirst() : []
        let weight = numbers[0][0] / Double(study.maximumRows)
        guard weight > 0 else {
            throw FederationError(code: .tooFewSites, message: "training: the contributors have no rows")
        }
        let contributors = Double(result.contributors.count)
        var aggregate = RoundAggregate(
            meanChange: change.map { $0 / weight }, meanControl: control.map { $0 / contributors },
            contributors: result.contributors.count, population: study.sites.count)
        if study.strategy.needsIndividualUpdates {
            guard let individual = result.individual else {
                throw FederationError(
                    code: .incompatible, message: "\(study.literal.strategy.name): needs single updates")
            }
            aggregate.individual = individual.sorted { $0.key < $1.key }.compactMap { _, integers in
                Self.single(layout.numbers(integers), study)
            }
        }
        model = try model.replacing(try study.strategy.step(from: model.weights, aggregate, state: &strategyState))
        return metrics
    }

    /// One site's change and weight.
    static func single(_ numbers: [[Double]], _ study: Study) -> (change: [Double], weight: Double)? {
        let weight = numbers[study.strategy.uploadsControl ? 2 : 1][0] / Double(study.maximumRows)
        return weight > 0 ? (numbers[0].map { $0 / weight }, weight) : nil
    }

    private mutating func takePrivate(
        _ result: ProtectedResult, _ layout: VectorLayout, _ privacy: ClientPrivacy, using random: inout SessionRandom
    ) throws(FederationError) {
        var sums = result.sums
        if privacy.placement == .central {
            let noise = try privacy.draw(
                privacy.noise(norm: clippingNorm, layout: layout, parts: 1), layout: layout, using: &random)
            for index in sums.indices { sums[index] += Double(noise[index]) }
        }
        let numbers = layout.numbers(sums)
        let count = Double(result.contributors.count)
        let aggregate = RoundAggregate(
            meanChange: numbers[0].map { $0 / count }, contributors: result.contributors.count,
            population: study.sites.count)
        model = try model.replacing(try study.strategy.step(from: model.weights, aggregate, state: &strategyState))
        if privacy.adaptive != nil {
            clippingNorm = privacy.adapted(clippingNorm, unclippedShare: numbers[1][0] / count + 0.5)
        }
    }
}
