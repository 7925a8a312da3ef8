import ArgumentParser

/// What training by gradients on CKKS rows takes beside the options of every training.
struct GradientTrainingOptions: ParsableArguments {
    @Option(
        name: .customLong("bootstrapping-keys"),
        help: """
            CKKS: the keys for more iterations than levels; without it NAME.bootstrapping beside NAME.evaluation is taken.
            """) var bootstrappingKeys: String?
    @Option(
        help: """
            CKKS: a file that keeps the unfinished run: written every few iterations, gone on from when it is there, and \
            deleted at the end.
            """) var checkpoint: String?
    @Option(help: "CKKS: iterations from one checkpoint to the next.") var every = 1
    @Option(
        help: "CKKS: after each checkpoint wait for the key owner's answer in this file (`tacit validate --answer`).")
    var answer: String?

    func validate() throws {
        guard every > 0 else { throw ValidationError("--every: got \(every), want a number from 1 on") }
        guard answer == nil || checkpoint != nil else { throw ValidationError("--answer needs --checkpoint") }
    }
}
