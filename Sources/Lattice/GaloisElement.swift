import CKernels

/// The automorphism X → X^g of the ring, g odd.
public struct GaloisElement: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// g in [1, 2N), odd.
    public let exponent: UInt32
    public var description: String { "X → X^\(exponent)" }

    /// - Errors: `invalidGaloisElement` unless g is odd and below 2N.
    public init(exponent: UInt32, logDegree: Int) throws(LatticeError) {
        guard exponent % 2 == 1, exponent >> UInt32(logDegree + 1) == 0 else {
            throw LatticeError(
                code: .invalidGaloisElement,
                message: "Galois element: got \(exponent), want an odd number below \(2 << logDegree)")
        }
        self.exponent = exponent
    }

    private init(unchecked exponent: UInt32) { self.exponent = exponent }

    /// X → X^(5^steps): moves slot i + steps to slot i in encodings that number slots by powers of 5. Negative steps go
    /// the other way.
    public static func rotation(by steps: Int, logDegree: Int) -> Self {
        let slots = 1 << (logDegree - 1)
        var power = ((steps % slots) + slots) % slots
        let mask = UInt32(2 << logDegree) &- 1
        var (result, square) = (UInt32(1), UInt32(5))
        while power > 0 {
            if power & 1 == 1 { result = result &* square & mask }
            square = square &* square & mask
            power >>= 1
        }
        return Self(unchecked: result)
    }

    /// X → X^(2N − 1) = X^(−1).
    public static func conjugation(logDegree: Int) -> Self { Self(unchecked: UInt32(2 << logDegree) - 1) }

    public static let identity = Self(unchecked: 1)

    /// The automorphism that undoes this one.
    public func inverse(logDegree: Int) -> Self {
        // The group of odd residues modulo 2N has exponent N/2.
        let mask = UInt32(2 << logDegree) &- 1
        var (result, square) = (UInt32(1), exponent)
        var power = (1 << (logDegree - 1)) - 1
        while power > 0 {
            if power & 1 == 1 { result = result &* square & mask }
            square = square &* square & mask
            power >>= 1
        }
        return Self(unchecked: result)
    }

    /// First `other`, then this one.
    public func composed(with other: Self, logDegree: Int) -> Self {
        Self(unchecked: exponent &* other.exponent & (UInt32(2 << logDegree) &- 1))
    }

    public static func < (left: Self, right: Self) -> Bool { left.exponent < right.exponent }
}

/// Where blocks of eight evaluations come from under an automorphism.
final class AutomorphismTable: Sendable {
    let element: GaloisElement
    nonisolated(unsafe) let blocks: UnsafeMutablePointer<UInt32>

    init(element: GaloisElement, logDegree: Int) {
        self.element = element
        blocks = .allocate(capacity: 1 << (logDegree - 3))
        tacit_automorphism_table(blocks, element.exponent, Int32(logDegree))
    }

    deinit { blocks.deallocate() }
}

extension RNSPolynomial<Evaluations> {
    /// a(X^g): a permutation of the evaluations.
    public func applying(_ element: GaloisElement) -> Self {
        let table = basis.ring.automorphism(element)
        let n = degree
        var result = Self(uninitialized: basis, isSecret: isSecret)
        result.update(cost: 0.5) { words, _, j in
            tacit_vector_automorphism(words, self.limb(j), table.blocks, element.exponent, n)
        }
        return result
    }
}

extension RNSPolynomial<Coefficients> {
    /// a(X^g): coefficient i goes to position g·i mod 2N, negated in the upper half.
    public func applying(_ element: GaloisElement) -> Self {
        let n = degree
        var result = Self(uninitialized: basis, isSecret: isSecret)
        result.update(cost: 2) { words, q, j in
            let source = self.limb(j)
            let modulus = q.pointee.value
            for i in 0..<n {
                let position = i &* Int(element.exponent) & (2 * n - 1)
                let value = source[i]
                let negated = value == 0 ? 0 : modulus &- value
                words[position & (n - 1)] = position < n ? value : negated
            }
        }
        return result
    }
}
