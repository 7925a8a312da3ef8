import BinaryCoding
import Federation
import Foundation
import TacitTestSupport
import Tabular
import Testing

@Suite struct StudyTests {
    static let identity = "{name: A, key: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}"

    static func yaml(_ change: (String) -> String = { $0 }) -> [UInt8] {
        Array(
            change(
                """
                name: readmission
                inputs: {width: 4, classes: 2}
                model: {kind: mlp, hidden: [8]}
                rounds: 5
                training: {epochs: 1, batchSize: 16, learningRate: 0.1}
                cohort: {minimum: 2}
                strategy: {name: fedprox, mu: 0.1}
                protection: {kind: none}
                sites:
                - \(identity)
                - {name: B, key: AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=}

                """
            ).utf8)
    }

    static func problem(_ old: String, _ new: String) -> String {
        message {
            _ = try Study(
                StudyLiteral(yaml: yaml { $0.replacingOccurrences(of: old, with: new) }, name: "s.yaml"), schema: nil)
        }
    }

    @Test func filesAreReadAndWritten() throws {
        let literal = try StudyLiteral(yaml: Self.yaml(), name: "s.yaml")
        #expect(literal.model.hidden == [8] && literal.strategy.mu == 0.1 && literal.sites.map(\.name) == ["A", "B"])
        let study = try Study(literal, schema: nil)
        #expect(study.network.layers.count == 3)
        let again = try StudyLiteral(yaml: Array(literal.yaml().utf8), name: "again")
        #expect(again == literal)
        #expect(try Study(again, schema: nil).fingerprint == study.fingerprint)
    }

    @Test func mistakesAreNamed() {
        let cases: [(String, String, String)] = [
            ("rounds: 5", "rounds: 0", "rounds: got 0, want 1...100000"),
            ("rounds: 5", "rounds: many", "s.yaml: rounds"),
            ("rounds: 5\n", "", "s.yaml: rounds: is missing"),
            ("minimum: 2", "minimum: 1", "cohort.minimum: got 1, want at least 2: the sum of one is its update"),
            ("minimum: 2", "minimum: 3", "sites: got 2 that may join, want at least cohort.minimum, 3"),
            ("name: fedprox", "name: fedfoo", "strategy.name: got fedfoo, want one of fedavg"),
            ("mu: 0.1", "momentum: 0.1", "strategy.momentum: does not go with fedprox, which takes rate, mu"),
            ("hidden: [8]", "hidden: [0]", "model.hidden: got [0], want numbers in 1...65536"),
            ("kind: mlp", "kind: logistic", "model.hidden: does not go with kind logistic"),
            ("epochs: 1", "epochs: 1, momentum: 2", "s.yaml: training.momentum: no such field"),
            (
                "protection: {kind: none}", "protection: {kind: secagg}",
                "cohort.minimum: got 2, want at least 3 with secagg"
            ),
            ("name: B", "name: A", "sites: got one name twice, want different ones"),
            ("AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AQEC", "site B: got a key of 3 bytes, want 32"),
            ("sites:", "revoked: [C]\nsites:", "revoked: got C, want the name of a site"),
            ("sites:", "standardise: true\nsites:", "standardise: wants a schema"),
            ("name: readmission", "name: &a readmission", "s.yaml:1: got a YAML anchor or alias, want plain YAML"),
            (
                "inputs: {width: 4, classes: 2}\n", "",
                "schema: got none; a study needs a schema, or inputs.width for rows that are encoded already"
            ),
        ]
        for (old, new, expected) in cases {
            let found = Self.problem(old, new)
            #expect(found.contains(expected), "\(new): \(found)")
        }
    }

    /// Whatever numbers stand in a study, it is made or refused, and what it says of its sums is worked out.
    @Test func numbersBeyondAllMeasure() throws {
        let text = String(decoding: Self.yaml(), as: UTF8.self)
            .replacingOccurrences(
                of: "protection: {kind: none}",
                with: """
                    protection: {kind: ckks, threshold: 2, clip: 2, controlClip: 3}
                    maximumRows: 1000
                    seed: 7
                    """
            )
            .replacingOccurrences(of: "learningRate: 0.1", with: "learningRate: 0.1, decay: 1, ridge: 0")
            .replacingOccurrences(of: "minimum: 2", with: "minimum: 2, perRound: 2, quorum: 1")
        let privacy = "privacy: {clippingNorm: 1, noiseMultiplier: 2, delta: 0.001, placement: distributed}\n"
        _ = try Study(StudyLiteral(yaml: Array(text.utf8), name: "s.yaml"), schema: nil)
        let extremes = [
            ".nan", ".inf", "-.inf", "0", "-1", "1e300", "-1e300", "1e-300", "5e-324", "9223372036854775807",
            "-9223372036854775808", "18446744073709551616",
        ]
        let number = try Regex("[ \\[]([0-9][0-9.]*)[,}\\]\n]")
        var (made, refused) = (0, 0)
        for whole in [text, text.replacingOccurrences(of: "sites:\n", with: privacy + "sites:\n")] {
            let places = whole.matches(of: number).compactMap { $0.output[1].range }
            #expect(places.count >= 14)
            for place in places {
                for extreme in extremes {
                    let changed = whole.replacingCharacters(in: place, with: extreme)
                    do {
                        _ = try Study(StudyLiteral(yaml: Array(changed.utf8), name: "s.yaml"), schema: nil)
                        made += 1
                    } catch { refused += 1 }
                }
            }
        }
        #expect(made > 0 && refused > 100)
    }

    @Test func fuzzingGivesAStudyOrAnError() {
        Fuzzing.run(valid: [Self.yaml()], iterations: Fuzzing.iterations(oneOf: 7)) { bytes in
            _ = try? StudyLiteral(yaml: bytes, name: "s.yaml")
        }
    }

    // MARK: Layouts

    @Test func layoutsHoldTheirSums() throws {
        var generator = TestGenerator(seed: 3)
        for sites in [1, 2, 10, 100, 1000] {
            for wordBits in [32, 64] {
                let layout = try VectorLayout(
                    [("change", 5, 2, 40), ("weight", 1, 131_072, 0), ("none", 0, 1, 0)], wordBits: wordBits,
                    sites: sites)
                #expect(layout.segments.count == 2)
                let extreme = try layout.integers([[2, -2, 2, -2, 3], [131_072]])
                #expect(extreme.clipped == 1)
                let room = Double(min(wordBits - 1, 51))
                #expect(extreme.integers.allSatisfy { Double($0.magnitude) * Double(sites) < exp2(room) })
                var numbers = [Double](repeating: 0, count: 6)
                var sums = [Int64](repeating: 0, count: 6)
                for _ in 0..<sites {
                    let own = (0..<5).map { _ in Double.random(in: -2...2, using: &generator) }
                    for (index, value) in (own + [7]).enumerated() { numbers[index] += value }
                    for (index, value) in try layout.integers([own, [7]]).integers.enumerated() { sums[index] += value }
                }
                let found = layout.numbers(sums).flatMap { $0 }
                let unit = exp2(-Double(layout.segments[0].fractionBits))
                #expect(zip(found, numbers).prefix(5).allSatisfy { abs($0 - $1) <= Double(sites) * unit })
                #expect(found[5] == Double(7 * sites))
            }
        }
        #expect(throws: FederationError.self) {
            try VectorLayout([("x", 1, 1, 8)], wordBits: 32, sites: 2).integers([[.nan]])
        }
        for bound in [0, -1, Double.leastNonzeroMagnitude, 1e-300, 1e300, .infinity, .nan] {
            #expect(
                message { _ = try VectorLayout([("x", 1, bound, 8)], wordBits: 32, sites: 2) }
                    == "x: got bound \(bound), want a number in 2^-100...2^100")
        }
    }

    // MARK: Foreign bytes

    @Test func fuzzMessages() throws {
        let test = try TestStudy(sites: 3, rounds: 1, kind: .ckks)
        var site = try test.site(0)
        let join = site.handle(.join).messages[0]
        let run = try test.result()
        let transcript = Transcript(study: test.study, records: run.store!.records)
        let journal = JournalFile(run.sites["site-1"]!).encoded
        let finished = Instruction.finished(model: run.coordinator.model).encoded(study: test.study.fingerprint)
        let task = run.coordinator.model
        var encoder = BinaryEncoder()
        task.encode(into: &encoder)
        let iterations = Fuzzing.iterations(oneOf: 10)
        Fuzzing.run(valid: [join], iterations: iterations) { _ = try? Envelope(decoding: $0) }
        Fuzzing.run(valid: [finished], iterations: iterations) {
            _ = try? Instruction(decoding: $0, study: test.study.fingerprint)
        }
        Fuzzing.run(valid: [journal], iterations: iterations) { _ = try? JournalFile(decoding: $0) }
        Fuzzing.run(valid: [Array(transcript.encoded.prefix(4000))], iterations: iterations) {
            _ = try? Transcript(decoding: $0)
        }
        Fuzzing.run(valid: [encoder.bytes], iterations: iterations) {
            var decoder = BinaryDecoder($0)
            _ = try? GlobalModel(decoding: &decoder)
        }
    }

    /// A coordinator and a site that get altered messages of every stage say no or nothing, and go on.
    @Test(arguments: ProtectionKind.allCases) func partiesSurviveAnything(_ kind: ProtectionKind) throws {
        let test = try TestStudy(sites: 3, rounds: 1, kind: kind)
        var coordinator = try test.coordinator()
        var sites = try test.identities.indices.map { try test.site($0) }
        var queue: [(Int, [UInt8])] = []
        for index in sites.indices {
            for message in sites[index].handle(.join).messages { queue.append((index, message)) }
        }
        let iterations = kind == .ckks ? 15 : 40
        while !queue.isEmpty {
            let (_, bytes) = queue.removeFirst()
            var seed = UInt64(bytes.count)
            Fuzzing.run(valid: [bytes], seed: seed, iterations: iterations) { altered in
                guard altered != bytes else { return }
                var copy = coordinator
                #expect(copy.handle(.message(altered)).record == nil, "an altered message was taken")
            }
            let transition = coordinator.handle(.message(bytes))
            for (name, bytes) in transition.messages {
                let index = test.identities.firstIndex { $0.name == name }!
                seed += 1
                Fuzzing.run(valid: [bytes], seed: seed, iterations: iterations / 8) { altered in
                    var copy = sites[index]
                    _ = copy.handle(.message(altered))
                }
                for message in sites[index].handle(.message(bytes)).messages { queue.append((index, message)) }
            }
        }
        #expect(coordinator.phase == .finished)
    }

    // MARK: Bad sites

    @Test func strangersAndLiarsAreIsolated() throws {
        let test = try TestStudy(sites: 5, rounds: 2, minimum: 3, quorum: 0.6)
        var random = SeededRandom(seed: 9)
        let stranger = try SiteIdentity.generate(name: "site-9", using: &random)
        #expect(
            message { _ = try Site(test.study, identity: stranger, data: test.data(0)) }.hasPrefix(
                "site-9: the study does not name this identity"))
        // The name of a site with another key.
        let impostor = try SiteIdentity.generate(name: "site-1", using: &random)
        #expect(throws: FederationError.self) { try Site(test.study, identity: impostor, data: test.data(0)) }
        // Another study's message.
        let other = try TestStudy(sites: 5, rounds: 3, minimum: 3, quorum: 0.6)
        var foreign = try other.site(0)
        var coordinator = try test.coordinator()
        let transition = coordinator.handle(.message(foreign.handle(.join).messages[0]))
        guard case .refused(_, let reason)? = transition.notices.first else {
            throw FederationError(code: .store, message: "taken")
        }
        #expect(reason.hasPrefix("site-1: has study") && transition.record == nil)
        // Data of another width.
        let wide = try TestStudy(sites: 5, width: 4)
        #expect(
            message { _ = try Site(test.study, identity: test.identities[0], data: wide.data(0)) }.hasPrefix(
                "rows: got 4 columns"))
        // NaN and wrong labels never become rows.
        #expect(throws: FederationError.self) {
            try SiteData.Rows(features: [.nan], width: 1, targets: [0], task: .binary)
        }
        #expect(throws: FederationError.self) {
            try SiteData.Rows(features: [1], width: 1, targets: [2], task: .binary)
        }
    }

    @Test func revokedSitesDoNotCount() throws {
        let test = try TestStudy(sites: 4, rounds: 1) { $0.revoked = ["site-3"] }
        #expect(throws: FederationError.self) { try test.site(2) }
        var federation = InMemoryFederation(
            coordinator: try test.coordinator(), sites: try [0, 1, 3].map { try test.site($0) }, keepsRecords: false)
        try federation.run()
        #expect(federation.coordinator.history.allSatisfy { $0.contributors == ["site-1", "site-2", "site-4"] })
    }

    // MARK: Transcripts

    @Test(arguments: [ProtectionKind.none, .secagg, .paillier]) func transcriptsReplay(_ kind: ProtectionKind) throws {
        let test = try TestStudy(rounds: 2, kind: kind)
        let run = try test.result()
        let transcript = try Transcript(decoding: Transcript(study: test.study, records: run.store!.records).encoded)
        #expect(transcript.head == run.store!.head)
        let journals = try run.sites.values.map { try JournalFile(decoding: JournalFile($0).encoded) }
        let sharing = test.shares.first?.sharing
        let result = try transcript.verify(
            study: test.study, paillier: sharing, journals: journals, model: run.coordinator.result.floats)
        #expect(result.model == run.coordinator.result && result.isFinished)
        #expect(result.history == run.coordinator.history)
        #expect(result.proven.count == 4 + journals.count)

        // Another model, a journal with a gap, a record that was changed.
        var other = run.coordinator.result.floats
        other[0] += 1
        #expect(throws: FederationError.self) {
            try transcript.verify(study: test.study, paillier: sharing, journals: [], model: other)
        }
        for index in [1, run.store!.records.count / 2, run.store!.records.count - 1] {
            var records = run.store!.records
            records[index][records[index].count / 2] ^= 1
            #expect(throws: FederationError.self, "record \(index)") {
                try Transcript(study: test.study, records: records).verify(
                    study: test.study, paillier: sharing, journals: [], model: nil)
            }
            var bytes = transcript.encoded
            bytes[bytes.count / (index + 2)] ^= 1
            #expect(throws: FederationError.self) { try Transcript(decoding: bytes) }
        }
        // A site that kept something back: its journal lacks what the coordinator took.
        var short = try test.site(0)
        _ = short.handle(.join)
        #expect(throws: FederationError.self) {
            try transcript.verify(study: test.study, paillier: sharing, journals: [JournalFile(short)], model: nil)
        }
    }
}
