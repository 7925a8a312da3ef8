/// The end of every normalisation: y = γ·x̂ + β with one γ and β per channel, at every position of a row.
struct ScaleShift<Scalar: NetworkScalar>: Sendable {
    let scale: Parameter<Scalar>
    let shift: Parameter<Scalar>
    let channels: Int

    var parameters: [Parameter<Scalar>] { [scale, shift] }

    init(channels: Int) {
        self.channels = channels
        scale = Parameter("scale", shape: [channels], decays: false) { 1 }
        shift = Parameter("shift", shape: [channels], decays: false) { 0 }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func apply(_ normalised: Rows<Scalar>, to output: Rows<Scalar>) {
        let count = normalised.scalarCount / channels
        for vector in 0..<count {
            let x = normalised.base + vector * channels
            let y = output.base + vector * channels
            for c in 0..<channels { y[c] = x[c] * scale.values[c] + shift.values[c] }
        }
    }

    /// Adds Σ g·x̂ and Σ g over the positions of the rows.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    private func add(
        _ normalised: Rows<Scalar>, _ gradient: Rows<Scalar>, _ rows: Range<Int>,
        scale scaleSum: UnsafeMutablePointer<Scalar>, shift shiftSum: UnsafeMutablePointer<Scalar>
    ) {
        let positions = normalised.width / channels
        for row in rows {
            for t in 0..<positions {
                let x = normalised[row] + t * channels
                let g = gradient[row] + t * channels
                for c in 0..<channels {
                    scaleSum[c] += g[c] * x[c]
                    shiftSum[c] += g[c]
                }
            }
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func addSquaredNorms(
        _ normalised: Rows<Scalar>, _ gradient: Rows<Scalar>, _ cache: LayerCache<Scalar>, units: Units,
        to norms: UnsafeMutablePointer<Scalar>
    ) {
        let sums = cache.memory(100, 2 * channels)
        for unit in 0..<units.count {
            sums.update(repeating: 0, count: 2 * channels)
            add(
                normalised, gradient, units.starts[unit]..<units.starts[unit + 1], scale: sums, shift: sums + channels)
            norms[unit] += Scalar.sumOfSquares(sums, 2 * channels)
        }
    }

    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func accumulate(
        _ normalised: Rows<Scalar>, _ gradient: Rows<Scalar>, weights: RowWeights<Scalar>,
        into vector: UnsafeMutablePointer<Scalar>
    ) {
        weights.scale(gradient)
        add(
            normalised, gradient, 0..<normalised.count, scale: vector + scale.offset, shift: vector + shift.offset)
    }
}
