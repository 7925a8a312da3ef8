/// y = A·x + b with A by the entries of its rows that are not zero: what layers without activations compute, and what
/// several of them in a row compute together.
struct AffineMap: Sendable {
    let inputCount: Int
    /// Row r has the entries `starts[r]..<starts[r + 1]`.
    private(set) var starts: [Int] = [0]
    private(set) var columns: [Int32] = []
    private(set) var weights: [Double] = []
    private(set) var bias: [Double] = []

    /// More entries than this take too much memory, and far too much time under encryption.
    static let entryLimit = 1 << 26

    var outputCount: Int { bias.count }
    var entryCount: Int { weights.count }

    init(inputCount: Int) { self.inputCount = inputCount }

    /// Each number to itself.
    static func identity(_ count: Int) -> AffineMap {
        var map = AffineMap(inputCount: count)
        for index in 0..<count { map.append([(index, 1)], bias: 0) }
        return map
    }

    /// The next row. Entries of one column are added up.
    mutating func append(_ entries: [(column: Int, weight: Double)], bias: Double) {
        for (column, weight) in entries where weight != 0 {
            precondition((0..<inputCount).contains(column), "column: got \(column), want 0..<\(inputCount)")
            columns.append(Int32(column))
            weights.append(weight)
        }
        starts.append(columns.count)
        self.bias.append(bias)
    }

    /// (column, weight) of a row's entries.
    func forEachEntry(row: Int, _ body: (Int, Double) -> Void) {
        for index in starts[row]..<starts[row + 1] { body(Int(columns[index]), weights[index]) }
    }

    func apply(_ x: [Double]) -> [Double] {
        (0..<outputCount).map { row in
            var sum = bias[row]
            for index in starts[row]..<starts[row + 1] { sum += weights[index] * x[Int(columns[index])] }
            return sum
        }
    }

    /// This map after another one.
    /// - Throws: `invalidParameter` when the product has too many entries.
    func after(_ first: AffineMap) throws(PrivateLearningError) -> AffineMap {
        var result = AffineMap(inputCount: first.inputCount)
        var row = [Double](repeating: 0, count: first.inputCount)
        var touched: [Int] = []
        var isTouched = [Bool](repeating: false, count: first.inputCount)
        for output in 0..<outputCount {
            var sum = bias[output]
            forEachEntry(row: output) { middle, weight in
                sum += weight * first.bias[middle]
                first.forEachEntry(row: middle) { column, inner in
                    if !isTouched[column] {
                        isTouched[column] = true
                        touched.append(column)
                    }
                    row[column] += weight * inner
                }
            }
            touched.sort()
            result.append(touched.map { ($0, row[$0]) }, bias: sum)
            for column in touched { (row[column], isTouched[column]) = (0, false) }
            touched.removeAll(keepingCapacity: true)
            guard result.entryCount <= Self.entryLimit else {
                throw PrivateLearningError(
                    code: .invalidParameter,
                    message: "network: layers between two activations make a matrix of more than \(Self.entryLimit) "
                        + "entries; use smaller layers")
            }
        }
        return result
    }

    /// s·A·x + t·b
    func scaled(weights factor: Double, bias biasFactor: Double) -> AffineMap {
        var result = self
        for index in result.weights.indices { result.weights[index] *= factor }
        for index in result.bias.indices { result.bias[index] *= biasFactor }
        return result
    }

    /// A·(x + c·1) + b: what an offset that all inputs have does to the constants.
    func shiftingInputs(by offset: Double) -> AffineMap {
        guard offset != 0 else { return self }
        var result = self
        for row in 0..<outputCount {
            forEachEntry(row: row) { _, weight in result.bias[row] += weight * offset }
        }
        return result
    }

    func addingToBias(_ offset: Double) -> AffineMap {
        var result = self
        for row in result.bias.indices { result.bias[row] += offset }
        return result
    }

    /// Where the outputs lie when inputs lie in the intervals: exact for each output by itself.
    func range(of inputs: [ClosedRange<Double>]) -> [ClosedRange<Double>] {
        (0..<outputCount).map { row in
            var (low, high) = (bias[row], bias[row])
            forEachEntry(row: row) { column, weight in
                let interval = inputs[column]
                low += weight * (weight > 0 ? interval.lowerBound : interval.upperBound)
                high += weight * (weight > 0 ? interval.upperBound : interval.lowerBound)
            }
            return min(low, high)...max(low, high)
        }
    }
}
