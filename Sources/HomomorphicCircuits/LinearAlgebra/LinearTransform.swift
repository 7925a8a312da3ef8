import CKKS
import Foundation
import Lattice
import Parallelism
import Synchronization

/// A linear map on the slots of a ciphertext, in an order of rotations that needs few key switches.
///
/// Diagonals are numbered k = g + b with giant steps g and baby steps b: A·x = Σ_g rotate(Σ_b d′_(g+b) ⊙ rotate(x, b), g),
/// where d′_(g+b) is the diagonal rotated back by g. x is split into digits once for all baby steps, and sums are taken
/// modulo Q·P, so that the division by P happens once per giant step instead of once per rotation.
/// - Reference: Halevi, Shoup 2018 (ePrint 2018/244); double hoisting: Bossuat, Mouchet, Troncoso-Pastoriza, Hubaux 2021
///   (ePrint 2020/1203), section 4.
public struct LinearTransform: Sendable {
    public let matrix: DiagonalMatrix
    /// The period of the ciphertexts it is applied to; divides `matrix.slots`.
    public let inputSlots: Int
    /// The period of the result: when less than `matrix.slots`, the parts of that length are added up.
    public let outputSlots: Int
    /// Baby steps are below this; a power of two.
    public let babySteps: Int
    /// nil for worst cases.
    public var assumptions: Assumptions?
    /// d′ by giant and baby step.
    let groups: [(giant: Int, babies: [Int])]
    private let encodings = EncodingCache()

    /// What a caller knows of inputs and results beyond what holds for all matrices and inputs.
    public struct Assumptions: Hashable, Sendable {
        /// No slot of the result, after parts are added up, is greater. Sums on the way may be: they wrap around and back.
        public var magnitude: Double
        /// Errors of different slots are uncorrelated. Then they grow by the Euclidean norm of a row and not by the sum of
        /// its magnitudes. So are the roundings of encryption, key switches and rescalings, whose coefficients are
        /// independent, and products of them with slots; that they stay so along a circuit is the usual heuristic.
        public var hasUncorrelatedErrors: Bool

        public init(magnitude: Double, hasUncorrelatedErrors: Bool) {
            precondition(magnitude > 0 && magnitude.isFinite, "magnitude: want a positive number")
            self.magnitude = magnitude
            self.hasUncorrelatedErrors = hasUncorrelatedErrors
        }
    }

    /// - Parameter babySteps: nil for what costs least.
    /// - Errors: `shapeMismatch`.
    public init(
        _ matrix: DiagonalMatrix, inputSlots: Int? = nil, outputSlots: Int? = nil, babySteps: Int? = nil,
        assumptions: Assumptions? = nil
    ) throws(HomomorphicCircuitsError) {
        let (input, output) = (inputSlots ?? matrix.slots, outputSlots ?? matrix.slots)
        for count in [input, output] + (babySteps.map { [$0] } ?? [])
        where count < 1 || count.nonzeroBitCount != 1 || count > matrix.slots {
            throw .init(
                code: .shapeMismatch, message: "slots: got \(count), want a power of two up to \(matrix.slots)")
        }
        self.matrix = matrix
        self.inputSlots = input
        self.outputSlots = output
        self.assumptions = assumptions
        self.babySteps = babySteps ?? Self.cheapest(matrix)
        let steps = self.babySteps
        groups = Dictionary(grouping: matrix.diagonals.keys) { $0 / steps * steps }
            .map { ($0.key, $0.value.map { $0 % steps }.sorted()) }.sorted { $0.0 < $1.0 }
    }

    /// Of giant and baby steps. A giant step splits, multiplies and divides; a baby step only multiplies, which is about a
    /// quarter of it.
    private static func cheapest(_ matrix: DiagonalMatrix) -> Int {
        var (best, least) = (1, Double.infinity)
        var steps = 1
        while steps <= matrix.slots {
            let babies = Set(matrix.diagonals.keys.map { $0 % steps }).subtracting([0]).count
            let giants = Set(matrix.diagonals.keys.map { $0 / steps }).subtracting([0]).count
            let cost = 0.25 * Double(babies) + Double(giants)
            if cost < least { (best, least) = (steps, cost) }
            steps *= 2
        }
        return best
    }

    var babies: Set<Int> { Set(groups.flatMap { $0.babies }.map { $0 % inputSlots }) }
    var giants: [Int] { groups.map(\.giant) }

    /// Steps by which parts of the result are added up.
    var foldingSteps: [Int] {
        var steps: [Int] = []
        var step = matrix.slots / 2
        while step >= outputSlots {
            steps.append(step)
            step /= 2
        }
        return steps
    }

    /// The rotation keys that it needs, no others.
    public var requiredRotations: Set<Int> {
        babies.union(giants).union(foldingSteps).subtracting([0])
    }

    /// How often it divides by P, the costly half of a rotation: what double hoisting saves on.
    public var keySwitches: Int { giants.filter { $0 != 0 }.count + foldingSteps.count + 1 }

    // MARK: Encoding

    /// Encodes the diagonals for ciphertexts at a level, which otherwise happens at first use there.
    /// - Errors: those of encoding.
    /// - Cost: one encoding per diagonal; 2·slots·(level + 1 + special primes)·8 bytes each.
    public func prepare(_ context: CKKSContext, level: Int) throws(CKKSError) {
        guard level > 0 else { return }
        let chain = context.chain
        _ = try encoded(
            context, level: level, scale: chain.scales[level - 1] * chain.moduli[level] / chain.scales[level])
    }

    /// By giant step, then as `babies` of the group.
    func encoded(
        _ context: CKKSContext, level: Int, scale: Double
    ) throws(CKKSError) -> [[PeriodicPolynomial]] {
        let key = EncodingCache.Key(context: ObjectIdentifier(context), level: level, scale: scale)
        if let found = encodings.entries.withLock({ $0[key]?.polynomials }) { return found }
        guard log2(max(matrix.rowNorm, 1e-300)) + log2(scale) < context.chain.log2Q(level: level) - 1 else {
            throw CKKSError(
                code: .overflow, message: "linear transform: its entries do not fit level \(level); scale them down")
        }
        let basis = context.ring.basis(level + 1).withSpecialPrimes
        let transform = context.transform
        let places = groups.flatMap { group in group.babies.map { (group.giant, $0) } }
        let flat = try parallelMap(
            places.count,
            throwing: { index throws(CKKSError) in
                let (giant, baby) = places[index]
                let diagonal = matrix.diagonals[giant + baby]!.rotated(by: -giant)
                let coefficients = [Double](unsafeUninitializedCapacity: context.chain.degree) { buffer, filled in
                    transform.interpolate(
                        real: diagonal.real, imaginary: diagonal.imaginary.isEmpty ? nil : diagonal.imaginary,
                        count: matrix.slots, scale: scale, to: buffer.baseAddress!)
                    filled = context.chain.degree
                }
                let polynomial = try wrapping(.invalidValue) { () throws(LatticeError) in
                    try RNSPolynomial<Coefficients>(rounding: coefficients, basis: basis)
                }
                return PeriodicPolynomial(polynomial.transformed(), run: context.maximumSlots / matrix.slots)
            } as @Sendable (Int) throws(CKKSError) -> PeriodicPolynomial)
        var rest = flat[...]
        let polynomials = groups.map { group in
            defer { rest = rest.dropFirst(group.babies.count) }
            return Array(rest.prefix(group.babies.count))
        }
        encodings.entries.withLock { $0[key] = EncodingCache.Entry(context: context, polynomials: polynomials) }
        return polynomials
    }
}

/// Encoded diagonals by level; shared by copies of a transform.
private final class EncodingCache: Sendable {
    struct Key: Hashable {
        let context: ObjectIdentifier
        let level: Int
        let scale: Double
    }
    /// Holds the context, so that its identity is not reused.
    struct Entry {
        let context: CKKSContext
        let polynomials: [[PeriodicPolynomial]]
    }
    let entries = Mutex<[Key: Entry]>([:])
}
