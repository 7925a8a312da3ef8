import CKKS
import Synchronization

/// The permutations of a d × d tile that products need.
///
/// σ(A)_ij = A_i,i+j and τ(B)_ij = B_i+j,j; then A·B = Σ_k φ^k(σ(A)) ⊙ ψ^k(τ(B)), where φ^k turns every row and ψ^k every
/// column by k. τ and σ are linear transforms of few diagonals, ψ^k is a rotation of all slots by d·k, φ^k two rotations
/// under masks.
/// - Reference: Jiang, Kim, Lauter, Song 2018 (ePrint 2018/1041), section 3.
enum TileTransforms {
    private static let cache = Mutex<[String: LinearTransform]>([:])

    private static func cached(_ name: String, _ d: Int, make: () throws(HomomorphicCircuitsError) -> LinearTransform)
        -> LinearTransform
    {
        let key = "\(name)\(d)"
        if let found = cache.withLock({ $0[key] }) { return found }
        guard let made = try? make() else { preconditionFailure("tile transforms exist for every power of two") }
        cache.withLock { $0[key] = made }
        return made
    }

    /// The permutation that takes slot source(i, j) to slot (i, j).
    private static func permutation(
        _ d: Int, babySteps: Int? = nil, _ source: (Int, Int) -> Int
    ) throws(HomomorphicCircuitsError) -> LinearTransform {
        let n = d * d
        var diagonals: [Int: DiagonalMatrix.Diagonal] = [:]
        for slot in 0..<n {
            let k = (source(slot / d, slot % d) - slot + n) % n
            diagonals[k, default: .init(real: [Double](repeating: 0, count: n))].real[slot] = 1
        }
        return try LinearTransform(try DiagonalMatrix(slots: n, diagonals: diagonals), babySteps: babySteps)
    }

    static func transposition(_ d: Int) -> LinearTransform {
        cached("t", d) { () throws(HomomorphicCircuitsError) in try permutation(d) { i, j in j * d + i } }
    }

    static func sigma(_ d: Int) -> LinearTransform {
        cached("s", d) { () throws(HomomorphicCircuitsError) in try permutation(d) { i, j in i * d + (i + j) % d } }
    }

    static func tau(_ d: Int) -> LinearTransform {
        cached("u", d) { () throws(HomomorphicCircuitsError) in try permutation(d) { i, j in (i + j) % d * d + j } }
    }

    /// φ^k, all rotations as baby steps, so that those of all k share one decomposition.
    static func rowTurn(_ d: Int, _ k: Int) -> LinearTransform {
        cached("r\(k) ", d) { () throws(HomomorphicCircuitsError) in
            try permutation(d, babySteps: d * d) { i, j in i * d + (j + k) % d }
        }
    }
}

extension CKKSEvaluator {
    /// A·B: three levels.
    ///
    /// All d turns of each tile of A and B are made once; each tile of the result is one sum of products with a single
    /// relinearisation.
    /// - Errors: `invalidSlots` unless A has as many columns as B rows and both the same tiles; `exhaustedLevels`;
    ///   `missingKey`.
    /// - Cost: per tile of A about 2d + 3√d, per tile of B d + 2√d rotations, most of them hoisted; d products per pair.
    public func multiply(_ a: EncryptedMatrix, _ b: EncryptedMatrix) throws(CKKSError) -> EncryptedMatrix {
        guard a.columns == b.rows, a.tile == b.tile else {
            throw CKKSError(
                code: .invalidSlots,
                message:
                    "matrix product: got \(a.rows) × \(a.columns) in tiles of \(a.tile) and \(b.rows) × \(b.columns) "
                    + "in tiles of \(b.tile)")
        }
        guard min(a.level, b.level) >= 3 else {
            throw CKKSError(
                code: .exhaustedLevels,
                message: "matrix product: needs level 3, got \(min(a.level, b.level)); use parameters of more depth")
        }
        let d = a.tile
        let turns = (0..<d).map { TileTransforms.rowTurn(d, $0) }
        // By tile row, tile column, k. Permutations leave magnitudes as they are.
        var left: [[[CKKSCiphertext]]] = []
        for line in a.tiles {
            var row: [[CKKSCiphertext]] = []
            for one in line {
                let skewed = try apply(TileTransforms.sigma(d), to: one.relabelled(slots: d * d))
                row.append(try apply(turns, to: skewed))
            }
            left.append(row)
        }
        var right: [[[CKKSCiphertext]]] = []
        for line in b.tiles {
            var row: [[CKKSCiphertext]] = []
            for one in line {
                let skewed = try apply(TileTransforms.tau(d), to: one.relabelled(slots: d * d))
                // To the level of the other factor now, not d times later.
                let level = min(skewed.level, left[0][0][0].level)
                row.append(try rotations(try lowered(skewed, to: level), by: (0..<d).map { $0 * d }))
            }
            right.append(row)
        }
        var tiles: [[CKKSCiphertext]] = []
        for row in left {
            var line: [CKKSCiphertext] = []
            for column in b.tiles[0].indices {
                var total: CKKSCiphertext?
                for (inner, factors) in row.enumerated() {
                    for (x, y) in zip(factors, right[inner][column]) {
                        let product = try multiplyLazily(x, y)
                        if let sum = total { total = try add(sum, product) } else { total = product }
                    }
                }
                line.append(try settled(total!))
            }
            tiles.append(line)
        }
        return EncryptedMatrix(rows: a.rows, columns: b.columns, tile: d, tiles: tiles)
    }
}
