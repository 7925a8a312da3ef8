import CKKS

// Sums over slots. No level is used; each rotation is a key switch.
extension CKKSEvaluator {
    /// Σ_i of the slots j + i·stride, i < count, in every slot j (cyclically).
    ///
    /// With stride·count = slots the result has period `stride` and says so: the sum over rows of a matrix that lies row
    /// after row, its columns being the stride.
    /// - Errors: `invalidSlots` unless 1 ≤ count and count·|stride| ≤ slots; `missingKey`.
    /// - Cost: ⌊log₂ count⌋ rotations, and one for each further one bit of count.
    public func sumSlots(
        _ x: CKKSCiphertext, count: Int, stride: Int = 1
    ) throws(CKKSError) -> CKKSCiphertext {
        guard count >= 1, stride >= 1, count <= x.slots / stride else {
            throw CKKSError(
                code: .invalidSlots,
                message: "sum: got \(count) slots at distance \(stride), want them within the \(x.slots) there are")
        }
        // power: Σ over 2^i slots; total: over those of the bits of count seen so far, which start behind `done`.
        var power = try settled(x)
        var total: CKKSCiphertext?
        var (length, done, left) = (1, 0, count)
        while true {
            if left & 1 == 1 {
                let part = try rotate(power, by: done * stride)
                if let sum = total { total = try add(sum, part) } else { total = part }
                done += length
            }
            left >>= 1
            if left == 0 { break }
            power = try add(power, try rotate(power, by: length * stride))
            length *= 2
        }
        let result = total!
        return count * stride == x.slots && stride.nonzeroBitCount == 1 ? result.relabelled(slots: stride) : result
    }

    /// The sum of all slots, in every slot.
    public func sumSlots(_ x: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try sumSlots(x, count: x.slots)
    }

    /// Σ_j a_j·b_j, in every slot: one level.
    public func innerProduct(_ a: CKKSCiphertext, _ b: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        try sumSlots(try multiply(a, b))
    }

    /// Slot `index` in every slot: one level.
    public func broadcast(_ x: CKKSCiphertext, slot index: Int) throws(CKKSError) -> CKKSCiphertext {
        guard (0..<x.slots).contains(index) else {
            throw CKKSError(code: .invalidSlots, message: "slot: got \(index), want 0..<\(x.slots)")
        }
        var mask = [Double](repeating: 0, count: x.slots)
        mask[index] = 1
        let sum = try sumSlots(try multiply(x, mask))
        // All slots but one are zero.
        return sum.declaring(magnitude: x.magnitude)
    }

    /// Rotation steps of ``sumSlots(_:count:stride:)``.
    public static func rotationsOfSum(count: Int, stride: Int = 1) -> Set<Int> {
        var steps: Set<Int> = []
        var (length, done, left) = (1, 0, count)
        while left > 0 {
            if left & 1 == 1 {
                if done > 0 { steps.insert(done * stride) }
                done += length
            }
            left >>= 1
            if left > 0 { steps.insert(length * stride) }
            length *= 2
        }
        return steps
    }
}
