import BinaryCoding
import CKKS
import Lattice
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

@Suite struct OpeningTests {
    @Test func dropoutsDoNotStopAnOpening() throws {
        var simulation = try PartySimulation(PartySimulation.group(5, threshold: 3), seed: 1)
        let x = simulation.values(4)
        let ciphertext = try simulation.encrypt(x)
        let group = simulation.setting.group
        // Four are asked, one never answers: nothing comes out of the three answers.
        let request = try OpeningRequest(opening: ciphertext, of: group, by: [1, 2, 3, 4], using: &simulation.random)
        var opening = try CollectiveOpening(request, opening: ciphertext, of: group)
        for party in [1, 3, 4] {
            var share = simulation.parties[party - 1].share
            let answer = try share.answer(request, opening: ciphertext, using: &simulation.random)
            #expect(try opening.receive(answer) == nil)
            simulation.parties[party - 1] = simulation.parties[party - 1].replacing(share)
        }
        #expect(opening.missing == [2])
        // The three that are there, by a new request; then others.
        for participants in [[1, 3, 4], [3, 4, 5], [1, 2, 3, 4, 5]] {
            let release = try simulation.openValues(ciphertext, by: participants)
            #expect(difference(release.real, x) <= release.errorBound && release.errorBound < 0.01)
        }
    }

    @Test func noiseOfOpeningsIsAsStated() throws {
        var simulation = try PartySimulation(PartySimulation.group(3, threshold: 3), seed: 2)
        let n = simulation.context.maximumSlots
        let x = simulation.values(n)
        let release = try simulation.openValues(simulation.encrypt(x), by: [1, 2, 3])
        let errors = zip(release.real, x).map { $0 - $1 } + release.imaginary
        // Real and imaginary part have half the variance of a slot each.
        let deviation = (errors.reduce(0) { $0 + $1 * $1 } / Double(n)).squareRoot()
        #expect(abs(deviation / release.noiseDeviation - 1) < 0.1, "\(deviation / release.noiseDeviation)")
        #expect(release.policy == simulation.setting.group.policy && release.bitsLost > 10)
    }

    @Test func aReceiverAloneReadsWhatIsSwitchedToItsKey() throws {
        var simulation = try PartySimulation(PartySimulation.group(3, threshold: 2), seed: 3)
        let x = simulation.values(16)
        let ciphertext = try simulation.encrypt(x)
        // The receiver has a key of its own, one holder.
        let receiver = CKKSSecretKey(
            CKKSContext(try PartySimulation.parameters(1)), using: &simulation.random)
        let publicKey = CKKSPublicKey(receiver, using: &simulation.random)
        guard case .ciphertext(let switched) = try simulation.open(ciphertext, by: [1, 3], for: publicKey) else {
            Issue.record("want a ciphertext")
            return
        }
        #expect(switched.key == receiver.identity)
        let opened = try receiver.decryptForOwner(switched)
        #expect(difference(opened.real, x) <= opened.errorBound && opened.errorBound < 0.1)
        // The shares themselves do not add up to the values.
        #expect(difference(simulation.decrypt(switched), x) > 10)
    }

    @Test func requestsThatMustNotBeAnsweredAreRefused() throws {
        var simulation = try PartySimulation(
            PartySimulation.group(3, threshold: 2, keys: .init(relinearisation: true), queries: 2), seed: 4)
        let group = simulation.setting.group
        var random = SeededRandom(seed: 8)
        let (a, b) = (try simulation.encrypt([0.5]), try simulation.encrypt([0.25]))
        #expect(
            message { _ = try OpeningRequest(opening: a, of: group, by: [2], using: &random) }
                == "participants: got 1, want at least 2 of 3")
        #expect(
            message { _ = try OpeningRequest(opening: a, of: group, by: [2, 2], using: &random) }
                == "participants: got [2, 2], want different numbers in 1...3")
        let lazy = try CKKSEvaluator(simulation.context).squareLazily(a)
        #expect(
            message { _ = try OpeningRequest(opening: lazy, of: group, by: [1, 2], using: &random) }
                == "ciphertext: got 3 parts, want 2; relinearise it first")

        let request = try OpeningRequest(opening: a, of: group, by: [1, 2], using: &random)
        var share = simulation.parties[0].share
        #expect(
            message { _ = try share.answer(request, opening: b, using: &random) }
                == "ciphertext: is not the one that the request names")
        var third = simulation.parties[2].share
        #expect(
            message { _ = try third.answer(request, opening: a, using: &random) }
                == "request: asks parties [1, 2], this is party 3")
        #expect(share.used == 0)
        let answer = try share.answer(request, opening: a, using: &random)
        #expect(
            message { _ = try share.answer(request, opening: a, using: &random) }
                == "request: was answered before; a second answer would average the noise away, make a new request")
        // The same nonce for another set.
        var encoder = BinaryEncoder()
        try OpeningRequest(opening: a, of: group, by: [1, 3], using: &random).encode(into: &encoder)
        var bytes = encoder.bytes
        bytes.replaceSubrange(32..<64, with: request.nonce.bytes)
        var decoder = BinaryDecoder(bytes)
        let reused = try OpeningRequest(decoding: &decoder)
        #expect(
            message { _ = try share.answer(reused, opening: a, using: &random) }
                == "request: its nonce was used for another set or ciphertext; make a new request")
        // The policy's openings are counted.
        let second = try OpeningRequest(opening: b, of: group, by: [1, 2], using: &random)
        _ = try share.answer(second, opening: b, using: &random)
        let more = try OpeningRequest(opening: b, of: group, by: [1, 2], using: &random)
        #expect(
            message { _ = try share.answer(more, opening: b, using: &random) }
                == "openings: all 2 of the key's policy are used; make a new key")

        var opening = try CollectiveOpening(second, opening: b, of: group)
        #expect(message { _ = try opening.receive(answer) }.hasPrefix("share of party 1: answers "))
        var fresh = simulation.parties[1].share
        let good = try fresh.answer(second, opening: b, using: &random)
        _ = try opening.receive(good)
        #expect(message { _ = try opening.receive(good) } == "share of party 2: got it twice")
        let stranger = OpeningShare(request: second.fingerprint, party: 3, content: good.content)
        #expect(message { _ = try opening.receive(stranger) } == "share of party 3: want one of [1, 2]")

        // A key of another run.
        let other = try PartySimulation(PartySimulation.group(3, threshold: 2), seed: 40)
        var foreign = other.parties[0].share
        #expect(message { _ = try foreign.answer(more, opening: b, using: &random) }.hasPrefix("request: is for key "))
        // More noise than values.
        let strict = try CollectiveGroup(
            parameters: group.parameters, threshold: 2, keys: .init(),
            policy: CKKSReleasePolicy(statisticalBits: 64, queries: 1 << 20), label: "strict")
        #expect(
            message { _ = try OpeningRequest(opening: a, of: strict, by: [1, 2], using: &random) }
                .contains("use fewer slots, a greater scale, or a policy of fewer openings"))
    }

    /// Two sets, one ciphertext: without masks a party's answers would be λ·x + e and λ′·x + e′ with small e, e′. With them
    /// the combination without x is as large as random, coefficient by coefficient.
    @Test func answersForTwoSetsDoNotCombine() throws {
        var simulation = try PartySimulation(PartySimulation.group(4, threshold: 3), seed: 9)
        let ciphertext = try simulation.encrypt(simulation.values(1024))
        let group = simulation.setting.group
        let ring = simulation.context.ring
        var limbs: [[UInt64]] = []
        let sets = [[1, 2, 3], [1, 2, 4]]
        for participants in sets {
            let request = try OpeningRequest(
                opening: ciphertext, of: group, by: participants, using: &simulation.random)
            var share = simulation.parties[0].share
            let answer = try share.answer(request, opening: ciphertext, using: &simulation.random)
            guard case .values(let values) = answer.content else { return }
            limbs.append(values[0])
        }
        let q = ring.moduli[0]
        // λ = 2/1 · 3/2 = 3 and λ′ = 2/1 · 4/3 = 8/3: without masks 8·d − 9·d′ is 8·e − 9·e′, far below q.
        var close = 0
        for i in limbs[0].indices {
            let left = q.multiply(limbs[0][i], 8)
            let right = q.multiply(limbs[1][i], 9)
            let gap = left >= right ? left - right : left + q.value - right
            if min(gap, q.value - gap) < q.value >> 6 { close += 1 }
        }
        // A thirty-second of uniform values would be that close.
        #expect(close < 3 * limbs[0].count / 32 && close > limbs[0].count / 128)
    }
}
