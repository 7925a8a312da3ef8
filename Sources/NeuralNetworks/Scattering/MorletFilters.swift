import Foundation

/// Morlet wavelets at two scales and the Gaussian average that follows them, in the frequency domain of a padded image.
///
/// ψ_{j,θ}(u) = g(u)·(exp(i ξ_j·u) − β): an elliptic Gaussian of deviation 0.8·2^j along the direction of angle
/// θ = (L/2 − 1 − l)π/L and of slant 4/L, times a wave of frequency ξ_j = ¾π/2^j in that direction, β such that it sums
/// to 0. φ is a round Gaussian of deviation 1.6. All are made periodic over five periods.
///
/// The constants, 3.1415 in the norm among them, are those of kymatio 0.3, so that coefficients agree with that
/// library's.
/// - Reference: Oyallon and Mallat 2015; Andreux et al. 2020 (kymatio).
struct MorletFilters {
    let rows: Int
    let columns: Int
    /// ψ̂ for j = 0 and 1, by orientation; real, since the wavelets are symmetric.
    let wavelets: [[[Double]]]
    /// φ as one factor along rows and one along columns, in the frequency domain, at full and at half size.
    let average: [(rows: [Double], columns: [Double])]

    init(rows: Int, columns: Int, orientations: Int) {
        self.rows = rows
        self.columns = columns
        wavelets = [0, 1].map { scale in
            let reach = Double(1 << scale)
            return (0..<orientations).map { index in
                let angle = Double(orientations / 2 - 1 - index) * Double.pi / Double(orientations)
                return Self.wavelet(
                    rows, columns, deviation: 0.8 * reach, angle: angle, frequency: 0.75 * Double.pi / reach,
                    slant: 4 / Double(orientations))
            }
        }
        func factors(_ count: Int) -> [Double] {
            let deviation = 1.6
            let line = Self.periodic(count) { exp(-$0 * $0 / (2 * deviation * deviation)) }
            // The norm 2πσ² belongs half to rows, half to columns.
            let norm = (2 * 3.1415 * deviation * deviation).squareRoot()
            return Self.cosines(line).map { $0 / norm }
        }
        let full = (factors(rows), factors(columns))
        average = [full, (Self.cropped(full.0), Self.cropped(full.1))]
    }

    /// The low half of the frequencies.
    private static func cropped(_ spectrum: [Double]) -> [Double] {
        let count = spectrum.count
        // What lies in [n/4, 3n/4) is cut away, and the two halves that remain fall on each other.
        let kept = spectrum.indices.map { $0 >= count / 4 && $0 < count / 4 + count / 2 ? 0 : spectrum[$0] }
        return (0..<count / 2).map { kept[$0] + kept[$0 + count / 2] }
    }

    /// Σ_x values[x]·cos(2πkx/n) for every k: the Fourier transform of symmetric values.
    private static func cosines(_ values: [Double]) -> [Double] {
        let unit = 2 * Double.pi / Double(values.count)
        return values.indices.map { k in
            var sum = 0.0
            for (x, value) in values.enumerated() { sum += value * cos(unit * Double(x * k % values.count)) }
            return sum
        }
    }

    private static func periodic(_ count: Int, _ value: (Double) -> Double) -> [Double] {
        (0..<count).map { x in (-2...2).reduce(0) { $0 + value(Double(x + $1 * count)) } }
    }

    private static func wavelet(
        _ rows: Int, _ columns: Int, deviation: Double, angle: Double, frequency: Double, slant: Double
    ) -> [Double] {
        let (c, s) = (cos(angle), sin(angle))
        let scale = 1 / (2 * deviation * deviation)
        let xx = (c * c + slant * slant * s * s) * scale
        let yy = (s * s + slant * slant * c * c) * scale
        let xy = 2 * (1 - slant * slant) * c * s * scale
        var wave = [(re: Double, im: Double)](repeating: (0, 0), count: rows * columns)
        var envelope = [Double](repeating: 0, count: rows * columns)
        for i in 0..<rows {
            for j in 0..<columns {
                for p in -2...2 {
                    for q in -2...2 {
                        let (x, y) = (Double(i + p * rows), Double(j + q * columns))
                        let g = exp(-(xx * x * x + xy * x * y + yy * y * y))
                        let phase = frequency * (x * c + y * s)
                        wave[i * columns + j].re += g * cos(phase)
                        wave[i * columns + j].im += g * sin(phase)
                        envelope[i * columns + j] += g
                    }
                }
            }
        }
        let total = envelope.reduce(0, +)
        let beta = (
            re: wave.reduce(0) { $0 + $1.re } / total, im: wave.reduce(0) { $0 + $1.im } / total
        )
        let norm = 2 * 3.1415 * deviation * deviation / slant
        for index in wave.indices {
            wave[index].re = (wave[index].re - beta.re * envelope[index]) / norm
            wave[index].im = (wave[index].im - beta.im * envelope[index]) / norm
        }
        return realSpectrum(wave, rows, columns)
    }

    /// The real part of the discrete Fourier transform, first along columns, then along rows.
    private static func realSpectrum(_ wave: [(re: Double, im: Double)], _ rows: Int, _ columns: Int) -> [Double] {
        func root(_ k: Int, _ n: Int) -> (Double, Double) {
            (cos(2 * .pi * Double(k % n) / Double(n)), -sin(2 * .pi * Double(k % n) / Double(n)))
        }
        let rowRoots = (0..<rows).map { root($0, rows) }
        let columnRoots = (0..<columns).map { root($0, columns) }
        var half = wave
        for i in 0..<rows {
            for l in 0..<columns {
                var sum = (re: 0.0, im: 0.0)
                for j in 0..<columns {
                    let (c, s) = columnRoots[j * l % columns]
                    let value = wave[i * columns + j]
                    sum.re += value.re * c - value.im * s
                    sum.im += value.re * s + value.im * c
                }
                half[i * columns + l] = sum
            }
        }
        var result = [Double](repeating: 0, count: rows * columns)
        for k in 0..<rows {
            for l in 0..<columns {
                for i in 0..<rows {
                    let (c, s) = rowRoots[i * k % rows]
                    result[k * columns + l] += half[i * columns + l].re * c - half[i * columns + l].im * s
                }
            }
        }
        return result
    }

    /// Average, keep every `step`th value, cut off one value of padding at either end: as a matrix on lines.
    static func averaging(_ spectrum: [Double], step: Int) -> [Float] {
        let count = spectrum.count
        let kernel = cosines(spectrum).map { $0 / Double(count) }
        return (1..<count / step - 1).flatMap { i in
            (0..<count).map { x in Float(kernel[((i * step - x) % count + count) % count]) }
        }
    }
}
