import CKKS

// Comparisons by composite polynomials. Values must lie in [−1, 1], differences too.
extension CKKSEvaluator {
    /// An approximation of the sign, within `sign.maximumError` where |x| ≥ `sign.gap`.
    /// - Errors: `invalidValue` when the magnitude is above 1.
    /// - Cost: `sign.depth` levels.
    public func sign(_ x: CKKSCiphertext, by sign: CompositeSign) throws(CKKSError) -> CKKSCiphertext {
        try applying(sign.stages, to: x).declaring(magnitude: sign.bound)
    }

    /// About 1 where a > b, about 0 where a < b, in between within the gap.
    public func isGreater(
        _ a: CKKSCiphertext, than b: CKKSCiphertext, by sign: CompositeSign
    ) throws(CKKSError) -> CKKSCiphertext {
        try applying(sign.stepStages, to: try subtract(a, b)).declaring(magnitude: (1 + sign.bound) / 2)
    }

    /// max(x, 0) = x·(1 + sign x)/2, within `sign.rectifierError`.
    /// - Cost: `sign.depth` + 1 levels.
    public func rectified(_ x: CKKSCiphertext, by sign: CompositeSign) throws(CKKSError) -> CKKSCiphertext {
        let step = try applying(sign.stepStages, to: x).declaring(magnitude: (1 + sign.bound) / 2)
        return try multiply(x, step)
    }

    /// |x| = x·sign x, within twice `sign.rectifierError`.
    public func absolute(_ x: CKKSCiphertext, by sign: CompositeSign) throws(CKKSError) -> CKKSCiphertext {
        try multiply(x, try self.sign(x, by: sign))
    }

    /// max(a, b) = b + max(a − b, 0), slot by slot.
    public func maximum(
        _ a: CKKSCiphertext, _ b: CKKSCiphertext, by sign: CompositeSign
    ) throws(CKKSError) -> CKKSCiphertext {
        try add(try rectified(try subtract(a, b), by: sign), b)
    }

    private func applying(_ stages: [ChebyshevPolynomial], to x: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        guard x.magnitude <= 1 else {
            throw CKKSError(
                code: .invalidValue,
                message: "sign: the values may reach \(x.magnitude), want at most 1; scale them down first")
        }
        var result = try settled(x)
        for stage in stages {
            // Every stage but the last maps [−1, 1] into itself.
            result = try evaluate(stage, on: result.magnitude > 1 ? result.declaring(magnitude: 1) : result)
        }
        return result
    }
}
