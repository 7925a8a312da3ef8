/// How finely losses are discretised. It changes the width between bounds and the time, never their validity.
public struct LossResolution: Hashable, Sendable, Codable {
    /// Intervals per standard deviation of one release's loss, at least.
    let perRelease: Double
    /// Intervals per standard deviation of the sum, at least.
    let perSum: Double
    /// Cells at loss l are at most this part of l wide.
    let relative: Double
    /// Deviations of noise that are divided into cells.
    let reach: Double

    /// For thousands of releases that all differ.
    public static let coarse = LossResolution(perRelease: 6, perSum: 96, relative: 0.1, reach: 9)
    /// For use inside a training loop.
    public static let fast = LossResolution(perRelease: 16, perSum: 256, relative: 0x1p-5, reach: 11)
    public static let standard = LossResolution(perRelease: 48, perSum: 2048, relative: 0x1p-8, reach: 14)
    public static let fine = LossResolution(perRelease: 160, perSum: 16384, relative: 0x1p-11, reach: 18)

    /// h and the widths of cells for a sum of releases with these spreads and counts.
    ///
    /// Where the release that spreads most has an atom at its largest loss, h divides that loss.
    func grid(_ releases: [(spread: Double, atom: Double?, count: Int)]) -> LossGrid {
        var variance = 0.0
        for release in releases { variance += release.spread * release.spread * Double(release.count) }
        let deviation = variance.squareRoot()
        guard deviation > 0, deviation.isFinite else {
            return LossGrid(interval: 0x1p-10, relative: 0.01, widest: 0.01)
        }
        // Spreading the mass of a cell to its ends adds up to h²/6 to the variance, or h times the loss where that is
        // smaller than h.
        let allowed = variance / (6 * perRelease * perRelease)
        var h = 1.0
        while h > deviation / perSum { h /= 2 }
        while h * 2 <= deviation / perSum { h *= 2 }
        func added(_ h: Double) -> Double {
            releases.reduce(0) { $0 + Double($1.count) * ($1.spread < h ? $1.spread * h / 2 : h * h / 6) }
        }
        while h > 1e-12 * deviation, added(h) > allowed { h /= 2 }
        let widest = releases.max {
            $0.spread * $0.spread * Double($0.count) < $1.spread * $1.spread * Double($1.count)
        }
        if let atom = widest?.atom, atom > h { h = atom / (atom / h).rounded(.up) }
        return LossGrid(
            interval: max(h, 0x1p-60), relative: relative,
            widest: relative * max(0.5, releases.reduce(0) { max($0, $1.spread) }), reach: reach)
    }
}
