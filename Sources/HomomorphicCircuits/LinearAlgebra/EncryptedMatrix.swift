import CKKS
import Randomness

/// An encrypted matrix of any size: square tiles of d × d entries, each in one ciphertext, row after row.
///
/// d is a power of two with d² at most the slots of a ciphertext; beyond the matrix are zeros.
public struct EncryptedMatrix: Sendable {
    public let rows: Int
    public let columns: Int
    /// d
    public let tile: Int
    /// By tile row and tile column.
    public let tiles: [[CKKSCiphertext]]

    public var level: Int { tiles.joined().map(\.level).min()! }
    public var errorBound: Double { tiles.joined().map(\.errorBound).max()! }

    init(rows: Int, columns: Int, tile: Int, tiles: [[CKKSCiphertext]]) {
        (self.rows, self.columns, self.tile, self.tiles) = (rows, columns, tile, tiles)
    }

    /// The greatest d that a context allows and the matrix fills.
    public static func tile(rows: Int, columns: Int, context: CKKSContext) -> Int {
        let most = 1 << ((context.chain.logDegree - 1) / 2)
        return min(most, max(2, RealMatrix.powerOfTwo(max(rows, columns))))
    }

    /// Without polynomials, to plan with.
    public static func planned(
        _ context: CKKSContext, rows: Int, columns: Int, tile: Int? = nil, magnitude: Double
    ) -> EncryptedMatrix {
        let d = tile ?? Self.tile(rows: rows, columns: columns, context: context)
        let line = (0..<(columns + d - 1) / d).map { _ in
            CKKSCiphertext.planned(context, slots: d * d, magnitude: magnitude)
        }
        return EncryptedMatrix(
            rows: rows, columns: columns, tile: d, tiles: (0..<(rows + d - 1) / d).map { _ in line })
    }

    func map(_ body: (CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext) throws(CKKSError) -> [[CKKSCiphertext]] {
        var result: [[CKKSCiphertext]] = []
        for line in tiles {
            var row: [CKKSCiphertext] = []
            for one in line { row.append(try body(one)) }
            result.append(row)
        }
        return result
    }

    fileprivate func combined(
        _ operation: String, _ other: EncryptedMatrix,
        _ body: (CKKSCiphertext, CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext
    ) throws(CKKSError) -> EncryptedMatrix {
        guard rows == other.rows, columns == other.columns, tile == other.tile else {
            throw CKKSError(
                code: .invalidSlots,
                message: "\(operation): got \(rows) × \(columns) in tiles of \(tile) and \(other.rows) × "
                    + "\(other.columns) in tiles of \(other.tile)")
        }
        var result: [[CKKSCiphertext]] = []
        for (left, right) in zip(tiles, other.tiles) {
            var row: [CKKSCiphertext] = []
            for (a, b) in zip(left, right) { row.append(try body(a, b)) }
            result.append(row)
        }
        return EncryptedMatrix(rows: rows, columns: columns, tile: tile, tiles: result)
    }
}

extension CKKSEncryptor {
    /// - Parameter tile: nil for the greatest; factors of a product must have the same.
    /// - Errors: those of encrypting one tile; `invalidSlots` for a tile that is no power of two or does not fit.
    public func encrypt(
        matrix: RealMatrix, magnitude: Double = 1, tile: Int? = nil, using random: inout some SecureRandom
    ) throws(CKKSError) -> EncryptedMatrix {
        let d = tile ?? EncryptedMatrix.tile(rows: matrix.rows, columns: matrix.columns, context: context)
        guard d > 1, d.nonzeroBitCount == 1, d <= context.maximumSlots / d else {
            throw CKKSError(
                code: .invalidSlots,
                message: "tile: got \(d), want a power of two whose square is at most \(context.maximumSlots)")
        }
        var tiles: [[CKKSCiphertext]] = []
        for top in stride(from: 0, to: matrix.rows, by: d) {
            var line: [CKKSCiphertext] = []
            for left in stride(from: 0, to: matrix.columns, by: d) {
                let values = (0..<d * d).map { matrix.entry(top + $0 / d, left + $0 % d) }
                line.append(try encrypt(values, magnitude: magnitude, slots: d * d, using: &random))
            }
            tiles.append(line)
        }
        return EncryptedMatrix(rows: matrix.rows, columns: matrix.columns, tile: d, tiles: tiles)
    }

    public func encrypt(matrix: RealMatrix, magnitude: Double = 1, tile: Int? = nil) throws(CKKSError)
        -> EncryptedMatrix
    {
        var random = SystemRandom()
        return try encrypt(matrix: matrix, magnitude: magnitude, tile: tile, using: &random)
    }
}

extension CKKSSecretKey {
    /// For the key owner's own eyes; see ``decryptForOwner(_:)``.
    public func decryptForOwner(_ matrix: EncryptedMatrix) throws(CKKSError) -> RealMatrix {
        let d = matrix.tile
        var values = [Double](repeating: 0, count: matrix.rows * matrix.columns)
        for (top, line) in matrix.tiles.enumerated() {
            for (left, one) in line.enumerated() {
                let part = try decryptForOwner(one).real
                for i in 0..<min(d, matrix.rows - top * d) {
                    for j in 0..<min(d, matrix.columns - left * d) {
                        values[(top * d + i) * matrix.columns + left * d + j] = part[(i * d + j) % part.count]
                    }
                }
            }
        }
        do { return try RealMatrix(rows: matrix.rows, columns: matrix.columns, values: values) } catch {
            throw CKKSError(code: .invalidValue, message: error.message)
        }
    }
}

extension CKKSEvaluator {
    public func add(_ a: EncryptedMatrix, _ b: EncryptedMatrix) throws(CKKSError) -> EncryptedMatrix {
        try a.combined("add", b) { x, y throws(CKKSError) in try add(x, y) }
    }

    public func subtract(_ a: EncryptedMatrix, _ b: EncryptedMatrix) throws(CKKSError) -> EncryptedMatrix {
        try a.combined("subtract", b) { x, y throws(CKKSError) in try subtract(x, y) }
    }

    /// Entry by entry.
    public func multiplyElements(_ a: EncryptedMatrix, _ b: EncryptedMatrix) throws(CKKSError) -> EncryptedMatrix {
        try a.combined("multiply", b) { x, y throws(CKKSError) in try multiply(x, y) }
    }

    public func multiply(_ a: EncryptedMatrix, _ constant: Double) throws(CKKSError) -> EncryptedMatrix {
        EncryptedMatrix(
            rows: a.rows, columns: a.columns, tile: a.tile,
            tiles: try a.map { x throws(CKKSError) in try multiply(x, constant) })
    }

    /// p of every entry. Padding becomes p(0).
    public func evaluate(_ polynomial: ChebyshevPolynomial, on a: EncryptedMatrix) throws(CKKSError) -> EncryptedMatrix
    {
        EncryptedMatrix(
            rows: a.rows, columns: a.columns, tile: a.tile,
            tiles: try a.map { x throws(CKKSError) in try evaluate(polynomial, on: x) })
    }

    /// Aᵀ: one level.
    public func transposed(_ a: EncryptedMatrix) throws(CKKSError) -> EncryptedMatrix {
        let transform = TileTransforms.transposition(a.tile)
        var result: [[CKKSCiphertext]] = []
        for column in a.tiles[0].indices {
            var line: [CKKSCiphertext] = []
            for row in a.tiles.indices {
                // A permutation of slots: no value grows.
                let one = a.tiles[row][column]
                line.append(try apply(transform, to: one.relabelled(slots: a.tile * a.tile)))
            }
            result.append(line)
        }
        return EncryptedMatrix(rows: a.columns, columns: a.rows, tile: a.tile, tiles: result)
    }

    /// Σ_i a_ij: the sums over the rows of each column, one per tile of columns, with period d. No level.
    public func columnSums(_ a: EncryptedMatrix) throws(CKKSError) -> [CKKSCiphertext] {
        let d = a.tile
        var sums: [CKKSCiphertext] = []
        for column in a.tiles[0].indices {
            let total = try sum(a.tiles.map { $0[column] }).relabelled(slots: d * d)
            sums.append(try sumSlots(total, count: d, stride: d))
        }
        return sums
    }

    /// Σ_j a_ij: the sums over the columns of each row, one per tile of rows, with period d. One level.
    public func rowSums(_ a: EncryptedMatrix) throws(CKKSError) -> [CKKSCiphertext] {
        let d = a.tile
        let transform = TileTransforms.transposition(d)
        var sums: [CKKSCiphertext] = []
        for line in a.tiles {
            let turned = try apply(transform, to: try sum(line).relabelled(slots: d * d))
            sums.append(try sumSlots(turned, count: d, stride: d))
        }
        return sums
    }
}
