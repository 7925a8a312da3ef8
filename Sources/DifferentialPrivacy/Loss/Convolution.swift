import CKernels
import Foundation

/// Masses of a sum of independent tilted losses on a window of the grid, modulo the window's length.
struct Convolution {
    enum Term {
        /// `count` of the same.
        case series(AtomSeries, AtomSeries.Cumulant, count: Int)
        /// A sum made before, and a bound on the total of its masses' errors.
        case batch(Convolution, error: Double)
    }
    /// Position on the grid of the first mass.
    let base: Double
    let masses: [Double]
    /// Each mass is at most this far from the true one (modulo the window's length).
    let massError: Double

    var totalError: Double { massError * Double(masses.count) }

    /// Few sparse series added directly, without a transform.
    ///
    /// All terms are positive, so a mass is off by at most a part in 2⁵³ for each product and addition in it; the error
    /// of the exponentials is the cumulants' as everywhere.
    /// - Parameter terms: at least one, each once.
    init(direct terms: ArraySlice<(AtomSeries, AtomSeries.Cumulant)>, theta: Double, interval: Double) {
        var base = 0.0
        var dense: [Double] = [1]
        var additions = 0
        for (series, cumulant) in terms {
            let (shifts, masses) = series.tilted(theta, value: cumulant.value)
            let span = Int(shifts.last ?? 0)
            base += series.positions.first ?? 0
            let count = dense.count + span
            let rounded = (count + 31) & ~31
            let padded =
                [Double](repeating: 0, count: span) + dense
                + [Double](repeating: 0, count: rounded - dense.count)
            dense = [Double](unsafeUninitializedCapacity: rounded) { buffer, filled in
                padded.withUnsafeBufferPointer {
                    tacit_noise_merge(
                        buffer.baseAddress, rounded, $0.baseAddress! + span, shifts, masses, shifts.count)
                }
                filled = rounded
            }
            dense.removeLast(rounded - count)
            additions += masses.count + 2
        }
        self.base = base
        self.masses = dense
        // Together the masses make 1, and each is off by a part of itself; divided so that `totalError` is that bound.
        massError = Double(additions) * 2.3e-16 / Double(dense.count)
    }

    /// - Parameter plan: its length is the window's.
    init(_ terms: [Term], theta: Double, interval: Double, base: Double, plan: FourierPlan) {
        self.base = base
        let length = plan.length
        let half = length / 2 + 1
        let work = UnsafeMutablePointer<Double>.allocate(capacity: 2 * length + 3 * half)
        defer { work.deallocate() }
        let (real, imaginary) = (work, work + length)
        let productReal = work + 2 * length
        let (productImaginary, bound) = (productReal + half, productReal + 2 * half)
        productReal.initialize(repeating: 1, count: half)
        productImaginary.initialize(repeating: 0, count: half)
        bound.initialize(repeating: 1, count: half)

        var origin = 0.0
        var operations = 8.0
        var index = 0
        while index < terms.count {
            // Two at a time, as real and imaginary part of one transform.
            real.initialize(repeating: 0, count: 2 * length)
            var counts: [UInt64] = [0, 0]
            var earlier = 0.0
            for lane in 0..<2 where index + lane < terms.count {
                let target = lane == 0 ? real : imaginary
                switch terms[index + lane] {
                case .series(let series, let cumulant, let count):
                    let shift = (cumulant.mean / interval).rounded()
                    series.fold(theta, value: cumulant.value, shift: shift, into: target, length: length)
                    origin += shift * Double(count)
                    counts[lane] = UInt64(count)
                    operations += 2 * Double(Int.bitWidth - count.leadingZeroBitCount) + Double(count) * 0.5
                case .batch(let sum, let error):
                    let start = Int(sum.base.remainder(dividingBy: Double(length)))
                    for j in sum.masses.indices { target[(start + j) & (length - 1)] += sum.masses[j] }
                    counts[lane] = 1
                    operations += 3
                    earlier = max(earlier, error)
                }
            }
            index += 2
            plan.forward(real, imaginary)
            // Both halves of the packed pair have sum 1.
            let error = plan.relativeError * (counts[1] > 0 ? 2 : 1) * (1 + 1e-6) + earlier * (1 + 1e-6)
            tacit_spectrum_multiply(
                productReal, productImaginary, bound, real, imaginary, length, counts[0], counts[1], error)
        }
        // A frequency stands for itself and its mirror image; positions 0 and 1 are their own.
        var (errors, sizes) = (0.0, 0.0)
        for k in 0..<half {
            let size = (productReal[k] * productReal[k] + productImaginary[k] * productImaginary[k]).squareRoot()
            let weight = k < 2 ? 1.0 : 2.0
            errors += weight * (max(0, bound[k] - size) + bound[k] * operations * 4.5e-16)
            sizes += weight * bound[k]
        }
        tacit_spectrum_complete(real, imaginary, productReal, productImaginary, length)
        plan.inverse(real, imaginary)
        let scale = 1 / Double(length)
        massError = (errors + sizes * plan.relativeError) * scale * (1 + 1e-6)
        let start = Int((base - origin).remainder(dividingBy: Double(length)))
        masses = [Double](unsafeUninitializedCapacity: length) { buffer, count in
            for j in 0..<length { buffer[j] = real[(start + j) & (length - 1)] * scale }
            count = length
        }
    }
}
