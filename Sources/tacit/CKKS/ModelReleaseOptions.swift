import ArgumentParser
import CKKS
import PrivateLearning
import Randomness

/// A model that shall leave its owner: what its noise must hide, for making keys that leave room for it and for opening.
struct ModelReleaseOptions: ParsableArguments {
    @Flag(
        name: .customLong("release"),
        help: """
            CKKS training: for weights that others shall see. `decrypt` adds noise that hides the key, and the report says what \
            precision it cost; `explain` and `keys generate` choose parameters that leave room for the noise.
            """) var isWanted = false
    @Option(
        name: .customLong("release-queries"),
        help: "Vectors that may ever be released under this key; a model takes one for every block of columns.")
    var queries = 4
    @Option(
        name: .customLong("release-loss-bits"),
        help: "Bits of the key's security that all releases together may cost; 1 unless --release-bits is given.")
    var lossBits: Int?
    @Option(
        name: .customLong("release-bits"),
        help: """
            Bits of statistical indistinguishability instead, 20 to 64: needs more noise than long training runs leave room for.
            """) var statisticalBits: Int?

    func validate() throws {
        guard lossBits == nil || statisticalBits == nil else {
            throw ValidationError("--release-loss-bits and --release-bits exclude each other")
        }
        guard isWanted || lossBits == nil && statisticalBits == nil else {
            throw ValidationError("--release-loss-bits, --release-bits: belong to --release")
        }
    }

    var policy: CKKSReleasePolicy {
        get throws {
            try CKKSReleasePolicy(
                statisticalBits.map { .indistinguishability(statisticalBits: $0) }
                    ?? .keyRecovery(lossBits: lossBits ?? 1), queries: queries)
        }
    }

    func release(_ trained: EncryptedTrainedModel, _ secret: CKKSSecretKey) throws -> ReleasedModel {
        let rows = trained.meaning.rows
        guard let parameters = trained.context.parameters, trained.meaning.completed == nil else {
            throw CommandFailure(.usage, "--release: wants the model of a whole run, not one that was stopped")
        }
        guard trained.meaning.plan.levels <= trained.context.chain.top else {
            throw CommandFailure(
                .usage,
                "--release: a bootstrapped run adds more noise of its own than a release can hide; train within the levels, "
                    + "with keys made by `tacit keys generate --release`")
        }
        let circuit = GradientCircuit(
            plan: trained.meaning.plan, rowCount: rows.packing.rowCount, columnCount: rows.packing.columnCount,
            entryBound: rows.entryBound)
        let policy = try policy
        var random = SystemRandom()
        do {
            let released = try trained.release(
                secret, design: EncryptedTrainingDesign(circuit, parameters: parameters), policy: policy, using: &random
            )
            let share = released.errorBound / trained.interval
            if share > GradientCircuit.standardOpenedErrorBound {
                Console.warn(
                    "released weights are within \(CircuitPlan.figure(share)) of the interval only; keys made by `tacit keys "
                        + "generate --release` leave them more exact")
            }
            return released
        } catch let error as CKKSError where error.code == .noPrecision {
            throw CommandFailure(
                .configuration,
                "--release: these keys leave no room for the noise of \(policy); make keys with `tacit keys generate "
                    + "--release` and train with them")
        }
    }

    /// What the weights will be worth when they are released.
    func explanation(_ design: EncryptedTrainingDesign) throws -> String {
        let policy = try policy
        let bound = try design.releasedErrorBound(policy)
        return "released       weights within \(CircuitPlan.figure(bound)) of the interval, typically "
            + "\(CircuitPlan.figure(bound / 9)); \(policy)"
    }
}
