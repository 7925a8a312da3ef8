import BinaryCoding
import CKKS
import Lattice
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

@Suite struct CollectiveKeyTests {
    static let keys = CKKSKeyRequirements(relinearisation: true, conjugation: true, rotations: [1, 3])

    /// A circuit with every kind of evaluation key on data of several parties, its stated error, and its opening.
    @Test(arguments: [(2, 2), (3, 2), (3, 3), (5, 3)])
    func circuitsOnCollectivelyEncryptedData(parties: Int, threshold: Int) throws {
        var simulation = try PartySimulation(
            PartySimulation.group(parties, threshold: threshold, keys: Self.keys),
            seed: UInt64(10 * parties + threshold))
        #expect(simulation.parties.count == parties)
        #expect(Set(simulation.parties.map(\.identity)).count == 1)
        let n = 8
        let (x, y, z) = (simulation.values(n), simulation.values(n), simulation.values(n))
        // Each party's evaluation keys work; they are the same.
        for keys in [simulation.parties[0], simulation.parties[parties - 1]] {
            let evaluator = CKKSEvaluator(simulation.context, keys: keys.evaluationKeys)
            let (a, b, c) = (try simulation.encrypt(x), try simulation.encrypt(y), try simulation.encrypt(z))
            func check(_ name: String, _ result: CKKSCiphertext, _ wanted: [Double]) throws {
                let worst = difference(simulation.decrypt(result), wanted)
                #expect(worst <= result.errorBound, "\(name)")
                #expect(worst > result.errorBound * 1e-4 && result.errorBound < 1e-7, "\(name): \(worst)")
            }
            try check("fresh", a, x)
            let product = try evaluator.multiply(a, b)
            try check("product", product, zip(x, y).map(*))
            try check("rotation", evaluator.rotate(c, by: 3), (0..<n).map { z[($0 + 3) % n] })
            try check("conjugate", evaluator.conjugate(c), z)
            let result = try evaluator.square(evaluator.add(product, evaluator.rotate(c, by: 1)))
            let wanted = (0..<n).map { (i: Int) -> Double in
                let inner: Double = x[i] * y[i] + z[(i + 1) % n]
                return inner * inner
            }
            try check("circuit", result, wanted)
            let release = try simulation.openValues(result, by: Array(1...threshold))
            #expect(release.real.count == n && difference(release.real, wanted) <= release.errorBound)
            #expect(release.errorBound < 0.1 && release.errorBound > 100 * result.errorBound)
        }
    }

    /// The errors of collective keys have the variances that the stated bounds are computed from.
    @Test(arguments: [2, 5]) func errorsOfCollectiveKeysAreAsStated(parties: Int) throws {
        let simulation = try PartySimulation(
            PartySimulation.group(parties, threshold: parties, keys: Self.keys), seed: 77)
        let context = simulation.context
        let ring = context.ring
        let s = simulation.secret(ring.keyBasis)
        func variance(
            _ key: KeySwitchKey, from source: RNSPolynomial<Evaluations>, to target: RNSPolynomial<Evaluations>
        )
            -> Double
        {
            var (sum, count) = (0.0, 0.0)
            for (d, body) in key.bodies.enumerated() {
                var error = body
                error.addProduct(key.seed.polynomial(ring.keyBasis, label: .keySwitchKey, index: d), target)
                let factors = ring.keyBasis.moduli.enumerated().map { j, q in
                    j == d ? q.negate(ring.parameters.specialModuli[0].value % q.value) : 0
                }
                error.addProduct(source, byResidues: factors)
                for value in error.transformed().centredValues() {
                    sum += value * value
                    count += 1
                }
            }
            return sum / count
        }
        let chain = context.chain
        let keys = simulation.parties[0].evaluationKeys!
        let relinearisation = variance(keys.relinearisation!, from: s * s, to: s) / chain.relinearisationErrorVariance
        #expect(abs(relinearisation - 1) < 0.15, "\(relinearisation)")
        for key in keys.galois.values {
            let rotated = s.applying(key.element.inverse(logDegree: ring.logDegree))
            let ratio = variance(key.key, from: s, to: rotated) / chain.keyErrorVariance
            #expect(abs(ratio - 1) < 0.15, "\(ratio)")
        }
        #expect(keys.galois.count == 3 && keys.contents == Self.keys)
    }

    /// Parameters chosen for several key holders: the error that is planned holds under a key that they made.
    @Test func plansForSeveralKeyHoldersHold() throws {
        let circuit = CKKSCircuitClosure(inputs: { _ in [CircuitInput(slots: 8, magnitude: 1, underPublicKey: true)] })
        {
            inputs, evaluator throws(CKKSError) in
            let square = try evaluator.square(inputs[0])
            return [try evaluator.multiply(evaluator.add(square, evaluator.rotate(square, by: 1)), inputs[0])]
        }
        let cost = CostModel(secondsPerButterfly: 2e-10, secondsPerElement: 2e-10, secondsPerProduct: 2e-10)
        func plan(_ holders: Int) throws -> CircuitPlan {
            try circuit.plan(
                errorBound: 1e-5, security: .insecureForTestsOnly, keyHolders: holders, cost: cost, logDegrees: 11...11)
        }
        let (single, joint) = (try plan(1), try plan(4))
        #expect(joint.parameters.literal.keyHolders == 4 && joint.errorBound <= 1e-5)
        #expect(joint.parameters.literal.scaleBits > single.parameters.literal.scaleBits)
        let group = try CollectiveGroup(
            parameters: joint.parameters, threshold: 2, keys: joint.keys,
            policy: CKKSReleasePolicy(statisticalBits: 20, queries: 4), label: "planned")
        var simulation = try PartySimulation(group, seed: 31)
        let x = simulation.values(8)
        let evaluator = CKKSEvaluator(simulation.context, keys: simulation.parties[3].evaluationKeys)
        let result = try circuit.run([simulation.encrypt(x)], with: evaluator)[0]
        let wanted = (0..<8).map { (i: Int) -> Double in
            let next: Double = x[(i + 1) % 8]
            return (x[i] * x[i] + next * next) * x[i]
        }
        let worst = difference(simulation.decrypt(result), wanted)
        #expect(worst <= result.errorBound && result.errorBound <= joint.errorBound * 1.001)
        #expect(worst > result.errorBound * 1e-4)
    }

    /// Values that repeat with a smaller period than the slots are opened by it, with less noise.
    @Test func narrowedCiphertextsOpenWithLessNoise() throws {
        var simulation = try PartySimulation(PartySimulation.group(3, threshold: 2), seed: 33)
        let values = simulation.values(4)
        let wide = try simulation.encrypt((0..<256).map { values[$0 % 4] })
        let whole = try simulation.openValues(wide, by: [1, 2])
        let narrow = try simulation.openValues(wide.narrowed(to: 4), by: [1, 2])
        #expect(narrow.real.count == 4 && difference(narrow.real, values) <= narrow.errorBound)
        #expect(abs(whole.noiseDeviation / narrow.noiseDeviation - 8) < 1e-9)
        let foreseen = try simulation.setting.group.precision(opening: wide.narrowed(to: 4))
        #expect(foreseen.noiseDeviation == narrow.noiseDeviation)
    }

    @Test func thresholdSharesAddUpForEverySetThatIsLargeEnough() throws {
        let simulation = try PartySimulation(PartySimulation.group(5, threshold: 3), seed: 5)
        let basis = simulation.context.ring.basis(2)
        let s = simulation.secret(basis)
        func sum(_ participants: [Int]) -> RNSPolynomial<Evaluations> {
            participants.reduce(into: RNSPolynomial(zero: basis)) {
                $0.add(simulation.parties[$1 - 1].share.additive(among: participants, basis: basis))
            }
        }
        for participants in [[1, 2, 3], [3, 4, 5], [1, 3, 5], [1, 2, 4, 5], [1, 2, 3, 4, 5]] {
            #expect(sum(participants) == s, "\(participants)")
        }
        for participants in [[1, 2], [4, 5], [3]] { #expect(sum(participants) != s, "\(participants)") }
    }

    @Test func sharesAreStoredAndReadBack() throws {
        for threshold in [2, 3] {
            var simulation = try PartySimulation(PartySimulation.group(3, threshold: threshold), seed: 6)
            let ciphertext = try simulation.encrypt([0.25, -0.5])
            _ = try simulation.openValues(ciphertext, by: [1, 2, 3])
            for context in [simulation.context, nil] {
                for party in 1...3 {
                    let share = simulation.parties[party - 1].share
                    let back = try CollectiveKeyShare(
                        encoded: share.encoded(SecretAccess("test")), SecretAccess("test"), context: context)
                    #expect(back.party == party && back.used == 1 && back.identity == share.identity)
                    simulation.parties[party - 1] = simulation.parties[party - 1].replacing(back)
                }
            }
            let release = try simulation.openValues(ciphertext, by: [1, 2, 3])
            #expect(difference(release.real, [0.25, -0.5]) <= release.errorBound)
            #expect(simulation.parties[2].share.used == 2)
        }
    }
}
