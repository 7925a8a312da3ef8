import CKernels
import NeuralNetworks
import Testing

/// The kernels against plain loops, on every instruction set of this machine.
@Suite(.serialized) struct ProductTests {
    static let sizes = [1, 2, 5, 7, 13, 14, 15, 16, 17, 31, 32, 33, 47, 64, 255, 256, 257]

    @Test(arguments: [TACIT_TIER_SCALAR, TACIT_TIER_AVX2, TACIT_TIER_AVX512_IFMA])
    func productsAgree(_ tier: Int) {
        tacit_cpu_limit_tier(Int32(tier))
        defer { tacit_cpu_limit_tier(.max) }
        var random = SeededGenerator(seed: 4)
        for _ in 0..<400 {
            let m = Self.sizes.randomElement(using: &random)!
            let n = Self.sizes.randomElement(using: &random)!
            let k = Self.sizes.randomElement(using: &random)!
            // Small whole numbers: every order of summation gives the same bits.
            func matrix(_ count: Int) -> [Float] {
                (0..<count).map { _ in Float(Int.random(in: -8...8, using: &random)) }
            }
            let isTransposed = Bool.random(using: &random)
            let accumulates = Bool.random(using: &random)
            let padding = Int.random(in: 0...3, using: &random)
            let bStride = (isTransposed ? k : n) + padding
            let a = matrix(m * k)
            let b = matrix((isTransposed ? n : k) * bStride)
            let start = matrix(m * (n + padding))
            var expected = start
            for i in 0..<m {
                for j in 0..<n {
                    var sum = accumulates ? start[i * (n + padding) + j] : 0
                    for inner in 0..<k {
                        sum += a[inner * m + i] * (isTransposed ? b[j * bStride + inner] : b[inner * bStride + j])
                    }
                    expected[i * (n + padding) + j] = sum
                }
            }
            var result = start
            Float.multiply(
                a, rowStride: 1, innerStride: m, b, bStride: bStride, bTransposed: isTransposed, into: &result,
                cStride: n + padding, rows: m, columns: n, inner: k, accumulate: accumulates)
            #expect(result == expected, "\(m) × \(n) × \(k), transposed \(isTransposed)")
        }
    }
}
