import Datasets
import Foundation
import Paillier
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// Predictions under encryption, both ways round, against the same model in the clear.
@Suite struct EncryptedPredictionTests {
    private let data: Diabetes
    private let key = TestKeys.bits1024

    init() throws { data = try Diabetes() }

    private func model(ridge: Double = 0, link: Link = .identity) throws -> LinearModel {
        let request = try FitRequest(plan: data.plan, target: "progression", penalties: [ridge])
        var model = try OpenedFit(
            request: request, plan: data.plan, parts: [MomentMatrix(of: plan.encode(data.table.rows(0..<300)))]
        ).best.model
        guard link != .identity else { return model }
        // Scores of a size at which the link is neither flat nor overflowing.
        model.link = link
        model.coefficients = model.coefficients.map { $0 / 200 }
        model.intercept /= 200
        return model
    }

    private var plan: EncodingPlan { data.plan }

    private func agree(_ ours: [Double], _ clear: [Double]) -> Bool {
        ours.count == clear.count && zip(ours, clear).allSatisfy { abs($0 - $1) <= 1e-9 * max(1, abs($1)) }
    }

    @Test(arguments: [1, 2, 17, 142], Link.allCases)
    func encryptedFeatures(rows: Int, link: Link) throws {
        var random = SeededRandom(seed: 1)
        let table = data.table.rows(300..<300 + rows)
        let model = try model(link: link)
        // The plan of those who have no outcomes yet: the target's column is not in it.
        let schema = try Schema(
            columns: data.schema.columns.map { column in
                var column = column
                if column.role == .target { column.role = .ignore }
                return column
            })
        let featurePlan = try EncodingPlan(schema: schema, maximumRows: 1024, minimumCohort: 10)
        let features = try EncryptedFeatures.encrypt(
            table, plan: featurePlan, with: PaillierEncryptor(key.publicKey), using: &random)
        let scores = try features.scores(of: model, using: &random)
        let opened = try scores.open(plaintexts: key.decrypt(scores.ciphertexts))
        #expect(agree(opened, try model.predict(table)))
    }

    @Test(arguments: [1, 2, 17, 142], Link.allCases)
    func encryptedModel(rows: Int, link: Link) throws {
        var random = SeededRandom(seed: 2)
        let table = data.table.rows(300..<300 + rows)
        let model = try model(ridge: 2, link: link)
        let sealed = try EncryptedModel.encrypt(model, with: PaillierEncryptor(key.publicKey), using: &random)
        let scores = try sealed.scores(of: table, using: &random)
        let opened = try scores.open(plaintexts: key.decrypt(scores.ciphertexts))
        #expect(agree(opened, try model.predict(table)))
        #expect(agree(opened, try model.predict(table.dropping(columns: ["progression"]))))
    }

    /// Rows at the corners of the declared bounds use a slot's whole width.
    @Test func extremesOfTheBounds() throws {
        var random = SeededRandom(seed: 9)
        let model = try model()
        let inputs = data.schema.columns.filter { $0.role != .target }
        var generator = TestGenerator(seed: 6)
        let corners = try Table(
            columns: inputs.map { column in
                if let categories = column.categories {
                    return Column(
                        column.name, categories: (0..<40).map { _ in categories.randomElement(using: &generator)! })
                }
                let bounds = column.bounds!
                return Column(
                    column.name,
                    numbers: (0..<40).map { row in
                        row == 0
                            ? bounds.lower
                            : row == 1 ? bounds.upper : Bool.random(using: &generator) ? bounds.lower : bounds.upper
                    })
            })
        let sealed = try EncryptedModel.encrypt(model, with: PaillierEncryptor(key.publicKey), using: &random)
        let scores = try sealed.scores(of: corners, using: &random)
        let opened = try scores.open(plaintexts: key.decrypt(scores.ciphertexts))
        #expect(agree(opened, try model.predict(corners)))
    }

    @Test func sharesOpenPredictions() throws {
        var random = SeededRandom(seed: 3)
        let model = try model()
        let shares = try key.split(threshold: 2, shares: 2)
        let sealed = try EncryptedModel.encrypt(model, with: PaillierEncryptor(key.publicKey), using: &random)
        let scores = try sealed.scores(of: data.table.rows(0..<20), using: &random)
        let parts = try shares.map { try $0.partialDecryption(of: scores.ciphertexts) }
        let opened = try scores.open(plaintexts: shares[0].sharing.combine(parts, of: scores.ciphertexts))
        #expect(agree(opened, try model.predict(data.table.rows(0..<20))))
    }

    /// Finite numbers whose products with a scale are not: a hostile model file may hold them.
    @Test(arguments: [1e300, -1e300, Double.greatestFiniteMagnitude])
    func numbersThatOverflowAreRefused(value: Double) throws {
        var random = SeededRandom(seed: 2)
        var constant = try model()
        constant.intercept = value
        var slope = try model()
        slope.coefficients[0] = value
        for hostile in [constant, slope] {
            #expect {
                try EncryptedModel.encrypt(hostile, with: PaillierEncryptor(key.publicKey), using: &random)
            } throws: { ($0 as? PrivateLearningError)?.code == .invalidParameter }
        }
    }

    @Test func refusals() throws {
        var random = SeededRandom(seed: 4)
        let encryptor = PaillierEncryptor(key.publicKey)
        let model = try model()
        let schema = try Schema(columns: data.schema.columns.filter { $0.name != "bmi" })
        let without = try EncodingPlan(schema: schema, maximumRows: 1024, minimumCohort: 10)
        let features = try EncryptedFeatures.encrypt(
            data.table.dropping(columns: ["bmi"]), plan: without, with: encryptor, using: &random)
        let names = without.columns.map(\.name).joined(separator: ", ")
        expectRefusal(.unknownColumn, "column: got bmi, want one of \(names)") {
            _ = try features.scores(of: model, using: &random)
        }
        let sealed = try EncryptedModel.encrypt(model, with: encryptor, using: &random)
        #expect {
            try sealed.scores(of: data.table.dropping(columns: ["bmi"]), using: &random)
        } throws: { ($0 as? TabularError)?.code == .missingColumn }
        // Weights beyond what 60-bit scores hold, and weights that are no numbers.
        for value in [1e30, .infinity, .nan] {
            var wild = model
            wild.coefficients[0] = value
            expectRefusal(
                .invalidParameter, "weights: scores within the declared bounds need more than 60 bits"
            ) { _ = try EncryptedModel.encrypt(wild, with: encryptor, using: &random) }
        }
    }
}
