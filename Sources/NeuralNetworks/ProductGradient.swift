/// The gradient of a weight matrix W [p × d] that multiplies `positions` vectors of every row: dense layers (one
/// position), convolutions (one for every pixel of the output, A implicit), recurrent cells (one for every step).
///
/// With a_t ∈ ℝᵖ the inputs and g_t ∈ ℝᵈ the output gradients of one unit's n positions, its gradient is Σ a_t g_tᵀ.
/// The squared norm comes the cheaper way of three:
/// - n = 1: ‖a‖²‖g‖².
/// - ghost: Σ_{s,t} (a_s·a_t)(g_s·g_t), n²(p + d) products and no gradient;
/// - direct: the gradient itself, n·p·d products; kept when small, so that the clipped sum needs no second product and
///   the norm costs no more than reading and writing p·d numbers.
///
/// A bias is a further row of W with input 1.
/// - Reference: Goodfellow 2015 (n = 1); Li et al. 2022, section 4 (ghost); Bu et al. 2023 (choice, book-keeping).
struct ProductGradient<Scalar: NetworkScalar>: Sendable {
    let weight: Parameter<Scalar>
    let bias: Parameter<Scalar>?
    /// p and d.
    let inputs: Int
    let outputs: Int
    let positions: Int
    /// Where the inputs of position t begin, counted from the row's first number.
    let positionOffsets: [Int32]
    /// Where input k is, counted from the position's first.
    let inputOffsets: [Int32]
    /// Which part of the weights, for grouped convolutions: first number of the matrix, of the bias, of the outputs.
    var weightStart = 0
    var outputStart = 0
    /// Distance between the output gradients of two positions.
    var outputStride: Int
    /// Cache slots from here on are this rule's.
    var slot = 100

    /// Per-unit gradients are kept up to this many numbers in all.
    static var keptLimit: Int { 4 << 20 }

    init(
        weight: Parameter<Scalar>, bias: Parameter<Scalar>?, inputs: Int, outputs: Int, positionOffsets: [Int32],
        inputOffsets: [Int32]
    ) {
        self.weight = weight
        self.bias = bias
        self.inputs = inputs
        self.outputs = outputs
        positions = positionOffsets.count
        self.positionOffsets = positionOffsets
        self.inputOffsets = inputOffsets
        outputStride = outputs
    }

    /// Numbers of one unit's gradient.
    private var gradientCount: Int { inputs * outputs + (bias == nil ? 0 : outputs) }

    private enum Rule { case single, ghost, direct }

    private func rule(positions n: Int, canKeep: Bool) -> Rule {
        if n == 1 { return .single }
        // Twelve: a kept gradient is written, read for its norm and read for the sum, at about four products' time each.
        let direct = canKeep ? 12 * inputs * outputs : n * inputs * outputs
        return n * n * (inputs + outputs) < direct ? .ghost : .direct
    }

    // MARK: Norms

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func addSquaredNorms(
        input: Rows<Scalar>, gradient: Rows<Scalar>, _ cache: LayerCache<Scalar>, units: Units,
        to norms: UnsafeMutablePointer<Scalar>
    ) {
        cache.unitGradients[slot] = nil
        if units.areRows, positions == 1, inputs == 0 || Int(inputOffsets[inputs - 1]) == inputs - 1 {
            Scalar.addRowNorms(
                input.base + Int(positionOffsets[0]), stride: input.width, count: inputs, gradient.base + outputStart,
                stride: gradient.width, count: outputs, one: bias == nil ? 0 : 1, to: norms, rows: units.count)
            return
        }
        let canKeep = units.count * gradientCount <= Self.keptLimit
        let rules = (0..<units.count).map {
            rule(positions: (units.starts[$0 + 1] - units.starts[$0]) * positions, canKeep: canKeep)
        }
        let keeps = canKeep && rules.allSatisfy { $0 == .direct }
        let kept = keeps ? cache.rows(slot, count: units.count, width: gradientCount) : nil
        for unit in 0..<units.count {
            let rows = units.starts[unit]..<units.starts[unit + 1]
            switch rules[unit] {
            case .single: norms[unit] += single(input[rows.lowerBound], gradient[rows.lowerBound] + outputStart)
            case .ghost: norms[unit] += ghost(input, gradient, rows, cache)
            case .direct:
                let target = kept.map { $0[unit] } ?? cache.memory(slot, gradientCount)
                direct(input, gradient, rows, into: target, accumulate: false)
                norms[unit] += Scalar.sumOfSquares(target, gradientCount)
            }
        }
        cache.unitGradients[slot] = kept
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func single(_ input: UnsafeMutablePointer<Scalar>, _ gradient: UnsafeMutablePointer<Scalar>) -> Scalar {
        var a: Scalar = bias == nil ? 0 : 1
        let first = input + Int(positionOffsets[0])
        if inputs == 0 || Int(inputOffsets[inputs - 1]) == inputs - 1 {
            a += Scalar.sumOfSquares(first, inputs)
        } else {
            for offset in inputOffsets { a += first[Int(offset)] * first[Int(offset)] }
        }
        return a * Scalar.sumOfSquares(gradient, outputs)
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func ghost(
        _ input: Rows<Scalar>, _ gradient: Rows<Scalar>, _ rows: Range<Int>, _ cache: LayerCache<Scalar>
    ) -> Scalar {
        let n = rows.count * positions
        let a = cache.memory(slot + 1, n * inputs)
        var target = a
        for row in rows {
            for offset in positionOffsets {
                let source = input[row] + Int(offset)
                for k in 0..<inputs { target[k] = source[Int(inputOffsets[k])] }
                target += inputs
            }
        }
        let left = cache.memory(slot + 2, n * n)
        let right = cache.memory(slot + 3, n * n)
        Scalar.multiply(
            a, rowStride: inputs, innerStride: 1, a, bStride: inputs, bTransposed: true, into: left, cStride: n,
            rows: n, columns: n, inner: inputs, accumulate: false)
        let g = gradient[rows.lowerBound] + outputStart
        Scalar.multiply(
            g, rowStride: outputStride, innerStride: 1, g, bStride: outputStride, bTransposed: true, into: right,
            cStride: n, rows: n, columns: n, inner: outputs, accumulate: false)
        let one: Scalar = bias == nil ? 0 : 1
        var sum: Scalar = 0
        for index in 0..<n * n { sum += (left[index] + one) * right[index] }
        return max(sum, 0)  // rounding may leave a vanishing norm below zero
    }

    /// The gradient of some rows: the matrix, then the bias.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func direct(
        _ input: Rows<Scalar>, _ gradient: Rows<Scalar>, _ rows: Range<Int>, into target: UnsafeMutablePointer<Scalar>,
        accumulate: Bool
    ) {
        product(input, gradient, rows, into: target, accumulate: accumulate)
        if bias != nil {
            let sums = target + inputs * outputs
            if !accumulate { sums.update(repeating: 0, count: outputs) }
            addColumns(gradient, rows, to: sums)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func product(
        _ input: Rows<Scalar>, _ gradient: Rows<Scalar>, _ rows: Range<Int>, into target: UnsafeMutablePointer<Scalar>,
        accumulate: Bool
    ) {
        if positions == 1 {
            Scalar.multiply(
                input[rows.lowerBound] + Int(positionOffsets[0]), rowStride: 1, innerStride: input.width,
                gradient[rows.lowerBound] + outputStart, bStride: gradient.width, bTransposed: false, into: target,
                cStride: outputs, rows: inputs, columns: outputs, inner: rows.count, accumulate: accumulate)
            return
        }
        for row in rows {
            Scalar.multiply(
                input[row], rowOffsets: inputOffsets, innerOffsets: positionOffsets, gradient[row] + outputStart,
                bStride: outputStride, bTransposed: false, into: target, cStride: outputs, rows: inputs,
                columns: outputs, inner: positions, accumulate: accumulate || row > rows.lowerBound)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func addColumns(_ gradient: Rows<Scalar>, _ rows: Range<Int>, to sums: UnsafeMutablePointer<Scalar>) {
        for row in rows {
            var source = gradient[row] + outputStart
            for _ in 0..<positions {
                for j in 0..<outputs { sums[j] += source[j] }
                source += outputStride
            }
        }
    }

    // MARK: Sums

    /// - Parameter gradient: already multiplied by the weights, see ``scale(_:by:)``.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func accumulate(
        input: Rows<Scalar>, gradient: Rows<Scalar>, _ cache: LayerCache<Scalar>, weights: RowWeights<Scalar>,
        into vector: UnsafeMutablePointer<Scalar>
    ) {
        let matrix = vector + weight.offset + weightStart
        let sums = bias.map { vector + $0.offset + outputStart }
        if case .each(let factors, let units) = weights, let kept = cache.unitGradients[slot] {
            for unit in 0..<units.count {
                let factor = factors[units.starts[unit]]
                Scalar.add(factor, times: kept[unit], to: matrix, inputs * outputs)
                if let sums { Scalar.add(factor, times: kept[unit] + inputs * outputs, to: sums, outputs) }
            }
            return
        }
        product(input, gradient, 0..<input.count, into: matrix, accumulate: true)
        if let sums { addColumns(gradient, 0..<input.count, to: sums) }
    }
}

extension RowWeights {
    /// Multiplies each row by its weight.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func scale(_ rows: Rows<Scalar>) {
        guard case .each(let factors, _) = self else { return }
        for row in 0..<rows.count {
            let factor = factors[row]
            let values = rows[row]
            for index in 0..<rows.width { values[index] *= factor }
        }
    }
}
