import DifferentialPrivacy
import Foundation
import GRDB
import PrivacyLedger
import TacitTestSupport
import Testing

/// Files that are no ledgers, or no longer: an error that says which, never a trap.
@Suite struct ForeignFileTests {
    @Test func otherFiles() throws {
        let fixture = try LedgerFixture()
        func expect(_ code: PrivacyLedgerError.Code, _ words: String, sourceLocation: SourceLocation = #_sourceLocation)
        {
            for access in [PrivacyLedger.Access.reading, .spending] {
                let error = ledgerError(sourceLocation) { _ = try fixture.open(access) }
                #expect(error?.code == code, "\(error?.message ?? "")", sourceLocation: sourceLocation)
                #expect(
                    error?.message.contains(words) == true && error?.message.hasPrefix(fixture.path) == true,
                    "\(error?.message ?? "")", sourceLocation: sourceLocation)
            }
        }
        func put(_ bytes: [UInt8]) throws { try Data(bytes).write(to: URL(fileURLWithPath: fixture.path)) }
        expect(.notFound, "tacit budget create")
        try put([])
        expect(.foreignFile, "is empty")
        try put(Array("age,diagnosis\n31,J45\n".utf8))
        expect(.foreignFile, "not an SQLite database")
        try put(Array(repeating: 0x53, count: 100_000))
        expect(.foreignFile, "not an SQLite database")
        try FileManager.default.removeItem(atPath: fixture.path)
        try FileManager.default.createDirectory(atPath: fixture.path, withIntermediateDirectories: false)
        expect(.foreignFile, "not a plain file")
        try FileManager.default.removeItem(atPath: fixture.path)

        let other = try DatabaseQueue(path: fixture.path)
        try other.write { try $0.execute(sql: "CREATE TABLE entry (sequence)") }
        expect(.foreignFile, "not a privacy ledger")
        try other.close()
        try FileManager.default.removeItem(atPath: fixture.path)

        _ = try fixture.create()
        try fixture.tamper("PRAGMA user_version = 2")
        expect(.newerFormat, "use a newer program")
        try fixture.tamper("PRAGMA user_version = 0")
        expect(.damaged, "version 0")
        try fixture.tamper("PRAGMA user_version = 1")
        _ = try fixture.open()
        // A folder that is not there, and one that is a file.
        for path in [fixture.folder.file("no/ledger"), fixture.path + "/ledger"] {
            let error = ledgerError {
                _ = try PrivacyLedger(path: path, access: .reading, identity: LedgerFixture.identity)
            }
            #expect(error?.code == .notFound)
            let creation = ledgerError {
                _ = try PrivacyLedger.create(
                    path: path, budget: LedgerFixture.budget(), purpose: "p", identity: LedgerFixture.identity)
            }
            #expect(creation?.code == .cannotCreate)
        }
    }

    @Test func cutFiles() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create()
        for number in 0..<30 {
            _ = try ledger.authorise(
                .composed((0..<40).map { .laplace(noiseMultiplier: 1e6 + Double(number * 40 + $0)) }), purpose: "wide")
        }
        let whole = try Data(contentsOf: URL(fileURLWithPath: fixture.path))
        #expect(whole.count > 40_000)
        for count in [1, 15, 16, 50, 99, 100, 511, 512, 4095, 4096, 4097, 8192, whole.count / 2, whole.count - 1] {
            try whole.prefix(count).write(to: URL(fileURLWithPath: fixture.path))
            let error = ledgerError { try fixture.open(.reading).verify() }
            #expect([.foreignFile, .damaged, .altered].contains(error?.code), "\(count): \(error?.message ?? "")")
        }
    }

    /// Whatever bytes the file has: it opens to the same entries, or an error says that it does not.
    @Test func fuzzedFiles() throws {
        let fixture = try LedgerFixture()
        let ledger = try fixture.create(LedgerFixture.budget(delta: 1e-6))
        let run = try ledger.beginRun(.gaussian(noiseMultiplier: 200), steps: 10, reserved: true, purpose: "run")
        try run.advance(through: 4)
        for number in 0..<20 { _ = try ledger.authorise(.laplace(noiseMultiplier: 1000), purpose: "query \(number)") }
        let history = try ledger.history()
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: fixture.path)))
        var (refused, unharmed) = (0, 0)
        Fuzzing.run(valid: [whole], iterations: Fuzzing.iterations / 20) { bytes in
            try? Data(bytes).write(to: URL(fileURLWithPath: fixture.path))
            do throws(PrivacyLedgerError) {
                let opened = try fixture.open(.reading)
                #expect(try opened.verify() == LedgerHead(of: history.last!))
                #expect(try opened.history() == history)
                unharmed += 1
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0 && unharmed > 0)
    }

    /// Bodies that a program with the right to compute hashes could have written.
    @Test func fuzzedEntries() throws {
        let bodies = [
            #"{"event":{"laplace":{"noiseMultiplier":3}}}"#,
            #"{"event":{"repeated":{"_0":{"poissonSampled":{"event":{"gaussian":{"noiseMultiplier":1.1}},"rate":0.01}},"count":900}}}"#,
            #"{"reserved":true,"run":"r","step":{"zeroConcentrated":{"rho":0.1}},"steps":12}"#,
            #"{"from":3,"repeated":4,"run":"r"}"#, #"{"run":"r","through":9}"#, #"{"returned":2,"run":"r"}"#,
        ]
        let kinds = ["spent", "runBegan", "runAdvanced", "runResumed", "runEnded", "opened", "else"]
        var decoded = 0
        Fuzzing.run(valid: bodies.map { Array($0.utf8) }) { bytes in
            for kind in kinds
            where (try? LedgerEntry.Content(kind: kind, body: String(decoding: bytes, as: UTF8.self))) != nil {
                decoded += 1
            }
        }
        #expect(decoded > 0)
        // Nesting beyond any sense.
        let deep = String(repeating: #"{"composed":{"_0":["#, count: 100_000)
        #expect(throws: (any Error).self) { try LedgerEntry.Content(kind: "spent", body: #"{"event":"# + deep) }
    }
}

extension LedgerHead {
    init(of entry: LedgerEntry) {
        let text = #"{"hash":"\#(entry.hash)","sequence":\#(entry.sequence)}"#
        self = try! JSONDecoder().decode(LedgerHead.self, from: Data(text.utf8))
    }
}
