import TextClassification

/// What the words of texts become in a study of texts: numbers of buckets of a public hash, and of those the features.
public struct TextPlan: Hashable, Sendable {
    public let hashing: WordHashing
    /// Finds the buckets that are features; nil when all are.
    public let union: ThresholdUnion?
    /// Of the naive Bayes model that the first round starts from, made of counts of all sites; nil for the zero model.
    public let start: Start?
    /// One weight a word, or a vector a word.
    let isLinear: Bool
    /// Of a vector a word, the most words of a text that count.
    let wordLimit: Int

    public struct Start: Hashable, Sendable {
        public let smoothing: Double
        /// The scores of naive Bayes are far too certain; they are multiplied by this.
        public let scale: Double
    }

    /// Buckets of one sum of the union.
    static let piece = ThresholdUnion.piece
    /// So that every index of a vector is a whole number in a float, and a list of words stands for no memory that its own
    /// length does not justify.
    static let mostWeights = 1 << 24
    /// Buckets whose sums under a homomorphic scheme are still seconds and megabytes of a site.
    static let mostEncryptedBuckets = 20
    static let mostUnchosenBuckets = 20

    /// Sums that the union takes.
    public var pieces: Int { union.map { ($0.universe + Self.piece - 1) / Self.piece } ?? 0 }

    func range(piece: Int) -> Range<Int> {
        piece * Self.piece..<min(hashing.bucketCount, (piece + 1) * Self.piece)
    }

    /// Features when the union is no question.
    var fixedFeatures: Int? { union == nil ? hashing.bucketCount : nil }

    /// - Returns: nil for other kinds of models.
    /// - Throws: `invalidStudy`, `incompatible`.
    init?(_ literal: StudyLiteral) throws(FederationError) {
        let model = literal.model
        guard model.isOfTexts else { return nil }
        isLinear = model.kind == .text
        wordLimit = model.wordLimit
        let kind = literal.protection.kind
        func refuse(_ message: String) -> FederationError { FederationError(code: .incompatible, message: message) }
        do { hashing = try WordHashing(logBuckets: model.logBuckets ?? 0) } catch {
            throw .study("model.logBuckets: got \(model.logBuckets.map(String.init) ?? "none"), want 8...26")
        }
        switch (model.leastTexts, model.leastSites) {
        case (nil, nil):
            guard hashing.logBuckets <= Self.mostUnchosenBuckets else {
                throw .study(
                    "model.logBuckets: got \(hashing.logBuckets), want at most \(Self.mostUnchosenBuckets) without leastTexts "
                        + "or leastSites, since every bucket is a feature then")
            }
            union = nil
        case (let texts?, nil):
            guard (2...1 << 20).contains(texts) else {
                throw .study("model.leastTexts: got \(texts), want 2...1048576")
            }
            union = try ThresholdUnion(universe: hashing.bucketCount, threshold: Int64(texts), counting: .records)
        case (nil, let sites?):
            guard (2...max(2, literal.sites.count)).contains(sites) else {
                throw .study("model.leastSites: got \(sites), want 2...\(literal.sites.count), the number of sites")
            }
            union = try ThresholdUnion(universe: hashing.bucketCount, threshold: Int64(sites), counting: .sites)
        case (_?, _?): throw .study("model: got leastTexts and leastSites, want one of them")
        }
        if kind == .ckks || kind == .paillier, hashing.logBuckets > Self.mostEncryptedBuckets {
            throw refuse(
                "model.logBuckets: got \(hashing.logBuckets), want at most \(Self.mostEncryptedBuckets) with protection "
                    + "\(kind.rawValue), whose sums over all buckets would take hundreds of megabytes; or take secagg")
        }
        let scale = isLinear ? model.startScale ?? (literal.privacy == nil ? 0.2 : 0) : 0
        guard (0...1).contains(scale) else { throw .study("model.startScale: got \(scale), want 0...1") }
        let smoothing = model.smoothing ?? 0.1
        guard smoothing > 0, smoothing <= 1000 else {
            throw .study("model.smoothing: got \(smoothing), want a number in (0, 1000]")
        }
        start = scale > 0 ? Start(smoothing: smoothing, scale: scale) : nil
        if literal.privacy != nil {
            guard union == nil else {
                throw refuse(
                    "privacy: leastTexts and leastSites take exact sums first, which are not private; leave them out")
            }
            guard start == nil else {
                throw refuse("privacy: model.startScale takes exact counts first, which are not private; leave it out")
            }
        }
        guard !isLinear || literal.training.ridge ?? 0 == 0 else {
            throw refuse("training.ridge: does not go with kind text, whose steps touch only the words of a text")
        }
    }

    /// The features' buckets as a vocabulary.
    /// - Throws: `invalidMessage` for others than the plan can have.
    func vocabulary(_ buckets: [Int32]) throws(FederationError) -> Vocabulary {
        guard union == nil || !buckets.isEmpty, union != nil || buckets.isEmpty else {
            throw .message(
                "vocabulary: got \(buckets.count) words, want \(union == nil ? "none, all are features" : "some")")
        }
        do {
            return try Vocabulary(
                hashing: hashing,
                buckets: union == nil ? (0..<hashing.bucketCount).map(Int32.init) : buckets)
        } catch { throw .message("vocabulary: \(error.message)") }
    }

    /// - Throws: `invalidData` for more features than a model of this kind may have.
    func checkSize(features: Int, _ model: ModelDescription) throws(FederationError) {
        let weights = model.weights(features: features)
        guard weights <= Self.mostWeights else {
            throw .data(
                "vocabulary: got \(features) words, whose model has \(weights) weights, want at most \(Self.mostWeights); "
                    + "raise model.leastTexts or lower model.dimension")
        }
    }
}

extension Study {
    /// The network of a study of texts with so many features: the same architecture as one dense layer on all of them, by which
    /// models are compared, stored and read; texts are scored without it.
    func network(features: Int) -> StudyNetwork {
        StudyNetwork(literal.model, inputs: features, task: task, seed: seed)
    }

    /// The network for a vocabulary; of studies without texts the only one.
    func network(vocabulary: [Int32]) -> StudyNetwork {
        texts != nil && !vocabulary.isEmpty ? network(features: vocabulary.count) : network
    }
}
