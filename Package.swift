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
        .library(name: "KeyCeremony", targets: ["KeyCeremony"]),
        .library(name: "Bootstrapping", targets: ["Bootstrapping"]),
        .library(name: "Prio3", targets: ["Prio3"]),
        .library(name: "SecureAggregation", targets: ["SecureAggregation"]),
        .library(name: "DifferentialPrivacy", targets: ["DifferentialPrivacy"]),
        .library(name: "NeuralNetworks", targets: ["NeuralNetworks"]),
        .library(name: "WeightFormats", targets: ["WeightFormats"]),
        .library(name: "PrivateLearning", targets: ["PrivateLearning"]),
        .library(name: "TextClassification", targets: ["TextClassification"]),
        .library(name: "MailMessages", targets: ["MailMessages"]),
        .library(name: "PrivateScoring", targets: ["PrivateScoring"]),
        .library(name: "Auditing", targets: ["Auditing"]),
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
        .package(url: "https://github.com/grpc/grpc-swift-2", from: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", from: "2.9.2"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        // MARK: Foundations
        .target(name: "CKernels"),
        .systemLibrary(name: "CGMP", pkgConfig: "gmp", providers: [.apt(["libgmp-dev"]), .brew(["gmp"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
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
                "BinaryCoding", "CKernels", "DifferentialPrivacy", "FixedPoint", "Parallelism", "Randomness",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "Prio3", dependencies: ["BinaryCoding", "CKernels", "Parallelism", "Randomness"]),
        .target(name: "DifferentialPrivacy", dependencies: ["CKernels", "Randomness"]),
        .target(
            name: "KeyFiles",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "Randomness",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ]),

        .target(
            name: "KeyCeremony",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "CKKS", "Lattice", "MultipartyCKKS", "Randomness",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),

        // MARK: Learning and reporting
        .target(
            name: "NeuralNetworks", dependencies: ["AtomicFiles", "CKernels", "Parallelism", "Randomness"]),
        .target(name: "WeightFormats", dependencies: ["AtomicFiles", "CHDF5", "CZlib", "Datasets", "NeuralNetworks"]),
        .target(
            name: "PrivateLearning",
            dependencies: [
                "AtomicFiles", "BigIntegers", "BinaryCoding", "Bootstrapping", "CKKS", "Datasets",
                "DifferentialPrivacy",
                "FixedPoint", "HomomorphicCircuits", "Lattice", "MultipartyCKKS", "NeuralNetworks", "Paillier",
                "Parallelism", "Randomness", "Tabular",
            ]),
        .target(name: "TextClassification"),
        .target(name: "MailMessages"),
        .target(name: "Auditing", dependencies: ["Tabular", "TextClassification"]),
        .target(
            name: "PrivateScoring",
            dependencies: ["BinaryCoding", "CKKS", "Lattice", "Parallelism", "Randomness", "TextClassification"]),
        .target(
            name: "SpamStudy",
            dependencies: [
                "Auditing", "BinaryCoding", "Datasets", "Federation", "Parallelism", "PrivacyReports", "PrivateScoring",
                "Randomness", "Tabular", "TextClassification",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .target(name: "PrivacyReports", dependencies: ["AtomicFiles"]),
        .target(
            name: "PrivacyLedger",
            dependencies: [
                "AtomicFiles", "DifferentialPrivacy", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        // MARK: The network
        // The only importers of the network stack.
        .target(
            name: "Transports",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "Randomness", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ]),
        .target(
            name: "CoordinatorStore",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "CPostgres", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        // Federation with a store, a clock and a network.
        .target(
            name: "FederationService",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "CoordinatorStore", "Federation", "NeuralNetworks", "PrivacyReports",
                "Randomness", "TacitDashboard", "Tabular", "Transports",
            ]),
        .target(
            name: "TacitDashboard",
            dependencies: [
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "Federation",
            dependencies: [
                "AtomicFiles", "BigIntegers", "BinaryCoding", "CKKS", "CKernels", "DifferentialPrivacy",
                "MultipartyCKKS",
                "NeuralNetworks", "Paillier", "Parallelism", "PrivacyLedger", "PrivacyReports", "PrivateLearning",
                "Randomness", "SecureAggregation", "Tabular", "TextClassification",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "Yams", package: "Yams"),
            ]),

        // MARK: The command
        .executableTarget(
            name: "tacit",
            dependencies: [
                "AtomicFiles", "BigIntegers", "BinaryCoding", "Bootstrapping", "CKKS", "CoordinatorStore",
                "Datasets", "DifferentialPrivacy", "Federation", "FederationService", "FixedPoint", "KeyCeremony",
                "KeyFiles", "Lattice", "MailMessages", "MultipartyCKKS", "NeuralNetworks", "Paillier", "PrivacyLedger",
                "PrivacyReports", "PrivateLearning", "PrivateScoring", "Randomness", "SpamStudy", "Tabular",
                "TacitDashboard", "TextClassification", "Transports", "WeightFormats",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // MARK: Tests
        // Processes that the ledger's tests kill.
        .executableTarget(name: "LedgerStress", dependencies: ["DifferentialPrivacy", "PrivacyLedger"]),
        .executableTarget(name: "CoordinatorStress", dependencies: ["BinaryCoding", "CoordinatorStore"]),
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
            name: "KeyCeremonyTests",
            dependencies: [
                "BinaryCoding", "CKKS", "KeyCeremony", "MultipartyCKKS", "Randomness", "TacitTestSupport",
            ]),
        .testTarget(
            name: "KeyFilesTests",
            dependencies: ["AtomicFiles", "BinaryCoding", "KeyFiles", "Randomness", "TacitTestSupport"]),
        .testTarget(name: "TabularTests", dependencies: ["Tabular", "TacitTestSupport"], exclude: ["Vectors"]),
        .testTarget(
            name: "DatasetsTests", dependencies: ["Datasets", "Tabular", "TacitTestSupport"], exclude: ["Resources"]),
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
            name: "TextClassificationTests",
            dependencies: ["TacitTestSupport", "TextClassification"]),
        .testTarget(
            name: "MailMessagesTests", dependencies: ["MailMessages", "TacitTestSupport"], exclude: ["Vectors"]),
        .testTarget(
            name: "PrivateScoringTests",
            dependencies: [
                "AtomicFiles", "BinaryCoding", "CKKS", "Lattice", "PrivateScoring", "Randomness", "TacitTestSupport",
                "TextClassification",
            ]),
        .testTarget(
            name: "SpamStudyTests",
            dependencies: ["Datasets", "Federation", "PrivacyReports", "SpamStudy", "TacitTestSupport"]),
        .testTarget(
            name: "AuditingTests", dependencies: ["Auditing", "Tabular", "TacitTestSupport", "TextClassification"]),
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
            dependencies: [
                "BinaryCoding", "CKernels", "DifferentialPrivacy", "FixedPoint", "Randomness", "SecureAggregation",
                "TacitTestSupport",
            ]),
        .testTarget(
            name: "Prio3Tests", dependencies: ["BinaryCoding", "CKernels", "Prio3", "Randomness", "TacitTestSupport"],
            exclude: ["Vectors"]),
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
            name: "WeightFormatsTests", dependencies: ["NeuralNetworks", "TacitTestSupport", "WeightFormats"],
            exclude: ["Vectors"]),
        .testTarget(
            name: "PrivateLearningTests",
            dependencies: [
                "BigIntegers", "BinaryCoding", "Bootstrapping", "CKKS", "Datasets", "DifferentialPrivacy",
                "FixedPoint", "NeuralNetworks", "Paillier", "PrivateLearning", "Randomness", "Tabular",
                "TacitTestSupport",
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
            name: "CoordinatorStoreTests",
            dependencies: [
                "BinaryCoding", "CoordinatorStore", "TacitTestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            exclude: ["Resources"]),
        // Runs coordinators and sites as processes.
        .testTarget(
            name: "FederationNetworkTests",
            dependencies: [
                "BinaryCoding", "CoordinatorStore", "DifferentialPrivacy", "Federation", "FederationService",
                "PrivacyLedger", "Randomness", "SecureAggregation", "TacitTestSupport", "Tabular", "Transports",
                .product(name: "Crypto", package: "swift-crypto"),
            ]),
        .testTarget(
            name: "TransportsTests", dependencies: ["BinaryCoding", "TacitTestSupport", "Transports"]),
        .testTarget(
            name: "PrivacyReportsTests", dependencies: ["PrivacyReports", "TacitTestSupport"],
            exclude: ["Resources"]),
        .testTarget(
            name: "FederationTests",
            dependencies: [
                "BinaryCoding", "Datasets", "DifferentialPrivacy", "Federation", "NeuralNetworks", "Paillier",
                "PrivacyLedger",
                "PrivateLearning", "Randomness", "Tabular", "TacitTestSupport", "TextClassification",
            ],
            exclude: ["Vectors"]),
    ],
    swiftLanguageModes: [.v6]
)

// Only `make docs` needs the documentation plugin; nobody who builds or uses the libraries resolves it.
if Context.environment["TACIT_DOCS"] != nil {
    package.dependencies.append(.package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
