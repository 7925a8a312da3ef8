import BinaryCoding
import Crypto
import Foundation
import Randomness

// What a site adds to a sum, and the commitment to it.
extension Site {
    /// What a site uploads in a session.
    struct UploadedVector {
        var integers: [Int64]
        /// cᵢ⁺, for SCAFFOLD.
        var control: [Double] = []
        var notices: [SiteTransition.Notice] = []
    }

    func upload(_ task: SessionTask, using random: inout SessionRandom) throws(FederationError)
        -> UploadedVector
    {
        let layout = try study.setting(task).layout
        switch task.purpose {
        case .keys: throw .message("task: keys have no update")
        case .statistics: return UploadedVector(integers: try layout.integers(try statistics()).integers)
        case .evaluation:
            guard let model = task.model else { throw .message("task: the model is missing") }
            return UploadedVector(integers: try layout.integers(try evaluation(model, task)).integers)
        case .training: return try training(task, layout, using: &random)
        case .local: return UploadedVector(integers: try layout.integers(try alone(task)).integers)
        case .vocabulary: return UploadedVector(integers: try wordCounts(piece: task.round))
        case .counts: return UploadedVector(integers: try classCounts(task))
        }
    }

    private func wordCounts(piece: Int) throws(FederationError) -> [Int64] {
        guard let plan = study.texts, let union = plan.union, let texts = data.rows.texts else {
            throw .message("task: the study has no vocabulary to find")
        }
        let rows = Array(data.training.prefix(study.maximumRows))
        return union.capped(texts.counts(rows, in: plan.range(piece: piece)))
    }

    private func classCounts(_ task: SessionTask) throws(FederationError) -> [Int64] {
        guard let vocabulary = try study.texts?.vocabulary(task.vocabulary) else {
            throw .message("task: the study counts no words")
        }
        let counts = try data.texts(Array(data.training.prefix(study.maximumRows)), vocabulary).counts()
        return counts.negative + counts.positive + [counts.negativeTexts, counts.positiveTexts]
    }

    /// Counts and sums of the columns moved to [0, 1].
    func statistics() throws(FederationError) -> [[Double]] {
        let bounds = try study.columnBounds()
        var sums = [Double](repeating: 0, count: bounds.count)
        var squares = sums
        let rows = Array(data.training.prefix(study.maximumRows))
        for row in rows {
            for (column, bound) in bounds.enumerated() {
                let raw = (Double(data.rows.features[row * data.rows.width + column]) - bound.lower) / bound.width
                let z = min(max(raw, 0), 1)
                sums[column] += z
                squares[column] += z * z
            }
        }
        return [[Double(rows.count)], sums, squares]
    }

    func evaluation(_ model: GlobalModel, _ task: SessionTask) throws(FederationError) -> [[Double]] {
        let empty = [Double](repeating: 0, count: EvaluationSums.count(study.task))
        let sums =
            if let plan = study.texts, plan.isLinear {
                try data.evaluate(model, plan.vocabulary(task.vocabulary))
            } else {
                try rows(task).evaluate(
                    model, study.network(vocabulary: task.vocabulary), scaling: task.scaling)
            }
        let values = sums?.values ?? empty
        let parts = [[values[0]], [values[1]], [values[2]], Array(values[3...])]
        return parts.filter { !$0.isEmpty }
    }

    /// The counts of a model that only this site's rows made: the study's recipe and rounds, no correction by others.
    ///
    /// Texts start from naive Bayes on the site's own, if it has both classes.
    func alone(_ task: SessionTask) throws(FederationError) -> [[Double]] {
        var model = try study.network(vocabulary: task.vocabulary).initialModel()
        if let plan = study.texts, plan.start != nil {
            let counts = try data.texts(data.training, plan.vocabulary(task.vocabulary)).counts()
            if counts.negativeTexts > 0, counts.positiveTexts > 0 {
                model = try plan.start?.model(counts, like: model) ?? model
            }
        }
        for round in 0..<study.rounds {
            do {
                let change = try trained(from: model, task, round: round, correction: .none, control: nil).change
                model = try model.replacing(zip(model.weights, change).map(+))
            } catch {
                // A site whose own model runs away is held to the last one that did not: a comparison stops no study.
                guard error.code == .diverged else { throw error }
                break
            }
        }
        return try evaluation(model, task)
    }

    /// This site's rows as a network takes them.
    private func rows(_ task: SessionTask) throws(FederationError) -> SiteData {
        guard let plan = study.texts else { return data }
        return try data.indexed(plan.vocabulary(task.vocabulary), limit: plan.wordLimit)
    }

    /// One round's training on this site's rows.
    private func trained(
        from model: GlobalModel, _ task: SessionTask, round: Int, correction: LocalCorrection,
        control: (global: [Double], own: [Double])?
    ) throws(FederationError) -> LocalResult {
        if let plan = study.texts, plan.isLinear {
            let vocabulary = try plan.vocabulary(task.vocabulary)
            return try LocalTextTraining(parameters: study.literal.training).run(
                from: model, data.texts(data.training, vocabulary), round: round, seed: orderSeed(round))
        }
        return try LocalTraining(
            network: study.network(vocabulary: task.vocabulary), parameters: study.literal.training,
            correction: correction
        ).run(
            from: model, rows(task), scaling: task.scaling, round: round, seed: orderSeed(round), control: control)
    }

    /// Of the order of the rows in a round.
    private func orderSeed(_ round: Int) -> UInt64 {
        let hash = Fingerprint(of: Array("order of rows \(study.seed) \(identity.name) \(round)".utf8))
        return hash.bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    }

    func training(
        _ task: SessionTask, _ layout: VectorLayout, using random: inout SessionRandom
    ) throws(FederationError) -> UploadedVector {
        guard let model = task.model else { throw .message("task: the model is missing") }
        let own = currentControl(task, count: model.count)
        let result = try trained(
            from: model, task, round: task.round, correction: study.strategy.correction,
            control: study.strategy.uploadsControl ? (task.control, own) : nil)
        let rows = min(data.training.count, study.maximumRows)
        if let privacy = study.literal.privacy {
            let integers = try privateUpdate(result.change, task, layout, privacy, using: &random)
            return UploadedVector(
                integers: integers.integers,
                notices: [.trained(round: task.round, rows: rows, loss: result.loss, clippedShare: integers.clipped)])
        }
        let weight = Double(rows) / Double(study.maximumRows)
        let clip = layout.segments[0].bound
        let moved = result.change.count { abs($0) > clip }
        var parts = [result.change.map { min(max($0, -clip), clip) * weight }]
        if study.strategy.uploadsControl { parts.append(result.controlChange.map { $0 - 0 }) }
        parts.append([Double(rows)])
        parts += try evaluation(model, task)
        var upload = UploadedVector(integers: try layout.integers(parts).integers)
        if study.strategy.uploadsControl { upload.control = zip(own, result.controlChange).map(+) }
        upload.notices = [
            .trained(
                round: task.round, rows: rows, loss: result.loss,
                clippedShare: Double(moved) / Double(max(1, result.change.count)))
        ]
        return upload
    }

    func currentControl(_ task: SessionTask, count: Int) -> [Double] {
        if let next = nextControl, task.round > next.round { return next.values }
        return control.isEmpty ? [Double](repeating: 0, count: count) : control
    }

    /// SHA-256 of a nonce, which follows from the session's seed, the session's name and the integers.
    static func commitment(_ integers: [Int64], nonce: [UInt8], session: Fingerprint) -> Fingerprint {
        var hash = SHA256()
        hash.update(data: Data("tacit federation commitment".utf8))
        hash.update(data: Data(nonce))
        hash.update(data: Data(session.bytes))
        WordCoding.withLittleEndianBytes(of: integers) { hash.update(bufferPointer: $0) }
        return Fingerprint(bytes: Array(hash.finalize())) ?? .none
    }

    /// Opens a commitment without opening the session's randomness.
    static func nonce(seed: [UInt8]) -> [UInt8] { Fingerprint(of: Array("tacit federation nonce".utf8) + seed).bytes }
}
