import CKernels

/// Constants that carry an integer given modulo q_0 … q_{k−1} over to other primes.
final class BasisConversion: Sendable {
    nonisolated(unsafe) private let words: UnsafeMutablePointer<UInt64>
    nonisolated(unsafe) private let moduli: UnsafeMutablePointer<tacit_modulus>
    nonisolated(unsafe) let constants: tacit_conversion
    /// [j] (q_0 ⋯ q_{k−1})⁻¹ mod p_j
    let inverseProduct: [UInt64]

    init(sources: [Modulus], targets: [Modulus]) {
        precondition((1...Int(TACIT_CONVERSION_SOURCES)).contains(sources.count))
        let (k, m) = (sources.count, targets.count)
        moduli = .allocate(capacity: k + m)
        for (index, modulus) in (sources + targets).enumerated() {
            (moduli + index).initialize(to: modulus.constants)
        }
        words = .allocate(capacity: k + m * k + m)
        let (inverse, matrix, product) = (words, words + k, words + k + m * k)
        for (i, q) in sources.enumerated() {
            var others: UInt64 = 1
            for (h, other) in sources.enumerated() where h != i {
                others = q.multiply(others, other.value % q.value)
            }
            inverse[i] = q.inverse(others)
        }
        inverseProduct = targets.enumerated().map { j, p in
            var all: UInt64 = 1
            for q in sources { all = p.multiply(all, q.value % p.value) }
            product[j] = p.negate(all)
            for i in sources.indices {
                var others: UInt64 = 1
                for (h, other) in sources.enumerated() where h != i {
                    others = p.multiply(others, other.value % p.value)
                }
                matrix[j * k + i] = others
            }
            return all == 0 ? 0 : p.inverse(all)
        }
        constants = tacit_conversion(
            sources: k, targets: m, source: moduli, target: moduli + k, inverse: inverse, matrix: matrix,
            product: product)
    }

    deinit {
        words.deallocate()
        moduli.deallocate()
    }

    /// Converts all coefficients, a range of them on each core.
    /// - Parameters: pointers to N words, one per source and per target prime.
    func apply(_ source: [UnsafePointer<UInt64>], to target: [UnsafeMutablePointer<UInt64>], degree: Int, ring: Ring) {
        nonisolated(unsafe) let from = source.map { Optional($0) }
        nonisolated(unsafe) let to = target.map { Optional($0) }
        let step = min(degree, 1024)
        let cost = 0.15 * Double(source.count * (target.count + 2)) * Double(step) / Double(degree)
        ring.forEachLimb(degree / step, cost: cost) { part in
            withUnsafePointer(to: self.constants) { tacit_convert_centred(to, from, $0, part * step, step) }
        }
    }

    /// The half of it that is the same for all targets, a range of coefficients on each core: residues are replaced.
    /// - Parameter quotient: one word per coefficient.
    func prepare(
        _ source: [UnsafeMutablePointer<UInt64>], quotient: UnsafeMutablePointer<UInt64>, degree: Int, ring: Ring
    ) {
        nonisolated(unsafe) let (from, to) = (source.map { Optional(UnsafePointer($0)) }, source.map { Optional($0) })
        nonisolated(unsafe) let quotient = quotient
        let step = min(degree, 1024)
        let cost = 0.6 * Double(source.count) * Double(step) / Double(degree)
        ring.forEachLimb(degree / step, cost: cost) { part in
            withUnsafePointer(to: self.constants) { tacit_convert_prepare(to, quotient, from, $0, part * step, step) }
        }
    }

    /// The other half for one of the targets.
    func finish(
        _ source: [UnsafePointer<UInt64>], quotient: UnsafePointer<UInt64>, target: Int,
        to words: UnsafeMutablePointer<UInt64>, degree: Int
    ) {
        var one = constants
        one.targets = 1
        one.target = constants.target + target
        one.matrix = constants.matrix + target * constants.sources
        one.product = constants.product + target
        let from = source.map { Optional($0) }
        withUnsafePointer(to: one) { tacit_convert_finish([words], from, quotient, $0, 0, degree) }
    }

    /// The other half for all targets, on this core.
    func finish(
        _ source: [UnsafePointer<UInt64>], quotient: UnsafePointer<UInt64>, to target: [UnsafeMutablePointer<UInt64>],
        degree: Int
    ) {
        let (from, to) = (source.map { Optional($0) }, target.map { Optional($0) })
        // A run of all sources stays in the first cache for all targets.
        let step = min(degree, 512)
        withUnsafePointer(to: constants) {
            for first in stride(from: 0, to: degree, by: step) {
                tacit_convert_finish(to, from, quotient, $0, first, step)
            }
        }
    }
}

extension RNSPolynomial<Evaluations> {
    /// round(self / D) where D is the product of the dropped primes: the special ones, or the last `count` ciphertext
    /// primes when there are none.
    ///
    /// With x the coefficient nearest to zero modulo D, (a − x)/D is exact; the result differs from the real quotient by
    /// at most 1/2 (1/2 + 2⁻⁴⁰ at the boundary). This is rescaling, and the last step of key switching.
    /// - Cost: one inverse transform per dropped prime and one forward transform per remaining one.
    public func dividedByDroppedPrimes(_ count: Int = 1) -> Self {
        if basis.specialPrimes > 0 { return divided(dropping: 0) }
        precondition((1..<basis.ciphertextPrimes).contains(count), "count: want 1..<\(basis.ciphertextPrimes)")
        return divided(dropping: count)
    }

    /// The same for the last `count` ciphertext primes and the special ones, if there are any, at once.
    func divided(dropping count: Int) -> Self {
        let (ring, n) = (basis.ring, degree)
        let target = ring.basis(basis.ciphertextPrimes - count)
        // Behind each other in the buffer, with a gap in the ring when there are primes above this polynomial's.
        let dropped = target.count..<basis.count
        let conversion = ring.conversion(
            from: dropped.map { basis.index($0) }, to: (0..<target.count).map { target.index($0) })
        let low = LimbStorage(count: dropped.count * n, isSecret: isSecret)
        low.words.update(from: limb(dropped.lowerBound), count: dropped.count * n)
        ring.forEachLimb(dropped.count, cost: 4) { j in
            self.basis.tables(dropped.lowerBound + j).inverse(low.words + j * n)
        }
        let quotients = LimbStorage(count: dropped.count == 1 ? 8 : n, isSecret: isSecret)
        let sources = (0..<dropped.count).map { low.words + $0 * n }
        if sources.count > 1 { conversion.prepare(sources, quotient: quotients.words, degree: n, ring: ring) }
        var result = Self(uninitialized: target, isSecret: isSecret)
        nonisolated(unsafe) let (words, readable) = (result.unique(), sources.map { UnsafePointer($0) })
        ring.forEachLimb(target.count, cost: 5) { j in
            conversion.finish(readable, quotient: quotients.words, target: j, to: words + j * n, degree: n)
            target.tables(j).forward(words + j * n)
            tacit_vector_subtract_scale(
                words + j * n, self.limb(j), words + j * n, conversion.inverseProduct[j], n, target.constants(j))
        }
        withExtendedLifetime((low, quotients, self)) {}
        return result
    }
}
