import CKKS
import Foundation
import Lattice

/// A ciphertext's two polynomials, without what CKKS keeps about it.
struct RawCiphertext: Sendable {
    var c0: RNSPolynomial<Evaluations>
    var c1: RNSPolynomial<Evaluations>
    /// Primes q₀, q₁, …
    var primes: Int { c0.basis.ciphertextPrimes }

    func dropping(to primes: Int) -> RawCiphertext {
        RawCiphertext(
            c0: c0.dropping(toCiphertextPrimes: primes), c1: c1.dropping(toCiphertextPrimes: primes))
    }

    /// Divided by its last primes.
    func rescaled(_ count: Int) -> RawCiphertext {
        RawCiphertext(c0: c0.dividedByDroppedPrimes(count), c1: c1.dividedByDroppedPrimes(count))
    }

    mutating func add(_ other: RawCiphertext) {
        c0.add(other.c0)
        c1.add(other.c1)
    }

    mutating func subtract(_ other: RawCiphertext) {
        c0.subtract(other.c0)
        c1.subtract(other.c1)
    }

    mutating func multiplyByI() {
        c0.multiplyByImaginaryUnit()
        c1.multiplyByImaginaryUnit()
    }

    func applying(_ key: GaloisKey) -> RawCiphertext {
        let parts = key.applying(to: RLWECiphertext(parts: [c0, c1])).parts
        return RawCiphertext(c0: parts[0], c1: parts[1])
    }
}

/// How a matrix is split into baby steps b and giant steps G: Σ_G rot_G(Σ_b diagonal′ ⊙ rot_b(v)).
struct TransformPlan: Sendable {
    struct Diagonal: Sendable {
        /// Number in `babies`.
        let baby: Int
        /// Already shifted by −G.
        let values: [Complex]
    }
    /// Rotation steps; 0 among them when needed.
    let babies: [Int]
    /// Rotation step and the diagonals that it takes.
    let giants: [(step: Int, diagonals: [Diagonal])]
    let period: Int
    /// D: what the result is divided by, as a number of primes.
    let droppedPrimes: Int
    /// Scale of the encoded diagonals.
    let scale: Double

    var rotations: Set<Int> { Set(babies).union(giants.map(\.step)).subtracting([0]) }
    var count: Int { giants.reduce(0) { $0 + $1.diagonals.count } }

    /// - Parameter modulus: period of all vectors that are rotated; steps are taken modulo it.
    init(_ matrix: DiagonalMatrix, modulus: Int, droppedPrimes: Int, scale: Double) {
        let n = matrix.slots
        let offsets = matrix.diagonals.keys.map { $0 >= n / 2 && n > 1 ? $0 - n : $0 }.sorted()
        // All offsets are multiples of the least power of two among them.
        let stride = 1 << (offsets.filter { $0 != 0 }.map(\.trailingZeroBitCount).min() ?? 0)
        let spread = (offsets.last! - offsets[0]) / stride + 1
        // At least as many baby steps, which share one decomposition, as giant steps.
        var width = 1
        while width * width < spread { width *= 2 }
        func modulo(_ x: Int) -> Int { ((x % modulus) + modulus) % modulus }
        var babies: Set<Int> = []
        var groups: [Int: [(baby: Int, offset: Int)]] = [:]
        for offset in offsets {
            let index = offset / stride
            let giant = Int((Double(index) / Double(width)).rounded(.down)) * width
            babies.insert((index - giant) * stride)
            groups[giant * stride, default: []].append((baby: (index - giant) * stride, offset: offset))
        }
        let ordered = babies.sorted()
        self.babies = ordered
        period = matrix.period
        giants = groups.keys.sorted().map { giant in
            let diagonals = groups[giant]!.map { entry in
                let source = matrix.diagonals[((entry.offset % n) + n) % n]!
                let p = matrix.period
                let shifted = (0..<p).map { source[(($0 - giant) % p + p) % p] }
                return Diagonal(baby: ordered.firstIndex(of: entry.baby)!, values: shifted)
            }
            return (step: modulo(giant), diagonals: diagonals)
        }
        self.droppedPrimes = droppedPrimes
        self.scale = scale
    }

    /// Encoded for a number of ciphertext primes, over the special primes too.
    func encoded(_ context: CKKSContext, primes: Int) throws(CKKSError) -> EncodedTransform {
        let basis = context.ring.basis(primes).withSpecialPrimes
        let run = context.maximumSlots / period
        var lists: [[PeriodicPolynomial.Term]] = []
        for giant in giants {
            var list: [PeriodicPolynomial.Term] = []
            for diagonal in giant.diagonals {
                var coefficients = context.transform.coefficients(
                    real: diagonal.values.map(\.re), imaginary: diagonal.values.map(\.im))
                for index in coefficients.indices { coefficients[index] *= scale }
                let values = coefficients
                let polynomial = try wrapping(.invalidValue) { () throws(LatticeError) in
                    try RNSPolynomial<Coefficients>(rounding: values, basis: basis)
                }.transformed()
                list.append(.init(source: diagonal.baby, factor: PeriodicPolynomial(polynomial, run: run)))
            }
            lists.append(list)
        }
        return EncodedTransform(plan: self, terms: lists)
    }

    /// Bytes of the encoded diagonals.
    func bytes(_ chain: ScaleChain, primes: Int, special: Int) -> Int {
        count * (primes + special) * 8 * 2 * period
    }
}

/// A matrix ready to be applied to ciphertexts.
struct EncodedTransform: Sendable {
    let plan: TransformPlan
    let terms: [[PeriodicPolynomial.Term]]

    /// M·v, divided by D.
    ///
    /// Baby steps share one decomposition and stay over QP; the sums of products are divided by P once per giant step
    /// (and only the half that is switched again), the total once at the end.
    /// - Reference: double hoisting: Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021 (ePrint 2020/1203), section 4.
    func applied(
        to v: RawCiphertext, keys: [UInt32: GaloisKey], logDegree: Int
    ) throws(CKKSError) -> RawCiphertext {
        func key(_ step: Int) -> GaloisKey { keys[GaloisElement.rotation(by: step, logDegree: logDegree).exponent]! }
        func decomposed(_ c: RNSPolynomial<Evaluations>) throws(CKKSError) -> DecomposedPolynomial {
            try wrapping(.missingKey) { () throws(LatticeError) in try c.decomposed() }
        }
        let digits = try decomposed(v.c1)
        var babies: [(RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)] = []
        for step in plan.babies {
            if step == 0 {
                babies.append((v.c0.timesSpecialPrimes(), v.c1.timesSpecialPrimes()))
                continue
            }
            let key = key(step)
            var (u0, u1) = key.key.product(digits)
            u0.addTimesSpecialPrimes(v.c0)
            babies.append((u0.applying(key.element), u1.applying(key.element)))
        }
        let sums = PeriodicPolynomial.combinations(of: babies, terms)
        babies = []
        var total: (RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)?
        for (giant, sum) in zip(plan.giants, sums) {
            var part = sum
            if giant.step != 0 {
                let key = key(giant.step)
                let digits = try decomposed(sum.1.dividedByDroppedPrimes())
                let (u0, u1) = key.key.product(digits)
                part = ((sum.0 + u0).applying(key.element), u1.applying(key.element))
            }
            if total == nil {
                total = part
            } else {
                total!.0.add(part.0)
                total!.1.add(part.1)
            }
        }
        return RawCiphertext(c0: total!.0.dividedByDroppedPrimes(), c1: total!.1.dividedByDroppedPrimes())
            .rescaled(plan.droppedPrimes)
    }
}
