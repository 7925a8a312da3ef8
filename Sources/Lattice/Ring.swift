import CKernels
import Parallelism
import Synchronization

/// Everything precomputed for one set of parameters: transform tables, base conversions, automorphism tables.
///
/// Polynomials keep their ring alive. Two rings with equal parameters are interchangeable.
public final class Ring: Sendable, Hashable, CustomStringConvertible {
    public let parameters: RingParameters
    /// Ciphertext primes, then special primes; limbs are numbered so.
    public let moduli: [Modulus]
    let tables: [NTTTables]
    /// The moduli's constants beside each other, for kernels.
    nonisolated(unsafe) let constants: UnsafeMutablePointer<tacit_modulus>
    private let conversions = Mutex<[ConversionKey: BasisConversion]>([:])
    private let automorphisms = Mutex<[UInt32: AutomorphismTable]>([:])

    public var degree: Int { parameters.degree }
    public var logDegree: Int { parameters.logDegree }
    public var description: String { parameters.description }

    /// - Cost: 2N multiplications per prime; 12 to 28 words of memory per coefficient and prime.
    public init(_ parameters: RingParameters) {
        self.parameters = parameters
        let all = parameters.moduli + parameters.specialModuli
        moduli = all
        tables = all.map { NTTTables.shared(logDegree: parameters.logDegree, modulus: $0) }
        constants = .allocate(capacity: all.count)
        for (index, modulus) in all.enumerated() { (constants + index).initialize(to: modulus.constants) }
        let made = tables
        parallelFor(made.count) { range in for index in range { _ = made[index].current } }
    }

    deinit { constants.deallocate() }

    public static func == (left: Ring, right: Ring) -> Bool {
        left === right || left.parameters == right.parameters
    }
    public func hash(into hasher: inout Hasher) { hasher.combine(parameters) }

    /// q₀ … q_{count−1}, without special primes.
    public func basis(_ count: Int) -> RNSBasis {
        precondition((1...parameters.moduli.count).contains(count), "count: want 1...\(parameters.moduli.count)")
        return RNSBasis(ring: self, ciphertextPrimes: count, specialPrimes: 0)
    }

    /// All ciphertext primes.
    public var ciphertextBasis: RNSBasis { basis(parameters.moduli.count) }

    /// All primes.
    public var keyBasis: RNSBasis { ciphertextBasis.withSpecialPrimes }

    /// ψ of the prime with this number: evaluation i is at ψ^(2·reverse(i) + 1).
    public func root(_ index: Int) -> UInt64 { tables[index].root }

    struct ConversionKey: Hashable {
        let sources: [Int]
        let targets: [Int]
    }

    func conversion(from sources: [Int], to targets: [Int]) -> BasisConversion {
        let key = ConversionKey(sources: sources, targets: targets)
        return conversions.withLock { cache in
            if let ready = cache[key] { return ready }
            let made = BasisConversion(sources: sources.map { moduli[$0] }, targets: targets.map { moduli[$0] })
            cache[key] = made
            return made
        }
    }

    func automorphism(_ element: GaloisElement) -> AutomorphismTable {
        automorphisms.withLock { cache in
            if let ready = cache[element.exponent] { return ready }
            let made = AutomorphismTable(element: element, logDegree: logDegree)
            cache[element.exponent] = made
            return made
        }
    }

    /// Runs `body` for every limb number below `count`, on several cores when one limb's share is worth it.
    /// - Parameter cost: rough nanoseconds per coefficient of one limb.
    func forEachLimb(_ count: Int, cost: Double, _ body: @Sendable (Int) -> Void) {
        let chunk = max(1, Int(50_000 / (cost * Double(degree))))
        parallelFor(count, chunk: chunk) { range in for limb in range { body(limb) } }
    }
}

/// The primes over which a polynomial is held: q₀ … q_l, and the special primes or not.
public struct RNSBasis: Hashable, Sendable, CustomStringConvertible {
    public let ring: Ring
    /// l + 1
    public let ciphertextPrimes: Int
    /// 0, or the number of all special primes.
    public let specialPrimes: Int

    /// Limbs of a polynomial over this basis.
    public var count: Int { ciphertextPrimes + specialPrimes }

    public var withSpecialPrimes: RNSBasis {
        RNSBasis(ring: ring, ciphertextPrimes: ciphertextPrimes, specialPrimes: ring.parameters.specialModuli.count)
    }
    public var withoutSpecialPrimes: RNSBasis {
        RNSBasis(ring: ring, ciphertextPrimes: ciphertextPrimes, specialPrimes: 0)
    }

    public var description: String { "\(ciphertextPrimes) + \(specialPrimes) primes of [\(ring)]" }

    /// Number in `ring.moduli` of a limb's prime.
    func index(_ limb: Int) -> Int {
        limb < ciphertextPrimes ? limb : limb - ciphertextPrimes + ring.parameters.moduli.count
    }

    public subscript(limb: Int) -> Modulus { ring.moduli[index(limb)] }
    public var moduli: [Modulus] { (0..<count).map { self[$0] } }

    func constants(_ limb: Int) -> UnsafePointer<tacit_modulus> { UnsafePointer(ring.constants + index(limb)) }
    func tables(_ limb: Int) -> NTTTables { ring.tables[index(limb)] }

    func require(_ other: RNSBasis, _ operation: String) {
        precondition(self == other, "\(operation): the operands are over different primes: \(self); \(other)")
    }
}
