import CKernels
import Foundation

/// The two number types that networks compute in: `Float` for training, `Double` for checking gradients.
public protocol NetworkScalar: BinaryFloatingPoint, Sendable {
    /// C = A·B or C += A·B, where element (i, k) of A is `a[rowOffsets[i] + innerOffsets[k]]`; B has rows `bStride`
    /// apart and is used transposed when `bTransposed`.
    static func multiply(
        _ a: UnsafePointer<Self>, rowOffsets: UnsafePointer<Int32>, innerOffsets: UnsafePointer<Int32>,
        _ b: UnsafePointer<Self>, bStride: Int, bTransposed: Bool, into c: UnsafeMutablePointer<Self>, cStride: Int,
        rows: Int, columns: Int, inner: Int, accumulate: Bool)

    /// The same for an A whose element (i, k) is `a[i·rowStride + k·innerStride]`.
    static func multiply(
        _ a: UnsafePointer<Self>, rowStride: Int, innerStride: Int, _ b: UnsafePointer<Self>, bStride: Int,
        bTransposed: Bool, into c: UnsafeMutablePointer<Self>, cStride: Int, rows: Int, columns: Int, inner: Int,
        accumulate: Bool)

    /// Σ xᵢ².
    static func sumOfSquares(_ x: UnsafePointer<Self>, _ count: Int) -> Self
    /// norms[r] += (one + Σ a²)·(Σ g²) over the r-th rows of a and g.
    static func addRowNorms(
        _ a: UnsafePointer<Self>, stride aStride: Int, count aCount: Int, _ g: UnsafePointer<Self>,
        stride gStride: Int, count gCount: Int, one: Self, to norms: UnsafeMutablePointer<Self>, rows: Int)
    /// y += factor·x.
    static func add(_ factor: Self, times x: UnsafePointer<Self>, to y: UnsafeMutablePointer<Self>, _ count: Int)
    /// y = max(x, 0).
    static func rectify(_ x: UnsafePointer<Self>, _ y: UnsafeMutablePointer<Self>, _ count: Int)
    /// g = 0 where x is not above 0.
    static func mask(byPositive x: UnsafePointer<Self>, _ g: UnsafeMutablePointer<Self>, _ count: Int)
    /// For each channel the largest value of a window that begins at `image`, and its index counted from `first`.
    static func maximum(
        _ image: UnsafePointer<Self>, lineStride: Int, lines: Int, columns: Int, channels: Int, first: Int,
        _ best: UnsafeMutablePointer<Self>, _ place: UnsafeMutablePointer<Int32>)
    /// Natural functions, which the standard library does not have for generic numbers.
    static func exponential(_ x: Self) -> Self
    static func logarithm(_ x: Self) -> Self
    static func hyperbolicTangent(_ x: Self) -> Self
}

extension Float: NetworkScalar {
    public static func multiply(
        _ a: UnsafePointer<Float>, rowOffsets: UnsafePointer<Int32>, innerOffsets: UnsafePointer<Int32>,
        _ b: UnsafePointer<Float>, bStride: Int, bTransposed: Bool, into c: UnsafeMutablePointer<Float>, cStride: Int,
        rows: Int, columns: Int, inner: Int, accumulate: Bool
    ) {
        tacit_network_multiply(
            a, rowOffsets, innerOffsets, b, bStride, bTransposed ? 1 : 0, c, cStride, rows, columns, inner,
            accumulate ? 1 : 0)
    }

    public static func multiply(
        _ a: UnsafePointer<Float>, rowStride: Int, innerStride: Int, _ b: UnsafePointer<Float>, bStride: Int,
        bTransposed: Bool, into c: UnsafeMutablePointer<Float>, cStride: Int, rows: Int, columns: Int, inner: Int,
        accumulate: Bool
    ) {
        tacit_network_multiply_strided(
            a, rowStride, innerStride, b, bStride, bTransposed ? 1 : 0, c, cStride, rows, columns, inner,
            accumulate ? 1 : 0)
    }

    public static func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
        tacit_network_sum_of_squares(x, count)
    }

    public static func addRowNorms(
        _ a: UnsafePointer<Float>, stride aStride: Int, count aCount: Int, _ g: UnsafePointer<Float>,
        stride gStride: Int, count gCount: Int, one: Float, to norms: UnsafeMutablePointer<Float>, rows: Int
    ) {
        tacit_network_add_row_norms(a, aStride, aCount, g, gStride, gCount, one, norms, rows)
    }

    public static func add(
        _ factor: Float, times x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, _ count: Int
    ) {
        tacit_network_add(factor, x, y, count)
    }

    public static func rectify(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
        tacit_network_rectify(x, y, count)
    }

    public static func mask(byPositive x: UnsafePointer<Float>, _ g: UnsafeMutablePointer<Float>, _ count: Int) {
        tacit_network_mask_by_positive(x, g, count)
    }

    public static func maximum(
        _ image: UnsafePointer<Float>, lineStride: Int, lines: Int, columns: Int, channels: Int, first: Int,
        _ best: UnsafeMutablePointer<Float>, _ place: UnsafeMutablePointer<Int32>
    ) {
        tacit_network_window_maximum(image, lineStride, lines, columns, channels, Int32(first), best, place)
    }

    public static func exponential(_ x: Float) -> Float { expf(x) }
    public static func logarithm(_ x: Float) -> Float { logf(x) }
    public static func hyperbolicTangent(_ x: Float) -> Float { tanhf(x) }
}

/// Plain loops: this type exists to check the other.
extension Double: NetworkScalar {
    public static func multiply(
        _ a: UnsafePointer<Double>, rowOffsets: UnsafePointer<Int32>, innerOffsets: UnsafePointer<Int32>,
        _ b: UnsafePointer<Double>, bStride: Int, bTransposed: Bool, into c: UnsafeMutablePointer<Double>,
        cStride: Int, rows: Int, columns: Int, inner: Int, accumulate: Bool
    ) {
        for i in 0..<rows {
            for j in 0..<columns {
                var sum = accumulate ? c[i * cStride + j] : 0
                for k in 0..<inner {
                    let right = bTransposed ? b[j * bStride + k] : b[k * bStride + j]
                    sum += a[Int(rowOffsets[i]) + Int(innerOffsets[k])] * right
                }
                c[i * cStride + j] = sum
            }
        }
    }

    public static func multiply(
        _ a: UnsafePointer<Double>, rowStride: Int, innerStride: Int, _ b: UnsafePointer<Double>, bStride: Int,
        bTransposed: Bool, into c: UnsafeMutablePointer<Double>, cStride: Int, rows: Int, columns: Int, inner: Int,
        accumulate: Bool
    ) {
        let rowOffsets = (0..<rows).map { Int32($0 * rowStride) }
        let innerOffsets = (0..<inner).map { Int32($0 * innerStride) }
        multiply(
            a, rowOffsets: rowOffsets, innerOffsets: innerOffsets, b, bStride: bStride, bTransposed: bTransposed,
            into: c, cStride: cStride, rows: rows, columns: columns, inner: inner, accumulate: accumulate)
    }

    public static func sumOfSquares(_ x: UnsafePointer<Double>, _ count: Int) -> Double {
        var sum = 0.0
        for i in 0..<count { sum += x[i] * x[i] }
        return sum
    }

    public static func addRowNorms(
        _ a: UnsafePointer<Double>, stride aStride: Int, count aCount: Int, _ g: UnsafePointer<Double>,
        stride gStride: Int, count gCount: Int, one: Double, to norms: UnsafeMutablePointer<Double>, rows: Int
    ) {
        for row in 0..<rows {
            norms[row] +=
                (one + sumOfSquares(a + row * aStride, aCount)) * sumOfSquares(g + row * gStride, gCount)
        }
    }

    public static func add(
        _ factor: Double, times x: UnsafePointer<Double>, to y: UnsafeMutablePointer<Double>, _ count: Int
    ) {
        for i in 0..<count { y[i] += factor * x[i] }
    }

    public static func rectify(_ x: UnsafePointer<Double>, _ y: UnsafeMutablePointer<Double>, _ count: Int) {
        for i in 0..<count { y[i] = x[i] > 0 ? x[i] : 0 }
    }

    public static func mask(byPositive x: UnsafePointer<Double>, _ g: UnsafeMutablePointer<Double>, _ count: Int) {
        for i in 0..<count where !(x[i] > 0) { g[i] = 0 }
    }

    public static func maximum(
        _ image: UnsafePointer<Double>, lineStride: Int, lines: Int, columns: Int, channels: Int, first: Int,
        _ best: UnsafeMutablePointer<Double>, _ place: UnsafeMutablePointer<Int32>
    ) {
        for c in 0..<channels {
            best[c] = image[c]
            place[c] = Int32(first + c)
            for line in 0..<lines {
                for column in 0..<columns {
                    let index = line * lineStride + column * channels + c
                    if image[index] > best[c] {
                        best[c] = image[index]
                        place[c] = Int32(first + index)
                    }
                }
            }
        }
    }

    public static func exponential(_ x: Double) -> Double { exp(x) }
    public static func logarithm(_ x: Double) -> Double { log(x) }
    public static func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }
}
