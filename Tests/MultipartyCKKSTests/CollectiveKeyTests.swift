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
