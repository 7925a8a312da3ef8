// swift-tools-version: 6.1

import PackageDescription

// A package of its own, so that users of the libraries never resolve what benchmarks need.
let package = Package(
    name: "tacit-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "tacit", path: "..")],
    targets: [
        .executableTarget(
            name: "BenchmarkModular", dependencies: [.product(name: "TacitFoundations", package: "tacit")]),
        .executableTarget(
            name: "BenchmarkPaillier",
            dependencies: [
                .product(name: "TacitFoundations", package: "tacit"), .product(name: "Paillier", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkLattice",
            dependencies: [
                .product(name: "Lattice", package: "tacit"), .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkMultiparty",
            dependencies: [
                .product(name: "CKKS", package: "tacit"), .product(name: "MultipartyCKKS", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkInference",
            dependencies: [
                .product(name: "CKKS", package: "tacit"), .product(name: "Datasets", package: "tacit"),
                .product(name: "NeuralNetworks", package: "tacit"), .product(name: "PrivateLearning", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkLogistic",
            dependencies: [
                .product(name: "CKKS", package: "tacit"), .product(name: "Datasets", package: "tacit"),
                .product(name: "PrivateLearning", package: "tacit"), .product(name: "Tabular", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkCKKS",
            dependencies: [
                .product(name: "CKKS", package: "tacit"), .product(name: "Lattice", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkCircuits",
            dependencies: [
                .product(name: "CKKS", package: "tacit"), .product(name: "HomomorphicCircuits", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkBootstrapping",
            dependencies: [
                .product(name: "Bootstrapping", package: "tacit"), .product(name: "CKKS", package: "tacit"),
                .product(name: "Lattice", package: "tacit"), .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkSecureAggregation",
            dependencies: [
                .product(name: "Prio3", package: "tacit"), .product(name: "SecureAggregation", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkScoring",
            dependencies: [
                .product(name: "PrivateScoring", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkPrivacy",
            dependencies: [
                .product(name: "DifferentialPrivacy", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkClassical",
            dependencies: [
                .product(name: "Datasets", package: "tacit"),
                .product(name: "DifferentialPrivacy", package: "tacit"),
                .product(name: "PrivateLearning", package: "tacit"), .product(name: "Tabular", package: "tacit"),
            ]),
        .executableTarget(
            name: "BenchmarkNetworks",
            dependencies: [
                .product(name: "NeuralNetworks", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(
            name: "TrainMNIST",
            dependencies: [
                .product(name: "Datasets", package: "tacit"), .product(name: "NeuralNetworks", package: "tacit"),
                .product(name: "TacitFoundations", package: "tacit"),
            ]),
        .executableTarget(name: "BenchmarkCSV", dependencies: [.product(name: "Tabular", package: "tacit")]),
    ],
    swiftLanguageModes: [.v6]
)
