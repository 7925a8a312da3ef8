import BigIntegers
import Paillier
import PrivateLearning
import Randomness
import TacitTestSupport
import Tabular
import Testing

/// Training on the encrypted sums of several owners gives what the pooled rows give, to the last bit.
@Suite struct EncryptedMomentsTests {
    private let data: Diabetes
    private let key = TestKeys.bits1024
    private var random = SeededRandom(seed: 10)

    init() throws { data = try Diabetes() }

    private func encrypt(
        _ table: Table, _ owner: String, key: PaillierSecretKey? = nil, plan: EncodingPlan? = nil
    ) throws -> EncryptedMoments {
        var random = SeededRandom(seed: UInt64(owner.utf8.count))
        return try EncryptedMoments.encrypt(
            table, plan: plan ?? data.plan, owner: owner, with: PaillierEncryptor((key ?? self.key).publicKey),
            using: &random)
    }

    @Test(arguments: [1, 2, 3, 7, 40])
    func sumsOfSeveralOwnersOpenToThePlaintextIntegers(owners: Int) throws {
        let parts = try data.table.partition(into: owners, seed: 5)
        let uploads = try parts.enumerated().map { try encrypt($1, "owner \($0)") }
        let total = try EncryptedMoments.sum(uploads)
        #expect(total.owners == (0..<owners).map { "owner \($0)" })
        let opened = try total.opened(key)
        let plain = MomentMatrix(of: try data.integers)
        #expect(opened == plain)
        #expect(opened[0, 0] == 442)
        // Each owner's own sums add up to the same.
        let single = try uploads.map { try $0.opened(key) }
        #expect(single.dropFirst().reduce(single[0], +) == plain)
    }

    @Test(arguments: [[0.0], [1.0], [0.0, 0.5, 10.0, 1e6]])
    func modelsEqualPlainTrainingBitForBit(penalties: [Double]) throws {
        let uploads = try data.table.partition(into: 3, seed: 1).enumerated().map { try encrypt($1, "hospital \($0)") }
        let request = try FitRequest(plan: data.plan, target: "progression", penalties: penalties)
        var random = SeededRandom(seed: 4)
        let fit = try EncryptedFit(request, over: uploads)
        let fresh = try fit.rerandomised(using: &random)
        #expect(Set(fresh.ciphertexts).isDisjoint(with: fit.ciphertexts))
        let plain = try OpenedFit(request: request, plan: data.plan, parts: [MomentMatrix(of: data.integers)])
        for opened in [try fit.opened(key), try fresh.opened(key)] {
            #expect(opened.total == plain.total)
            #expect(opened.candidates.map(\.model) == plain.candidates.map(\.model))
            for (ours, theirs) in zip(opened.candidates, plain.candidates) {
                #expect(ours.model.coefficients.map(\.bitPattern) == theirs.model.coefficients.map(\.bitPattern))
                #expect(ours.model.intercept.bitPattern == theirs.model.intercept.bitPattern)
                #expect(ours.model.trainingMetrics == theirs.model.trainingMetrics)
            }
        }
    }

    /// Any column can be the target of the same upload, from any columns.
    @Test func otherTargetsAndFeaturesFromTheSameUpload() throws {
        let upload = try encrypt(data.table, "all")
        let request = try FitRequest(
            plan: data.plan, target: "bmi", features: ["age", "bp", "progression"], penalties: [0])
        let opened = try EncryptedFit(request, over: [upload]).opened(key)
        let plain = try OpenedFit(request: request, plan: data.plan, parts: [MomentMatrix(of: data.integers)])
        #expect(opened.best.model == plain.best.model)
        #expect(opened.best.model.featureNames == ["age", "bp", "progression"])
    }

    @Test func linearlyDependentColumnsGiveTheLeastNorm() throws {
        // x3 = x1 + x2 and x4 constant: rank 2 of 4.
        var generator = TestGenerator(seed: 8)
        let x1 = (0..<50).map { _ in Double(Int.random(in: 0...20, using: &generator)) }
        let x2 = (0..<50).map { _ in Double(Int.random(in: 0...20, using: &generator)) }
        let y = zip(x1, x2).map { 3 * $0 - 2 * $1 + 7 }
        let table = try Table(columns: [
            Column("x1", numbers: x1), Column("x2", numbers: x2), Column("x3", numbers: zip(x1, x2).map(+)),
            Column("x4", numbers: [Double](repeating: 5, count: 50)), Column("y", numbers: y),
        ])
        func column(_ name: String, _ role: ColumnRole = .feature) throws -> ColumnSchema {
            ColumnSchema(name, .integer, role: role, bounds: try Bounds(-100, 100), decimals: 0)
        }
        let schema = try Schema(
            columns: [column("x1"), column("x2"), column("x3"), column("x4"), column("y", .target)])
        let plan = try EncodingPlan(schema: schema, maximumRows: 256, minimumCohort: 5)
        let upload = try encrypt(table, "one", plan: plan)
        let request = try FitRequest(plan: plan, target: "y", penalties: [0])
        let opened = try EncryptedFit(request, over: [upload]).opened(key)
        let plain = try OpenedFit(request: request, plan: plan, parts: [MomentMatrix(of: plan.encode(table))])
        let model = opened.best.model
        #expect(model == plain.best.model)
        #expect(model.rank == 2)
        // Least norm among w1 + w3 = 3, w2 + w3 = -2: w3 = 1/3.
        for (weight, wanted) in zip(model.coefficients, [8.0 / 3, -7.0 / 3, 1.0 / 3, 0]) {
            #expect(abs(weight - wanted) < 1e-13)
        }
        #expect(abs(model.intercept - 7) < 1e-12)
        #expect(opened.warnings.contains { $0.contains("rank 2 of 4") })
        #expect(opened.warnings.contains("Column x4 is constant over all rows."))
    }

    @Test func sharesOpenWhatTheWholeKeyOpens() throws {
        let shares = try key.split(threshold: 2, shares: 3)
        let sharing = shares[0].sharing
        let fit = try EncryptedFit(data.request, over: [encrypt(data.table, "all")])
        let parts = try shares.map { try $0.partialDecryption(of: fit.ciphertexts) }
        let whole = try fit.opened(key)
        for pair in [[0, 1], [2, 0], [1, 2]] {
            let plaintexts = try sharing.combine(pair.map { parts[$0] }, of: fit.ciphertexts)
            #expect(try fit.open(plaintexts: plaintexts).best.model == whole.best.model)
        }
        #expect {
            try sharing.combine([parts[1]], of: fit.ciphertexts)
        } throws: { ($0 as? PaillierError)?.message == "partial decryptions: got 1, want at least 2" }
    }

    // MARK: Refusals

    @Test func mixedKeysAreRefused() throws {
        let other = TestKeys.other1024
        let a = try encrypt(data.table, "Alpha")
        let b = try encrypt(data.table, "Beta", key: other)
        expectRefusal(
            .mismatch,
            "Beta: encrypted under key \(other.publicKey.fingerprint), want \(key.publicKey.fingerprint) as Alpha has it"
        ) { _ = try EncryptedMoments.sum([a, b]) }
    }

    @Test func otherPlansAreRefused() throws {
        let a = try encrypt(data.table, "Alpha")
        for plan in [try Diabetes(maximumRows: 2048).plan, try Diabetes(minimumCohort: 11).plan] {
            let b = try encrypt(data.table, "Beta", plan: plan)
            expectRefusal(
                .mismatch,
                "Beta: made under another plan than Alpha; all owners need the same schema, --max-rows and --min-cohort"
            ) { _ = try EncryptedMoments.sum([a, b]) }
        }
    }

    @Test func anOwnerCountsOnce() throws {
        let upload = try encrypt(data.table, "Alpha")
        expectRefusal(.mismatch, "owner Alpha: comes twice, so its rows would count twice") {
            _ = try EncryptedMoments.sum([upload, encrypt(data.table, "Beta"), upload])
        }
        expectRefusal(.invalidParameter, "files: got none, want at least one") { _ = try EncryptedMoments.sum([]) }
    }

    @Test func smallCohortsAreRefusedBeforeEncryption() throws {
        expectRefusal(.cohortTooSmall, "rows: got 9, want at least 10, the plan's minimum cohort") {
            _ = try encrypt(data.table.rows(0..<9), "small")
        }
        _ = try encrypt(data.table.rows(0..<10), "enough")
    }

    /// A server that cheats, by subtracting what it knows, is found out when the sums are opened.
    @Test func smallCohortsAreRefusedWhenOpened() throws {
        let all = try encrypt(data.table, "all")
        let most = try encrypt(data.table.rows(5..<442), "most")
        let difference = try key.publicKey.subtract(all.packed.ciphertexts, most.packed.ciphertexts)
        expectRefusal(
            .cohortTooSmall,
            "rows: the sums are over fewer rows than the minimum cohort of 10, so they are not released"
        ) { _ = try all.open(plaintexts: key.decrypt(difference)) }
    }

    @Test func plaintextsThatAreNoSumsAreRefused() throws {
        let all = try encrypt(data.table, "all")
        let largest = [BigInteger](repeating: key.publicKey.modulus >> 1, count: all.packed.ciphertexts.count)
        expectRefusal(.inconsistentSums) { _ = try all.open(plaintexts: largest) }
        expectRefusal(.inconsistentSums) { _ = try all.open(plaintexts: [1]) }
        let fit = try EncryptedFit(data.request, over: [all])
        expectRefusal(
            .mismatch, "plaintexts: got 1, want \(fit.ciphertexts.count)"
        ) { _ = try fit.open(plaintexts: [1]) }
    }

    @Test func moreRowsThanAgreedAreRefused() throws {
        let plan = try Diabetes(maximumRows: 300).plan
        expectRefusal(.invalidParameter, "rows: got 442, want at most 300; raise the plan's maximum") {
            _ = try encrypt(data.table, "all", plan: plan)
        }
        // Two owners who are each within the limit and together above it.
        let halves = try data.table.partition(into: 2, seed: 1).enumerated().map {
            try encrypt($1, "half \($0)", plan: plan)
        }
        #expect {
            try EncryptedMoments.sum(halves)
        } throws: { ($0 as? PaillierError)?.code == .headroomExhausted }
    }

    @Test func requestsAreChecked() throws {
        let plan = data.plan
        let names = plan.columns.map(\.name).joined(separator: ", ")
        expectRefusal(.unknownColumn, "column: got weight, want one of \(names)") {
            _ = try FitRequest(plan: plan, target: "weight", penalties: [0])
        }
        expectRefusal(.invalidParameter, "features: want each once, and not the target progression") {
            _ = try FitRequest(plan: plan, target: "progression", features: ["progression"], penalties: [0])
        }
        expectRefusal(.invalidParameter, "features: want each once, and not the target progression") {
            _ = try FitRequest(plan: plan, target: "progression", features: ["age", "age"], penalties: [0])
        }
        for penalties in [[], [-1], [.nan], [.infinity]] as [[Double]] {
            expectRefusal(.invalidParameter) {
                _ = try FitRequest(plan: plan, target: "progression", penalties: penalties)
            }
        }
    }
}
