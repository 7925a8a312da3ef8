import BigIntegers

/// A public exponent as windows that begin and end with a set bit.
struct SlidingWindows: Sendable {
    /// Multiply by base^(2·power+1), then square `squarings` times.
    let steps: [(power: Int, squarings: Int)]
    /// Number of odd powers needed.
    let tableSize: Int

    /// - Parameter exponent: > 0.
    init(_ exponent: BigInteger) {
        let bits = exponent.bitWidth
        let window = (1...8).min { (1 << $0) / 2 + bits / ($0 + 1) < (1 << $1) / 2 + bits / ($1 + 1) }!
        var windows: [(value: Int, position: Int)] = []
        var top = bits - 1
        while top >= 0 {
            guard exponent.bit(top) else {
                top -= 1
                continue
            }
            var low = max(0, top - window + 1)
            while !exponent.bit(low) { low += 1 }
            var value = 0
            for index in stride(from: top, through: low, by: -1) {
                value = 2 * value + (exponent.bit(index) ? 1 : 0)
            }
            windows.append((value, low))
            top = low - 1
        }
        steps = windows.indices.map { index in
            let next = index + 1 < windows.count ? windows[index + 1].position : 0
            return (windows[index].value >> 1, windows[index].position - next)
        }
        tableSize = windows.reduce(1) { max($0, ($1.value >> 1) + 1) }
    }
}
