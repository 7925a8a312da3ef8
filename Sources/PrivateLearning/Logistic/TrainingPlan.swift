import Foundation

/// What is minimised over encrypted rows.
public enum TrainingLoss: Hashable, Sendable, Codable {
    /// −log of the likelihood of a logistic model, its sigmoid replaced by a polynomial. Rows carry their label as a
    /// sign: z = ±(1, x).
    case logistic(SigmoidPolynomial)
    /// Half the squared error. Rows carry their target as a last column: z = (1, x, y).
    case squared
}

/// The public recipe of a training run: what whoever trains does, in the clear or on ciphertexts.
///
/// Nesterov's accelerated gradient on the mean loss with an optional ridge penalty:
///
///     w_{t+1} = v_t − α (∇loss(v_t) + λ v_t),   v_{t+1} = w_{t+1} + β_t (w_{t+1} − w_t)
///
/// with v₀ = w₀ = 0, β_t = (θ_t − 1)/θ_{t+1}, θ₀ = 1, θ_{t+1} = (1 + √(1 + 4θ_t²))/2, and β = 0 in the last iteration. α is
/// 1/(curvature + λ): the rows were scaled so that the largest eigenvalue of their second moments is 1
/// (``FeatureScaling``), and the curvature of a row's loss is at most the greatest slope of the polynomial, so the step
/// follows from public numbers alone. The constant column, the first, has no penalty.
///
/// With several batches, iteration t sees the rows r with r ≡ t modulo their number.
/// - Reference: Nesterov 1983; Kim et al., Logistic regression model training based on the approximate homomorphic
///   encryption, BMC Medical Genomics 11 (2018), section 3; Han et al., AAAI 2019.
public struct TrainingPlan: Hashable, Sendable, Codable {
    public let loss: TrainingLoss
    public let iterations: Int
    /// λ of the ridge penalty ½λ|w|², on scaled weights and per row.
    public let ridge: Double
    public let batches: Int

    /// Iterations unless said otherwise.
    public static let standardIterations = 7

    /// - Errors: `invalidParameter` for iterations outside 1...1000, batches outside 1...iterations, or a penalty that is
    ///   negative or above 10.
    public init(
        loss: TrainingLoss = .logistic(.standard), iterations: Int = standardIterations, ridge: Double = 0,
        batches: Int = 1
    ) throws(PrivateLearningError) {
        func fail(_ message: String) -> PrivateLearningError {
            PrivateLearningError(code: .invalidParameter, message: message)
        }
        guard (1...1000).contains(iterations) else { throw fail("iterations: got \(iterations), want 1...1000") }
        guard (1...iterations).contains(batches) else {
            throw fail("batches: got \(batches), want 1...\(iterations), the iterations")
        }
        guard ridge >= 0, ridge <= 10 else { throw fail("lambda: got \(ridge) a row, want [0, 10]") }
        self.loss = loss
        self.iterations = iterations
        self.ridge = ridge
        self.batches = batches
    }

    private enum Keys: String, CodingKey { case loss, iterations, ridge, batches }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        do {
            try self.init(
                loss: values.decode(TrainingLoss.self, forKey: .loss),
                iterations: values.decode(Int.self, forKey: .iterations),
                ridge: values.decode(Double.self, forKey: .ridge), batches: values.decode(Int.self, forKey: .batches))
        } catch let error as PrivateLearningError {
            throw DecodingError.dataCorrupted(.init(codingPath: values.codingPath, debugDescription: error.message))
        }
    }

    /// α
    public var step: Double {
        switch loss {
        case .logistic(let sigmoid): 1 / (sigmoid.maximumSlope + ridge)
        case .squared: 1 / (1 + ridge)
        }
    }

    /// β_t
    public func momentum(_ iteration: Int) -> Double {
        guard iteration < iterations - 1 else { return 0 }
        var current = 1.0
        for _ in 0..<iteration { current = Self.grown(current) }
        return (current - 1) / Self.grown(current)
    }

    private static func grown(_ theta: Double) -> Double { (1 + (1 + 4 * theta * theta).squareRoot()) / 2 }

    /// Levels of a ciphertext that one iteration uses: the product with the rows, the polynomial, the product with the
    /// rows again.
    public var levelsPerIteration: Int {
        switch loss {
        case .squared: 2
        case .logistic(let sigmoid): sigmoid.degree == 1 ? 2 : sigmoid.degree == 3 ? 3 : 4
        }
    }

    /// Levels of the whole run without bootstrapping. The first iteration of a logistic run starts from weights of zero
    /// and needs a sum of rows only.
    public var levels: Int {
        switch loss {
        case .logistic: 1 + (iterations - 1) * levelsPerIteration
        case .squared: iterations * levelsPerIteration
        }
    }

    /// The rows of an iteration's batch.
    func batch(_ iteration: Int, of rowCount: Int) -> StrideTo<Int> {
        stride(from: iteration % batches, to: rowCount, by: batches)
    }
}
