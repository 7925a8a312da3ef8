import AtomicFiles
import BinaryCoding
import CKKS
import Foundation
import PrivacyReports
import PrivateLearning

/// The privacy report of predictions by a network on encrypted inputs.
struct NetworkPredictionReport {
    var target: NetworkTask.Target
    var count: Int
    /// Numbers of one input; 0 when not known.
    var columns = 0
    var context: CKKSContext
    var errorBound: Double
    /// Client and server were one process.
    var isLocal: Bool
    var costs: [PrivacyReport.PhaseCost]
    var agreement: [PrivacyReport.AgreementCheck]
    /// Files that it was made from.
    var inputs: [String]

    func make() throws -> PrivacyReport {
        let row = context.parameters?.ring.securityRow
        var notes = [
            PrivacyReport.Warning(
                .note,
                "The server learns that \(count) input\(count == 1 ? " was" : "s were") sent and when, and nothing of what "
                    + "is in them."),
            PrivacyReport.Warning(
                .caution,
                "Whoever opens scores learns something of the model: enough questions rebuild it, and the noise in the scores "
                    + "depends on the weights. CKKS does not hide the model from the key owner."),
            PrivacyReport.Warning(
                .caution,
                "Opened scores hold the encryption's noise: together with the encrypted ones they give information on the "
                    + "secret key. Pass on labels, not scores with all their digits."),
        ]
        if isLocal {
            notes.insert(
                .init(
                    .serious,
                    "Client and server ran in one process on one machine: nothing was kept from it. The three separate commands "
                        + "keep the input from the server."), at: 0)
        }
        let name = target.name
        return PrivacyReport(
            title: "Predictions of \(name) on encrypted inputs", created: Date(),
            tool: .init(version: TacitCommand.version),
            task: .init(
                computed:
                    "\(count) prediction\(count == 1 ? "" : "s") of \(name) by a network with polynomial activations",
                technique: "Encrypted inference (CKKS)",
                dataSets: [.init(name: "inputs", rows: count, columns: columns, target: name)], rowNoun: "inputs",
                ownerNoun: "client"),
            parties: [
                .init(
                    id: "client", name: "Client", roles: [.dataOwner, .keyHolder], secretKey: .whole, ownRows: count),
                .init(id: "server", name: "Server", roles: [.computeParty], secretKey: isLocal ? .whole : .none),
            ],
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [
                    .init(
                        among: ["server"], atMost: isLocal ? 0 : 1,
                        note: isLocal
                            ? "There was no second party." : "The server alone learns sizes, times and parameters.")
                ],
                promise: isLocal
                    ? "None: this was a run of all steps on one machine."
                    : "A server that follows the protocol and reads all it receives learns only what is listed here.",
                outOfScope: [
                    "A server that computes something else: the client would get other scores and cannot tell",
                    "What answers tell the client of the model", "Denial of service",
                ]),
            observations: [
                .init(
                    observer: "client", source: "client", form: .ownData, what: "its own input", count: count,
                    learns: "nothing new"),
                .init(
                    observer: "server", source: "client", form: isLocal ? .plaintextRows : .ciphertext,
                    what: isLocal ? "inputs, in the same process" : "encrypted inputs", count: count,
                    learns: isLocal ? "everything" : "how many there are, and the parameters"),
                .init(
                    observer: "client", source: "server", form: .prediction, what: "scores, opened with its key",
                    count: count, learns: "the prediction, and a little of the model"),
            ],
            disclosures: [
                .init(
                    what: "\(target.outputs) scores for each of \(count) input\(count == 1 ? "" : "s")", to: ["client"],
                    count: count * target.outputs, warnings: notes)
            ],
            cryptography: [
                .init(
                    purpose: "Computing scores of inputs that nobody but their owner can read",
                    scheme: "CKKS (full RNS, hybrid key switching)",
                    parameterSet: context.parameters.map { "\($0)" } ?? "",
                    modulusBits: context.parameters.map { Int($0.ring.log2QP.rounded(.up)) },
                    estimatedSecurityBits: row.map { Double($0.level.rawValue) }, securitySource: row?.description,
                    randomness: "the operating system's generator, stretched with ChaCha20", insecure: row == nil,
                    note: row == nil ? "below every published table" : nil)
            ],
            differentialPrivacy: .none(
                because: "No noise was added for privacy; the inputs never leave their owner in the clear."),
            audits: .notRun(because: "No attack was run."),
            results: [
                .init(
                    name: "Predictions of \(name)",
                    metrics: [
                        .init(name: "stated error of a score, at most", value: errorBound, better: .lower)
                    ])
            ],
            agreement: agreement, costs: costs, plots: [],
            provenance: .init(
                commandLine: PrivacyReport.Provenance.redacted(CommandLine.arguments),
                codeVersion: TacitCommand.version,
                inputs: try inputs.map { path in
                    let bytes = try readFile(path, limit: 1 << 32)
                    return .init(
                        name: path, algorithm: "SHA-256", digest: Fingerprint(of: bytes).hexadecimal,
                        bytes: bytes.count)
                }))
    }
}

/// A run of all steps in one process, with what each took.
struct LocalRun {
    let description: InferenceDescription
    let plan: CircuitPlan
    let model: String
    let inputs: NetworkInputs
    var keySeconds = 0.0
    var setupSeconds = 0.0
    var encryptSeconds = 0.0
    var evaluateSeconds = 0.0
    var decryptSeconds = 0.0
    var largestDifference = 0.0
    var errorBound = 0.0

    init(description: InferenceDescription, plan: CircuitPlan, model: String, inputs: NetworkInputs) {
        self.description = description
        self.plan = plan
        self.model = model
        self.inputs = inputs
    }

    func finish(predictions: [EncryptedNetworkScores.Prediction], out: String) throws {
        let sent = plan.uploadBytes * inputs.count
        let received = plan.downloadBytes * inputs.count
        Console.log(
            "client: keys \(Quantities.time(keySeconds)), encryption \(Quantities.time(encryptSeconds)), \(sent) bytes sent; "
                + "server: weights \(Quantities.time(setupSeconds)), scores \(Quantities.time(evaluateSeconds)), \(received) "
                + "bytes back; client: opened in \(Quantities.time(decryptSeconds))")
        Console.log(
            "largest difference to the same weights in the clear: \(Quantities.figure(largestDifference)), stated at most "
                + Quantities.figure(errorBound))
        let stem = URL(fileURLWithPath: out).deletingPathExtension().path + ".report"
        let report = try NetworkPredictionReport(
            target: description.task.target, count: inputs.count,
            columns: description.task.inputShape.reduce(1, *), context: description.context(),
            errorBound: errorBound, isLocal: true,
            costs: [
                .init(phase: "client: makes keys", wallSeconds: keySeconds, bytesSent: plan.keyBytes),
                .init(phase: "client: encrypts", wallSeconds: encryptSeconds, bytesSent: sent),
                .init(phase: "server: encodes weights", wallSeconds: setupSeconds),
                .init(phase: "server: computes scores", wallSeconds: evaluateSeconds, bytesSent: received),
                .init(phase: "client: opens scores", wallSeconds: decryptSeconds),
            ],
            agreement: [
                .init(
                    name: "encrypted and clear scores", difference: largestDifference, tolerance: errorBound,
                    measure: "largest difference of a score")
            ], inputs: [model]
        ).make()
        try ReportFile.write(report, stem: stem)
        Console.log("privacy report: \(stem).html and .json")
    }
}
