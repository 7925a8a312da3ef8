import Foundation

/// A square matrix by its generalised diagonals d_k(j) = A[j, (j + k) mod n]; those that are zero are left out.
///
/// y = A·x = Σ_k d_k ⊙ rotate(x, k), which is what packed ciphertexts can do.
/// - Reference: Halevi, Shoup 2014, section 4.3.
public struct DiagonalMatrix: Sendable {
    /// Entries of one diagonal.
    public struct Diagonal: Sendable {
        public var real: [Double]
        /// As many, or none for zeros.
        public var imaginary: [Double]

        public init(real: [Double], imaginary: [Double] = []) {
            self.real = real
            self.imaginary = imaginary
        }

        func magnitude(_ j: Int) -> Double {
            imaginary.isEmpty ? abs(real[j]) : (real[j] * real[j] + imaginary[j] * imaginary[j]).squareRoot()
        }

        /// Slot j + steps moves to slot j.
        func rotated(by steps: Int) -> Diagonal {
            func turned(_ values: [Double]) -> [Double] {
                guard !values.isEmpty else { return [] }
                let shift = ((steps % values.count) + values.count) % values.count
                return Array(values[shift...] + values[..<shift])
            }
            return Diagonal(real: turned(real), imaginary: turned(imaginary))
        }
    }

    /// n, a power of two.
    public let slots: Int
    /// By k in 0..<n.
    public let diagonals: [Int: Diagonal]
    /// The greatest sum of magnitudes in a row: what |A·x| may be for |x| ≤ 1.
    public let rowNorm: Double
    /// The greatest Euclidean norm of a row: by how much uncorrelated errors of deviation 1 grow.
    public let euclideanRowNorm: Double

    /// - Errors: `shapeMismatch` unless n is a power of two, every k in 0..<n and every diagonal has n entries; `notFinite`.
    public init(slots: Int, diagonals: [Int: Diagonal]) throws(HomomorphicCircuitsError) {
        guard slots > 0, slots.nonzeroBitCount == 1 else {
            throw .init(code: .shapeMismatch, message: "slots: got \(slots), want a power of two")
        }
        for (k, diagonal) in diagonals {
            guard (0..<slots).contains(k), diagonal.real.count == slots,
                diagonal.imaginary.isEmpty || diagonal.imaginary.count == slots
            else {
                throw .init(
                    code: .shapeMismatch,
                    message: "diagonal \(k): got \(diagonal.real.count) entries, want \(slots) and a number below it")
            }
            guard diagonal.real.allSatisfy(\.isFinite), diagonal.imaginary.allSatisfy(\.isFinite) else {
                throw .init(code: .notFinite, message: "diagonal \(k): want finite numbers")
            }
        }
        self.slots = slots
        self.diagonals = diagonals.filter { item in (0..<slots).contains { item.value.magnitude($0) != 0 } }
        var sums = [Double](repeating: 0, count: slots)
        var squares = sums
        // In a fixed order, so that the same matrix has the same norm to the last bit.
        for k in self.diagonals.keys.sorted() {
            let diagonal = self.diagonals[k]!
            for j in 0..<slots {
                let magnitude = diagonal.magnitude(j)
                sums[j] += magnitude
                squares[j] += magnitude * magnitude
            }
        }
        rowNorm = sums.max()!
        euclideanRowNorm = squares.max()!.squareRoot()
    }

    /// By a function of row and column; only the diagonals named are looked at.
    init(slots: Int, diagonals wanted: some Sequence<Int>, entry: (_ row: Int, _ column: Int) -> Double)
        throws(HomomorphicCircuitsError)
    {
        var diagonals: [Int: Diagonal] = [:]
        for k in wanted {
            diagonals[k] = Diagonal(real: (0..<slots).map { entry($0, ($0 + k) & (slots - 1)) })
        }
        try self.init(slots: slots, diagonals: diagonals)
    }

    /// A·x in the clear, for x with any period that divides n.
    public func times(real: [Double], imaginary: [Double] = []) -> (real: [Double], imaginary: [Double]) {
        var (re, im) = ([Double](repeating: 0, count: slots), [Double](repeating: 0, count: slots))
        for (k, diagonal) in diagonals {
            for j in 0..<slots {
                let source = (j + k) % real.count
                let (a, b) = (diagonal.real[j], diagonal.imaginary.isEmpty ? 0 : diagonal.imaginary[j])
                let (x, y) = (real[source], imaginary.isEmpty ? 0 : imaginary[source])
                re[j] += a * x - b * y
                im[j] += a * y + b * x
            }
        }
        return (re, im)
    }
}

/// A matrix of real numbers, row after row.
public struct RealMatrix: Hashable, Sendable {
    public let rows: Int
    public let columns: Int
    public private(set) var values: [Double]

    /// - Errors: `shapeMismatch` unless there are rows·columns > 0 values; `notFinite`.
    public init(rows: Int, columns: Int, values: [Double]) throws(HomomorphicCircuitsError) {
        guard rows > 0, columns > 0, values.count == rows * columns else {
            throw .init(
                code: .shapeMismatch, message: "matrix: got \(values.count) values for \(rows) × \(columns)")
        }
        guard values.allSatisfy(\.isFinite) else {
            throw .init(code: .notFinite, message: "matrix: want finite numbers")
        }
        (self.rows, self.columns, self.values) = (rows, columns, values)
    }

    public subscript(row: Int, column: Int) -> Double { values[row * columns + column] }

    /// The least power of two that is at least `count`.
    static func powerOfTwo(_ count: Int) -> Int {
        count <= 1 ? 1 : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }

    /// Rows and columns of a part, with zeros beyond the matrix.
    func entry(_ row: Int, _ column: Int) -> Double { row < rows && column < columns ? self[row, column] : 0 }
}
