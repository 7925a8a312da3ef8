import CKernels

/// The canonical embedding of a ring: between slots, complex numbers, and real coefficients.
///
/// With ζ = exp(iπ/N), slot j of the real polynomial m is z_j = m(ζ^(5^j)). With n < N/2 slots m is a polynomial in
/// X^(N/2n), whose other coefficients are zero. Nothing is scaled or rounded: what comes out of one direction goes back by
/// the other, but for an error of about 2⁻⁵² of the largest slot.
///
/// Twiddles are within 0.51 units in the last place, and no operation is fused: every tier and every machine gives the
/// same bits. No branch or address depends on a value.
/// - Cost: n/2 · log₂ n butterflies.
/// - Reference: Cheon, Kim, Kim, Song 2017 (ePrint 2016/421), section 2; sparse slots as in Cheon, Han, Kim, Kim, Song
///   2018 (ePrint 2018/153), section 4.
public final class SlotTransform: Sendable {
    /// N = 2^logDegree
    public let logDegree: Int
    nonisolated(unsafe) private let tables: OpaquePointer

    public var degree: Int { 1 << logDegree }
    /// N/2
    public var maximumSlots: Int { 1 << (logDegree - 1) }

    /// - Parameter logDegree: 4 … 17; anything else is a caller's bug.
    public init(logDegree: Int) {
        precondition((4...17).contains(logDegree), "logDegree: got \(logDegree), want 4...17")
        self.logDegree = logDegree
        guard let tables = tacit_slots_create(Int32(logDegree - 1)) else {
            fatalError("out of memory for the tables of the canonical embedding")
        }
        self.tables = tables
    }

    deinit { tacit_slots_destroy(tables) }

    // MARK: Arrays

    /// The N coefficients of the polynomial with these slots.
    /// - Parameters:
    ///   - real: real parts; their number n is a power of two, 1 … N/2.
    ///   - imaginary: imaginary parts, n of them; or none, which stands for zeros.
    public func coefficients(real: [Double], imaginary: [Double] = []) -> [Double] {
        precondition(
            imaginary.isEmpty || imaginary.count == real.count,
            "imaginary: got \(imaginary.count) values, want \(real.count) or none")
        return [Double](unsafeUninitializedCapacity: degree) { buffer, filled in
            real.withUnsafeBufferPointer { real in
                imaginary.withUnsafeBufferPointer { imaginary in
                    interpolate(
                        real: real.baseAddress!, imaginary: imaginary.isEmpty ? nil : imaginary.baseAddress!,
                        count: real.count, to: buffer.baseAddress!)
                }
            }
            filled = degree
        }
    }

    /// The first n slots of a polynomial.
    /// - Parameters:
    ///   - coefficients: N real coefficients; those whose number is not a multiple of N/2n are not looked at.
    ///   - n: a power of two, 1 … N/2.
    public func slots(
        coefficients: UnsafeBufferPointer<Double>, count n: Int
    ) -> (real: [Double], imaginary: [Double]) {
        precondition(coefficients.count == degree, "coefficients: got \(coefficients.count), want \(degree)")
        var imaginary: [Double] = []
        let real = [Double](unsafeUninitializedCapacity: n) { real, filledReal in
            imaginary = [Double](unsafeUninitializedCapacity: n) { imaginary, filled in
                evaluate(
                    coefficients.baseAddress!, count: n, real: real.baseAddress!, imaginary: imaginary.baseAddress!)
                filled = n
            }
            filledReal = n
        }
        return (real, imaginary)
    }

    // MARK: Buffers of the caller

    /// scale · the coefficients of the polynomial with these slots, without a new array.
    /// - Parameters:
    ///   - count: n, a power of two, 1 … N/2.
    ///   - target: N coefficients; must not overlap the slots.
    package func interpolate(
        real: UnsafePointer<Double>, imaginary: UnsafePointer<Double>?, count n: Int,
        scale: Double = 1, to target: UnsafeMutablePointer<Double>
    ) {
        require(n)
        let gap = maximumSlots / n
        // Slots may be secret, so the memory is wiped before others get it.
        let scratch = LimbStorage(count: gap == 1 ? 2 * n : 4 * n, isSecret: true)
        let work = UnsafeMutableRawPointer(scratch.words).assumingMemoryBound(to: Double.self)
        if gap == 1 {
            tacit_slots_interpolate(tables, target, target + n, real, imaginary, n, scale, work)
        } else {
            let dense = work + 2 * n
            tacit_slots_interpolate(tables, dense, dense + n, real, imaginary, n, scale, work)
            target.update(repeating: 0, count: degree)
            for k in 0..<2 * n { target[k * gap] = dense[k] }
        }
        withExtendedLifetime(scratch) {}
    }

    /// scale · the first n slots of the polynomial with these N coefficients, without a new array.
    /// - Parameter real, imaginary: n values each; must not overlap the coefficients.
    package func evaluate(
        _ coefficients: UnsafePointer<Double>, count n: Int, scale: Double = 1,
        real: UnsafeMutablePointer<Double>, imaginary: UnsafeMutablePointer<Double>
    ) {
        require(n)
        let gap = maximumSlots / n
        if gap == 1 {
            tacit_slots_evaluate(tables, real, imaginary, coefficients, coefficients + n, n, scale)
            return
        }
        let scratch = LimbStorage(count: 2 * n, isSecret: true)
        let dense = UnsafeMutableRawPointer(scratch.words).assumingMemoryBound(to: Double.self)
        for k in 0..<2 * n { dense[k] = coefficients[k * gap] }
        tacit_slots_evaluate(tables, real, imaginary, dense, dense + n, n, scale)
        withExtendedLifetime(scratch) {}
    }

    private func require(_ n: Int) {
        precondition(
            (1...maximumSlots).contains(n) && n.nonzeroBitCount == 1,
            "slots: got \(n), want a power of two in 1...\(maximumSlots)")
    }
}
