import Foundation
import Lattice
import Parallelism

/// Seconds that operations take, from three numbers measured on this machine.
///
/// Every operation is counted in transforms, in passes over one limb through memory, and in products that are summed in
/// the cache; the counts follow from the algorithms of `Lattice`. Meant for comparing parameters and for telling a user
/// what to expect, within a factor of about two.
public struct CostModel: Sendable, Hashable {
    /// Of one butterfly of the number-theoretic transform.
    public var secondsPerButterfly: Double
    /// Of one element of a sum of two large polynomials, memory traffic included.
    public var secondsPerElement: Double
    /// Of one product within a long sum of products.
    public var secondsPerProduct: Double

    public init(secondsPerButterfly: Double, secondsPerElement: Double, secondsPerProduct: Double) {
        self.secondsPerButterfly = secondsPerButterfly
        self.secondsPerElement = secondsPerElement
        self.secondsPerProduct = secondsPerProduct
    }

    /// Measures all three for about twenty milliseconds.
    public static func measured() -> CostModel {
        let literal = RingParameters.Literal(
            logDegree: 13, moduliBits: [50, 50, 50, 50], specialModuliBits: [], security: .insecureForTestsOnly)
        guard let parameters = try? RingParameters(literal) else {
            preconditionFailure("the ring of the measurement exists")
        }
        let ring = Ring(parameters)
        let limbs = Double(ring.ciphertextBasis.count)
        let n = Double(ring.degree)
        let start = RNSPolynomial<Coefficients>(
            signed: (0..<ring.degree).map { Int64($0) }, basis: ring.ciphertextBasis)
        let clock = ContinuousClock()
        var best = (transform: Double.infinity, pass: Double.infinity, product: Double.infinity)
        func seconds(since begin: ContinuousClock.Instant) -> Double {
            let elapsed = (clock.now - begin).components
            return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        }
        // The least of many: whatever else the machine does only adds.
        for _ in 0..<16 {
            let copy = start + start
            let begin = clock.now
            _ = roundTrip(copy)
            best.transform = min(best.transform, seconds(since: begin))
        }
        let terms = (0..<24).map { _ in start.transformed() as RNSPolynomial<Evaluations> }
        var sums = (0..<24).map { terms[$0] + terms[23 - $0] }
        for _ in 0..<8 {
            let begin = clock.now
            for index in sums.indices { sums[index].add(terms[index]) }
            best.pass = min(best.pass, seconds(since: begin))
        }
        let pairs = (0..<8).map { (terms[$0], terms[$0 + 8]) }
        for _ in 0..<8 {
            let begin = clock.now
            _ = RNSPolynomial.innerProduct(pairs)
            best.product = min(best.product, seconds(since: begin))
        }
        // One core's share: loops over limbs run on all of them.
        let cores = min(Double(Cores.count), limbs)
        return CostModel(
            secondsPerButterfly: cores * best.transform / (2 * limbs * n / 2 * Double(ring.logDegree)),
            secondsPerElement: cores * best.pass / (24 * limbs * n),
            secondsPerProduct: cores * best.product / (8 * limbs * n))
    }

    /// Owned, so that both transforms work in place.
    private static func roundTrip(_ polynomial: consuming RNSPolynomial<Coefficients>) -> RNSPolynomial<Coefficients> {
        let evaluations = polynomial.transformed() as RNSPolynomial<Evaluations>
        return evaluations.transformed()
    }

    /// Transforms, passes and products, each over one limb.
    struct Work {
        var transforms = 0.0
        var passes = 0.0
        var products = 0.0
    }

    /// What one operation costs at a level. Bootstrapping is counted by the operations inside it.
    static func work(_ operation: CircuitRecord.Operation, level: Int, chain: ScaleChain) -> Work {
        let limbs = Double(level + 1)
        let special = Double(chain.digitSize)
        let digits = special > 0 ? (limbs / special).rounded(.up) : 0
        let extended = limbs + special
        // Own primes of a digit need no transform.
        let decompose = Work(
            transforms: limbs + digits * extended - limbs, products: digits * extended * min(special, limbs))
        let products = Work(
            transforms: 2 * special + 2 * limbs, passes: 2 * limbs,
            products: 2 * digits * extended + 2 * limbs * special)
        switch operation {
        case .add: return Work(passes: 2 * limbs)
        case .scale, .multiplyPlain: return Work(passes: 2 * limbs, products: 2 * limbs)
        case .tensor: return Work(passes: 3 * limbs, products: 4 * limbs)
        case .rescale: return Work(transforms: 2 * limbs, passes: 4 * limbs)
        case .encode: return Work(transforms: limbs + 2, passes: 2 * limbs)
        case .decompose: return decompose
        case .hoistedRotation:
            return Work(
                transforms: products.transforms, passes: products.passes + 2 * limbs + digits * extended,
                products: products.products)
        case .keySwitch:
            return Work(
                transforms: decompose.transforms + products.transforms,
                passes: products.passes + 2 * limbs, products: decompose.products + products.products)
        case .bootstrap: return Work()
        }
    }

    /// Seconds of one core for everything a record counted.
    public func seconds(_ counts: [CircuitRecord.Entry: Int], chain: ScaleChain) -> Double {
        let n = Double(chain.degree)
        return counts.reduce(0) { total, item in
            let work = Self.work(item.key.operation, level: item.key.level, chain: chain)
            let one =
                work.transforms * n / 2 * Double(chain.logDegree) * secondsPerButterfly
                + work.passes * n * secondsPerElement + work.products * n * secondsPerProduct
            return total + one * Double(item.value)
        }
    }
}
