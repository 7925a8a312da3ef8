import Datasets
import Foundation
import Paillier
import PrivateLearning
import TacitTestSupport
import Tabular
import Testing

/// Seventy thousand hospital stays of ten owners, with a key of full size.
///
/// `Vectors/readmission-ols.json` was made by scikit-learn 1.9.1 (`LinearRegression`, 64-bit) from the encoded columns
/// that `theEncodedColumns` writes to the folder in `TACIT_WRITE_READMISSION`; see `Vectors/readmission_ols.py`.
@Suite struct ReadmissionTests {
    struct Vector: Decodable {
        var features: [String]
        var coefficients: [Double]
        var intercept: Double
        var mse: Double
        var rank: Int
    }

    private static let loaded: (table: Table, plan: EncodingPlan, integers: IntegerTable)? = {
        guard let directory = RealData.directory else { return nil }
        guard let loaded = try? Dataset.hospitalReadmission.load(from: DatasetStore(dataDirectory: directory)) else {
            print("SKIPPED: no readable hospital-readmission data in \(directory)")
            return nil
        }
        let plan = try! EncodingPlan(schema: loaded.schema, maximumRows: 1 << 17, minimumCohort: 100)
        return (loaded.table, plan, try! plan.encode(loaded.table))
    }()

    @Test func tenOwnersUnderAFullSizeKey() throws {
        guard let (table, plan, integers) = Self.loaded else { return }
        let clock = ContinuousClock()
        let key = TestKeys.bits3072
        let owners = try table.parts(10, seed: 1)
        let encryptor = PaillierEncryptor(key.publicKey, expectedCount: 2000)
        var random = SeededRandom(seed: 2)
        var uploads: [EncryptedMoments] = []
        let encrypting = try clock.measure {
            for (number, rows) in owners.enumerated() {
                uploads.append(
                    try EncryptedMoments.encrypt(
                        integers.selecting(rows: rows), plan: plan, owner: "hospital \(number)", with: encryptor,
                        using: &random))
            }
        }
        let request = try FitRequest(plan: plan, target: "time_in_hospital", penalties: [0])
        let fit = try EncryptedFit(request, over: uploads)
        var opened: OpenedFit?
        let opening = try clock.measure { opened = try fit.opened(key) }
        let plain = try OpenedFit(request: request, plan: plan, parts: [MomentMatrix(of: integers)])
        #expect(opened?.total == plain.total)
        #expect(opened?.best.model == plain.best.model)
        #expect(opened?.total[0, 0].intValue == 69_973)
        print(
            "readmission: \(plan.columns.count) columns, \(fit.ciphertexts.count) ciphertexts an owner, encrypted for ten "
                + "in \(encrypting), opened and solved in \(opening)")
    }

    @Test func agreesWithScikitLearn() throws {
        guard let (_, plan, integers) = Self.loaded else { return }
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "Vectors/readmission-ols.json")
        let vector = try JSONDecoder().decode(Vector.self, from: Data(contentsOf: file))
        let request = try FitRequest(plan: plan, target: "time_in_hospital", penalties: [0])
        let opened = try OpenedFit(request: request, plan: plan, parts: [MomentMatrix(of: integers)])
        let model = opened.best.model
        #expect(model.featureNames == vector.features)
        #expect(model.rank == vector.rank)
        let scale = vector.coefficients.map(abs).max()!
        for (name, (ours, theirs)) in zip(model.featureNames, zip(model.coefficients, vector.coefficients)) {
            #expect(abs(ours - theirs) <= 1e-9 * max(abs(theirs), 1e-3 * scale), "\(name): \(ours), \(theirs)")
        }
        #expect(abs(model.intercept - vector.intercept) <= 1e-9 * abs(vector.intercept))
        let mse = try #require(model.trainingMetrics["mse"])
        #expect(abs(mse - vector.mse) <= 1e-12 * vector.mse)
    }

    /// Writes what scikit-learn is given; does nothing unless asked.
    @Test func theEncodedColumns() throws {
        guard let folder = ProcessInfo.processInfo.environment["TACIT_WRITE_READMISSION"] else { return }
        guard let (_, plan, integers) = Self.loaded else { return }
        var bytes = Data()
        for column in integers.columns { column.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        try bytes.write(to: URL(fileURLWithPath: folder + "/columns.int64"))
        let names = plan.columns.map(\.name)
        let header = try JSONSerialization.data(withJSONObject: ["names": names, "multipliers": plan.multipliers])
        try header.write(to: URL(fileURLWithPath: folder + "/columns.json"))
    }
}
