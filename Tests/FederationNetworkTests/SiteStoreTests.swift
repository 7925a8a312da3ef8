import Federation
import Foundation
import TacitTestSupport
import Testing

/// What a site keeps on its disk.
@Suite(.serialized) struct SiteStoreTests {
    private func size(_ folder: String) -> Int {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return names.reduce(0) { sum, name in
            // SQLite's log and index of it have a size of their own, whatever is in the store.
            guard !name.hasSuffix("-wal"), !name.hasSuffix("-shm") else { return sum }
            let found = try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int
            return sum + (found ?? 0)
        }
    }

    /// A site that trims its records ends with a fraction of what one that keeps them has, is killed and comes back in
    /// between, and its journal fits the coordinator's transcript all the same.
    @Test func aStoreDoesNotGrowWithTheRounds() async throws {
        let study = try NetworkStudy(rounds: 12, model: "mlp:1000")
        try study.startCoordinator(["--no-dashboard", "--keep-transcript"])
        try study.startSite(1, options: ["--journal", "1.journal"])
        try study.startSite(2, options: ["--journal", "2.journal", "--keep-records"])
        try study.startSite(3, options: ["--journal", "3.journal"])
        for round in [2, 5, 9] {
            try await study.waitForLog { $0["text"]?.hasPrefix("Round \(round) committed") ?? false }
            for site in [1, 2] {
                study.killSite(site)
                try study.startSite(
                    site, options: ["--journal", "\(site).journal"] + (site == 2 ? ["--keep-records"] : []))
            }
        }
        try await study.finishSites([1, 2, 3])
        #expect(try Set((1...3).map { try study.model(ofSite: $0) }).count == 1)
        let sizes = (1...3).map { size(study.folder.file("site-\($0).state")) }
        print("bytes on the disks of sites that trim, keep and trim: \(sizes)")
        #expect(sizes[0] * 4 < sizes[1] && sizes[2] * 4 < sizes[1], "\(sizes)")
        // The same, but for the coordinator's records of sessions that are over.
        try study.run("federation", "export", "--study", "hospital.yaml", "--out", "result", "--transcript")
        let proof = try study.run(
            "federation", "verify", "--study", "hospital.yaml", "--schema", "table.schema.json", "--transcript",
            "result.transcript", "--journal", "1.journal", "2.journal", "3.journal", "--model", "result.safetensors")
        #expect(proof.contains("The model in use is that model."), "\(proof)")
        for site in 1...3 { #expect(proof.contains("Site \(site): its journal has "), "\(proof)") }
        #expect(!proof.contains("whose journal was not given"))
    }

    @Test func aTranscriptThatWasNotKeptIsNamed() async throws {
        let study = try NetworkStudy(rounds: 1)
        try study.startCoordinator()
        for site in 1...3 { try study.startSite(site) }
        try await study.finishSites([1, 2, 3])
        let complaint = try study.run(
            ["federation", "export", "--study", "hospital.yaml", "--out", "result", "--transcript"], status: 74)
        #expect(complaint.contains("transcript: records were removed when their session was over"), "\(complaint)")
        #expect(!study.folder.names.contains("result.safetensors"))
    }
}
