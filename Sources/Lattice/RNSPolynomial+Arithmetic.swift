import CKernels

extension RNSPolynomial {
    /// Applies a kernel limb by limb, in place: words, the modulus, the limb number.
    mutating func update(
        cost: Double = 0.5,
        _ kernel: @Sendable (UnsafeMutablePointer<UInt64>, UnsafePointer<tacit_modulus>, Int) -> Void
    ) {
        let (basis, n) = (basis, degree)
        nonisolated(unsafe) let words = unique()
        basis.ring.forEachLimb(basis.count, cost: cost) { j in kernel(words + j * n, basis.constants(j), j) }
    }

    /// The same for kernels that read from one buffer and write to another (or the same), which saves copying what is
    /// shared: output, own words, the modulus, the limb number.
    mutating func replace(
        cost: Double = 0.5, becomesSecret: Bool = false,
        _ kernel:
            @Sendable (
                UnsafeMutablePointer<UInt64>, UnsafePointer<UInt64>, UnsafePointer<tacit_modulus>, Int
            ) -> Void
    ) {
        let (basis, n) = (basis, degree)
        let replaced = replacing(becomesSecret: becomesSecret)
        nonisolated(unsafe) let (old, new) = (replaced.old, replaced.new)
        basis.ring.forEachLimb(basis.count, cost: cost) { j in
            kernel(new + j * n, old + j * n, basis.constants(j), j)
        }
        withExtendedLifetime(replaced.owner) {}
    }

    /// self + other
    public mutating func add(_ other: Self) {
        basis.require(other.basis, "add")
        let n = degree
        replace(becomesSecret: other.isSecret) { out, own, q, j in tacit_vector_add(out, own, other.limb(j), n, q) }
    }

    /// self − other
    public mutating func subtract(_ other: Self) {
        basis.require(other.basis, "subtract")
        let n = degree
        replace(becomesSecret: other.isSecret) { out, own, q, j in
            tacit_vector_subtract(out, own, other.limb(j), n, q)
        }
    }

    /// −self
    public mutating func negate() {
        let n = degree
        replace { out, own, q, _ in tacit_vector_negate(out, own, n, q) }
    }

    /// self · s for an integer s.
    public mutating func multiply(byInteger s: Int64) {
        let (n, basis) = (degree, basis)
        replace { out, own, q, j in tacit_vector_scale(out, own, basis[j].residue(s), n, q) }
    }

    /// self · s for a constant given by its residues, one per limb, each in [0, q_j).
    public mutating func multiply(byResidues s: [UInt64]) {
        precondition(s.count == count, "residues: got \(s.count), want \(count)")
        let n = degree
        replace { out, own, q, j in tacit_vector_scale(out, own, s[j] % q.pointee.value, n, q) }
    }

    public static func + (left: consuming Self, right: Self) -> Self {
        left.add(right)
        return left
    }
    public static func - (left: consuming Self, right: Self) -> Self {
        left.subtract(right)
        return left
    }
    public static prefix func - (value: consuming Self) -> Self {
        value.negate()
        return value
    }
    public static func += (left: inout Self, right: Self) { left.add(right) }
    public static func -= (left: inout Self, right: Self) { left.subtract(right) }
}

extension RNSPolynomial<Evaluations> {
    /// self · other
    public mutating func multiply(by other: Self) {
        basis.require(other.basis, "multiply")
        let n = degree
        replace(cost: 1, becomesSecret: other.isSecret) { out, own, q, j in
            tacit_vector_multiply(out, own, other.limb(j), n, q)
        }
    }

    /// self + a · b
    public mutating func addProduct(_ a: Self, _ b: Self) {
        basis.require(a.basis, "addProduct")
        basis.require(b.basis, "addProduct")
        let n = degree
        replace(cost: 1, becomesSecret: a.isSecret || b.isSecret) { out, own, q, j in
            tacit_vector_multiply_add(out, a.limb(j), b.limb(j), own, n, q)
        }
    }

    /// self + a · s for a constant by residues, one per limb.
    public mutating func addProduct(_ a: Self, byResidues s: [UInt64]) {
        basis.require(a.basis, "addProduct")
        precondition(s.count == count, "residues: got \(s.count), want \(count)")
        let n = degree
        replace(cost: 1, becomesSecret: a.isSecret) { out, own, q, j in
            tacit_vector_scale_add(out, a.limb(j), s[j] % q.pointee.value, own, n, q)
        }
    }

    /// Adds a constant polynomial given by its residues, one per limb: its value is the same everywhere.
    public mutating func addConstant(residues s: [UInt64]) {
        precondition(s.count == count, "residues: got \(s.count), want \(count)")
        let n = degree
        replace { out, own, q, j in tacit_vector_add_constant(out, own, s[j] % q.pointee.value, n, q) }
    }

    public static func * (left: consuming Self, right: Self) -> Self {
        left.multiply(by: right)
        return left
    }

    /// Σₖ aₖ · bₖ, with one reduction per fifteen products.
    /// - Parameter pairs: 1 … 4096 of them; all over one basis.
    public static func innerProduct(_ pairs: [(Self, Self)]) -> Self {
        precondition((1...4096).contains(pairs.count), "pairs: got \(pairs.count), want 1...4096")
        let basis = pairs[0].0.basis
        for (a, b) in pairs {
            basis.require(a.basis, "innerProduct")
            basis.require(b.basis, "innerProduct")
        }
        let n = basis.ring.degree
        let isSecret = pairs.contains { $0.0.isSecret || $0.1.isSecret }
        var result = Self(uninitialized: basis, isSecret: isSecret)
        result.update(cost: 0.5 * Double(pairs.count)) { out, q, j in
            let a = pairs.map { Optional($0.0.limb(j)) }
            let b = pairs.map { Optional($0.1.limb(j)) }
            tacit_vector_dot(out, a, b, pairs.count, n, q)
        }
        return result
    }
}
