import CKKS

// Polynomials of ciphertexts.
extension CKKSEvaluator {
    /// p(x), slot by slot.
    ///
    /// The error bound of the result is that of computing p; what p differs from the function it was fitted to comes on
    /// top (``PolynomialFit/maximumError``).
    /// - Parameter basis: as nil, powers up to degree 3 and Chebyshev polynomials beyond. With Chebyshev polynomials an
    ///   interval [a, b] other than [−1, 1] takes one level more for t = (2x − a − b)/(b − a), none when 2/(b − a) is an
    ///   integer; ``normalised(_:on:)`` and transforms that scale their output spare it.
    /// - Errors: ``CKKSError`` `invalidValue` when the ciphertext's magnitude is beyond the interval;
    ///   `exhaustedLevels` before any work when the levels do not suffice; `missingKey`.
    /// - Cost: ``EvaluationPlan/relinearisations`` key switches, as many rescalings and one per combination.
    public func evaluate(
        _ polynomial: ChebyshevPolynomial, on x: CKKSCiphertext, basis: EvaluationPlan.Basis? = nil
    ) throws(CKKSError) -> CKKSCiphertext {
        try evaluate([polynomial], on: x, basis: basis)[0]
    }

    /// Several polynomials of one ciphertext, which share their powers.
    public func evaluate(
        _ polynomials: [ChebyshevPolynomial], on x: CKKSCiphertext, basis: EvaluationPlan.Basis? = nil
    ) throws(CKKSError) -> [CKKSCiphertext] {
        let degree = polynomials.reduce(0) { max($0, $1.degree) }
        let basis = basis ?? (degree <= 3 ? .powers : .chebyshev)
        let plan: EvaluationPlan
        do { plan = try EvaluationPlan(polynomials, basis: basis) } catch {
            throw CKKSError(code: .invalidValue, message: error.message)
        }
        let interval = polynomials[0].interval
        try requireInside("evaluate", x, interval)
        let variable = basis == .powers ? try settled(x) : try normalised(x, on: interval)
        guard variable.level >= plan.depth else {
            throw CKKSError(
                code: .exhaustedLevels,
                message:
                    "evaluate a polynomial of degree \(degree): needs level \(plan.depth) after normalisation, got "
                    + "\(variable.level); use parameters of more depth, or refresh the ciphertext first")
        }
        var run = PlanRun(evaluator: self, plan: plan, variable: variable)
        return try run.results()
    }

    /// t = (2x − a − b)/(b − a), in [−1, 1] for x in [a, b].
    /// - Cost: one level, none when 2/(b − a) is an integer.
    public func normalised(
        _ x: CKKSCiphertext, on interval: ClosedRange<Double>
    ) throws(CKKSError) -> CKKSCiphertext {
        try requireInside("normalise", x, interval)
        let (a, b) = (interval.lowerBound, interval.upperBound)
        var t = try settled(x)
        if b - a != 2 { t = try multiply(t, 2 / (b - a)) }
        if a + b != 0 { t = try add(t, -(a + b) / (b - a)) }
        return t.declaring(magnitude: 1)
    }

    private func requireInside(
        _ operation: String, _ x: CKKSCiphertext, _ interval: ClosedRange<Double>
    ) throws(CKKSError) {
        let reach = max(abs(interval.lowerBound), abs(interval.upperBound))
        guard x.magnitude <= reach * (1 + 1e-9) else {
            throw CKKSError(
                code: .invalidValue,
                message:
                    "\(operation): the values may reach \(x.magnitude), the polynomial is for \(interval); fit it on "
                    + "a wider interval or declare a tighter magnitude")
        }
    }
}

/// One execution of a plan.
private struct PlanRun {
    let evaluator: CKKSEvaluator
    let plan: EvaluationPlan
    /// B_j, at the level of its depth and the canonical scale.
    var known: [Int: CKKSCiphertext]
    /// B_j brought to lower levels' canonical scales, by j and level.
    var lowered: [Int: [Int: CKKSCiphertext]] = [:]
    let top: Int

    init(evaluator: CKKSEvaluator, plan: EvaluationPlan, variable: CKKSCiphertext) {
        self.evaluator = evaluator
        self.plan = plan
        known = [1: variable]
        top = variable.level
    }

    mutating func results() throws(CKKSError) -> [CKKSCiphertext] {
        for step in plan.steps {
            let level = top - EvaluationPlan.depth(ofIndex: step.index) + 1
            var product: CKKSCiphertext
            if step.left == step.right {
                product = try evaluator.squareLazily(try power(step.left, level))
            } else {
                product = try evaluator.multiplyLazily(try power(step.left, level), try power(step.right, level))
            }
            let difference = step.left - step.right
            if plan.basis == .powers {
                known[step.index] = try evaluator.settled(product)
                continue
            }
            product = try evaluator.multiply(product, integer: 2)
            if difference > 0 { product = try evaluator.add(product, try scaled(difference, by: -1, level)) }
            var result = try evaluator.settled(product)
            if difference == 0 { result = try evaluator.add(result, -1) }
            known[step.index] = result.declaring(magnitude: 1)
        }
        var results: [CKKSCiphertext] = []
        for root in plan.roots { results.append(try value(root, level: top - max(root.depth, 0))) }
        return results
    }

    /// B_j at a level and its canonical scale.
    private mutating func power(_ j: Int, _ level: Int) throws(CKKSError) -> CKKSCiphertext {
        if let found = lowered[j]?[level] { return found }
        let found = known[j]!
        let result = found.level == level ? found : try evaluator.lowered(found, to: level)
        lowered[j, default: [:]][level] = result
        return result
    }

    /// coefficient·B_j at a level, to be rescaled: the factor's scale makes up for that of the level B_j comes from, so
    /// dropping primes is enough.
    private func scaled(_ j: Int, by coefficient: Double, _ level: Int) throws(CKKSError) -> CKKSCiphertext {
        try evaluator.multiplyLazily(try evaluator.dropping(known[j]!, to: level), coefficient)
    }

    /// The node's value at a level and its canonical scale.
    private mutating func value(_ node: EvaluationPlan.Node, level: Int) throws(CKKSError) -> CKKSCiphertext {
        var sum: CKKSCiphertext?
        func add(_ term: CKKSCiphertext) throws(CKKSError) {
            if let total = sum { sum = try evaluator.add(total, term) } else { sum = term }
        }
        for product in node.products {
            let quotient = try value(product.quotient, level: level + 1)
            try add(try evaluator.multiplyLazily(quotient, try power(product.giant, level + 1)))
        }
        for term in node.terms { try add(try scaled(term.index, by: term.coefficient, level + 1)) }
        guard let sum else {
            let zero = try evaluator.multiply(try evaluator.dropping(known[1]!, to: level), integer: 0)
            return try evaluator.add(zero, node.constant)
        }
        let result = try evaluator.settled(sum)
        return node.constant == 0 ? result : try evaluator.add(result, node.constant)
    }
}
