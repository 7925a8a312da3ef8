import Foundation

/// The canonical embedding restricted to n slots: z_j = m(ζ^(5^j)), ζ = exp(iπ/N), for polynomials in X^(N/2n).
///
/// - Reference: Cheon, Kim, Kim, Song 2017 (ePrint 2016/421), section 2; Cheon, Han, Kim, Kim, Song 2018, section 4.
package final class SlotTransform: Sendable {
    let logDegree: Int
    /// exp(2πi·k/2N), k in 0..<2N.
    private let roots: [(re: Double, im: Double)]
    /// 5^j mod 2N
    private let powers: [Int]

    init(logDegree: Int) {
        self.logDegree = logDegree
        let m = 2 << logDegree
        roots = (0..<m).map { k in
            let angle = 2 * Double.pi * Double(k) / Double(m)
            return (cos(angle), sin(angle))
        }
        var powers = [1]
        for _ in 1..<max(2, 1 << (logDegree - 1)) { powers.append(powers.last! * 5 % m) }
        self.powers = powers
    }

    package func slots(coefficients: UnsafeBufferPointer<Double>, count n: Int) -> (real: [Double], imaginary: [Double])
    {
        let gap = (1 << (logDegree - 1)) / n
        var re = (0..<n).map { coefficients[$0 * gap] }
        var im = (0..<n).map { coefficients[($0 + n) * gap] }
        Self.reverse(&re, &im)
        let m = 2 << logDegree
        var length = 2
        while length <= n {
            let half = length / 2
            for start in stride(from: 0, to: n, by: length) {
                for j in 0..<half {
                    let w = roots[(powers[j] % (4 * length)) * (m / (4 * length))]
                    let (a, b) = (start + j, start + j + half)
                    let (tr, ti) = (re[b] * w.re - im[b] * w.im, re[b] * w.im + im[b] * w.re)
                    (re[b], im[b]) = (re[a] - tr, im[a] - ti)
                    (re[a], im[a]) = (re[a] + tr, im[a] + ti)
                }
            }
            length *= 2
        }
        return (re, im)
    }

    package func coefficients(real: [Double], imaginary: [Double]) -> [Double] {
        let n = real.count
        var re = real
        var im = imaginary.isEmpty ? [Double](repeating: 0, count: n) : imaginary
        let m = 2 << logDegree
        var length = n
        while length >= 2 {
            let half = length / 2
            for start in stride(from: 0, to: n, by: length) {
                for j in 0..<half {
                    let w = roots[(powers[j] % (4 * length)) * (m / (4 * length))]
                    let (a, b) = (start + j, start + j + half)
                    let (dr, di) = (re[a] - re[b], im[a] - im[b])
                    (re[a], im[a]) = (re[a] + re[b], im[a] + im[b])
                    (re[b], im[b]) = (dr * w.re + di * w.im, di * w.re - dr * w.im)
                }
            }
            length /= 2
        }
        Self.reverse(&re, &im)
        let gap = (1 << (logDegree - 1)) / n
        var result = [Double](repeating: 0, count: 1 << logDegree)
        for k in 0..<n {
            result[k * gap] = re[k] / Double(n)
            result[(k + n) * gap] = im[k] / Double(n)
        }
        return result
    }

    private static func reverse(_ re: inout [Double], _ im: inout [Double]) {
        var j = 0
        for i in 1..<max(1, re.count) {
            var bit = re.count >> 1
            while j & bit != 0 {
                j ^= bit
                bit >>= 1
            }
            j ^= bit
            if i < j {
                re.swapAt(i, j)
                im.swapAt(i, j)
            }
        }
    }
}
