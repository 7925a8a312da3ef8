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
            name: "BenchmarkNetworks",
            dependencies: [
                .product(name: "NeuralNetworks", package: "tacit"), .product(name: "TacitFoundations", package: "tacit"),
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
