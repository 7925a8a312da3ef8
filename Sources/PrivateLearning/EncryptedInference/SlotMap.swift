import CKKS
import Foundation
import HomomorphicCircuits

/// An affine map between two layouts, as transforms of ciphertexts by diagonals.
struct SlotMap: Sendable {
    let input: SlotLayout
    let output: SlotLayout
    /// By output and input ciphertext; nil where nothing goes from one to the other.
    let transforms: [[LinearTransform?]]
    /// For each output ciphertext.
    let bias: [[Double]]
    /// No slot of the result is greater.
    let magnitude: Double

    /// The entry from slot s to slot r lies on the diagonal (s − r) modulo the smaller period: where the input repeats
    /// within the output it is read where it comes first, and where the output is shorter the parts are added up.
    init(
        _ map: AffineMap, from input: SlotLayout, to output: SlotLayout, magnitude: Double
    ) throws(HomomorphicCircuitsError) {
        self.input = input
        self.output = output
        self.magnitude = magnitude
        let slots = max(input.slots, output.slots)
        let period = min(input.slots, output.slots)
        var diagonals = [[[Int: [Double]]]](
            repeating: [[Int: [Double]]](repeating: [:], count: input.ciphertexts), count: output.ciphertexts)
        for row in 0..<map.outputCount {
            let (target, r) = (output.places[row] / output.slots, output.places[row] % output.slots)
            map.forEachEntry(row: row) { column, weight in
                let (source, s) = (input.places[column] / input.slots, input.places[column] % input.slots)
                let k = (s - r) & (period - 1)
                let place = output.slots >= input.slots ? r : (s - k) & (slots - 1)
                diagonals[target][source][k, default: [Double](repeating: 0, count: slots)][place] += weight
            }
        }
        // One choice of baby steps for all, so that they share rotations.
        let steps = Self.babySteps(diagonals, period: period)
        // The constants come on top of what the products reach.
        let reach = map.bias.reduce(magnitude) { max($0, magnitude + abs($1)) }
        let assumptions = LinearTransform.Assumptions(magnitude: reach, hasUncorrelatedErrors: true)
        var transforms: [[LinearTransform?]] = []
        for line in diagonals {
            var row: [LinearTransform?] = []
            // Outputs that depend on no input are the zero matrix.
            let isConstant = line.allSatisfy(\.isEmpty)
            for (source, entries) in line.enumerated() {
                if entries.isEmpty, !isConstant || source > 0 {
                    row.append(nil)
                    continue
                }
                let matrix = try DiagonalMatrix(slots: slots, diagonals: entries.mapValues { .init(real: $0) })
                row.append(
                    try LinearTransform(
                        matrix, inputSlots: input.slots, outputSlots: output.slots, babySteps: steps,
                        assumptions: assumptions))
            }
            transforms.append(row)
        }
        self.transforms = transforms
        bias = output.packed(map.bias)
    }

    /// The least cost over all blocks: baby steps are made once for each input ciphertext, giant steps, which cost about
    /// four times as much, for each block.
    private static func babySteps(_ diagonals: [[[Int: [Double]]]], period: Int) -> Int {
        var (best, least) = (1, Double.infinity)
        var steps = 1
        while steps <= period {
            var cost = 0.0
            for source in diagonals[0].indices {
                let babies = diagonals.reduce(into: Set<Int>()) { set, line in
                    for k in line[source].keys { set.insert(k % steps) }
                }
                cost += 0.25 * Double(babies.subtracting([0]).count)
            }
            for line in diagonals {
                for block in line { cost += Double(Set(block.keys.map { $0 / steps }).subtracting([0]).count) }
            }
            if cost < least { (best, least) = (steps, cost) }
            steps *= 2
        }
        return best
    }

    /// Products with plaintexts, for people.
    var diagonalCount: Int {
        transforms.reduce(0) { $0 + $1.reduce(0) { $0 + ($1?.matrix.diagonals.count ?? 0) } }
    }

    /// Encodes everything for ciphertexts at a level, which otherwise happens at first use.
    func prepare(_ context: CKKSContext, level: Int) throws(CKKSError) {
        for transform in transforms.joined() { try transform?.prepare(context, level: level) }
    }

    /// A·x + b: one level.
    func apply(_ inputs: [CKKSCiphertext], _ evaluator: CKKSEvaluator) throws(CKKSError) -> [CKKSCiphertext] {
        precondition(inputs.count == input.ciphertexts, "inputs: got \(inputs.count), want \(input.ciphertexts)")
        var sums = [CKKSCiphertext?](repeating: nil, count: output.ciphertexts)
        for (source, x) in inputs.enumerated() {
            let targets = sums.indices.filter { transforms[$0][source] != nil }
            guard !targets.isEmpty else { continue }
            let parts = try evaluator.applyLazily(targets.map { transforms[$0][source]! }, to: x)
            for (target, part) in zip(targets, parts) {
                guard let sum = sums[target] else {
                    sums[target] = part
                    continue
                }
                let deviation = hypot(sum.deviation, part.deviation)
                sums[target] = try evaluator.add(sum, part).stating(magnitude: magnitude, deviation: deviation)
            }
        }
        var results: [CKKSCiphertext] = []
        for (target, sum) in sums.enumerated() {
            guard let sum, let transform = transforms[target].first(where: { $0 != nil }) ?? nil else {
                preconditionFailure("outputs: every ciphertext has a transform")
            }
            let folded = try evaluator.folded(sum, transform)
            let shifted = try evaluator.add(folded, bias[target])
            results.append(shifted.stating(magnitude: magnitude, deviation: shifted.deviation))
        }
        return results
    }
}
