import NeuralNetworks

/// What is learnt: the architecture as a study file writes it, and what the target is.
public struct ModelDescription: Hashable, Sendable, Codable {
    public enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
        /// One dense layer on the encoded columns.
        case logistic
        /// Dense layers with rectifiers.
        case mlp
        /// Convolutions on images, height × width × channels.
        case cnn
        /// A table of vectors, averaged over the words of a text, and dense layers.
        case embeddingBag = "embedding-bag"
        /// One weight for each hashed word that a text has, and an intercept.
        case text
    }

    public var kind: Kind
    /// Units of the hidden dense layers.
    public var hidden: [Int]?
    /// cnn: height, width, channels.
    public var image: [Int]?
    /// cnn: filters of each 3 × 3 convolution, each followed by a rectifier and a pooling of 2 × 2.
    public var filters: [Int]?
    /// embedding-bag on rows of indices: rows of the table.
    public var vocabulary: Int?
    /// embedding-bag: numbers in a row.
    public var dimension: Int?
    /// text, embedding-bag on texts: words are hashed into 2^this buckets.
    public var logBuckets: Int?
    /// The same: a bucket that fewer texts of all sites together have is no feature.
    public var leastTexts: Int?
    /// The same: a bucket that fewer sites have is no feature; in the place of leastTexts.
    public var leastSites: Int?
    /// embedding-bag on texts: the most words of a text that count; 256 unless said otherwise.
    public var words: Int?
    /// text: of the naive Bayes model that training starts from; 0.1 unless said otherwise.
    public var smoothing: Double?
    /// text: factor of the scores of naive Bayes where training starts; 0 for the zero model, otherwise 0.2.
    public var startScale: Double?

    public init(
        kind: Kind, hidden: [Int]? = nil, image: [Int]? = nil, filters: [Int]? = nil, vocabulary: Int? = nil,
        dimension: Int? = nil, logBuckets: Int? = nil, leastTexts: Int? = nil, leastSites: Int? = nil,
        words: Int? = nil, smoothing: Double? = nil, startScale: Double? = nil
    ) {
        self.kind = kind
        self.hidden = hidden
        self.image = image
        self.filters = filters
        self.vocabulary = vocabulary
        self.dimension = dimension
        self.logBuckets = logBuckets
        self.leastTexts = leastTexts
        self.leastSites = leastSites
        self.words = words
        self.smoothing = smoothing
        self.startScale = startScale
    }

    public static let logistic = ModelDescription(kind: .logistic)

    var wordLimit: Int { words ?? 256 }

    /// Whether sites have texts, whose words become features.
    var isOfTexts: Bool { kind == .text || kind == .embeddingBag && logBuckets != nil }

    /// Weights of a model of so many words.
    func weights(features: Int) -> Int {
        guard kind == .embeddingBag, let dimension else { return features + 1 }
        let widths = [dimension] + (hidden ?? []) + [1]
        // One vector more, for texts without a known word.
        return zip(widths, widths.dropFirst()).reduce((features + 1) * dimension) { $0 + ($1.0 + 1) * $1.1 }
    }

    func check() throws(FederationError) {
        func only(_ allowed: Set<String>) throws(FederationError) {
            let given: [(String, Bool)] = [
                ("hidden", hidden != nil), ("image", image != nil), ("filters", filters != nil),
                ("vocabulary", vocabulary != nil), ("dimension", dimension != nil),
                ("logBuckets", logBuckets != nil), ("leastTexts", leastTexts != nil),
                ("leastSites", leastSites != nil), ("words", words != nil), ("smoothing", smoothing != nil),
                ("startScale", startScale != nil),
            ]
            if let bad = given.first(where: { $0.1 && !allowed.contains($0.0) }) {
                throw .study("model.\(bad.0): does not go with kind \(kind.rawValue)")
            }
        }
        switch kind {
        case .logistic: try only([])
        case .mlp:
            try only(["hidden"])
            guard let hidden, !hidden.isEmpty else {
                throw .study("model.hidden: got none, want units such as [64, 32]")
            }
        case .cnn:
            try only(["image", "filters", "hidden"])
            guard let image, image.count == 3 else {
                throw .study("model.image: got \(image ?? []), want height, width and channels")
            }
            guard let filters, !filters.isEmpty else { throw .study("model.filters: got none, want such as [8, 16]") }
        case .embeddingBag:
            let own: Set<String> =
                logBuckets == nil ? ["vocabulary"] : ["logBuckets", "leastTexts", "leastSites", "words"]
            try only(own.union(["dimension", "hidden"]))
            guard let dimension, (1...1 << 12).contains(dimension) else {
                throw .study("model.dimension: got \(dimension ?? 0), want 1...4096")
            }
            guard logBuckets != nil || vocabulary ?? 0 > 0 else {
                throw .study("model: embedding-bag wants vocabulary, at least 1, or logBuckets for texts")
            }
            guard (1...1 << 12).contains(wordLimit) else {
                throw .study("model.words: got \(wordLimit), want 1...4096")
            }
        // Their values are checked with the study, whose sites and protection they depend on.
        case .text: try only(["logBuckets", "leastTexts", "leastSites", "smoothing", "startScale"])
        }
        for (name, values) in [("hidden", hidden ?? []), ("filters", filters ?? [])] {
            guard values.allSatisfy({ (1...1 << 16).contains($0) }) else {
                throw .study("model.\(name): got \(values), want numbers in 1...65536")
            }
        }
    }

    /// The layers for an input of that width.
    func layers(inputs: Int, outputs: Int) -> (layers: [LayerDescription], input: [Int]) {
        let dense = [LayerDescription].multilayerPerceptron(hidden: hidden ?? [], outputs: outputs)
        switch kind {
        case .logistic, .mlp, .text: return (dense, [inputs])
        case .cnn:
            var layers: [LayerDescription] = []
            for count in filters ?? [] {
                layers += [
                    .convolution(filters: count, window: 3, padding: 1), .relu,
                    .maximumPooling(window: 2, stride: 2),
                ]
            }
            return (layers + [.flatten] + dense, image ?? [inputs])
        case .embeddingBag where logBuckets != nil:
            // One vector more, for texts without a known word.
            return ([.embeddingBag(count: inputs + 1, dimension: dimension ?? 1)] + dense, [wordLimit])
        case .embeddingBag:
            return ([.embeddingBag(count: vocabulary ?? 1, dimension: dimension ?? 1)] + dense, [inputs])
        }
    }
}

/// What the model predicts.
public enum LearningTask: Hashable, Sendable, Codable {
    /// One of two; the model gives one score.
    case binary
    /// One of several.
    case classes(Int)
    /// Numbers, one for each row.
    case regression

    public var outputs: Int {
        switch self {
        case .binary, .regression: 1
        case .classes(let count): count
        }
    }

    public var loss: Loss {
        switch self {
        case .binary: .binaryCrossEntropy
        case .classes: .crossEntropy
        case .regression: .meanSquaredError
        }
    }
}

/// The network of a study: the same architecture and the same first weights at every site.
public struct StudyNetwork: Hashable, Sendable {
    public let layers: [LayerDescription]
    public let input: [Int]
    public let task: LearningTask
    let seed: UInt64

    public init(_ model: ModelDescription, inputs: Int, task: LearningTask, seed: UInt64) {
        (layers, input) = model.layers(inputs: inputs, outputs: task.outputs)
        self.task = task
        self.seed = seed
    }

    /// - Throws: `invalidStudy` for layers that do not fit together.
    public func makeNetwork() throws(FederationError) -> Network<Float> {
        do { return try Network<Float>(layers, input: input, seed: seed) } catch {
            throw .study("model: \(error.message)")
        }
    }

    /// The first global model: the network's own first weights, zero for a single dense layer.
    public func initialModel() throws(FederationError) -> GlobalModel {
        let network = try makeNetwork()
        guard network.statistics.isEmpty else {
            throw .study("model: running averages (batch normalisation) cannot be federated; use group normalisation")
        }
        let tensors = network.parameters.map { ModelTensor(name: $0.name, shape: $0.shape) }
        let isLinear = layers.count == 1
        let weights = network.parameterVector.map { isLinear ? 0 : Double($0) }
        return try GlobalModel(tensors: tensors, weights: weights)
    }
}
