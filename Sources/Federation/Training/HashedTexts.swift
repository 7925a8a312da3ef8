import Tabular
import TextClassification

/// Texts as sets of buckets of a public hash: what a site has of its texts until the features among the buckets are known.
public struct HashedTexts: Hashable, Sendable {
    public let hashing: WordHashing
    private var offsets: [Int] = [0]
    private var buckets: [Int32] = []

    public var count: Int { offsets.count - 1 }

    public init(hashing: WordHashing) { self.hashing = hashing }

    /// - Parameter text: of any encoding that keeps ASCII.
    public mutating func append(_ text: [UInt8]) { append(buckets: hashing.buckets(text)) }

    /// - Parameter row: ascending, each once, as ``WordHashing/buckets(_:)`` gives them; a precondition.
    public mutating func append(buckets row: [Int32]) {
        precondition(
            zip(row, row.dropFirst()).allSatisfy { $0 < $1 } && (row.first ?? 0) >= 0
                && Int(row.last ?? 0) < hashing.bucketCount,
            "buckets: want ascending numbers in 0..<\(hashing.bucketCount)")
        buckets += row
        offsets.append(buckets.count)
    }

    public func row(_ index: Int) -> ArraySlice<Int32> { buckets[offsets[index]..<offsets[index + 1]] }

    /// For each bucket of a range, how many of some texts have a word in it.
    func counts(_ texts: [Int], in range: Range<Int>) -> [Int64] {
        var result = [Int64](repeating: 0, count: range.count)
        for text in texts {
            for bucket in row(text) where range.contains(Int(bucket)) { result[Int(bucket) - range.lowerBound] += 1 }
        }
        return result
    }
}

extension SiteData {
    /// Some rows as sets of features; words that are no feature count for nothing.
    /// - Throws: `invalidData` for rows that are no texts.
    func texts(_ list: [Int], _ vocabulary: Vocabulary) throws(FederationError) -> LabelledTexts {
        guard let texts = rows.texts else { throw .data("rows: got a table, the study wants texts") }
        return LabelledTexts(
            list.lazy.map { (buckets: Array(texts.row($0)), isPositive: rows.targets[$0] > 0) }, vocabulary)
    }

    /// The same texts as rows of indices for a table of vectors: of each text's features the first `limit` in the order of
    /// their buckets, which is that of a hash, and again from the first until the row is full, so that the mean of their vectors
    /// does not depend on the limit. A text without features is the index behind the last feature.
    func indexed(_ vocabulary: Vocabulary, limit: Int) throws(FederationError) -> SiteData {
        let all = try texts(Array(0..<rows.count), vocabulary)
        var indices = [Float](repeating: Float(vocabulary.count), count: rows.count * limit)
        for row in 0..<rows.count {
            let features = Array(all.row(row))
            guard !features.isEmpty else { continue }
            for place in 0..<limit { indices[row * limit + place] = Float(features[place % features.count]) }
        }
        let made = try Rows(features: indices, width: limit, targets: rows.targets, task: .binary)
        return SiteData(rows: made, training: training, heldOut: heldOut)
    }

    /// Sums over the held-out texts; nil when there are none.
    func evaluate(_ model: GlobalModel, _ vocabulary: Vocabulary) throws(FederationError) -> EvaluationSums? {
        guard !heldOut.isEmpty else { return nil }
        return EvaluationSums(
            scores: try scores(of: heldOut, model, vocabulary).map(Float.init), targets: targets(heldOut), task: .binary
        )
    }

    /// The model's scores of some texts.
    func scores(of list: [Int], _ model: GlobalModel, _ vocabulary: Vocabulary) throws(FederationError) -> [Double] {
        guard model.count == vocabulary.count + 1 else {
            throw .data("model: got \(model.count) weights, want \(vocabulary.count + 1)")
        }
        return LinearTextModel(model).scores(try texts(list, vocabulary))
    }
}

extension TextPlan.Start {
    /// Naive Bayes of these counts, with smaller scores.
    /// - Throws: `invalidData` when one class has no texts, `diverged`.
    func model(_ counts: TextCounts, like model: GlobalModel) throws(FederationError) -> GlobalModel {
        let bayes: LinearTextModel
        do { bayes = try .naiveBayes(counts, smoothing: smoothing) } catch { throw .data(error.message) }
        return try model.replacing(bayes.scaled(by: scale).allWeights)
    }
}

extension LinearTextModel {
    /// The weights of a study's model: one a feature, then the intercept.
    init(_ model: GlobalModel) {
        let weights = model.weights
        self.init(weights: Array(weights.dropLast()), intercept: weights.last ?? 0)
    }

    /// In the order of a study's model.
    var allWeights: [Double] { weights + [intercept] }
}

/// Stochastic gradient descent on the words of texts, from the global model.
struct LocalTextTraining: Sendable {
    let parameters: TrainingParameters

    /// - Parameter seed: of the order of the texts.
    /// - Throws: `diverged`, `invalidData`.
    func run(
        from model: GlobalModel, _ texts: LabelledTexts, round: Int, seed: UInt64
    ) throws(FederationError) -> LocalResult {
        guard texts.count > 0 else { throw .data("training rows: got none, want at least 1") }
        guard model.count == texts.featureCount + 1 else {
            throw .data("model: got \(model.count) weights, want \(texts.featureCount + 1)")
        }
        let start = LinearTextModel(model)
        var own = start
        let size = min(texts.count, parameters.batchSize)
        var left = parameters.steps(rows: texts.count)
        var generator = ShuffleGenerator(seed: seed)
        var order = Array(0..<texts.count)
        var (loss, seen) = (0.0, 0)
        while left > 0 {
            generator.shuffle(&order)
            let rows = Array(order.prefix(left * size))
            left -= (rows.count + size - 1) / size
            do {
                loss += try own.train(
                    texts, order: rows, batchSize: size, learningRate: parameters.rate(round: round))
            } catch {
                throw FederationError(code: error.code == .diverged ? .diverged : .invalidData, message: error.message)
            }
            seen += rows.count
        }
        let change = zip(own.allWeights, start.allWeights).map(-)
        guard change.allSatisfy(\.isFinite) else {
            throw FederationError(
                code: .diverged, message: "training: got weights that are not finite; lower the learning rate")
        }
        return LocalResult(change: change, controlChange: [], loss: loss / Double(seen))
    }
}
