import CKernels

/// A public polynomial in X^run by its evaluations, which are constant on blocks of `run`: only one word of each block
/// is held. Encodings of vectors with a period are such.
package struct PeriodicPolynomial: Sendable {
    package let basis: RNSBasis
    /// Length of the blocks, a power of two.
    package let run: Int
    private let storage: LimbStorage
    private var perLimb: Int { basis.ring.degree / run }

    package var bytes: Int { storage.count * 8 }

    /// - Parameter polynomial: with coefficients at multiples of X^run only.
    package init(_ polynomial: RNSPolynomial<Evaluations>, run: Int) {
        precondition(run > 0 && run.nonzeroBitCount == 1 && run <= polynomial.degree, "run: want a power of two")
        basis = polynomial.basis
        self.run = run
        let count = polynomial.degree / run
        storage = LimbStorage(count: polynomial.count * count, isSecret: false, lasting: true)
        for j in 0..<polynomial.count {
            let (limb, target) = (polynomial.limb(j), storage.words + j * count)
            for i in 0..<count { target[i] = limb[i * run] }
        }
        withExtendedLifetime(polynomial) {}
    }

    /// Positions first..<first + length of limb j: straight from memory, or written out into `scratch`.
    private func window(
        limb j: Int, first: Int, length: Int, scratch: UnsafeMutablePointer<UInt64>
    ) -> UnsafePointer<UInt64> {
        let own = UnsafePointer(storage.words) + j * perLimb
        if run == 1 { return own + first }
        var position = 0
        while position < length {
            let step = min(run - (first + position) % run, length - position)
            (scratch + position).update(repeating: own[(first + position) / run], count: step)
            position += step
        }
        return UnsafePointer(scratch)
    }

    /// One summand: a pair of polynomials, by its number, times a factor.
    package struct Term: Sendable {
        package let source: Int
        package let factor: PeriodicPolynomial
        package init(source: Int, factor: PeriodicPolynomial) {
            self.source = source
            self.factor = factor
        }
    }

    /// For each list of terms Σ factor · (u₀, u₁), all in one pass over the pairs, a stretch of each limb at a time that
    /// stays in the cache.
    package static func combinations(
        of pairs: [(RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)], _ lists: [[Term]]
    ) -> [(RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)] {
        let basis = pairs[0].0.basis
        let (ring, n) = (basis.ring, basis.ring.degree)
        for list in lists { for term in list { basis.require(term.factor.basis, "combinations") } }
        var results = lists.map { _ in
            (RNSPolynomial<Evaluations>(uninitialized: basis), RNSPolynomial<Evaluations>(uninitialized: basis))
        }
        let outs = results.indices.map { (results[$0].0.unique(), results[$0].1.unique()) }
        nonisolated(unsafe) let targets = outs
        let length = min(n, 1024)
        let most = lists.map(\.count).max() ?? 0
        let work = Double(lists.reduce(0) { $0 + $1.count })
        ring.forEachLimb(basis.count, cost: 0.5 * work) { j in
            let scratch = LimbStorage(count: max(1, most) * length, isSecret: false)
            for first in stride(from: 0, to: n, by: length) {
                for (number, list) in lists.enumerated() {
                    var factors: [UnsafePointer<UInt64>?] = []
                    for (k, term) in list.enumerated() {
                        factors.append(
                            term.factor.window(
                                limb: j, first: first, length: length, scratch: scratch.words + k * length))
                    }
                    let left = list.map { Optional(pairs[$0.source].0.limb(j) + first) }
                    let right = list.map { Optional(pairs[$0.source].1.limb(j) + first) }
                    let (out0, out1) = targets[number]
                    tacit_vector_dot_pair(
                        out0 + j * n + first, out1 + j * n + first, factors, left, right, list.count, length,
                        basis.constants(j))
                }
            }
        }
        withExtendedLifetime((pairs, lists)) {}
        return results
    }
}
