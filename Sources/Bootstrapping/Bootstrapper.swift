import CKKS
import Foundation
import Lattice
import Synchronization

/// Brings ciphertexts from the last level back to level `depth` (bootstrapping).
///
/// Give it to an evaluator whose keys hold ``keyRequirements``:
/// ```swift
/// let bootstrapper = try Bootstrapper(parameters, context: context, keys: bootstrappingKeys)
/// let evaluator = CKKSEvaluator(context, keys: keys, refresher: bootstrapper)
/// let fresh = try evaluator.refreshed(tired)
/// ```
/// Without keys it plans. What it adds to a ciphertext's error is known in advance: ``deviation(magnitude:)``.
public final class Bootstrapper: CKKSRefreshing {
    public let parameters: BootstrappingParameters
    public let context: CKKSContext
    /// The greatest period of ciphertexts that may be refreshed; fewer are quicker and more precise.
    public let slots: Int
    let keys: BootstrappingKeys?
    let toCoefficients: [TransformPlan]
    let toSlots: [TransformPlan]
    /// Ciphertext primes before each step of the transforms, and at each depth of the reduction.
    let toCoefficientsPrimes: [Int]
    let reductionPrimes: [Int]
    let toSlotsPrimes: [Int]
    let reduction: ModularReduction
    /// S₀: of U₁ when the reduction starts.
    let reductionScale: Double
    let errors: BootstrappingErrors
    private let encoded = Mutex<(toCoefficients: [EncodedTransform], toSlots: [EncodedTransform])?>(nil)

    public var inputLevel: Int { 0 }
    public var outputLevel: Int { parameters.literal.depth }
    /// Whether all N/2 slots are in use, so that real and imaginary coefficients are reduced one after the other.
    var isFull: Bool { slots == context.maximumSlots }
    /// N/2n
    var gap: Int { context.maximumSlots / slots }

    /// - Parameters:
    ///   - slots: a power of two, N/2 when nil.
    ///   - keys: nil for planning.
    /// - Errors: `invalidSlots`; `parameterMismatch` when context or keys were made with other parameters.
    public init(
        _ parameters: BootstrappingParameters, context: CKKSContext, slots: Int? = nil, keys: BootstrappingKeys? = nil
    ) throws(CKKSError) {
        guard context.chain == parameters.ckks.chain else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "bootstrapping: the context was made with \(context), want \(parameters.ckks), which has the "
                    + "levels that bootstrapping uses")
        }
        if let keys, keys.parameters != parameters {
            throw CKKSError(
                code: .parameterMismatch, message: "bootstrapping: the keys were made with \(keys.parameters)")
        }
        let chain = context.chain
        let n = slots ?? chain.maximumSlots
        guard n >= 2, n.nonzeroBitCount == 1, n <= chain.maximumSlots else {
            throw CKKSError(
                code: .invalidSlots, message: "slots: got \(n), want a power of two in [2, \(chain.maximumSlots)]")
        }
        self.parameters = parameters
        self.context = context
        self.slots = n
        self.keys = keys
        let literal = parameters.literal
        let logSlots = n.trailingZeroBitCount
        let isFull = n == chain.maximumSlots
        // Which primes each step divides by, from the top.
        var position = chain.moduli.count
        func take(_ groups: [[Int]]) -> [(primes: Int, divisor: Double)] {
            groups.map { group in
                let before = position
                position -= group.count
                return (before, chain.moduli[position..<before].reduce(1, *))
            }
        }
        // Few slots have fewer layers than there are levels: the first levels are left out.
        let first = Array(take(literal.coefficientsToSlots).suffix(logSlots))
        let middle = take(literal.modularReduction)
        reductionPrimes = middle.map(\.primes) + [position]
        let last = Array(take(literal.slotsToCoefficients).suffix(logSlots))
        toCoefficientsPrimes = first.map(\.primes) + [middle[0].primes]
        toSlotsPrimes = last.map(\.primes) + [position]
        reduction = ModularReduction(
            range: parameters.range, doublings: parameters.doublings, divisors: middle.map(\.divisor))
        reductionScale = exp2(Double(literal.reductionScaleBits))

        let modulus = isFull ? n : 2 * n
        let (q0, messageScale) = (chain.moduli[0], parameters.messageScale)
        var forward = EmbeddingFactors.toCoefficients(logSlots: logSlots, count: first.count)
        var backward = EmbeddingFactors.toSlots(logSlots: logSlots, count: last.count)
        // ū is subtracted afterwards: i·z gives 2i times the real part, z gives 2i times the imaginary part.
        if !isFull {
            forward[forward.count - 1] = forward[forward.count - 1].scalingHalves(rows: Complex(0, 1), Complex(1))
            backward[0] = backward[0].scalingHalves(columns: Complex(0, -1), Complex(1))
        }
        let forwardFactor = reductionScale / (2 * Double(chain.maximumSlots) * q0 * parameters.range)
        let outputScale = chain.scales[literal.depth]
        let reduced = reduction.outputScale(from: reductionScale)
        let backwardFactor = outputScale * q0 / (4 * Double.pi * reduced * messageScale)
        let forwardSizes = EmbeddingFactors.groups(logSlots: logSlots, count: first.count).reversed().map(\.count)
        let backwardSizes = EmbeddingFactors.groups(logSlots: logSlots, count: last.count).map(\.count)
        let forwardScales = Self.scales(forward, forwardSizes, divisors: first.map(\.divisor), factor: forwardFactor)
        let backwardScales = Self.scales(backward, backwardSizes, divisors: last.map(\.divisor), factor: backwardFactor)
        func plans(_ matrices: [DiagonalMatrix], _ scales: [Double], _ primes: [Int]) -> [TransformPlan] {
            matrices.indices.map {
                TransformPlan(
                    matrices[$0], modulus: modulus, droppedPrimes: primes[$0] - primes[$0 + 1], scale: scales[$0])
            }
        }
        toCoefficients = plans(forward, forwardScales, toCoefficientsPrimes)
        toSlots = plans(backward, backwardScales, toSlotsPrimes)
        errors = BootstrappingErrors(
            parameters: parameters, slots: n, reduction: reduction, reductionScale: reductionScale,
            forward: zip(toCoefficients, zip(forwardSizes, first)).map {
                .init(plan: $0, layers: $1.0, primes: $1.1.primes, divisor: $1.1.divisor)
            },
            backward: zip(toSlots, zip(backwardSizes, last)).map {
                .init(plan: $0, layers: $1.0, primes: $1.1.primes, divisor: $1.1.divisor)
            })
    }

    /// Scales of the matrices' encodings whose product over the divisors is `factor`. A matrix whose diagonals have a
    /// short period rounds few coefficients and gets by with a smaller scale.
    private static func scales(
        _ matrices: [DiagonalMatrix], _ layers: [Int], divisors: [Double], factor: Double
    ) -> [Double] {
        let weights = zip(matrices, layers).map { (log2(Double($0.period)) - Double($1)) / 2 }
        let total = log2(factor) + divisors.reduce(0) { $0 + log2($1) }
        let common = (total - weights.reduce(0, +)) / Double(matrices.count)
        var result = weights.map { exp2(common + $0) }
        let product = zip(result, divisors).reduce(1) { $0 * ($1.0 / $1.1) }
        result[0] *= factor / product
        return result
    }

    // MARK: What it takes

    /// The relinearisation, conjugation and rotation keys that refreshing uses.
    public var keyRequirements: CKKSKeyRequirements {
        CKKSKeyRequirements(
            relinearisation: true, conjugation: true,
            rotations: (toCoefficients + toSlots).reduce(into: Set(traceSteps + joinSteps)) {
                $0.formUnion($1.rotations)
            })
    }

    /// Rotations that project onto polynomials in X^gap.
    var traceSteps: [Int] {
        sequence(first: slots) { $0 * 2 }.prefix { $0 < context.maximumSlots }.map { $0 }
    }
    /// The rotation that adds the two halves, in sparse packing.
    var joinSteps: [Int] { isFull ? [] : [slots] }

    /// Bytes of the evaluation keys in memory, both halves expanded, with those of the encapsulation.
    public var keyBytes: Int {
        let ring = parameters.ckks.ring
        let all = ring.moduli.count + ring.specialModuli.count
        let digits = (ring.moduli.count + ring.digitSize - 1) / ring.digitSize
        let limb = context.chain.degree * 8
        let small = 2 * (1 + parameters.literal.encapsulationBits.count)
        return limb * (keyRequirements.count * digits * 2 * all + 2 * all + small)
    }

    /// Bytes of the encoded matrices.
    public var matrixBytes: Int {
        let special = parameters.ckks.ring.specialModuli.count
        func bytes(_ plans: [TransformPlan], _ primes: [Int]) -> Int {
            zip(plans, primes).reduce(0) { $0 + $1.0.bytes(context.chain, primes: $1.1, special: special) }
        }
        return bytes(toCoefficients, toCoefficientsPrimes) + bytes(toSlots, toSlotsPrimes)
    }

    /// Most bytes of polynomials at one time while refreshing, beside keys and matrices.
    public var workingBytes: Int {
        let ring = parameters.ckks.ring
        let wide = (ring.moduli.count + ring.specialModuli.count) * context.chain.degree * 8
        let digits = (ring.moduli.count + ring.digitSize - 1) / ring.digitSize
        let most = toCoefficients.map { $0.babies.count + $0.giants.count }.max() ?? 0
        return wide * (2 * most + digits + 8)
    }

    /// Bytes of everything together: keys, matrices, working space.
    public var requiredBytes: Int { keyBytes + matrixBytes + workingBytes }

    /// Throws unless this many bytes suffice; asked before keys are made, it saves minutes. The first refresh asks it too.
    /// - Parameter bytes: the machine's physical memory when nil.
    /// - Errors: `insufficientMemory`.
    public func requireMemory(_ bytes: UInt64? = nil) throws(CKKSError) {
        let available = bytes ?? ProcessInfo.processInfo.physicalMemory
        guard UInt64(requiredBytes) <= available else {
            func text(_ bytes: Double) -> String { String(format: "%.1f GB", bytes * 1e-9) }
            throw CKKSError(
                code: .insufficientMemory,
                message:
                    "bootstrapping: needs \(text(Double(requiredBytes))) (keys \(text(Double(keyBytes))), matrices "
                    + "\(text(Double(matrixBytes))), working space \(text(Double(workingBytes)))), the machine has "
                    + "\(text(Double(available))); fewer slots take less")
        }
    }

    /// The chance that a refresh gives garbage somewhere, over the choice of keys and encryption.
    public var failureProbability: Double { parameters.failureProbability(slots: slots) }

    /// Encodes the matrices now instead of at the first refresh.
    /// - Cost: one transform per diagonal and prime; ``matrixBytes`` of memory.
    public func prepare() throws(CKKSError) { _ = try matrices() }

    func matrices() throws(CKKSError) -> (toCoefficients: [EncodedTransform], toSlots: [EncodedTransform]) {
        if let ready = encoded.withLock({ $0 }) { return ready }
        try requireMemory()
        var made: (toCoefficients: [EncodedTransform], toSlots: [EncodedTransform]) = ([], [])
        for (plan, primes) in zip(toCoefficients, toCoefficientsPrimes) {
            made.toCoefficients.append(try plan.encoded(context, primes: primes))
        }
        for (plan, primes) in zip(toSlots, toSlotsPrimes) {
            made.toSlots.append(try plan.encoded(context, primes: primes))
        }
        let result = made
        encoded.withLock { $0 = result }
        return result
    }

    /// Deviation of the error that a refresh adds to slots of at most this magnitude.
    public func deviation(magnitude: Double) -> Double {
        let shift = shrink(magnitude)
        return errors.deviation(magnitude: magnitude / shift) * shift
    }

    /// The power of two by which values are divided before and multiplied after, so that they fit the message bound.
    func shrink(_ magnitude: Double) -> Double {
        let most =
            context.chain.moduli[0] * exp2(-Double(parameters.literal.messageRatioBits)) / parameters.messageScale
        return max(1, exp2(log2(magnitude / most).rounded(.up)))
    }
}

extension Bootstrapper {
    /// Where the error of a refresh comes from: deviations of a slot, by step; the last ones include those before.
    public var errorReport: [(name: String, deviation: Double)] {
        errors.parts + [
            ("per unit of magnitude", errors.relative), ("relative error of the sine", errors.accuracy.relative),
            ("worst fit", errors.accuracy.worstFit),
        ]
    }
}
