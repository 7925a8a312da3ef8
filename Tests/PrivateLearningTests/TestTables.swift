import BigIntegers
import Datasets
import Foundation
import Paillier
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// Keys that tests share: insecure on purpose, so that they are quick, and made from seeds.
enum TestKeys {
    static let bits1024 = make(1024, seed: 1)
    static let other1024 = make(1024, seed: 2)
    static let bits512 = make(512, seed: 3)
    static let bits3072 = make(3072, seed: 4)

    private static func make(_ bits: Int, seed: UInt64) -> PaillierSecretKey {
        var random = SeededRandom(seed: seed)
        return PaillierSecretKey.generate(try! PaillierParameters.insecure(bits: bits), using: &random)
    }
}

/// The embedded diabetes table under its declared schema.
struct Diabetes {
    let table: Table
    let schema: Schema
    let plan: EncodingPlan

    init(maximumRows: Int = 1024, minimumCohort: Int = 10) throws {
        let loaded = try Dataset.diabetes.load()
        table = loaded.table
        schema = loaded.schema
        plan = try EncodingPlan(schema: loaded.schema, maximumRows: maximumRows, minimumCohort: minimumCohort)
    }

    var integers: IntegerTable { get throws { try plan.encode(table) } }
    var request: FitRequest { get throws { try FitRequest(plan: plan, target: "progression", penalties: [0]) } }
}

extension EncryptedMoments {
    func opened(_ key: PaillierSecretKey) throws -> MomentMatrix {
        try open(plaintexts: key.decrypt(packed.ciphertexts))
    }
}

extension EncryptedFit {
    func opened(_ key: PaillierSecretKey) throws -> OpenedFit { try open(plaintexts: key.decrypt(ciphertexts)) }
}

/// That `body` throws an error of this module with that code, and with that message when one is given.
func expectRefusal(
    _ code: PrivateLearningError.Code, _ message: String? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
) {
    do {
        try body()
        Issue.record("nothing was thrown", sourceLocation: sourceLocation)
    } catch let error as PrivateLearningError {
        #expect(error.code == code, sourceLocation: sourceLocation)
        if let message { #expect(error.message == message, sourceLocation: sourceLocation) }
    } catch {
        Issue.record("got \(error), want a PrivateLearningError", sourceLocation: sourceLocation)
    }
}

/// Rows with two classes that a known linear score divides by chance.
enum TestTables {
    static func labelled(_ count: Int, _ features: Int, seed: UInt64) -> LabelledRows {
        var generator = ShuffleGenerator(seed: seed)
        func uniform() -> Double { Double(generator.next() >> 11) / exp2(53) }
        var (values, targets): ([Double], [Double]) = ([], [])
        for _ in 0..<count {
            let row = (0..<features).map { _ in 10 * uniform() - 3 }
            let score = row.enumerated().reduce(-2.0) { $0 + ($1.offset % 2 == 0 ? 0.6 : -0.2) * $1.element }
            values += row
            targets.append(uniform() < 1 / (1 + exp(-score)) ? 1 : 0)
        }
        return LabelledRows(featureNames: (0..<features).map { "x\($0)" }, features: values, targets: targets)
    }
}
