import CKernels

// Products of ciphertexts, a run of coefficients at a time: every word of the operands comes out of memory once.
extension RLWECiphertext {
    /// Coefficients that are done together: seven runs fit the first cache.
    private static let run = 512

    /// (a₀b₀, a₀b₁ + a₁b₀, a₁b₁) for two parts each; decrypts to the product of the messages.
    public func tensorProduct(_ other: RLWECiphertext) -> RLWECiphertext {
        precondition(
            parts.count == 2 && other.parts.count == 2,
            "tensor product: got \(parts.count) and \(other.parts.count) parts, want 2 each")
        basis.require(other.basis, "tensor product")
        let (a0, a1, b0, b1) = (parts[0], parts[1], other.parts[0], other.parts[1])
        return threeParts(cost: 1.5) { j, q, start, count, d0, d1, d2 in
            let (x0, x1) = (a0.limb(j) + start, a1.limb(j) + start)
            let (y0, y1) = (b0.limb(j) + start, b1.limb(j) + start)
            tacit_vector_multiply(d0, x0, y0, count, q)
            withUnsafePointer(to: (Optional(x0), Optional(x1))) { left in
                withUnsafePointer(to: (Optional(y1), Optional(y0))) { right in
                    left.withMemoryRebound(to: UnsafePointer<UInt64>?.self, capacity: 2) { left in
                        right.withMemoryRebound(to: UnsafePointer<UInt64>?.self, capacity: 2) { right in
                            tacit_vector_dot(d1, left, right, 2, count, q)
                        }
                    }
                }
            }
            tacit_vector_multiply(d2, x1, y1, count, q)
        }
    }

    /// (a₀², 2a₀a₁, a₁²)
    public func tensorSquare() -> RLWECiphertext {
        precondition(parts.count == 2, "tensor square: got \(parts.count) parts, want 2")
        let (a0, a1) = (parts[0], parts[1])
        return threeParts(cost: 1.2) { j, q, start, count, d0, d1, d2 in
            let (x0, x1) = (a0.limb(j) + start, a1.limb(j) + start)
            tacit_vector_multiply(d0, x0, x0, count, q)
            tacit_vector_multiply(d1, x0, x1, count, q)
            tacit_vector_add(d1, d1, d1, count, q)
            tacit_vector_multiply(d2, x1, x1, count, q)
        }
    }

    /// Every part times a polynomial, which is read once.
    public func multiplied(by factor: RNSPolynomial<Evaluations>) -> RLWECiphertext {
        basis.require(factor.basis, "multiply")
        let isSecret = factor.isSecret || parts.contains { $0.isSecret }
        let basis = basis
        var results = parts.map { _ in RNSPolynomial<Evaluations>(uninitialized: basis, isSecret: isSecret) }
        nonisolated(unsafe) let words = results.indices.map { results[$0].unique() }
        let (n, parts) = (basis.ring.degree, parts)
        basis.ring.forEachLimb(basis.count, cost: 0.6 * Double(parts.count)) { j in
            let q = basis.constants(j)
            for start in stride(from: 0, to: n, by: Self.run) {
                let (place, count) = (j * n + start, min(Self.run, n - start))
                for (part, out) in zip(parts, words) {
                    tacit_vector_multiply(out + place, part.limb(j) + start, factor.limb(j) + start, count, q)
                }
            }
        }
        return RLWECiphertext(parts: results)
    }

    /// Runs `body` for runs of coefficients of every limb: limb, modulus, first coefficient, how many, the three outputs.
    private func threeParts(
        cost: Double,
        _ body:
            @Sendable (
                Int, UnsafePointer<tacit_modulus>, Int, Int, UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<UInt64>,
                UnsafeMutablePointer<UInt64>
            ) -> Void
    ) -> RLWECiphertext {
        let isSecret = parts.contains { $0.isSecret }
        let basis = basis
        var results = (0..<3).map { _ in RNSPolynomial<Evaluations>(uninitialized: basis, isSecret: isSecret) }
        nonisolated(unsafe) let words = (0..<3).map { results[$0].unique() }
        let n = basis.ring.degree
        basis.ring.forEachLimb(basis.count, cost: cost) { j in
            let (q, d0, d1, d2) = (basis.constants(j), words[0] + j * n, words[1] + j * n, words[2] + j * n)
            for start in stride(from: 0, to: n, by: Self.run) {
                body(j, q, start, min(Self.run, n - start), d0 + start, d1 + start, d2 + start)
            }
        }
        return RLWECiphertext(parts: results)
    }
}
