import BigIntegers
import CKernels

/// How the bits of an exponent meet the tables of a fixed base (a comb after Lim and Lee).
///
/// The exponent's bits form `teeth` rows of `spacing` bits, and each row `tables` blocks of `depth` bits. Table j holds, for each
/// set D of teeth, base^(Σ 2^(spacing·i + depth·j)) over i in D. Then
///
///     base^e = Π over k from depth − 1 to 0, squaring in between, of Π over j of tableⱼ[bits spacing·i + depth·j + k]
///
/// takes depth − 1 squarings and tables·depth ≈ bits/teeth products. Depth 1 needs no squarings but the most memory.
struct CombShape: Sendable, Equatable {
    let teeth: Int
    let spacing: Int
    let tables: Int
    let depth: Int

    var entries: Int { 1 << teeth }

    init(bits: Int, teeth: Int, depth: Int) {
        self.teeth = teeth
        spacing = (bits + teeth - 1) / teeth
        self.depth = depth
        tables = (spacing + depth - 1) / depth
    }

    /// What a machine takes for each step, in any unit.
    struct Costs {
        /// Operands that go through the steps together.
        var lanes: Int
        var product: Double
        var squaring: Double
        /// For each entry of a table that is read.
        var reading: Double
        /// For each entry of a table that is made.
        var making: Double
    }

    /// The shape that takes the least time for `count` powers and the tables together.
    ///
    /// - Parameter greatestEntries: how many entries all tables may have together; exceeded only by a comb of the fewest teeth.
    static func best(
        bits: Int, count: Int, costs: Costs, fewestTeeth: Int, greatestEntries: Int
    ) -> CombShape {
        func cost(_ shape: CombShape) -> Double {
            let entries = Double(shape.entries)
            let power =
                Double(shape.tables * shape.depth) * (costs.product + entries * costs.reading)
                + Double(shape.depth - 1) * costs.squaring
            return Double((count + costs.lanes - 1) / costs.lanes) * power + Double(shape.tables) * entries
                * costs.making
        }
        var shapes: [CombShape] = []
        for teeth in fewestTeeth...10 {
            for depth in 1...(bits + teeth - 1) / teeth {
                let shape = CombShape(bits: bits, teeth: teeth, depth: depth)
                if teeth == fewestTeeth || shape.tables * shape.entries <= greatestEntries { shapes.append(shape) }
            }
        }
        return shapes.min { cost($0) < cost($1) }!
    }

    /// Writes which entries of the tables an exponent in [0, 2^bits) takes: that from table j at bit k of its blocks is word
    /// stride·(depth·j + k), which is 0 before. Time depends on the shape only; the words of the exponent are wiped.
    func write(
        choicesOf exponent: BigInteger, bits: Int, stride: Int, into target: UnsafeMutablePointer<UInt64>
    ) {
        var words = exponent.limbs(count: (bits + 63) / 64)
        for tooth in 0..<teeth {
            // depth·j + k is the position in the row; beyond `spacing` the choices stay 0.
            for position in 0..<min(spacing, max(0, bits - spacing * tooth)) {
                let bit = spacing * tooth + position
                target[stride * position] |= (words[bit / 64] >> UInt64(bit % 64) & 1) << UInt64(tooth)
            }
        }
        words.withUnsafeMutableBytes { tacit_zeroise($0.baseAddress!, $0.count) }
    }
}
