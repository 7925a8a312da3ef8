import ArgumentParser
import CKKS
import PrivateLearning
import Randomness

/// Opening a trained model for others than the key owner.
struct ModelReleaseOptions: ParsableArguments {
    @Flag(
        name: .customLong("release"),
        help: """
            CKKS models: add noise that hides the key, so that the weights may be passed on; the report says what precision it \
            cost.
            """) var isWanted = false
    @Option(name: .customLong("release-queries"), help: "Vectors that may ever be released under this key.")
    var queries = CKKSReleasePolicy.standard.queries
    @Option(name: .customLong("release-bits"), help: "Bits of statistical security of the releases.")
    var bits = 30

    func release(_ trained: EncryptedTrainedModel, _ secret: CKKSSecretKey) throws -> ReleasedModel {
        let rows = trained.meaning.rows
        guard let parameters = trained.context.parameters, trained.meaning.completed == nil else {
            throw CommandFailure(.usage, "--release: wants the model of a whole run, not one that was stopped")
        }
        guard trained.meaning.plan.levels <= trained.context.chain.top else {
            throw CommandFailure(
                .usage,
                "--release: a bootstrapped run adds more noise of its own than a release can hide; train within the levels, "
                    + "with keys made with a small --error")
        }
        let circuit = GradientCircuit(
            plan: trained.meaning.plan, rowCount: rows.packing.rowCount, columnCount: rows.packing.columnCount,
            entryBound: rows.entryBound)
        var random = SystemRandom()
        return try trained.release(
            secret, design: EncryptedTrainingDesign(circuit, parameters: parameters),
            policy: CKKSReleasePolicy(statisticalBits: bits, queries: queries), using: &random)
    }
}
