import Foundation

/// A release in the form in which losses are discretised: parameters of the sensitivity in force.
enum LossKey: Hashable {
    case noise(NoiseKind, scale: Double, rate: Double)
    /// On a subset of fixed size, a part `rate` of all, under replacement; `scale` is relative to the sensitivity then.
    case subset(NoiseKind, scale: Double, rate: Double)
    case integer(NoiseKind, scale: Double, distance: Int)
    case approximate(epsilon: Double, delta: Double)

    enum NoiseKind: Hashable { case gaussian, laplace }

    /// Whether P and Q may be exchanged without changing the distribution of losses.
    var isSymmetric: Bool {
        if case .noise(_, _, let rate) = self { return rate == 1 }
        return true
    }

    /// The largest loss, where it has a mass of its own.
    var atom: Double? {
        switch self {
        case .noise(.laplace, let scale, 1): 1 / scale
        case .integer(.laplace, let scale, let distance): Double(distance) / scale
        case .approximate(let epsilon, _) where epsilon > 0: epsilon
        default: nil
        }
    }

    private var noiseLoss: NoiseLoss? {
        switch self {
        case .noise(let kind, let scale, let rate), .subset(let kind, let scale, let rate):
            NoiseLoss(noise: kind == .gaussian ? .gaussian : .laplace, scale: scale, rate: rate)
        case .integer, .approximate: nil
        }
    }

    func partition(_ grid: LossGrid) throws(DifferentialPrivacyError) -> LossCells {
        switch self {
        case .noise: noiseLoss!.partition(grid)
        case .subset: noiseLoss!.partition(grid).symmetrised
        case .integer(let kind, let scale, let distance):
            try IntegerNoiseLoss(noise: kind == .gaussian ? .gaussian : .laplace, scale: scale, distance: distance)
                .partition()
        case .approximate(let epsilon, let delta): .approximate(epsilon: epsilon, delta: delta)
        }
    }

    /// Standard deviation of the loss, roughly.
    func spread() throws(DifferentialPrivacyError) -> Double {
        switch self {
        case .noise(.gaussian, let scale, 1): return 1 / scale
        case .noise, .subset:
            let sketch = noiseLoss!.sketch
            return max(sketch.moments.variance, sketch.exchanged.moments.variance).squareRoot()
        case .integer(.gaussian, let scale, let distance): return Double(distance) / scale
        case .integer, .approximate:
            return try partition(LossGrid(interval: 1, relative: 1, widest: 1)).moments.variance.squareRoot()
        }
    }

    /// Whether positions of losses this large can be kept.
    static let largestLoss = 1e6
}

/// How an event enters the sum of losses under a neighbouring relation.
struct LossRules {
    /// Σ 1/σ² of releases with Gaussian noise and no sampling, σ in units of the sensitivity: they make one Gaussian.
    private(set) var gaussianPrecision = 0.0
    private(set) var counts: [LossKey: Int] = [:]
    /// Keys in order of arrival, so that results do not depend on hashing.
    private(set) var keys: [LossKey] = []
    let neighbouring: Neighbouring

    init(neighbouring: Neighbouring) { self.neighbouring = neighbouring }

    private var sensitivity: Double { neighbouring.sensitivityOfSum }

    mutating func add(_ event: PrivacyEvent, count: Int) throws(DifferentialPrivacyError) {
        guard count >= 0 else { throw .parameter("count", count, "at least 0") }
        var added = LossRules(neighbouring: neighbouring)
        try added.addAll(event, count)
        var sums: [Int] = []
        for key in added.keys {
            let (sum, overflow) = (counts[key] ?? 0).addingReportingOverflow(added.counts[key]!)
            guard !overflow, sum <= PrivacyEvent.mostRepetitions else {
                throw .parameter("count", "more than \(PrivacyEvent.mostRepetitions) in all", "fewer")
            }
            sums.append(sum)
        }
        let precision =
            added.gaussianPrecision == 0 ? gaussianPrecision : (gaussianPrecision + added.gaussianPrecision).nextUp
        guard precision.isFinite else {
            throw .parameter("noiseMultiplier", "too little noise", "enough for a finite loss")
        }
        // Nothing fails from here on.
        gaussianPrecision = precision
        for (key, sum) in zip(added.keys, sums) where counts.updateValue(sum, forKey: key) == nil { keys.append(key) }
    }

    private mutating func addAll(_ event: PrivacyEvent, _ count: Int) throws(DifferentialPrivacyError) {
        try PrivacyEvent.repeated(event, count: count).visitLeaves { leaf, times throws(DifferentialPrivacyError) in
            try addLeaf(leaf, times)
        }
    }

    private mutating func addGaussian(_ multiplier: Double, _ times: Int) throws(DifferentialPrivacyError) {
        let ratio = (sensitivity / multiplier).nextUp
        let precision = (gaussianPrecision + (Double(times) * ratio * ratio) * (1 + 4e-16)).nextUp
        guard precision.isFinite else {
            throw .parameter("noiseMultiplier", multiplier, "noise large enough for a finite loss")
        }
        gaussianPrecision = precision
    }

    private mutating func insert(_ key: LossKey, _ times: Int) throws(DifferentialPrivacyError) {
        let (sum, overflow) = (counts[key] ?? 0).addingReportingOverflow(times)
        guard !overflow, sum <= PrivacyEvent.mostRepetitions else {
            throw .parameter("count", "more than \(PrivacyEvent.mostRepetitions) in all", "fewer")
        }
        if counts.updateValue(sum, forKey: key) == nil { keys.append(key) }
    }

    private mutating func addLeaf(_ leaf: PrivacyEvent, _ times: Int) throws(DifferentialPrivacyError) {
        switch leaf {
        case .gaussian(let multiplier): try addGaussian(multiplier, times)
        case .treeAggregation(let multiplier, let steps):
            // A row is in one node of each level.
            let levels = Int.bitWidth - steps.leadingZeroBitCount
            try addGaussian(multiplier, times * levels)
        case .laplace(let multiplier):
            let scale = (multiplier / sensitivity).nextDown
            guard 1 / scale < LossKey.largestLoss else {
                throw .parameter("noiseMultiplier", multiplier, "at least \(sensitivity / LossKey.largestLoss)")
            }
            try insert(.noise(.laplace, scale: scale, rate: 1), times)
        case .discreteGaussian(let deviation, let contribution):
            let distance = try self.distance(contribution)
            guard Double(distance) / deviation < 1000 else {
                throw .parameter("deviation", deviation, "at least a thousandth of the sensitivity \(distance)")
            }
            try insert(.integer(.gaussian, scale: deviation, distance: distance), times)
        case .discreteLaplace(let scale, let contribution):
            let distance = try self.distance(contribution)
            guard Double(distance) / scale < LossKey.largestLoss else {
                throw .parameter("scale", scale, "at least a millionth of the sensitivity \(distance)")
            }
            try insert(.integer(.laplace, scale: scale, distance: distance), times)
        case .approximate(let epsilon, let delta):
            guard epsilon < LossKey.largestLoss else {
                throw .parameter("epsilon", epsilon, "less than \(LossKey.largestLoss)")
            }
            if epsilon > 0 || delta > 0 { try insert(.approximate(epsilon: epsilon, delta: delta), times) }
        case .poissonSampled(let rate, let event): try addSampled(rate, event, times)
        case .zeroConcentrated:
            throw DifferentialPrivacyError(
                code: .unsupportedEvent,
                message: "\(leaf): has no privacy-loss distribution; use the Rényi or zero-concentrated accountant")
        case .sampledWithoutReplacement(let population, let batch, let event):
            try addSubset(batch, population, event, times)
        case .nothing, .composed, .repeated: break
        }
    }

    private func distance(_ contribution: Int) throws(DifferentialPrivacyError) -> Int {
        let (distance, overflow) = contribution.multipliedReportingOverflow(by: Int(sensitivity))
        guard !overflow, distance < 1 << 52 else { throw .parameter("contribution", contribution, "less than 2^51") }
        return distance
    }

    /// A subset of fixed size under replacement: δ at e^ε ≥ 1 is at most that of the mixture γP + (1 − γ)Q against Q, for
    /// both orders of the neighbours, γ = batch/population.
    /// - Reference: Balle, Barthe, Gaboardi 2018, Theorem 9; composition of dominating pairs, Zhu, Dong, Wang 2022,
    ///   Theorem 10.
    private mutating func addSubset(
        _ batch: Int, _ population: Int, _ event: PrivacyEvent, _ times: Int
    ) throws(DifferentialPrivacyError) {
        if batch == 0 { return try event.visitLeaves { _, _ throws(DifferentialPrivacyError) in } }
        if batch == population { return try addAll(event, times) }
        let unsupported = DifferentialPrivacyError(
            code: .unsupportedEvent,
            message: "[\(event)] on a subset of fixed size: has a rule for Gaussian noise, or one release with Laplace "
                + "noise, under replaceOne")
        guard neighbouring == .replaceOne else { throw unsupported }
        let rate = (Double(batch) / Double(population)).nextUp
        if let multiplier = try event.gaussianMultiplier() {
            let scale = (multiplier / sensitivity).nextDown
            guard scale > 1e-3 else { throw .parameter("noiseMultiplier", multiplier, "above 0.002 with sampling") }
            return try insert(.subset(.gaussian, scale: scale, rate: rate), times)
        }
        guard case .laplace(let multiplier) = event, sensitivity / multiplier < LossKey.largestLoss else {
            throw unsupported
        }
        try event.visitLeaves { _, _ throws(DifferentialPrivacyError) in }
        try insert(.subset(.laplace, scale: (multiplier / sensitivity).nextDown, rate: rate), times)
    }

    private mutating func addSampled(
        _ rate: Double, _ event: PrivacyEvent, _ times: Int
    ) throws(DifferentialPrivacyError) {
        if rate == 0 { return try event.visitLeaves { _, _ throws(DifferentialPrivacyError) in } }
        if rate == 1 { return try addAll(event, times) }
        if case .approximate(let epsilon, let delta) = event, neighbouring == .addOrRemoveOne {
            try event.visitLeaves { _, _ throws(DifferentialPrivacyError) in }
            // Balle, Barthe, Gaboardi 2018, Theorem 8.
            let amplified = epsilon < 700 ? log1p(rate * expm1(epsilon)) * (1 + 1e-15) : epsilon
            return try addLeaf(.approximate(epsilon: amplified, delta: (rate * delta).nextUp), times)
        }
        guard neighbouring == .addOrRemoveOne else {
            throw DifferentialPrivacyError(
                code: .unsupportedEvent,
                message: "[\(event)] on a Poisson sample: has no rule for replacing one; want addOrRemoveOne")
        }
        if let multiplier = try event.gaussianMultiplier() {
            guard multiplier > 1e-3 else {
                throw .parameter("noiseMultiplier", multiplier, "above 0.001 with sampling")
            }
            return try insert(.noise(.gaussian, scale: multiplier, rate: rate), times)
        }
        // Releases that are (ε, δ)-private on whatever sample they see, such as what a mechanism's grid costs, may stand
        // beside the Gaussians: given the Gaussians' results, theirs are mixtures that are (ε, δ)-close.
        var gaussians: [PrivacyEvent] = []
        var bounded: [(PrivacyEvent, Int)] = []
        var single: (PrivacyEvent, Int)?
        var leaves = 0
        try event.visitLeaves { leaf, count throws(DifferentialPrivacyError) in
            single = (leaf, count)
            leaves += 1
            if case .gaussian = leaf { gaussians.append(.repeated(leaf, count: count)) }
            if case .approximate = leaf { bounded.append((leaf, count)) }
        }
        if !gaussians.isEmpty, gaussians.count + bounded.count == leaves {
            try addSampled(rate, .composed(gaussians), times)
            for (leaf, count) in bounded {
                let (all, overflow) = count.multipliedReportingOverflow(by: times)
                guard !overflow else { throw .parameter("count", count, "fewer") }
                try addLeaf(leaf, all)
            }
            return
        }
        guard leaves > 0 else { return }
        guard leaves == 1, case (.laplace(let multiplier), 1)? = single, 1 / multiplier < LossKey.largestLoss else {
            throw DifferentialPrivacyError(
                code: .unsupportedEvent,
                message:
                    "[\(event)] on a Poisson sample: has no rule; want Gaussian noise or one release with Laplace noise"
            )
        }
        try insert(.noise(.laplace, scale: multiplier.nextDown, rate: rate), times)
    }
}
