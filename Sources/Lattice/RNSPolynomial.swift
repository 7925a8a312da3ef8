import CKernels

/// How a polynomial is represented. Only the two forms below exist.
public protocol PolynomialForm: Sendable {
    /// 0 or 1, in encodings.
    static var code: UInt8 { get }
}

/// By coefficients of X⁰ … X^(N−1).
public enum Coefficients: PolynomialForm { public static let code: UInt8 = 0 }

/// By values at the odd powers of ψ, in bit-reversed order; products are element-wise here.
public enum Evaluations: PolynomialForm { public static let code: UInt8 = 1 }

/// An element of Z_B[X]/(X^N + 1), where B is the product of the basis' primes, by its residues.
///
/// Limb j holds the N residues modulo prime j, each in [0, q_j); limbs lie behind each other in one buffer. Values are
/// copied when written to while shared. Operands of one operation must have equal bases; mixing them is a caller's bug
/// and stops the program.
public struct RNSPolynomial<Form: PolynomialForm>: Sendable {
    public private(set) var basis: RNSBasis
    private var storage: LimbStorage

    /// Whether the memory is wiped when it is released. What is computed from a secret polynomial is secret too.
    public var isSecret: Bool { storage.isSecret }
    public var degree: Int { basis.ring.degree }
    /// Limbs.
    public var count: Int { basis.count }

    /// Zero.
    public init(zero basis: RNSBasis, isSecret: Bool = false) {
        self.init(uninitialized: basis, isSecret: isSecret)
        storage.words.initialize(repeating: 0, count: storage.count)
    }

    /// Memory that the caller fills before anyone reads it.
    init(uninitialized basis: RNSBasis, isSecret: Bool = false) {
        self.basis = basis
        storage = LimbStorage(count: basis.count * basis.ring.degree, isSecret: isSecret)
    }

    /// The same memory read in the other form; for the transforms.
    init<Other>(reinterpreting other: consuming RNSPolynomial<Other>) {
        basis = other.basis
        storage = other.storage
    }

    // MARK: Memory

    /// Residues of limb j, N of them, in [0, q_j).
    public func withLimb<Result>(_ j: Int, _ body: (UnsafeBufferPointer<UInt64>) throws -> Result) rethrows -> Result {
        try body(UnsafeBufferPointer(start: limb(j), count: degree))
    }

    /// For kernels of other modules: the residues of limb j for writing. They must end in [0, q_j).
    package mutating func withMutableLimb<Result>(
        _ j: Int, _ body: (UnsafeMutableBufferPointer<UInt64>) throws -> Result
    ) rethrows -> Result {
        let words = unique()
        precondition((0..<count).contains(j), "limb: got \(j), want 0..<\(count)")
        return try body(UnsafeMutableBufferPointer(start: words + j * degree, count: degree))
    }

    /// Valid while `self` is alive and not written to.
    func limb(_ j: Int) -> UnsafePointer<UInt64> {
        precondition((0..<count).contains(j), "limb: got \(j), want 0..<\(count)")
        return UnsafePointer(storage.words + j * degree)
    }

    /// The buffer for writing, after making it ours alone.
    mutating func unique() -> UnsafeMutablePointer<UInt64> {
        if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
        return storage.words
    }

    /// The words as they are, and the buffer for what replaces them: the same if it is ours alone, otherwise a new one, so
    /// that nothing is copied only to be overwritten. `owner` must live until the old words have been read.
    mutating func replacing(
        becomesSecret: Bool = false
    ) -> (old: UnsafePointer<UInt64>, new: UnsafeMutablePointer<UInt64>, owner: LimbStorage?) {
        var owner: LimbStorage?
        let old = UnsafePointer(storage.words)
        if !isKnownUniquelyReferenced(&storage) {
            owner = storage
            storage = LimbStorage(count: storage.count, isSecret: storage.isSecret)
        }
        if becomesSecret { storage.isSecret = true }
        return (old, storage.words, owner)
    }

    /// Marks a value as secret, so that its memory is wiped when released.
    mutating func makeSecret() {
        guard !isSecret else { return }
        _ = unique()
        storage.isSecret = true
    }

    /// The same polynomial modulo fewer primes: the first `count` ciphertext primes, no special ones.
    ///
    /// Correct as an integer polynomial only while its coefficients are small against the remaining primes.
    public func dropping(toCiphertextPrimes count: Int) -> Self {
        precondition((1...basis.ciphertextPrimes).contains(count), "count: want 1...\(basis.ciphertextPrimes)")
        if count == basis.ciphertextPrimes && basis.specialPrimes == 0 { return self }
        let result = Self(uninitialized: basis.ring.basis(count), isSecret: isSecret)
        result.storage.words.update(from: storage.words, count: count * degree)
        return result
    }

    /// The limbs of the ciphertext primes, or of the special primes, of a larger basis.
    func selecting(_ target: RNSBasis) -> Self {
        var result = Self(uninitialized: target, isSecret: isSecret)
        let words = result.unique()
        for j in 0..<target.count {
            let source = (0..<count).first { basis.index($0) == target.index(j) }!
            (words + j * degree).update(from: limb(source), count: degree)
        }
        return result
    }
}

extension RNSPolynomial: Equatable {
    /// Equal bases and residues. Not for secrets: stops at the first difference.
    public static func == (left: Self, right: Self) -> Bool {
        guard left.basis == right.basis else { return false }
        let (a, b) = (left.storage.words, right.storage.words)
        if a == b { return true }
        return (0..<left.storage.count).allSatisfy { a[$0] == b[$0] }
    }
}

extension RNSPolynomial: CustomStringConvertible {
    public var description: String { "RNSPolynomial<\(Form.self)>(N = \(degree), \(count) primes)" }
}

// MARK: Transforms

extension RNSPolynomial<Coefficients> {
    /// Values at the odd powers of ψ. In place when this value is the only owner of its memory.
    /// - Cost: per prime N/2 · log₂ N butterflies.
    public consuming func transformed() -> RNSPolynomial<Evaluations> {
        let basis = basis
        let n = degree
        nonisolated(unsafe) let words = unique()
        basis.ring.forEachLimb(basis.count, cost: 4) { j in basis.tables(j).forward(words + j * n) }
        return RNSPolynomial<Evaluations>(reinterpreting: self)
    }
}

extension RNSPolynomial<Evaluations> {
    /// The coefficients again.
    public consuming func transformed() -> RNSPolynomial<Coefficients> {
        let basis = basis
        let n = degree
        nonisolated(unsafe) let words = unique()
        basis.ring.forEachLimb(basis.count, cost: 4) { j in basis.tables(j).inverse(words + j * n) }
        return RNSPolynomial<Coefficients>(reinterpreting: self)
    }
}
