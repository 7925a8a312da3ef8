/// What training makes small, for one row of scores at a time.
public enum Loss: String, Hashable, Sendable, Codable {
    /// −log softmax(scores)[class].
    case crossEntropy
    /// −Σ y log σ(s) + (1 − y) log(1 − σ(s)) over the scores, y in [0, 1]; classes 0 and 1 for a single score.
    case binaryCrossEntropy
    /// The mean over the scores of (s − y)².
    case meanSquaredError

    func check<Scalar: NetworkScalar>(_ examples: Examples<Scalar>, outputs: Int) throws(NeuralNetworksError) {
        switch (self, examples.targets) {
        case (.crossEntropy, .classes(let classes)):
            guard classes.allSatisfy({ (0..<outputs).contains($0) }) else {
                throw .data("labels: got a class outside 0..<\(outputs)")
            }
        case (.binaryCrossEntropy, .classes(let classes)):
            guard outputs == 1, classes.allSatisfy({ $0 == 0 || $0 == 1 }) else {
                throw .data("labels: want classes 0 and 1 and a network with 1 output, got \(outputs) outputs")
            }
        case (.binaryCrossEntropy, .values(let values, let width)):
            guard width == outputs, values.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
                throw .data("labels: want \(outputs) numbers in [0, 1] for each row")
            }
        case (.meanSquaredError, .values(let values, let width)):
            guard width == outputs, values.allSatisfy(\.isFinite) else {
                throw .data("labels: want \(outputs) finite numbers for each row")
            }
        case (.crossEntropy, .values): throw .data("labels: cross-entropy wants classes")
        case (.meanSquaredError, .classes): throw .data("labels: mean squared error wants numbers")
        }
    }

    /// The loss of each row, and its gradient with respect to the row's scores.
    /// - Returns: the sum of the losses, and how many rows have their largest score (or sign) at the right class.
    @specialized(where Scalar == Float)
    @specialized(where Scalar == Double)
    func evaluate<Scalar: NetworkScalar>(
        _ scores: Rows<Scalar>, _ targets: Examples<Scalar>.Targets, rows: UnsafePointer<Int>,
        gradient: UnsafeMutablePointer<Scalar>
    ) -> (sum: Double, correct: Int) {
        var sum = 0.0
        var correct = 0
        let width = scores.width
        for row in 0..<scores.count {
            let s = scores[row]
            let g = gradient + row * width
            switch (self, targets) {
            case (.crossEntropy, .classes(let classes)):
                let label = classes[rows[row]]
                var best = 0
                for j in 1..<max(width, 1) where s[j] > s[best] { best = j }
                if best == label { correct += 1 }
                let largest = s[best]
                var total: Scalar = 0
                for j in 0..<width {
                    g[j] = Scalar.exponential(s[j] - largest)
                    total += g[j]
                }
                for j in 0..<width { g[j] /= total }
                sum += Double(Scalar.logarithm(total) + largest - s[label])
                g[label] -= 1
            case (.binaryCrossEntropy, _):
                for j in 0..<width {
                    let y: Scalar
                    switch targets {
                    case .classes(let classes): y = Scalar(classes[rows[row]])
                    case .values(let values, let each): y = values[rows[row] * each + j]
                    }
                    // log(1 + e^s) without overflow, less y·s.
                    sum += Double(max(s[j], 0) + Scalar.logarithm(1 + Scalar.exponential(-abs(s[j]))) - y * s[j])
                    g[j] = logistic(s[j]) - y
                    if width == 1, (s[j] > 0) == (y > 0.5) { correct += 1 }
                }
            case (.meanSquaredError, .values(let values, let each)):
                for j in 0..<width {
                    let difference = s[j] - values[rows[row] * each + j]
                    sum += Double(difference * difference) / Double(width)
                    g[j] = 2 * difference / Scalar(width)
                }
            default: preconditionFailure("targets were not checked")
            }
        }
        return (sum, correct)
    }
}
