import DifferentialPrivacy
import PrivacyReports
import PrivateLearning

/// A way to train privately that `tacit train --private` offers.
///
/// The command does for all of them what is alike: it checks ε and δ, asks the ledger before any data are read, and
/// writes the report. To add one: a conforming type, and a line in ``PrivateMethods``.
protocol PrivateMethod {
    /// What it will release. Known before the data are read.
    var releases: PlannedReleases { get }

    /// Reads the data, trains, writes the model.
    /// - Returns: nil when the run was interrupted and can be resumed.
    func train(_ authority: any ReleaseAuthority) throws -> PrivateTrainingResult?
}

/// A release as a ledger and a report need it.
struct PlannedReleases {
    /// Carried out `steps` times; one step for methods that release once.
    var step: PrivacyEvent
    var steps: Int
    var neighbouring: Neighbouring
    /// "image", "row", "patient_id"
    var unit: String
    /// ε that the accountant shows for all of it; at most what was asked for.
    var epsilon: Double
    var delta: Double
    /// "PLD", "zCDP"
    var accountant: String
    /// "Gaussian noise of multiplier 1.1 on sums of clipped gradients, Poisson samples at rate 0.01, 3,000 steps"
    var mechanism: String
    /// A run that was begun earlier, to go on with.
    var ledgerRun: String?

    /// For methods to call when they know how many units there are, before they train.
    func warn(units: Int) {
        if delta * Double(units) >= 1 {
            Console.warn(
                "--delta: \(delta) is at least 1/\(units); a mechanism that publishes one whole unit satisfies it")
        }
    }
}

/// What a private method made.
struct PrivateTrainingResult {
    /// "Convolutional network for MNIST"
    var title: String
    var dataSet: PrivacyReport.DataSet
    /// "images", "rows"
    var rowNoun: String
    /// Numbers in the model.
    var numbers: Int
    var metrics: [PrivacyReport.Metric]
    var plots: [PrivacyReport.Plot] = []
    var seconds: Double
    /// What else was shown to whoever ran it, and is not covered by ε.
    var cautions: [String] = []
    /// Called when model and report are on the disk.
    var finish: () -> Void = {}
}

/// The request as the command line says it.
struct PrivateTrainingRequest {
    var model: TrainCommand.Model
    var data: String
    var target: String?
    var features: [String]?
    var format: TableFormatOptions
    var privacy: PrivateTrainingOptions
    var network: NetworkTrainingOptions
    var seed: UInt64
    var out: String
    var isQuiet: Bool

    var epsilon: Double { privacy.epsilon! }
    var delta: Double { privacy.delta! }
}

/// Which method trains which model.
enum PrivateMethods {
    static func method(for request: PrivateTrainingRequest) throws -> any PrivateMethod {
        switch request.model {
        case .cnn, .mobilenet, .mlp: try PrivateNetworkMethod(request)
        case .linear, .ridge, .logistic, .poisson:
            throw CommandFailure(
                .usage, "--model \(request.model.rawValue): cannot be trained privately; want cnn, mlp or mobilenet")
        }
    }
}
