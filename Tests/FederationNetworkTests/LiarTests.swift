import BinaryCoding
import Federation
import FederationService
import Foundation
import TacitTestSupport
import Testing
import Transports

/// Enrolled sites that send what they should not, and what becomes of them: named in the log, left out, and the round goes
/// on with the others.
@Suite(.serialized) struct LiarTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var what: String
        var protection: String
        /// Who lies; one of the first is asked to open sums.
        var site = 4
        /// What the coordinator's log says after the site's name.
        var complaint: String
        var lie: @Sendable (SessionPurpose, Envelope.Entry, [UInt8]) -> LyingSite.Lie?
        var testDescription: String { "\(protection): \(what)" }
    }

    private static func words(_ body: [UInt8], _ change: (inout [Int32]) -> Void) -> LyingSite.Lie {
        var words = body.dropFirst(4).withUnsafeBytes { Array($0.bindMemory(to: Int32.self)) }
        change(&words)
        var encoder = BinaryEncoder()
        encoder.encode(UInt32(words.count))
        for word in words { encoder.encode(UInt32(bitPattern: word)) }
        return LyingSite.Lie(body: encoder.bytes)
    }

    static let cases = [
        Case(what: "another shape", protection: "none", complaint: "update: got ") { purpose, _, body in
            purpose == .training ? words(body) { $0.removeLast(2) } : nil
        },
        Case(what: "too large", protection: "none", complaint: "update, change: got a number beyond the bound 2.0") {
            purpose, _, body in purpose == .training ? words(body) { $0[0] = .max } : nil
        },
        Case(what: "not a number", protection: "none", complaint: "update, change: got a number beyond the bound 2.0") {
            purpose, _, body in
            purpose == .training ? words(body) { $0[0] = Int32(bitPattern: Float.nan.bitPattern) } : nil
        },
        Case(what: "bytes at random", protection: "none", complaint: "update: got room for ") { purpose, _, body in
            purpose == .training ? .init(body: [UInt8](repeating: 0xA5, count: body.count)) : nil
        },
        Case(what: "an old round", protection: "none", complaint: "report of session ") { purpose, entry, body in
            purpose == .training ? .init(body: body, session: entry.session - 1) : nil
        },
        Case(what: "no keys", protection: "secagg", complaint: "secagg: ") { purpose, entry, body in
            purpose == .training && entry.stage == 0 ? .init(body: [UInt8](repeating: 7, count: body.count)) : nil
        },
        Case(what: "a masked update of another length", protection: "secagg", complaint: "secagg: ") {
            purpose, entry, body in
            purpose == .training && entry.stage == 2 ? .init(body: Array(body.dropLast(4))) : nil
        },
        Case(what: "no ciphertext", protection: "ckks", complaint: "update: upload: is for another sum than ") {
            purpose, entry, body in
            purpose == .training && entry.stage == 0 ? .init(body: body.map { $0 ^ 0x5A }) : nil
        },
        Case(
            what: "a forged partial decryption", protection: "ckks", site: 1,
            complaint: "its share was forged; the sum was opened without it"
        ) { purpose, entry, body in
            guard purpose == .training, entry.stage == 1 else { return nil }
            // Behind the names of request and party: the lower halves of coefficients.
            var forged = body
            for index in forged.indices.dropFirst(100).prefix(1500) where index % 5 == 0 { forged[index] ^= 0x3C }
            return .init(body: forged)
        },
    ]

    @Test(arguments: cases) func liarsAreNamedAndLeftOut(_ one: Case) async throws {
        let study = try NetworkStudy(sites: 4, rounds: 2, protection: one.protection)
        try study.startCoordinator(["--no-dashboard", "--patience", "8"])
        let honest = (1...4).filter { $0 != one.site }
        for site in honest { try study.startSite(site) }
        let liar = try LyingSite(one.site, in: study.folder.path, port: study.port, lie: one.lie)
        let task = Task { try await liar.run() }
        try await study.finishSites(honest)
        task.cancel()
        #expect(await liar.lies > 0)
        let complaints = study.coordinatorLog.filter { $0["event"] == "refused" }.compactMap { $0["text"] }
        let name = "Site \(one.site): refused: "
        #expect(complaints.contains { $0.hasPrefix(name + one.complaint) }, "\(complaints)")
        #expect(complaints.allSatisfy { $0.hasPrefix(name) }, "others were refused too: \(complaints)")
        let models = try honest.map { try study.model(ofSite: $0) }
        #expect(Set(models).count == 1)
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        let names = honest.map { "Site \($0)" }
        let last = try #require(rounds.last { ($0["title"] as? String) == "Round 2" })
        #expect(last["contributors"] as? [String] == names)
        let metrics = try #require(rounds.last?["metrics"] as? [String: Double])
        #expect((metrics["auroc"] ?? 0) > 0.7, "the lie shows: \(metrics)")
    }

    /// A message that no study of this size has is refused before a byte of it is taken.
    @Test func messagesBeyondAllMeasure() async throws {
        let study = try NetworkStudy(rounds: 1, protection: "none")
        try study.startCoordinator()
        let party = try PartyIdentity(file: study.folder.file("site-3.key"))
        let connection = try LyingSite.connection(
            party, Invitation(file: study.folder.file("hospital.invitation")), port: study.port)
        let path = study.folder.file("long")
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        truncate(path, 80 << 20)
        do {
            _ = try await connection.send(
                .file(path: path, byteCount: 80 << 20), identifier: Fingerprint(of: [1]), digest: Fingerprint(of: [2]))
            Issue.record("80 MiB were taken")
        } catch let error as TransportsError {
            #expect(error.code == .tooLarge)
            #expect(error.message.hasPrefix("message of Site 3: got 83886080 bytes, want at most 67109504"), "\(error)")
        }
        connection.close()
        #expect(study.coordinatorLog.contains { $0["event"] == "refused" && $0["reason"] == "too-large" })
        for site in 1...3 { try study.startSite(site) }
        try await study.finishSites([1, 2, 3])
    }

    /// A table of another schema never becomes a site, and the coordinator hears nothing of it.
    @Test func anotherSchema() throws {
        let study = try NetworkStudy(rounds: 1)
        try study.startCoordinator()
        let text = try String(contentsOfFile: study.folder.file("1.csv"), encoding: .utf8)
        try text.replacing("x2", with: "y2").write(
            toFile: study.folder.file("other.csv"), atomically: true, encoding: .utf8)
        let complaint = try study.run(
            [
                "federation", "join", "https://127.0.0.1:\(study.port)", "--data", "other.csv", "--identity",
                "site-1.key",
            ], status: 65)
        #expect(
            complaint.contains("other.csv:1, column \"y2\": got a column that the schema does not declare"),
            "\(complaint)")
        #expect(!study.coordinatorLog.contains { $0["event"] == "joined" })
    }

    /// Messages of the coordinator that were changed on the way, under its own certificate: the site says so, sends
    /// nothing, and the round goes on without it.
    @Test func alteredKeyListsAreRefusedByTheirSite() async throws {
        let study = try NetworkStudy(sites: 4, rounds: 1, protection: "secagg")
        try study.startCoordinator(["--no-dashboard", "--patience", "8"])
        let fingerprint = try Invitation(file: study.folder.file("hospital.invitation")).makeStudy().fingerprint
        // Stage 1 begins with the list of keys.
        try await onThread {
            try study.makeRelay(seed: 1, isRestless: false) { site, bytes in
                guard site == "Site 4",
                    case .stage(let session, let attempt, 1, var payload)? = try? Instruction(
                        decoding: bytes, study: fingerprint), !payload.isEmpty
                else { return bytes }
                payload[payload.count / 2] ^= 1
                return Instruction.stage(session: session, attempt: attempt, stage: 1, payload: payload).encoded(
                    study: fingerprint)
            }
            try study.makeLinks()
        }
        for site in 1...4 { try study.startSite(site) }
        try await study.finishSites([1, 2, 3, 4])
        let log = try String(contentsOfFile: study.folder.file("site-4.log"), encoding: .utf8)
        #expect(log.contains("declined") && log.contains("secagg: "), "\(log)")
        let rounds = try #require(try study.status()["rounds"] as? [[String: Any]])
        let last = try #require(rounds.last { ($0["title"] as? String) == "Round 1" })
        #expect(last["contributors"] as? [String] == ["Site 1", "Site 2", "Site 3"])
        #expect(study.coordinatorLog.contains { $0["text"]?.hasPrefix("No answer in time from Site 4") ?? false })
    }
}
