import BinaryCoding
import CKKS
import Foundation
import NeuralNetworks
import PrivateLearning
import Randomness
import Tabular

// `encrypt`, `predict` and `decrypt` for the inputs and scores of networks.

extension EncryptCommand {
    /// The description to encrypt by, when the request is about a network's inputs.
    var networkDescriptionPath: String? {
        if let like { return LinearModelFile.isOne(like) ? nil : like }
        let beside = NetworkFile.descriptionPath(besideKey: key)
        return FileManager.default.fileExists(atPath: beside) ? beside : nil
    }

    func encryptNetworkInputs(_ path: String) throws {
        // The key's own parameters decide; a plan made anew could differ on another machine.
        let beside = NetworkFile.descriptionPath(besideKey: key)
        var description =
            try NetworkFile.isOne(path) && FileManager.default.fileExists(atPath: beside)
            ? InferenceDescription(path: beside) : NetworkFile.description(path)
        if NetworkFile.isOne(path), try EncryptedInference(path: path).fingerprint != description.model {
            description = try NetworkFile.description(path)
        }
        let encryptor = try CKKSKeyFiles.encryptor(key, passphrase)
        let inputs = try NetworkInputs(
            description.task, image: image, isInverted: isInverted, data: data, row: row, format: format)
        var random = SystemRandom()
        let encrypted = try EncryptedInputs.encrypt(inputs.features, by: description, with: encryptor, using: &random)
        let bytes = try encrypted.write(to: out)
        try Console.result(
            Made(form: "inputs", rows: inputs.count, ciphertexts: nil, bytes: bytes, file: out), json: common.json,
            "\(out): \(inputs.name), encrypted for a network's prediction, \(bytes) bytes")
    }
}

extension PredictCommand {
    private struct MadeNetworkScores: Encodable {
        var file: String
        var inputs: Int
        var target: String
        var bytes: Int
        var setupSeconds: Double
        var secondsPerInput: Double
    }

    /// The server's part: no secret key is read.
    func predictNetworkInputs(_ encrypted: String, _ model: String) throws {
        guard let evaluationKeys else {
            throw CommandFailure(
                .usage,
                "--evaluation-keys: encrypted inputs of a network need them; `tacit keys generate` wrote "
                    + "NAME.evaluation")
        }
        let clock = ContinuousClock()
        var (inference, inputs, keys): (EncryptedInference?, EncryptedInputs?, CKKSEvaluationKeys?)
        let setup = try clock.measure {
            let read = try EncryptedInputs(path: encrypted)
            let own = try EncryptedInference(path: model)
            guard read.meaning.model == own.fingerprint else {
                throw CommandFailure(
                    .data,
                    "\(encrypted): was encrypted for model \(read.meaning.model), \(model) is \(own.fingerprint)")
            }
            keys = try CKKSKeyFiles.evaluationKeys(evaluationKeys, context: read.context)
            if read.meaning.layout == .single { try own.circuit.prepare(read.context) }
            (inference, inputs) = (own, read)
        }
        guard let inference, let inputs, let keys else { return }
        let progress = Progress("predicting", total: inputs.meaning.count, unit: "inputs")
        defer { progress.finish() }
        var scores: EncryptedNetworkScores?
        let time = try clock.measure {
            scores = try inference.scores(of: inputs, keys: keys) { progress.reach($0) }
        }
        progress.finish()
        guard let scores else { return }
        let bytes = try scores.write(to: out)
        let each = time.inSeconds / Double(inputs.meaning.count)
        try Console.result(
            MadeNetworkScores(
                file: out, inputs: inputs.meaning.count, target: scores.meaning.target.name, bytes: bytes,
                setupSeconds: setup.inSeconds, secondsPerInput: each), json: common.json,
            "\(out): encrypted scores of \(inputs.meaning.count) input\(inputs.meaning.count == 1 ? "" : "s"), "
                + "\(bytes) bytes; \(Quantities.time(each)) each after \(Quantities.time(setup.inSeconds)) of reading keys and "
                + "encoding weights")
    }

    /// Everything on this machine: a client and a server in one process.
    func predictLocally(_ model: String) throws {
        let inference = try EncryptedInference(path: model)
        let plan = try inference.plan()
        let description = inference.description(plan)
        let inputs = try NetworkInputs(
            description.task, image: image, isInverted: isInverted, data: data, row: row, format: format)
        Console.warn(
            "key, picture and model are all in this one process: this shows what the three steps do and how long they take, "
                + "and keeps nothing from this machine")
        let clock = ContinuousClock()
        var random = SystemRandom()
        var run = LocalRun(description: description, plan: plan, model: model, inputs: inputs)
        var secret: CKKSSecretKey?
        var keys: CKKSEvaluationKeys?
        run.keySeconds = try clock.measure {
            let made = CKKSSecretKey(try description.context(), using: &random)
            keys = try CKKSEvaluationKeys(made, for: description.keys, using: &random)
            secret = made
        }.inSeconds
        guard let secret, let keys else { return }
        run.setupSeconds = try clock.measure { try inference.circuit.prepare(secret.context) }.inSeconds
        var encrypted: EncryptedInputs?
        run.encryptSeconds = try clock.measure {
            encrypted = try EncryptedInputs.encrypt(
                inputs.features, by: description, with: CKKSEncryptor(secret), using: &random)
        }.inSeconds
        guard let encrypted else { return }
        var scores: EncryptedNetworkScores?
        let progress = Progress("predicting", total: inputs.count, unit: "inputs")
        defer { progress.finish() }
        run.evaluateSeconds = try clock.measure {
            scores = try inference.scores(of: encrypted, keys: keys) { progress.reach($0) }
        }.inSeconds
        progress.finish()
        guard let scores else { return }
        var predictions: [EncryptedNetworkScores.Prediction] = []
        run.decryptSeconds = try clock.measure { predictions = try scores.open(secret) }.inSeconds
        let plain = inference.circuit.network.scores(ofRows: inputs.features)
        run.largestDifference = zip(predictions, plain).reduce(0) { most, pair in
            zip(pair.0.scores, pair.1).reduce(most) { max($0, abs($1.0 - $1.1)) }
        }
        run.errorBound = scores.errorBound
        try NetworkPredictions(predictions, scores.meaning.target, errorBound: scores.errorBound)
            .show(to: out, json: common.json)
        try run.finish(predictions: predictions, out: out)
    }
}

extension DecryptCommand {
    func openNetworkScores() throws {
        let scores = try EncryptedNetworkScores(path: file)
        guard let key, partial.isEmpty else {
            throw CommandFailure(.usage, "\(file): is under a CKKS key; give the secret key with --key")
        }
        let secret = try CKKSKeyFiles.secretKey(key, passphrase, context: scores.context)
        guard secret.identity == scores.key else {
            throw CommandFailure(
                .data, "\(key): is key \(secret.identity), but \(file) is encrypted under \(scores.key)")
        }
        let predictions = try scores.open(secret)
        try NetworkPredictions(predictions, scores.meaning.target, errorBound: scores.errorBound)
            .show(to: out, json: common.json)
        let stem = URL(fileURLWithPath: out).deletingPathExtension().path + ".report"
        try ReportFile.write(
            NetworkPredictionReport(
                target: scores.meaning.target, count: predictions.count, context: scores.context,
                errorBound: scores.errorBound, isLocal: false, costs: [], agreement: [], inputs: [file]
            ).make(), stem: stem)
        Console.log("privacy report: \(stem).html and .json")
    }
}

/// Linear models among safetensors files.
enum LinearModelFile {
    static func isOne(_ path: String) -> Bool {
        guard let file = try? TensorFile(path: path) else { return false }
        return file.tensors["coefficients"] != nil
    }
}

/// Opened scores on the terminal and as a table.
struct NetworkPredictions {
    private let predictions: [EncryptedNetworkScores.Prediction]
    private let target: NetworkTask.Target
    private let errorBound: Double

    init(_ predictions: [EncryptedNetworkScores.Prediction], _ target: NetworkTask.Target, errorBound: Double) {
        self.predictions = predictions
        self.target = target
        self.errorBound = errorBound
    }

    private struct Shown: Encodable {
        var file: String
        var target: String
        var errorBound: Double
        var predictions: [One]
    }

    private struct One: Encodable {
        var prediction: String
        var probabilities: [String: Double]?
        var scores: [Double]
        var isDecided: Bool
        var isBeyondBounds: Bool
    }

    private func one(_ prediction: EncryptedNetworkScores.Prediction) -> One {
        switch target {
        case .classes(_, let labels):
            return One(
                prediction: labels[prediction.label],
                probabilities: Dictionary(zip(labels, prediction.probabilities)) { first, _ in first },
                scores: prediction.scores, isDecided: prediction.isDecided, isBeyondBounds: prediction.isBeyondBounds)
        case .number(_, let lower, let upper):
            let value = lower + (prediction.scores[0] + 1) / 2 * (upper - lower)
            return One(
                prediction: "\(value)", probabilities: nil, scores: prediction.scores, isDecided: true,
                isBeyondBounds: prediction.isBeyondBounds)
        }
    }

    func show(to path: String, json: Bool) throws {
        let shown = predictions.map(one)
        var columns = [Column("prediction", text: shown.map(\.prediction))]
        if case .classes(_, let labels) = target {
            for label in labels {
                columns.append(Column("p_\(label)", numbers: shown.map { $0.probabilities?[label] ?? 0 }))
            }
        }
        try CSVWriter().write(Table(columns: columns), to: path)
        if json {
            return try Console.json(
                Shown(file: path, target: target.name, errorBound: errorBound, predictions: shown))
        }
        for (index, one) in shown.enumerated().prefix(10) {
            let chance = one.probabilities?[one.prediction].map { String(format: ", probability %.4f", $0) } ?? ""
            let doubt =
                one.isDecided ? "" : "; another score is within the error of at most \(Quantities.figure(errorBound))"
            Console.result("\(target.name) \(one.prediction)\(chance)\(doubt)")
            if one.isBeyondBounds {
                Console.warn(
                    "input \(index): its scores are beyond the bounds that the parameters were chosen for; nothing is "
                        + "promised of them")
            }
        }
        if shown.count > 10 { Console.result("… \(shown.count - 10) more") }
        Console.result("\(path): \(shown.count) prediction\(shown.count == 1 ? "" : "s") of \(target.name)")
    }
}

enum Quantities {
    static func figure(_ value: Double) -> String { String(format: "%.2g", value) }
    static func time(_ seconds: Double) -> String {
        seconds < 1 ? String(format: "%.0f ms", seconds * 1000) : String(format: "%.1f s", seconds)
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
