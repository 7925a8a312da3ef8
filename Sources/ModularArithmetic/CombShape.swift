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

    /// The shape that takes the least time for `count` powers and the tables together.
    ///
    /// In cycles per eight operands: a product takes about 2.2·limbs², a squaring 0.77 of it, a lookup 1.4·limbs per eight
    /// entries, an octet of a table one product and 4·limbs.
    static func best(bits: Int, limbs: Int, count: Int, greatestBytes: Int) -> CombShape {
        let product = 2.2 * Double(limbs * limbs)
        func cost(_ shape: CombShape) -> Double {
            let octets = Double(shape.entries / 8)
            let lookup = product + 1.4 * Double(limbs) * octets
            let power = Double(shape.tables * shape.depth) * lookup + Double(shape.depth - 1) * 0.77 * product
            return Double((count + 7) / 8) * power + Double(shape.tables) * octets * (product + 4 * Double(limbs))
        }
        var shapes: [CombShape] = []
        for teeth in 3...10 {
            for depth in 1...max(1, (bits + teeth - 1) / teeth) {
                let shape = CombShape(bits: bits, teeth: teeth, depth: depth)
                if teeth == 3 || shape.tables * shape.entries * limbs * 8 <= greatestBytes { shapes.append(shape) }
            }
        }
        return shapes.min { cost($0) < cost($1) }!
    }
}
