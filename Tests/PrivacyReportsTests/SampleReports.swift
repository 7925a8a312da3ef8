import Foundation
import PrivacyReports
import Testing

/// A sample with a short name, so that test output stays readable.
struct Sample: CustomTestStringConvertible, Sendable {
    let name: String
    let report: PrivacyReport
    var testDescription: String { name }

    static let all = [
        Sample(name: "three hospitals", report: SampleReports.threeHospitals),
        Sample(name: "federation", report: SampleReports.federation),
    ]
}

/// Reports like those that real runs produce; all numbers are made up, but consistent with each other.
enum SampleReports {
    static let created = Date(timeIntervalSince1970: 1_767_225_600)

    /// Three hospitals, an aggregator without a key, two of three key shares, ten coefficients.
    static let threeHospitals: PrivacyReport = {
        let hospitals = [
            ("north", "Northfield Hospital", 148), ("lake", "Lakeside Clinic", 147), ("mercy", "Mercy General", 147),
        ]
        var parties = hospitals.enumerated().map { i, hospital in
            PrivacyReport.Party(
                id: hospital.0, name: hospital.1, roles: [.dataOwner, .keyHolder], secretKey: .share,
                processID: 4101 + i, host: nil, ownRows: hospital.2)
        }
        parties.append(
            PrivacyReport.Party(
                id: "aggregator", name: "Aggregator", roles: [.aggregator], secretKey: .none, processID: 4104))
        var seen: [PrivacyReport.Observation] = []
        for hospital in hospitals {
            seen.append(
                .init(
                    observer: hospital.0, source: hospital.0, form: .ownData, what: "its own patients",
                    count: hospital.2, bytes: hospital.2 * 88, learns: "its own table, as before"))
        }
        for party in parties {
            seen.append(
                .init(
                    observer: party.id, source: nil, form: .publicParameters,
                    what: "joint public key and column bounds",
                    count: 1, bytes: 1_184, learns: "nothing about any patient"))
        }
        for hospital in hospitals {
            seen.append(
                .init(
                    observer: hospital.0, source: nil, form: .keyShare, what: "one share of the secret key", count: 1,
                    bytes: 912, learns: "nothing alone: two shares are needed to open anything"))
        }
        for hospital in hospitals {
            seen.append(
                .init(
                    observer: "aggregator", source: hospital.0, form: .ciphertext, what: "encrypted sums and products",
                    count: 78, bytes: 3_840, learns: "that the hospital takes part; not its number of patients"))
        }
        for hospital in ["north", "lake"] {
            seen.append(
                .init(
                    observer: hospital, source: "aggregator", form: .ciphertext, what: "encrypted total", count: 78,
                    bytes: 3_840, learns: "nothing without a second share"))
        }
        seen.append(
            .init(
                observer: "north", source: "lake", form: .partialDecryption, what: "partial decryption of the total",
                count: 5, bytes: 3_860, learns: "with its own share, the total; nothing about a single hospital's sums")
        )
        seen.append(
            .init(
                observer: "lake", source: "north", form: .partialDecryption, what: "partial decryption of the total",
                count: 5, bytes: 3_860, learns: "with its own share, the total; nothing about a single hospital's sums")
        )
        for hospital in ["north", "lake"] {
            seen.append(
                .init(
                    observer: hospital, source: hospital, form: .plaintextSum, what: "opened total", count: 78,
                    bytes: 624,
                    learns: "exact sums over all 442 patients; minus its own, those of the two others together"))
        }
        seen.append(
            .init(
                observer: "mercy", source: "north", form: .plaintextModel, what: "fitted model", count: 11, bytes: 412,
                learns: "the model"))
        let names = ["age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"]
        let values = [
            -10.0099, -239.8156, 519.8459, 324.3846, -792.1756, 476.7390, 101.0433, 177.0632, 751.2737, 67.6267,
        ]
        var generator = Sequence(state: 7)
        let observed = (0..<88).map { _ in 40 + 290 * generator.next() }
        let predicted = observed.map { 152 + 0.55 * ($0 - 152) + 110 * (generator.next() - 0.5) }
        return PrivacyReport(
            title: "Diabetes progression across three hospitals", created: created,
            tool: .init(version: "0.1.0"),
            task: .init(
                computed: "Linear regression of disease progression on ten measurements",
                technique: "Encrypted aggregation (Paillier, threshold decryption)",
                dataSets: [
                    .init(
                        name: "diabetes", rows: 442, columns: 11, target: "progression",
                        note: "split by rows among three hospitals")
                ], rowNoun: "patients", ownerNoun: "hospital"),
            parties: parties,
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [
                    .init(
                        among: ["aggregator", "north", "lake", "mercy"], atMost: 2,
                        note: "the aggregator and any one hospital"),
                    .init(among: ["north", "lake", "mercy"], atMost: 1, note: "hospitals without the aggregator"),
                ],
                promise:
                    "The aggregator learns nothing but sizes. A hospital learns the total over all hospitals, and of the others nothing more than follows from it.",
                outOfScope: [
                    "Parties that deviate from the protocol", "A hospital that invents or alters its patients",
                    "What the total itself tells", "Traffic analysis and denial of service",
                ]),
            observations: seen,
            disclosures: [
                .init(
                    what: "exact sums and sums of products over 442 patients", to: ["north", "lake"], count: 78,
                    warnings: [
                        .init(.note, "40 patients per coefficient: the model does not nearly determine the data."),
                        .init(
                            .caution,
                            "With three owners, two that pool what they know can subtract their own sums and read those of the third."
                        ),
                    ]),
                .init(what: "a linear model with 10 coefficients and an intercept", to: [], count: 11),
            ],
            cryptography: [
                .init(
                    purpose: "sums on their way to the aggregator", scheme: "Paillier", parameterSet: "paillier3072",
                    modulusBits: 3072, estimatedSecurityBits: 128,
                    securitySource: "NIST SP 800-57 part 1 rev. 5, table 2", threshold: .init(required: 2, shares: 3),
                    randomness: "operating system, ChaCha20 expanded", insecure: false)
            ],
            differentialPrivacy: .none(because: "The hospitals agreed to open exact sums over all their patients."),
            audits: .notRun(because: "The run was a demonstration."),
            results: [
                .init(
                    name: "linear regression", note: "fitted on 354 patients, tested on 88",
                    coefficients: zip(names, values).map { .init(name: $0, value: $1, reference: $1) },
                    metrics: [
                        .init(
                            name: "MSE", value: 2900.193628, baseline: 5361.533457, reference: 2900.193628,
                            better: .lower),
                        .init(
                            name: "MAE", value: 42.79409468, baseline: 64.00656, reference: 42.79409468, better: .lower),
                        .init(
                            name: "R²", value: 0.452602764, baseline: -0.0119, reference: 0.452602764, better: .higher),
                    ])
            ],
            agreement: [
                .init(
                    name: "opened sums equal the plaintext sums", difference: 0, tolerance: 0,
                    measure: "largest absolute"),
                .init(name: "coefficients agree", difference: 3.1e-13, tolerance: 1e-9, measure: "largest relative"),
                .init(name: "mean squared error agrees", difference: 4.5e-14, tolerance: 1e-12, measure: "relative"),
            ],
            costs: [
                .init(
                    phase: "Key generation", wallSeconds: 1.42, cpuSeconds: 2.7, bytesSent: 5_472,
                    peakMemoryBytes: 21_000_000),
                .init(
                    phase: "Encryption", wallSeconds: 0.31, cpuSeconds: 0.88, bytesSent: 11_520,
                    peakMemoryBytes: 24_500_000),
                .init(
                    phase: "Aggregation", wallSeconds: 0.004, cpuSeconds: 0.004, bytesSent: 7_680,
                    peakMemoryBytes: 12_300_000),
                .init(
                    phase: "Partial decryption", wallSeconds: 0.22, cpuSeconds: 0.43, bytesSent: 7_720,
                    peakMemoryBytes: 18_100_000),
                .init(
                    phase: "Solving", wallSeconds: 0.0006, cpuSeconds: 0.0006, bytesSent: 412,
                    peakMemoryBytes: 9_100_000),
            ],
            plots: [
                .scatter(
                    title: "Predicted against observed progression", xLabel: "observed progression",
                    yLabel: "predicted progression",
                    series: [.init(name: "held-out patients", x: observed, y: predicted)],
                    showsIndividuals: true, note: "88 patients of a public data set, none used for fitting")
            ],
            provenance: .init(
                commandLine: ["tacit", "demo", "--out", "tacit-demo", "--passphrase", "hunter2"],
                codeVersion: "0.1.0 (6b56ad5)",
                inputs: [
                    .init(
                        name: "diabetes.csv", algorithm: "SHA-256",
                        digest: "6d1b9c6e3f0a4b7d8e5c2f1a9b8c7d6e5f4a3b2c1d0e9f8a7b6c5d4e3f2a1b0c", bytes: 23_401)
                ], platform: "Linux x86-64, 2 cores"))
    }()

    /// A federation of twelve sites with differential privacy and an audit.
    static let federation: PrivacyReport = {
        let cities = [
            "Aalen", "Bergen", "Coimbra", "Delft", "Espoo", "Ferrara", "Ghent", "Heraklion", "Innsbruck", "Jena",
            "Kraków", "Linköping University Hospital",
        ]
        var parties = [
            PrivacyReport.Party(
                id: "server", name: "Coordinator", roles: [.coordinator, .aggregator], secretKey: .none,
                host: "coordinator.example.org")
        ]
        parties += cities.enumerated().map { i, city in
            .init(id: "s\(i + 1)", name: city, roles: [.dataOwner], secretKey: .none, ownRows: 3_000 + 417 * i)
        }
        let sites = parties.dropFirst()
        var seen: [PrivacyReport.Observation] = sites.map {
            .init(
                observer: $0.id, source: $0.id, form: .ownData, what: "its own encounters", count: $0.ownRows ?? 0,
                learns: "its own table, as before")
        }
        for site in sites {
            seen.append(
                .init(
                    observer: site.id, source: "server", form: .secretShare, what: "shares of the others' mask seeds",
                    count: 11, bytes: 1_408, learns: "nothing with fewer than seven other sites"))
        }
        for site in sites {
            seen.append(
                .init(
                    observer: "server", source: site.id, form: .maskedValue, what: "masked, clipped and noised update",
                    count: 40 * 2_410, bytes: 40 * 9_640, learns: "nothing about one site; the sum over all"))
        }
        seen.append(
            .init(
                observer: "server", source: "server", form: .noisedRelease, what: "sum of the updates",
                count: 40 * 2_410, bytes: 40 * 9_640, learns: "what ε and δ allow about one patient"))
        for site in sites {
            seen.append(
                .init(
                    observer: site.id, source: "server", form: .noisedRelease, what: "global model", count: 40 * 2_410,
                    bytes: 40 * 9_640, learns: "what ε and δ allow about one patient"))
        }
        let rounds = (1...40).map(Double.init)
        return PrivacyReport(
            title: "Readmission risk, a federation of twelve hospitals", created: created.addingTimeInterval(86_400),
            tool: .init(version: "0.3.0"),
            task: .init(
                computed: "Logistic regression of readmission within 30 days",
                technique: "Federated averaging with secure aggregation and differential privacy",
                dataSets: [.init(name: "readmission", rows: 69_973, columns: 2_410, target: "readmitted")],
                rowNoun: "patients", ownerNoun: "hospital"),
            parties: parties,
            adversary: .init(
                behaviour: .semiHonest,
                coalitions: [
                    .init(among: parties.map(\.id), atMost: 5, note: "the coordinator and up to four hospitals")
                ],
                promise:
                    "The coordinator learns noised sums over at least eight hospitals. A hospital learns the global model.",
                outOfScope: ["Poisoned updates", "Membership of a hospital in the federation"]),
            observations: seen,
            disclosures: [
                .init(
                    what: "40 noised global models", to: parties.map(\.id), count: 40 * 2_410,
                    warnings: [.init(.note, "Whatever is later computed from the models costs no further privacy.")])
            ],
            cryptography: [
                .init(
                    purpose: "updates on their way to the coordinator", scheme: "Secure aggregation (pairwise masks)",
                    parameterSet: "X25519, AES-128-CTR", estimatedSecurityBits: 128,
                    securitySource: "RFC 7748, section 6",
                    threshold: .init(required: 8, shares: 12), randomness: "operating system", insecure: false)
            ],
            differentialPrivacy: .init(
                guarantees: [
                    .init(
                        release: "40 rounds of the global model", epsilon: 2.97, delta: 1e-6, accountant: "PLD",
                        neighbouring: "add or remove one", unit: "patient",
                        mechanism: "discrete Gaussian, σ = 1.12, sampling rate 0.02")
                ]),
            audits: .init(runs: [
                .init(
                    attack: "membership inference (likelihood ratio, 64 shadow models)", metric: "AUROC", value: 0.512,
                    interval: .init(low: 0.498, high: 0.526, confidence: 0.95), baseline: 0.5),
                .init(
                    attack: "attribute inference (HbA1c result)", metric: "accuracy", value: 0.631,
                    interval: .init(low: 0.622, high: 0.640, confidence: 0.95), baseline: 0.628),
            ]),
            results: [
                .init(
                    name: "logistic regression", note: "tested on 13,995 patients",
                    metrics: [
                        .init(name: "AUROC", value: 0.6412, baseline: 0.5, reference: 0.6478, better: .higher),
                        .init(name: "AUPRC", value: 0.1689, baseline: 0.0898, reference: 0.1731, better: .higher),
                        .init(name: "log-loss", value: 0.2921, baseline: 0.3018, reference: 0.2908, better: .lower),
                    ])
            ],
            costs: [
                .init(
                    phase: "Enrolment", wallSeconds: 4.1, cpuSeconds: 0.6, bytesSent: 214_000,
                    peakMemoryBytes: 61_000_000),
                .init(
                    phase: "Local training", wallSeconds: 312, cpuSeconds: 3_544, bytesSent: 0,
                    peakMemoryBytes: 412_000_000),
                .init(
                    phase: "Secure aggregation", wallSeconds: 48.2, cpuSeconds: 90.5, bytesSent: 4_627_200,
                    peakMemoryBytes: 188_000_000),
                .init(phase: "Evaluation", wallSeconds: 2.2, cpuSeconds: 4.1, peakMemoryBytes: 205_000_000),
            ],
            plots: [
                .curves(
                    title: "Log-loss by round", xLabel: "round", yLabel: "log-loss",
                    series: [
                        .init(
                            name: "federated, ε = 2.97", x: rounds,
                            y: rounds.map { 0.2921 + 0.05 * exp(-$0 / 8) + 0.0006 * sin($0 * 1.7) }),
                        .init(
                            name: "federated without noise", x: rounds, y: rounds.map { 0.2910 + 0.05 * exp(-$0 / 7) }),
                        .init(name: "pooled plaintext", x: rounds, y: rounds.map { 0.2908 + 0.05 * exp(-$0 / 3) }),
                    ]),
                .bars(
                    title: "AUROC by hospital", yLabel: "AUROC", categories: Array(cities.prefix(6)),
                    series: [
                        ("global model", [0.64, 0.63, 0.66, 0.65, 0.62, 0.64]),
                        ("own model only", [0.59, 0.57, 0.60, 0.61, 0.58, 0.60]),
                    ]),
            ],
            provenance: .init(
                commandLine: ["tacit", "federation", "serve", "--sites", "12", "--token=abc"], codeVersion: "0.3.0",
                inputs: [
                    .init(name: "readmission.csv", algorithm: "HMAC-SHA-256", digest: "0f9a5b7c", bytes: 19_159_383)
                ]))
    }()

    /// A small deterministic source of numbers in [0, 1).
    struct Sequence {
        var state: UInt64
        mutating func next() -> Double {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(state >> 11) / 9_007_199_254_740_992
        }
    }
}
