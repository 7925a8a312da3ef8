import BinaryCoding
import TextClassification

/// What a coordinator knows of the words of a study of texts.
struct TextState: Hashable, Sendable {
    /// Buckets of the pieces known so far that are features, ascending.
    var members: [Int32] = []
    var pieces = 0
    /// Whether the model is naive Bayes of the sites' counts, or what came of it.
    var hasStart = false

    func encode(into encoder: inout BinaryEncoder) {
        BucketCoding.encode(members, into: &encoder)
        encoder.encode(UInt32(pieces))
        encoder.encode(hasStart)
    }

    init() {}

    init(decoding decoder: inout BinaryDecoder, _ plan: TextPlan) throws(BinaryCodingError) {
        members = try BucketCoding.decode(&decoder)
        pieces = Int(try decoder.decode(UInt32.self, "pieces of the vocabulary"))
        hasStart = try decoder.decodeBool("counts")
        guard pieces <= plan.pieces, Int(members.last ?? 0) < plan.hashing.bucketCount else {
            throw BinaryCodingError(code: .mismatch, message: "snapshot: words of another study")
        }
    }
}

extension Coordinator {
    /// Words that are features, in a study of texts; nil as long as that is not known.
    public var featureCount: Int? {
        study.texts.flatMap { $0.fixedFeatures ?? (vocabulary.isEmpty ? nil : vocabulary.count) }
    }

    /// The buckets of a piece that reach the threshold.
    mutating func takeWords(_ sums: [Double], piece: Int) throws(FederationError) {
        guard let plan = study.texts, let union = plan.union, piece == texts.pieces else {
            throw .message("vocabulary: piece \(piece) is not due")
        }
        let start = plan.range(piece: piece).lowerBound
        let threshold = Double(union.threshold) - 0.5
        let found = sums.indices.filter { sums[$0] > threshold }.map { Int32(start + $0) }
        let isLast = piece + 1 == plan.pieces
        let count = texts.members.count + found.count
        try plan.checkSize(features: count, study.literal.model)
        guard !isLast || count > 0 else {
            throw .data("vocabulary: got no word that is frequent enough; lower model.leastTexts or model.leastSites")
        }
        texts.members += found
        texts.pieces += 1
        if isLast { model = try study.network(vocabulary: texts.members).initialModel() }
    }

    /// Naive Bayes of all sites' texts, with smaller scores: the model that the first round starts from.
    mutating func takeCounts(_ sums: [Double]) throws(FederationError) {
        guard let start = study.texts?.start, model.count > 1, sums.count == 2 * model.count else {
            throw .message("counts: are not due")
        }
        let numbers = sums.map { Int64($0.rounded()) }
        let features = model.count - 1
        var counts = TextCounts(featureCount: features)
        counts.negative = Array(numbers[..<features])
        counts.positive = Array(numbers[features..<2 * features])
        counts.negativeTexts = numbers[2 * features]
        counts.positiveTexts = numbers[2 * features + 1]
        model = try start.model(counts, like: model)
        totalRows = Double(counts.negativeTexts + counts.positiveTexts)
        texts.hasStart = true
    }
}
