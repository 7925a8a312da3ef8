import Foundation
import Lattice

/// Seconds and bytes that operations take, from two numbers measured on this machine.
///
/// Every operation is counted in transforms and in passes over one limb; the counts follow from the algorithms of
/// `Lattice`. Meant for comparing parameters and for telling a user what to expect, within a factor of about two.
public struct CostModel: Sendable, Hashable {
    /// Of one butterfly of the number-theoretic transform.
    public var secondsPerButterfly: Double
    /// Of one multiplication with addition in an element-wise pass, memory traffic included.
    public var secondsPerElement: Double

    public init(secondsPerButterfly: Double, secondsPerElement: Double) {
        self.secondsPerButterfly = secondsPerButterfly
        self.secondsPerElement = secondsPerElement
    }

    /// Times both for about twenty milliseconds, one core.
    public static func measured() -> CostModel {
        let literal = RingParameters.Literal(
            logDegree: 13, moduliBits: [50], specialModuliBits: [], security: .insecureForTestsOnly)
        guard let parameters = try? RingParameters(literal) else {
            preconditionFailure("the ring of the measurement exists")
        }
        let ring = Ring(parameters)
        let n = ring.degree
        var polynomial = RNSPolynomial<Coefficients>(
            signed: (0..<n).map { Int64($0) }, basis: ring.ciphertextBasis)
        let clock = ContinuousClock()
        func best(_ body: () -> Void) -> Double {
            (0..<20).map { _ in
                let elapsed = clock.measure(body).components
                return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
            }.min()!
        }
        let transform = best {
            for _ in 0..<4 { polynomial = (polynomial.transformed() as RNSPolynomial<Evaluations>).transformed() }
        }
        // Of many limbs, so that memory counts as it does in real work.
        let many = (0..<16).map { _ in RNSPolynomial<Evaluations>(zero: ring.ciphertextBasis) }
        var sums = many
        let pass = best { for index in many.indices { sums[index].addProduct(many[index], many[15 - index]) } }
        return CostModel(
            secondsPerButterfly: transform / (8 * Double(n) / 2 * Double(ring.logDegree)),
            secondsPerElement: pass / (16 * Double(n)))
    }

    /// Transforms and passes over one limb.
    struct Work {
        var transforms = 0.0
        var passes = 0.0
    }

    /// What one operation costs at a level. Bootstrapping is counted by the operations inside it.
    static func work(_ operation: CircuitRecord.Operation, level: Int, chain: ScaleChain) -> Work {
        let limbs = Double(level + 1)
        let special = Double(chain.digitSize)
        let digits = special > 0 ? (limbs / special).rounded(.up) : 0
        let extended = limbs + special
        // Own primes of a digit need no transform.
        let decompose = Work(
            transforms: limbs + digits * extended - limbs, passes: digits * extended * min(special, limbs))
        let products = Work(
            transforms: 2 * special + 2 * limbs, passes: 2 * digits * extended + 2 * limbs * (special + 2))
        switch operation {
        case .add: return Work(passes: 2 * limbs)
        case .scale, .multiplyPlain: return Work(passes: 2 * limbs)
        case .tensor: return Work(passes: 4 * limbs)
        case .rescale: return Work(transforms: 2 * limbs, passes: 4 * limbs)
        case .encode: return Work(transforms: limbs + 2, passes: 2 * limbs)
        case .decompose: return decompose
        case .hoistedRotation:
            return Work(transforms: products.transforms, passes: products.passes + 4 * limbs)
        case .keySwitch:
            return Work(
                transforms: decompose.transforms + products.transforms,
                passes: decompose.passes + products.passes + 4 * limbs)
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
                + work.passes * n * secondsPerElement
            return total + one * Double(item.value)
        }
    }
}
