import BinaryCoding
import Federation
import Foundation
import Paillier
import Randomness
import TacitTestSupport

/// Small studies on made-up rows.
struct TestStudy {
    let study: Study
    let identities: [SiteIdentity]
    let coordinatorIdentity: SiteIdentity
    let rows: SiteData.Rows
    let parts: [[Int]]
    let shares: [PaillierKeyShare]

    /// 512 bits: seconds matter more here than secrets.
    static let paillierShares: [Int: [PaillierKeyShare]] = {
        let key = PaillierSecretKey.generate(try! PaillierParameters.insecure(bits: 512))
        return Dictionary(
            uniqueKeysWithValues: [3, 4, 5, 8].map { ($0, try! key.split(threshold: $0 / 2 + 1, shares: $0)) })
    }()

    init(
        sites: Int = 4, rowsPerSite: Int = 40, width: Int = 3, rounds: Int = 3, kind: ProtectionKind = .none,
        strategy: StrategyLiteral = StrategyLiteral(name: "fedavg"), perRound: Int? = nil, minimum: Int = 3,
        quorum: Double? = nil, model: ModelDescription = .logistic, privacy: ClientPrivacy? = nil, seed: UInt64 = 1,
        isJoint: Bool = false,
        change: (inout StudyLiteral) -> Void = { _ in }
    ) throws {
        var random = SeededRandom(seed: seed)
        identities = try (1...sites).map { try SiteIdentity.generate(name: "site-\($0)", using: &random) }
        coordinatorIdentity = try SiteIdentity.generate(name: "coordinator", using: &random)
        var literal = StudyLiteral(
            name: "test", inputs: .init(width: width, classes: 2), model: model, rounds: rounds,
            training: TrainingParameters(epochs: 1, batchSize: 8, learningRate: 0.2),
            cohort: .init(minimum: minimum, perRound: perRound, quorum: quorum), strategy: strategy,
            protection: .init(kind: kind), privacy: privacy, maximumRows: 64,
            coordinator: coordinatorIdentity.publicIdentity, sites: identities.map(\.publicIdentity), seed: seed)
        if isJoint { (literal.protection.modulusBits, literal.protection.insecure) = (512, true) }
        change(&literal)
        study = try Study(literal, schema: nil)
        var generator = TestGenerator(seed: seed)
        let count = sites * rowsPerSite
        var features: [Float] = []
        var targets: [Float] = []
        for _ in 0..<count {
            let x = (0..<width).map { _ in Float.random(in: -1...1, using: &generator) }
            let score = 3 * x[0] - 2 * x[1 % width] + 0.3 * Float.random(in: -1...1, using: &generator)
            features += x
            targets.append(score > 0 ? 1 : 0)
        }
        rows = try SiteData.Rows(features: features, width: width, targets: targets, task: .binary)
        parts = (0..<sites).map { Array($0 * rowsPerSite..<($0 + 1) * rowsPerSite) }
        shares = kind == .paillier && !isJoint ? Self.paillierShares[sites]! : []
    }

    func data(_ index: Int) -> SiteData {
        SiteData(rows: rows, training: Array(parts[index].dropLast(10)), heldOut: Array(parts[index].suffix(10)))
    }

    func site(
        _ index: Int, snapshot: [UInt8]? = nil, replaying records: [[UInt8]] = [],
        charging: (any PrivacyCharging)? = nil
    ) throws -> Site {
        try Site(
            study, identity: identities[index], data: data(index), paillier: shares.isEmpty ? nil : shares[index],
            charging: charging, snapshot: snapshot, replaying: records)
    }

    func coordinator(snapshot: [UInt8]? = nil, replaying records: [[UInt8]] = []) throws -> Coordinator {
        try Coordinator(
            study, identity: coordinatorIdentity, paillier: shares.first?.sharing, snapshot: snapshot,
            replaying: records)
    }

    func federation(keepsRecords: Bool = true) throws -> InMemoryFederation {
        InMemoryFederation(
            coordinator: try coordinator(), sites: try identities.indices.map { try site($0) },
            keepsRecords: keepsRecords)
    }

    /// The undisturbed run.
    func result() throws -> InMemoryFederation {
        var federation = try federation()
        try federation.run()
        return federation
    }
}

func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing was thrown"
}
