// swift-tools-version: 6.1

import PackageDescription

// Each module states everything it may import; Tests/ArchitectureTests holds the sources to it.
let package = Package(
    name: "tacit",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "tacit", targets: ["tacit"]),
        .library(name: "Tabular", targets: ["Tabular"]),
        .library(name: "Datasets", targets: ["Datasets"]),
        .library(name: "Paillier", targets: ["Paillier"]),
        .library(name: "Lattice", targets: ["Lattice"]),
        .library(name: "CKKS", targets: ["CKKS"]),
        .library(name: "HomomorphicCircuits", targets: ["HomomorphicCircuits"]),
        .library(name: "MultipartyCKKS", targets: ["MultipartyCKKS"]),
        .library(name: "Bootstrapping", targets: ["Bootstrapping"]),
        .library(name: "SecureAggregation", targets: ["SecureAggregation"]),
        .library(name: "DifferentialPrivacy", targets: ["DifferentialPrivacy"]),
        .library(name: "NeuralNetworks", targets: ["NeuralNetworks"]),
        .library(name: "PrivateLearning", targets: ["PrivateLearning"]),
        .library(name: "PrivacyLedger", targets: ["PrivacyLedger"]),
        .library(name: "PrivacyReports", targets: ["PrivacyReports"]),
        .library(name: "Federation", targets: ["Federation"]),
        // For Benchmarks/ only: the layers below the schemes.
        .library(
            name: "TacitFoundations",
            targets: ["CKernels", "BigIntegers", "BinaryCoding", "ModularArithmetic", "Randomness", "Parallelism"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // MARK: Foundations
        .target(name: "CKernels"),
        .systemLibrary(name: "CGMP", pkgConfig: "gmp", providers: [.apt(["libgmp-dev"]), .brew(["gmp"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(name: "AtomicFiles"),
        .target(name: "Parallelism"),
        .target(
            name: "BinaryCoding", dependencies: ["AtomicFiles", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Randomness", dependencies: ["CKernels"]),
        .target(name: "FixedPoint"),
        .target(name: "BigIntegers", dependencies: ["CGMP", "Randomness", "CKernels"]),
        .target(name: "ModularArithmetic", dependencies: ["BigIntegers", "CKernels", "Parallelism"]),

        // MARK: Data
        .target(
            name: "Tabular",
            dependencies: ["AtomicFiles", .product(name: "Yams", package: "Yams")]),
        .target(
            name: "Datasets",
            dependencies: ["Tabular", "AtomicFiles", "CZlib", .product(name: "Crypto", package: "swift-crypto")]),

        // MARK: Schemes
        .target(
            name: "Paillier",
            dependencies: [
                "BigIntegers", "ModularArithmetic", "Randomness", "FixedPoint", "BinaryCoding", "Parallelism",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "Lattice", dependencies: ["CKernels", "Randomness", "Parallelism", "BinaryCoding"]),
        .target(name: "CKKS", dependencies: ["BinaryCoding", "Lattice", "Parallelism", "Randomness"]),
        .target(name: "HomomorphicCircuits", dependencies: ["CKKS", "Lattice", "Parallelism", "Randomness"]),
        .target(name: "MultipartyCKKS", dependencies: ["BinaryCoding", "CKKS", "Lattice", "Randomness"]),
        .target(name: "Bootstrapping", dependencies: ["BinaryCoding", "CKKS", "Lattice", "Randomness"]),
        .target(
            name: "SecureAggregation",
            dependencies: [
                "BinaryCoding", "CKernels", "Parallelism", "Randomness",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "DifferentialPrivacy", dependencies: ["CKernels", "Randomness"]),
        .target(
            name: "KeyFiles",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "Randomness",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]),

        // MARK: Learning and reporting
        .target(
            name: "NeuralNetworks", dependencies: ["AtomicFiles", "CKernels", "Parallelism", "Randomness"]),
        .target(
            name: "PrivateLearning",
            dependencies: [
                "AtomicFiles", "BigIntegers", "BinaryCoding", "CKKS", "FixedPoint", "Paillier", "Parallelism",
                "Randomness", "Tabular",
            ]),
        .target(name: "PrivacyReports", dependencies: ["AtomicFiles"]),
        .target(
            name: "PrivacyLedger",
            dependencies: [
                "AtomicFiles", "DifferentialPrivacy", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        .target(
            name: "Federation",
            dependencies: [
                "AtomicFiles", "BigIntegers", "BinaryCoding", "CKKS", "CKernels", "DifferentialPrivacy", "MultipartyCKKS",
                "NeuralNetworks", "Paillier", "Parallelism", "PrivacyLedger", "PrivacyReports", "PrivateLearning",
                "Randomness", "SecureAggregation", "Tabular",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Yams", package: "Yams"),
            ]),

        // MARK: The command
        .executableTarget(
            name: "tacit",
            dependencies: [
                "AtomicFiles", "BigIntegers", "BinaryCoding", "CKKS", "Datasets", "DifferentialPrivacy", "Federation",
                "FixedPoint", "KeyFiles", "Lattice", "NeuralNetworks", "Paillier", "PrivacyLedger", "PrivacyReports",
                "PrivateLearning", "Randomness", "Tabular",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // MARK: Tests
        // Processes that the ledger's tests kill.
        .executableTarget(name: "LedgerStress", dependencies: ["DifferentialPrivacy", "PrivacyLedger"]),
        .target(
            name: "TacitTestSupport",
            dependencies: ["BigIntegers", "BinaryCoding", "Randomness"]),
        .testTarget(name: "ArchitectureTests"),
        .testTarget(
            name: "FoundationTests",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "CKernels", "FixedPoint", "Parallelism", "Randomness",
                "TacitTestSupport",
            ]),
        .testTarget(
            name: "KeyFilesTests",
            dependencies: ["AtomicFiles", "BinaryCoding", "KeyFiles", "Randomness", "TacitTestSupport"]),
        .testTarget(name: "TabularTests", dependencies: ["Tabular"], exclude: ["Vectors"]),
        .testTarget(name: "DatasetsTests", dependencies: ["Datasets", "Tabular"], exclude: ["Resources"]),
        .testTarget(
            name: "ModularArithmeticTests",
            dependencies: ["BigIntegers", "CKernels", "ModularArithmetic", "Parallelism", "TacitTestSupport"]),
        .testTarget(
            name: "BigIntegersTests", dependencies: ["BigIntegers", "TacitTestSupport"]),
        .testTarget(
            name: "PaillierTests",
            dependencies: [
                "BigIntegers", "BinaryCoding", "FixedPoint", "Paillier", "Parallelism", "Randomness",
                "TacitTestSupport",
            ],
            exclude: ["Vectors"]),
        .testTarget(
            name: "LatticeTests",
            dependencies: [
                "BigIntegers", "BinaryCoding", "CKernels", "Lattice", "Randomness", "TacitTestSupport",
            ]),
        .testTarget(
            name: "HomomorphicCircuitsTests",
            dependencies: ["CKKS", "HomomorphicCircuits", "Randomness", "TacitTestSupport"]),
        .testTarget(
            name: "CKKSTests",
            dependencies: ["BinaryCoding", "CKKS", "Lattice", "Randomness", "TacitTestSupport"],
            exclude: ["Vectors"]),
        .testTarget(
            name: "MultipartyCKKSTests",
            dependencies: ["BinaryCoding", "CKKS", "Lattice", "MultipartyCKKS", "Randomness", "TacitTestSupport"]),
        .testTarget(
            name: "SecureAggregationTests",
            dependencies: ["BinaryCoding", "CKernels", "Randomness", "SecureAggregation", "TacitTestSupport"]),
        .testTarget(
            name: "BootstrappingTests",
            dependencies: ["Bootstrapping", "CKKS", "Lattice", "Randomness", "TacitTestSupport"]),
        .testTarget(
            name: "DifferentialPrivacyTests",
            dependencies: ["CKernels", "DifferentialPrivacy", "Randomness", "TacitTestSupport"],
            exclude: ["Vectors"]),
        .testTarget(
            name: "NeuralNetworksTests",
            dependencies: ["CKernels", "Datasets", "NeuralNetworks", "Randomness", "TacitTestSupport"],
            exclude: ["Vectors"]),
        .testTarget(
            name: "PrivateLearningTests",
            dependencies: [
                "BigIntegers", "BinaryCoding", "Bootstrapping", "CKKS", "Datasets", "FixedPoint", "Paillier",
                "PrivateLearning",
                "Randomness", "Tabular", "TacitTestSupport",
            ],
            exclude: ["Vectors"]),
        // Runs the built executable, which `swift test` makes with all other products; an executable is not imported.
        .testTarget(name: "CommandTests", dependencies: ["BinaryCoding", "TacitTestSupport"]),
        .testTarget(
            name: "PrivacyLedgerTests",
            dependencies: [
                "DifferentialPrivacy", "PrivacyLedger", "TacitTestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "PrivacyReportsTests", dependencies: ["PrivacyReports"],
            exclude: ["Resources"]),
    ],
    swiftLanguageModes: [.v6]
)

// Only `make docs` needs the documentation plugin; nobody who builds or uses the libraries resolves it.
if Context.environment["TACIT_DOCS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
