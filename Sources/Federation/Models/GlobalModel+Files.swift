import NeuralNetworks

extension GlobalModel {
    /// The model as the file of a network, which `Network(_:)` reads; mean and deviation of the columns, where the study has
    /// them, are the tensors `input.mean` and `input.deviation`. Of texts, bucket b of feature i is
    /// 4096·`input.buckets`[0, i] + `input.buckets`[1, i], since a float holds no number of 25 bits; without that tensor all
    /// buckets are features.
    /// - Throws: `invalidStudy`, `diverged`.
    public func file(
        _ study: Study, scaling: ColumnScaling?, vocabulary: [Int32] = []
    ) throws(FederationError) -> TensorFile {
        let network = try study.network(vocabulary: vocabulary).makeNetwork()
        guard network.parameterCount == count else { throw .data("model: has another architecture than the study") }
        network.parameterVector = floats
        do {
            var file = try network.file
            if let scaling {
                for (name, values) in [("input.mean", scaling.means), ("input.deviation", scaling.deviations)] {
                    file.tensors[name] = Tensor(shape: [values.count], values: values.map(Float.init))
                }
            }
            if let texts = study.texts {
                file.metadata["words.logBuckets"] = "\(texts.hashing.logBuckets)"
                file.metadata["words.hash"] = "FNV-1a 64, SplitMix64 finaliser, highest bits"
                if !vocabulary.isEmpty {
                    file.tensors[Study.bucketTensor] = Tensor(
                        shape: [2, vocabulary.count],
                        values: vocabulary.map { Float($0 >> 12) } + vocabulary.map { Float($0 & 4095) })
                }
            }
            file.metadata["federation"] = study.literal.name
            file.metadata["study"] = study.fingerprint.hexadecimal
            file.metadata["target"] = study.literal.target
            return file
        } catch { throw .data(error.message) }
    }
}

extension Study {
    static let bucketTensor = "input.buckets"

    /// The buckets that are features in a file that ``GlobalModel/file(_:scaling:vocabulary:)`` made; empty where all are.
    /// - Throws: `invalidData`.
    public func vocabulary(in file: TensorFile) throws(FederationError) -> [Int32] {
        guard let texts, texts.union != nil else { return [] }
        guard let buckets = try Self.buckets(in: file) else { throw .data("model: \(Self.bucketTensor): is missing") }
        do { _ = try texts.vocabulary(buckets) } catch { throw .data("model: \(error.message)") }
        return buckets
    }

    /// The buckets that a model's file names, whatever study it is of; nil when it names none.
    /// - Throws: `invalidData` for a tensor that holds no buckets. Whether they are ascending is not looked at.
    public static func buckets(in file: TensorFile) throws(FederationError) -> [Int32]? {
        guard let found = file.tensors[bucketTensor] else { return nil }
        guard found.shape.count == 2, found.shape[0] == 2,
            found.values.allSatisfy({ $0 >= 0 && $0 < 4096 * 4096 && $0 == $0.rounded() })
        else { throw .data("model: \(bucketTensor): holds no buckets") }
        let count = found.shape[1]
        let numbers = found.values.map { Int32($0) }
        return (0..<count).map { numbers[$0] &* 4096 &+ numbers[count + $0] }
    }

    /// The weights in a file that ``GlobalModel/file(_:scaling:vocabulary:)`` made, in the order of the model.
    /// - Throws: `invalidData`.
    public func weights(in file: TensorFile) throws(FederationError) -> [Float] {
        var result: [Float] = []
        for tensor in try network(vocabulary: vocabulary(in: file)).initialModel().tensors {
            guard let found = file.tensors[tensor.name], found.shape == tensor.shape else {
                throw .data("model: \(tensor.name): is missing or has another shape")
            }
            result += found.values
        }
        return result
    }
}
