/// How polynomials in one variable are evaluated with few products of ciphertexts and the least depth.
///
/// Baby steps B_1 … B_k and giant steps B_2k, B_4k, … (B_j = T_j or xʲ) are made once; p = q·B_g + r is split until the
/// pieces are combinations of what is there. A node sums its products before one relinearisation and rescaling.
/// The depth is ⌈log₂(d + 1)⌉ exactly, multiplications by coefficients included: where a piece lies on the longest path,
/// it is split down to degree 1.
/// - Reference: Paterson, Stockmeyer 1973; in the Chebyshev basis Chen, Chillotti, Song 2019; depth as in Bossuat,
///   Mouchet, Troncoso-Pastoriza, Hubaux 2021, section 5.
public struct EvaluationPlan: Hashable, Sendable {
    public enum Basis: Hashable, Sendable {
        /// T_j of the normalised variable. Keeps the precision at every degree.
        case chebyshev
        /// Powers of x itself: no normalisation, hence a level less on intervals other than [−1, 1], but coefficients are
        /// rounded against values as great as max|x|^j.
        case powers
    }

    /// B_(left + right) from B_left and B_right: 2·T_a·T_b − T_(a−b), or a product of powers.
    public struct Step: Hashable, Sendable {
        /// ≥ right
        public let left: Int
        public let right: Int
        public var index: Int { left + right }
    }

    /// constant + Σ coefficient·B_index + Σ quotient·B_giant
    public struct Node: Hashable, Sendable {
        public struct Term: Hashable, Sendable {
            public let index: Int
            public let coefficient: Double
        }
        public struct Product: Hashable, Sendable {
            public let quotient: Node
            public let giant: Int
        }
        public internal(set) var constant = 0.0
        public internal(set) var terms: [Term] = []
        public internal(set) var products: [Product] = []

        /// Levels from the variable to the value.
        public var depth: Int {
            max(
                terms.reduce(0) { max($0, EvaluationPlan.depth(ofIndex: $1.index) + 1) },
                products.reduce(0) { max($0, EvaluationPlan.depth(ofIndex: $1.giant) + 1, $1.quotient.depth + 1) })
        }
        var productCount: Int { products.reduce(0) { $0 + 1 + $1.quotient.productCount } }
        var relinearisations: Int { products.isEmpty ? 0 : products.reduce(1) { $0 + $1.quotient.relinearisations } }
        var indices: Set<Int> {
            products.reduce(into: Set(terms.map(\.index))) {
                $0.insert($1.giant)
                $0.formUnion($1.quotient.indices)
            }
        }
    }

    public let basis: Basis
    /// In an order in which each uses only what is there.
    public let steps: [Step]
    /// One per polynomial.
    public let roots: [Node]
    /// Levels that evaluation takes, normalisation not included.
    public let depth: Int

    /// Products of two ciphertexts.
    public var products: Int { steps.count + roots.reduce(0) { $0 + $1.productCount } }
    /// Fewer than products: those of one sum share it.
    public var relinearisations: Int { steps.count + roots.reduce(0) { $0 + $1.relinearisations } }

    /// ⌈log₂(d + 1)⌉
    public static func depth(ofDegree d: Int) -> Int { Int.bitWidth - d.leadingZeroBitCount }
    /// Of B_j: ⌈log₂ j⌉.
    static func depth(ofIndex j: Int) -> Int { j <= 1 ? 0 : Int.bitWidth - (j - 1).leadingZeroBitCount }

    /// The plan of fewest relinearisations (and then products) for polynomials of one variable.
    /// - Errors: `invalidArgument` for none; `invalidInterval` when their intervals differ.
    public init(
        _ polynomials: [ChebyshevPolynomial], basis: Basis = .chebyshev
    ) throws(HomomorphicCircuitsError) {
        guard let first = polynomials.first else {
            throw .init(code: .invalidArgument, message: "polynomials: got none, want at least 1")
        }
        guard polynomials.allSatisfy({ $0.interval == first.interval }) else {
            throw .init(code: .invalidInterval, message: "polynomials: want one interval for all")
        }
        let degree = polynomials.reduce(0) { max($0, $1.degree) }
        let coefficients = polynomials.map { basis == .chebyshev ? $0.coefficients : $0.powers }
        var best: EvaluationPlan?
        for babies in 1...max(1, min(degree, 64)) {
            let builder = PlanBuilder(basis: basis, babies: babies)
            var roots: [Node] = []
            for one in coefficients {
                guard let node = builder.node(one, depth: Self.depth(ofDegree: one.count - 1)) else { break }
                roots.append(node)
            }
            guard roots.count == coefficients.count else { continue }
            let needed = roots.reduce(into: Set<Int>()) { $0.formUnion($1.indices) }
            let plan = EvaluationPlan(
                basis: basis, steps: builder.steps(needed), roots: roots, depth: Self.depth(ofDegree: degree))
            if let best, (best.relinearisations, best.products) <= (plan.relinearisations, plan.products) { continue }
            best = plan
        }
        // Splitting at powers of two always succeeds.
        self = best!
    }

    public init(_ polynomial: ChebyshevPolynomial, basis: Basis = .chebyshev) throws(HomomorphicCircuitsError) {
        try self.init([polynomial], basis: basis)
    }

    private init(basis: Basis, steps: [Step], roots: [Node], depth: Int) {
        self.basis = basis
        self.steps = steps
        self.roots = roots
        self.depth = depth
    }

    /// The polynomials' values, computed in the plan's order.
    /// - Parameter variable: the normalised variable for `.chebyshev`, x itself for `.powers`.
    public func values(at variable: Double) -> [Double] {
        var known: [Int: Double] = [0: 1, 1: variable]
        for step in steps {
            let product = known[step.left]! * known[step.right]!
            known[step.index] = basis == .powers ? product : 2 * product - known[step.left - step.right]!
        }
        func value(_ node: Node) -> Double {
            node.terms.reduce(node.constant) { $0 + $1.coefficient * known[$1.index]! }
                + node.products.reduce(0) { $0 + value($1.quotient) * known[$1.giant]! }
        }
        return roots.map(value)
    }
}

/// Builds plans for one choice of baby steps.
private struct PlanBuilder {
    let basis: EvaluationPlan.Basis
    let babies: Int

    /// nil when this choice of baby steps does not reach the depth.
    func node(_ coefficients: [Double], depth: Int) -> EvaluationPlan.Node? {
        var result = EvaluationPlan.Node()
        var rest = coefficients
        func trim() { while rest.count > 1, rest[rest.count - 1] == 0 { rest.removeLast() } }
        trim()
        while rest.count > 1 {
            let degree = rest.count - 1
            let isReachable = rest.indices.allSatisfy {
                $0 == 0 || rest[$0] == 0 || EvaluationPlan.depth(ofIndex: $0) < depth
            }
            if degree <= babies, isReachable { break }
            var giant = babies
            while 2 * giant <= degree { giant *= 2 }
            if giant > degree || EvaluationPlan.depth(ofIndex: giant) >= depth {
                giant = 1
                while 2 * giant <= degree { giant *= 2 }
                guard EvaluationPlan.depth(ofIndex: giant) < depth else { return nil }
            }
            let quotient: [Double]
            (quotient, rest) = divided(rest, by: giant)
            if quotient.count == 1 {
                result.terms.append(.init(index: giant, coefficient: quotient[0]))
            } else {
                guard let inner = node(quotient, depth: depth - 1) else { return nil }
                result.products.append(.init(quotient: inner, giant: giant))
            }
            trim()
        }
        result.constant = rest[0]
        for k in rest.indices.dropFirst() where rest[k] != 0 {
            result.terms.append(.init(index: k, coefficient: rest[k]))
        }
        return result
    }

    /// p = q·B_g + r for g ≤ d < 2g; in the Chebyshev basis from T_(g+i) = 2·T_g·T_i − T_(g−i), which keeps parity for
    /// even g.
    private func divided(_ p: [Double], by g: Int) -> (quotient: [Double], remainder: [Double]) {
        var quotient = Array(p[g...])
        var remainder = Array(p[..<g])
        if basis == .chebyshev {
            for i in quotient.indices.dropFirst() {
                quotient[i] *= 2
                remainder[g - i] -= p[g + i]
            }
        }
        return (quotient, remainder)
    }

    /// Steps for the indices and for what those need, each at its least depth.
    func steps(_ wanted: Set<Int>) -> [EvaluationPlan.Step] {
        var needed = wanted
        var steps: [EvaluationPlan.Step] = []
        var index = wanted.max() ?? 0
        while index > 1 {
            defer { index -= 1 }
            guard needed.contains(index) else { continue }
            let limit = EvaluationPlan.depth(ofIndex: index)
            let choices = (1...index / 2).map { EvaluationPlan.Step(left: index - $0, right: $0) }
                .filter { EvaluationPlan.depth(ofIndex: $0.left) < limit }
            func news(_ step: EvaluationPlan.Step) -> Int {
                var indices: Set = [step.left, step.right]
                if basis == .chebyshev { indices.insert(step.left - step.right) }
                return indices.subtracting(needed).subtracting([0, 1]).count
            }
            // Squares first among equals: they are cheaper.
            let step = choices.reversed().min { news($0) < news($1) }!
            needed.formUnion([step.left, step.right])
            if basis == .chebyshev { needed.insert(step.left - step.right) }
            steps.append(step)
        }
        return steps.reversed()
    }
}
