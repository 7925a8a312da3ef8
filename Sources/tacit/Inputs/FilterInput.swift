import Federation
import NeuralNetworks
import PrivateScoring
import TextClassification

/// A text model from a file: of `tacit spam train`, or of a federated study of texts.
enum FilterInput {
    static func read(_ path: String) throws -> TextModelFile {
        guard path.hasSuffix(".safetensors") else { return try TextModelFile(path: path) }
        let file = try TensorFile(path: path)
        func bad(_ what: String) -> CommandFailure {
            CommandFailure(.data, "\(path): \(what); want the model of a study with --model text:16 or text:16:3")
        }
        guard let text = file.metadata["words.logBuckets"], let logBuckets = Int(text) else {
            throw bad("is no model of texts")
        }
        guard TextModelFile.logBucketsRange.contains(logBuckets) else {
            throw bad(
                "its words are hashed into 2^\(logBuckets) buckets, and an encrypted model holds 2^10 to 2^18, all of them"
            )
        }
        guard let weight = file.tensors["0.weight"], let bias = file.tensors["0.bias"], bias.values.count == 1,
            file.tensors.keys.allSatisfy({ ["0.weight", "0.bias", "input.buckets"].contains($0) })
        else { throw bad("is not linear") }
        let hashing = try WordHashing(logBuckets: logBuckets)
        var buckets = (0..<hashing.bucketCount).map(Int32.init)
        do {
            buckets = try Study.buckets(in: file) ?? buckets
            return try TextModelFile(
                vocabulary: Vocabulary(hashing: hashing, buckets: buckets),
                model: LinearTextModel(weights: weight.values.map(Double.init), intercept: Double(bias.values[0])))
        } catch { throw bad("\(error)") }
    }
}
