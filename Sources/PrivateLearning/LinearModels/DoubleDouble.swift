import BigIntegers

/// An unevaluated sum of two doubles, about 106 bits of precision.
///
/// Used to solve normal equations that are known exactly: their condition number is the square of the design's, and
/// twice the digits make up for it.
/// - Reference: Dekker 1971; Hida, Li, Bailey 2001, sections 3 and 4.
struct DoubleDouble {
    var high: Double
    var low: Double

    static let zero = DoubleDouble(0)

    init(_ value: Double) {
        high = value
        low = 0
    }

    private init(sumOf a: Double, _ b: Double) {
        let sum = a + b
        let part = sum - a
        high = sum
        low = (a - (sum - part)) + (b - part)
    }

    /// For |a| ≥ |b|.
    private init(orderedSumOf a: Double, _ b: Double) {
        high = a + b
        low = b - (high - a)
    }

    /// The integer with a relative error of at most 2^-104; infinite beyond the range of doubles.
    init(integer: BigInteger) {
        let first = integer.doubleValue  // truncated
        guard first.isFinite else {
            self.init(first)
            return
        }
        let rest = (integer - BigInteger(truncating: first)).doubleValue
        self.init(orderedSumOf: first, rest)
    }

    var value: Double { high + low }

    static func + (a: Self, b: Self) -> Self {
        let s = DoubleDouble(sumOf: a.high, b.high)
        let t = DoubleDouble(sumOf: a.low, b.low)
        let u = DoubleDouble(orderedSumOf: s.high, s.low + t.high)
        return DoubleDouble(orderedSumOf: u.high, u.low + t.low)
    }

    static prefix func - (a: Self) -> Self {
        var result = a
        result.high = -a.high
        result.low = -a.low
        return result
    }

    static func - (a: Self, b: Self) -> Self { a + (-b) }

    static func * (a: Self, b: Self) -> Self {
        let product = a.high * b.high
        let error = (-product).addingProduct(a.high, b.high)
        return DoubleDouble(orderedSumOf: product, error + (a.high * b.low + a.low * b.high))
    }

    static func / (a: Self, b: Self) -> Self {
        let first = a.high / b.high
        let rest = a - b * DoubleDouble(first)
        let second = rest.high / b.high
        let last = (rest - b * DoubleDouble(second)).high / b.high
        return DoubleDouble(orderedSumOf: first, second) + DoubleDouble(last)
    }

    /// For values ≥ 0.
    var squareRoot: Self {
        guard high > 0 else { return .zero }
        let root = high.squareRoot()
        let correction = (self - DoubleDouble(root) * DoubleDouble(root)).high / (2 * root)
        return DoubleDouble(orderedSumOf: root, correction)
    }

    static func += (a: inout Self, b: Self) { a = a + b }
    static func -= (a: inout Self, b: Self) { a = a - b }
}
