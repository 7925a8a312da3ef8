import CKKS

/// A matrix in the clear laid out for products with encrypted vectors of any length.
///
/// Blocks have at most as many rows and columns as a ciphertext has slots. A block of m × n (padded to powers of two) has
/// min(m, n) diagonals: a tall one reads its input, which repeats, more than once; a wide one adds up the n/m parts of its
/// result by rotations.
/// - Reference: for wide matrices Juvekar, Vaikuntanathan, Chandrakasan 2018, section 4.2 (hybrid diagonals).
public struct MatrixVectorProduct: Sendable {
    public let rows: Int
    public let columns: Int
    /// By block row and block column.
    let blocks: [[LinearTransform]]

    /// - Errors: `shapeMismatch`.
    public init(_ matrix: RealMatrix, context: CKKSContext) throws(HomomorphicCircuitsError) {
        rows = matrix.rows
        columns = matrix.columns
        let height = min(context.maximumSlots, RealMatrix.powerOfTwo(rows))
        let width = min(context.maximumSlots, RealMatrix.powerOfTwo(columns))
        let slots = max(height, width)
        var blocks: [[LinearTransform]] = []
        var steps: Int?
        for top in stride(from: 0, to: rows, by: height) {
            var line: [LinearTransform] = []
            for left in stride(from: 0, to: columns, by: width) {
                let diagonals = try DiagonalMatrix(slots: slots, diagonals: 0..<min(height, width)) { row, column in
                    matrix.entry(top + row % height, left + column % width)
                }
                let transform = try LinearTransform(
                    diagonals, inputSlots: width, outputSlots: height, babySteps: steps)
                // All blocks share the baby steps of a full one.
                steps = transform.babySteps
                line.append(transform)
            }
            blocks.append(line)
        }
        self.blocks = blocks
    }

    /// The rotation keys that products need.
    public var requiredRotations: Set<Int> {
        blocks.joined().reduce(into: []) { $0.formUnion($1.requiredRotations) }
    }

    /// Encodes everything for vectors at a level, which otherwise happens at the first product.
    public func prepare(_ context: CKKSContext, level: Int) throws(CKKSError) {
        for transform in blocks.joined() { try transform.prepare(context, level: level) }
    }
}

extension CKKSEvaluator {
    /// A·x: one level.
    /// - Errors: `invalidSlots` when x has not as many elements as A columns; those of linear transforms.
    public func multiply(_ a: MatrixVectorProduct, _ x: EncryptedVector) throws(CKKSError) -> EncryptedVector {
        guard x.count == a.columns else {
            throw CKKSError(
                code: .invalidSlots, message: "matrix–vector: got \(x.count) elements, want \(a.columns)")
        }
        var sums = [CKKSCiphertext?](repeating: nil, count: a.blocks.count)
        for (number, block) in x.blocks.enumerated() {
            let parts = try applyLazily(a.blocks.map { $0[number] }, to: block)
            for (row, part) in parts.enumerated() {
                if let sum = sums[row] { sums[row] = try add(sum, part) } else { sums[row] = part }
            }
        }
        var results: [CKKSCiphertext] = []
        for (row, sum) in sums.enumerated() { results.append(try folded(sum!, a.blocks[row][0])) }
        return EncryptedVector(checked: a.rows, results)
    }
}
