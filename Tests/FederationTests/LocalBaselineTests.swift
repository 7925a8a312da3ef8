import BinaryCoding
import Federation
import TacitTestSupport
import Testing

/// Each site alone: what the study says is what models do that are trained one by one, outside of it.
@Suite struct LocalBaselineTests {
    /// The sums of a site's own model, with nothing of the study but its recipe.
    private func sums(_ test: TestStudy, _ index: Int) throws -> EvaluationSums {
        let study = test.study
        let local = LocalTraining(
            network: study.network, parameters: study.literal.training, correction: .none)
        let data = test.data(index)
        var model = try study.network.initialModel()
        for round in 0..<study.rounds {
            let name = "order of rows \(study.seed) \(test.identities[index].name) \(round)"
            let seed = Fingerprint(of: Array(name.utf8)).bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
            let change = try local.run(from: model, data, scaling: nil, round: round, seed: seed).change
            model = try model.replacing(zip(model.weights, change).map(+))
        }
        return EvaluationSums(
            scores: try data.scores(of: data.heldOut, model, study.network, scaling: nil),
            targets: data.heldOut.map { data.rows.targets[$0] }, task: study.task)
    }

    @Test(arguments: [
        (ProtectionKind.none, "fedprox"), (.secagg, "fedavg"), (.ckks, "fedavg"), (.paillier, "fedavg"),
        (.none, "scaffold"), (.none, "fedbuff"),
    ]) func figuresAreThoseOfModelsTrainedOneByOne(_ kind: ProtectionKind, _ strategy: String) throws {
        func make(_ isWanted: Bool) throws -> TestStudy {
            try TestStudy(
                kind: kind,
                strategy: StrategyLiteral(name: strategy, mu: strategy == "fedprox" ? 0.1 : nil)
            ) { $0.localBaseline = isWanted ? true : nil }
        }
        let test = try make(true)
        let run = try test.result().coordinator
        var expected = try sums(test, 0)
        for index in 1..<test.identities.count {
            let one = try sums(test, index)
            expected.rows += one.rows
            expected.right += one.right
            expected.loss += one.loss
            expected.histogram = zip(expected.histogram, one.histogram).map(+)
        }
        let (found, wanted) = (try #require(run.alone), expected.metrics)
        #expect(found.rows == 40 && found.accuracy == wanted.accuracy)
        #expect(found.auroc == wanted.auroc && found.auprc == wanted.auprc && found.majority == wanted.majority)
        #expect(abs(found.loss - wanted.loss) < 1e-3)
        #expect(run.history.suffix(2).map(\.purpose) == ["local", "evaluation"])
        // Nothing of it is in the joint model, nor among the candidates for the best.
        let without = try make(false).result().coordinator
        #expect(without.alone == nil)
        #expect(without.model == run.model && without.result == run.result)
        #expect(without.best?.metrics == run.best?.metrics)
        let records = try test.result().store?.records ?? []
        #expect(try test.coordinator(replaying: records).alone == found)
    }

    @Test func refused() throws {
        #expect(
            message {
                _ = try TestStudy(
                    privacy: ClientPrivacy(
                        clippingNorm: 1, noiseMultiplier: 1, placement: .central, neighbouring: .addOrRemoveOne,
                        delta: 1e-5)
                ) { $0.localBaseline = true }
            }.contains("privacy: localBaseline takes exact counts of how the sites do alone; leave it out"))
        // A coordinator that asks for it in a study without it.
        let other = try TestStudy(rounds: 1) { $0.localBaseline = true }
        var coordinator = try other.coordinator()
        var sites = try other.identities.indices.map { try other.site($0) }
        var queue = sites.indices.flatMap { sites[$0].handle(.join).messages }
        var found: SessionTask?
        while !queue.isEmpty {
            for (name, bytes) in coordinator.handle(.message(queue.removeFirst())).messages {
                if case .task(let task) = try Instruction(decoding: bytes, study: other.study.fingerprint),
                    task.purpose == .local
                {
                    found = task
                }
                let index = other.identities.firstIndex { $0.name == name }!
                queue += sites[index].handle(.message(bytes)).messages
            }
        }
        let task = try #require(found)
        let test = try TestStudy(rounds: 1)
        var site = try test.site(0)
        _ = site.handle(.join)
        let answer = site.handle(.message(Instruction.task(task).encoded(study: test.study.fingerprint)))
        #expect(answer.messages.isEmpty && answer.record == nil)
        guard case .declined(let reason)? = answer.notices.first else {
            Issue.record("the site said nothing")
            return
        }
        #expect(reason == "task: the study asks no site to train alone")
    }
}
