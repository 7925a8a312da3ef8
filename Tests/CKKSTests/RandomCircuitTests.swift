import CKKS
import Foundation
import TacitTestSupport
import Testing

/// A random straight-line program on a growing list of vectors, runnable on ciphertexts and on plain numbers.
struct RandomCircuit: CKKSCircuit {
    enum Step {
        case add(Int, Int), subtract(Int, Int), multiply(Int, Int), square(Int), lazySum(Int, Int, Int)
        case constant(Int, Double), shift(Int, Double), integer(Int, Int), plain(Int, [Double]), plainSum(Int, [Double])
        case rotate(Int, Int), hoisted(Int, Int, Int), negate(Int)
    }
    var slots: [Int]
    var steps: [Step] = []

    init(inputs: Int, length: Int, depth limit: Int, using random: inout SeededRandom) {
        func pick(_ n: Int) -> Int { Int(random.uniform(below: UInt64(n))) }
        func unit() -> Double { Double(random.nextUInt64() >> 11) * 0x1p-52 - 1 }
        slots = (0..<inputs).map { _ in [64, 256, 1024][pick(3)] }
        var depths = [Int](repeating: 0, count: inputs)
        func append(_ step: Step, depth: Int) {
            steps.append(step)
            depths.append(depth)
        }
        for _ in 0..<length {
            let (a, b, c) = (pick(depths.count), pick(depths.count), pick(depths.count))
            let deeper = max(depths[a], depths[b]) + 1
            let vector = (0..<[16, 64, 1024][pick(3)]).map { _ in unit() }
            switch pick(13) {
            case 0: append(.add(a, b), depth: deeper - 1)
            case 1: append(.subtract(a, b), depth: deeper - 1)
            case 2 where deeper <= limit: append(.multiply(a, b), depth: deeper)
            case 3 where depths[a] < limit: append(.square(a), depth: depths[a] + 1)
            case 4 where max(deeper, depths[c] + 1) <= limit:
                append(.lazySum(a, b, c), depth: max(deeper, depths[c] + 1))
            case 5 where depths[a] < limit: append(.constant(a, unit()), depth: depths[a] + 1)
            case 6: append(.shift(a, unit()), depth: depths[a])
            case 7: append(.integer(a, pick(5) - 2), depth: depths[a])
            case 8 where depths[a] < limit: append(.plain(a, vector), depth: depths[a] + 1)
            case 9: append(.plainSum(a, vector), depth: depths[a])
            case 10: append(.rotate(a, pick(64) - 32), depth: depths[a])
            case 11: append(.hoisted(a, pick(20), -pick(20)), depth: depths[a])
            default: append(.negate(a), depth: depths[a])
            }
        }
    }

    func inputs(maximumSlots: Int) -> [CircuitInput] { slots.map { CircuitInput(slots: $0, magnitude: 1) } }

    func run(
        _ inputs: [CKKSCiphertext], with evaluator: CKKSEvaluator
    ) throws(CKKSError) -> [CKKSCiphertext] {
        var v = inputs
        for step in steps {
            switch step {
            case .add(let a, let b): v.append(try evaluator.add(v[a], v[b]))
            case .subtract(let a, let b): v.append(try evaluator.subtract(v[a], v[b]))
            case .multiply(let a, let b): v.append(try evaluator.multiply(v[a], v[b]))
            case .square(let a): v.append(try evaluator.square(v[a]))
            case .lazySum(let a, let b, let c):
                v.append(try evaluator.add(evaluator.multiplyLazily(v[a], v[b]), evaluator.squareLazily(v[c])))
            case .constant(let a, let c): v.append(try evaluator.multiply(v[a], c))
            case .shift(let a, let c): v.append(try evaluator.add(v[a], c))
            case .integer(let a, let n): v.append(try evaluator.multiply(v[a], integer: n))
            case .plain(let a, let p): v.append(try evaluator.multiply(v[a], p))
            case .plainSum(let a, let p): v.append(try evaluator.add(v[a], p))
            case .rotate(let a, let k): v.append(try evaluator.rotate(v[a], by: k))
            case .hoisted(let a, let j, let k):
                let r = try evaluator.rotations(v[a], by: [j, k])
                v.append(try evaluator.add(r[0], r[1]))
            case .negate(let a): v.append(try evaluator.negate(v[a]))
            }
        }
        return v
    }

    /// The same on plain numbers; every vector is all slots long.
    func simulate(_ inputs: [[Double]], periods: [Int], length: Int) -> [[Double]] {
        func fill(_ x: [Double]) -> [Double] { (0..<length).map { x[$0 % x.count] } }
        // A vector shorter than the ciphertext's period is padded with zeros, not repeated.
        func padded(_ x: [Double], _ period: Int) -> [Double] {
            fill(x + [Double](repeating: 0, count: max(0, period - x.count)))
        }
        func rotate(_ x: [Double], _ k: Int) -> [Double] {
            (0..<length).map { x[(($0 + k) % length + length) % length] }
        }
        var v = inputs.map(fill)
        for step in steps {
            switch step {
            case .add(let a, let b): v.append(zip(v[a], v[b]).map(+))
            case .subtract(let a, let b): v.append(zip(v[a], v[b]).map(-))
            case .multiply(let a, let b): v.append(zip(v[a], v[b]).map(*))
            case .square(let a): v.append(v[a].map { $0 * $0 })
            case .lazySum(let a, let b, let c): v.append((0..<length).map { v[a][$0] * v[b][$0] + v[c][$0] * v[c][$0] })
            case .constant(let a, let c): v.append(v[a].map { $0 * c })
            case .shift(let a, let c): v.append(v[a].map { $0 + c })
            case .integer(let a, let n): v.append(v[a].map { $0 * Double(n) })
            case .plain(let a, let p): v.append(zip(v[a], padded(p, periods[a])).map(*))
            case .plainSum(let a, let p): v.append(zip(v[a], padded(p, periods[a])).map(+))
            case .rotate(let a, let k): v.append(rotate(v[a], k))
            case .hoisted(let a, let j, let k): v.append(zip(rotate(v[a], j), rotate(v[a], k)).map(+))
            case .negate(let a): v.append(v[a].map { -$0 })
            }
        }
        return v
    }
}

@Suite struct RandomCircuitTests {
    /// Plans a random circuit, runs it as planned, and compares every intermediate result with plain arithmetic.
    @Test(arguments: 0..<40)
    func resultsAreWithinTheStatedBound(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(100 + seed))
        let circuit = RandomCircuit(inputs: 3, length: 16, depth: 1 + seed % 5, using: &random)
        let plan = try circuit.plan(
            errorBound: 1e-3,
            cost: CostModel(secondsPerButterfly: 2e-10, secondsPerElement: 2e-10, secondsPerProduct: 2e-10),
            logDegrees: 12...15)
        #expect((plan.securityRow?.level.rawValue ?? 0) >= 128)
        let context = CKKSContext(plan.parameters)
        let secret = CKKSSecretKey(context, using: &random)
        let keys = try CKKSEvaluationKeys(secret, for: plan.keys, using: &random)
        let record = CircuitRecord()
        let evaluator = CKKSEvaluator(context, keys: keys, record: record)
        let inputs = circuit.slots.map { n in
            (0..<n).map { _ in Double(random.nextUInt64() >> 11) * 0x1p-52 - 1 }
        }
        var ciphertexts: [CKKSCiphertext] = []
        for input in inputs { ciphertexts.append(try CKKSEncryptor(secret).encrypt(input, using: &random)) }
        let results = try circuit.run(ciphertexts, with: evaluator)
        // What was planned is what was done.
        #expect(record.counts == plan.counts)
        #expect(record.keys == plan.keys)
        #expect(plan.parameters.chain.top - record.lowestLevel! <= plan.depth)
        let wanted = circuit.simulate(
            inputs, periods: results.map(\.slots), length: context.maximumSlots)
        var tightest = 0.0
        for (result, plain) in zip(results, wanted) {
            #expect(result.errorBound <= 1e-3)
            let opened = try secret.decryptForOwner(result)
            let worst = difference(opened.real, plain)
            #expect(worst <= opened.errorBound, "level \(result.level), \(result.slots) slots")
            #expect(plain.prefix(result.slots).allSatisfy { abs($0) <= result.magnitude * (1 + 1e-9) })
            tightest = max(tightest, worst / opened.errorBound)
        }
        // Bounds thousands of times too wide would say nothing.
        #expect(tightest > 1e-3)
    }
}

@Suite struct ExplanationTests {
    @Test func explanationNamesChoicesCostsAndTheTable() throws {
        let circuit = CKKSCircuitClosure(inputs: { _ in [CircuitInput(slots: 1024, magnitude: 1)] }) {
            inputs, evaluator throws(CKKSError) in
            var x = inputs[0]
            for _ in 0..<3 { x = try evaluator.square(x) }
            return [try evaluator.add(x, evaluator.rotate(x, by: 1))]
        }
        let plan = try circuit.plan(
            errorBound: 1e-4,
            cost: CostModel(secondsPerButterfly: 2e-10, secondsPerElement: 2e-10, secondsPerProduct: 2e-10))
        let text = plan.explanation.joined(separator: "\n")
        #expect(text.contains("128 bits by Security Guidelines for Implementing HE 2024, Table 5.2"), "\(text)")
        #expect(text.contains("3 of 3 levels"), "\(text)")
        #expect(text.contains("relinearisation, 1 rotation: "), "\(text)")
        #expect(text.contains("not smaller    N = 2^11: "), "\(text)")
        #expect(plan.summary.securityBits == 128)
        #expect(plan.errorBound <= 1e-4)
        // The next smaller scale would not have been enough, or would not be allowed.
        #expect(plan.errorBound > 1e-4 / 4)
        #expect(throws: CKKSError.self) { try plan.requireMemory(plan.memoryBytes - 1) }
        try plan.requireMemory(plan.memoryBytes)
        let data = try JSONEncoder().encode(plan.summary)
        #expect(try JSONDecoder().decode(CircuitPlan.Summary.self, from: data) == plan.summary)
    }
}
