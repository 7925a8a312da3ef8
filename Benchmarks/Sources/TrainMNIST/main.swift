import Datasets
import Foundation
import NeuralNetworks
import Parallelism

// Accuracy on MNIST, standard division:
//   TrainMNIST --mode plain|private --epochs N --batch N --rate R [--noise Z --clip C --momentum M --seed S --threads N]
// Prints one line after each epoch. Hyperparameters are chosen on the last 10,000 training images with --validate.

func argument(_ name: String, _ fallback: String) -> String {
    let arguments = CommandLine.arguments
    guard let index = arguments.firstIndex(of: "--\(name)"), index + 1 < arguments.count else { return fallback }
    return arguments[index + 1]
}
func number(_ name: String, _ fallback: Double) -> Double { Double(argument(name, "\(fallback)"))! }

let mode = argument("mode", "plain")
let epochs = Int(argument("epochs", "5"))!
let batch = Int(argument("batch", "64"))!
let momentum = number("momentum", 0)
let seed = UInt64(argument("seed", "0"))!
let isValidation = CommandLine.arguments.contains("--validate")
Cores.limit(to: Int(argument("threads", "2"))!)

let (training, test) = try MNIST.load()
func examples(_ images: LabelledImages, _ range: Range<Int>) throws -> Examples<Float> {
    let width = images.height * images.width
    let scaled = images.scaled(mean: MNIST.pixelMean, deviation: MNIST.pixelDeviation)
    return try Examples(
        features: Array(scaled[range.lowerBound * width..<range.upperBound * width]), width: width,
        targets: .classes(Array(images.labels[range])))
}
let train = try examples(training, isValidation ? 0..<50_000 : 0..<60_000)
let held = isValidation ? try examples(training, 50_000..<60_000) : try examples(test, 0..<10_000)

let network = try Network<Float>(.mnistTutorial, input: [28, 28, 1], seed: seed)
let steps = (train.count + batch - 1) / batch
let isCosine = argument("schedule", "constant") == "cosine"
let schedule: Schedule = isCosine ? .cosine(steps: steps * epochs) : .constant
let start = ContinuousClock.now
func report(_ epoch: Int, _ note: String) throws {
    let (loss, accuracy) = try network.evaluate(held, loss: .crossEntropy)
    print("epoch \(epoch): held-out loss \(loss), accuracy \(accuracy); \(note); \(ContinuousClock.now - start)")
}
if mode == "plain" {
    let trainer = try Trainer(
        network, train, loss: .crossEntropy,
        .init(
            optimizer: argument("optimizer", "sgd") == "adam" ? .adam() : .sgd(momentum: momentum),
            learningRate: number("rate", 0.1), schedule: schedule, batchSize: batch, seed: seed))
    for epoch in 1...epochs {
        let progress = try trainer.epoch()
        try report(epoch, "training loss \(progress.loss)")
    }
} else {
    let trainer = try PrivateTrainer(
        network, train, loss: .crossEntropy, unitOfRow: nil,
        PrivateTrainingParameters(
            samplingRate: Double(batch) / Double(train.count), noiseMultiplier: number("noise", 1.1),
            clipping: .fixed(norm: number("clip", 1)), optimizer: .sgd(momentum: momentum),
            learningRate: number("rate", 0.5), schedule: schedule, seed: seed))
    for epoch in 1...epochs {
        for _ in 0..<steps { try trainer.step() }
        try report(epoch, "\(trainer.releases)")
    }
}
