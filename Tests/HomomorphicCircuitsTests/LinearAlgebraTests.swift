import CKKS
import Foundation
import HomomorphicCircuits
import Randomness
import TacitTestSupport
import Testing

@Suite struct LinearAlgebraTests {
    static func literal(depth: Int, logDegree: Int = 11, specials: Int = 1) -> CKKSParameters.Literal {
        CKKSParameters.Literal(
            logDegree: logDegree, scaleBits: 40, depth: depth,
            specialModuliBits: [Int](repeating: 50, count: specials), security: .insecureForTestsOnly)
    }

    static func times(_ m: RealMatrix, _ x: [Double]) -> [Double] {
        (0..<m.rows).map { i in (0..<m.columns).reduce(0) { $0 + m[i, $1] * x[$1] } }
    }

    /// Shapes that are square, tall, wide, padded, and larger than one ciphertext of 1024 slots.
    @Test(arguments: [
        (1, 1), (8, 8), (5, 7), (64, 64), (3, 200), (200, 3), (1, 1024), (1024, 1), (130, 17), (1500, 20), (20, 1500),
        (1100, 1100),
    ])
    func matrixVectorProducts(rows: Int, columns: Int) throws {
        for specials in [1, 2] {
            var bench = try Bench(Self.literal(depth: 2, specials: specials), seed: UInt64(rows))
            // Sums of a thousand must fit the 2⁹ that the lowest level holds.
            let size = columns > 256 ? 0.125 : 1
            let matrix = try RealMatrix(
                rows: rows, columns: columns, values: bench.values(rows * columns).map { $0 * size })
            let x = bench.values(columns)
            let vector = try CKKSEncryptor(bench.secret).encrypt(vector: x, using: &bench.random)
            let product = try MatrixVectorProduct(matrix, context: bench.context)

            let planned = CircuitRecord()
            let hollow = try CKKSEvaluator(bench.context, record: planned).multiply(
                product, .planned(bench.context, count: columns, magnitude: 1))
            #expect(planned.keys.rotations == product.requiredRotations)
            #expect(!planned.keys.relinearisation)
            let keys = try CKKSEvaluationKeys(
                bench.secret, for: .init(rotations: product.requiredRotations), using: &bench.random)
            let record = CircuitRecord()
            let result = try CKKSEvaluator(bench.context, keys: keys, record: record).multiply(product, vector)
            #expect(record.keys.rotations == product.requiredRotations)
            #expect(record.counts == planned.counts)
            #expect(result.level == 1 && hollow.level == 1)
            #expect(result.errorBound == hollow.errorBound)
            #expect(result.count == rows)
            let decrypted = try bench.secret.decryptForOwner(result)
            let wanted = Self.times(matrix, x)
            let worst = zip(decrypted, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(decrypted.count == rows)
            #expect(worst <= result.errorBound)
            #expect(worst > result.errorBound * 1e-7)
            #expect(worst < 1e-6 * Double(columns))
            if rows > 1100 || specials == 1 && columns > 1100 { continue }
            // And back, so that the result is laid out as an input.
            let back = try MatrixVectorProduct(
                try RealMatrix(rows: 2, columns: rows, values: [Double](repeating: 1 / Double(rows), count: 2 * rows)),
                context: bench.context)
            let more = try CKKSEvaluationKeys(
                bench.secret, for: .init(rotations: back.requiredRotations), using: &bench.random)
            let mean = try CKKSEvaluator(bench.context, keys: more).multiply(back, result)
            let opened = try bench.secret.decryptForOwner(mean)
            for value in opened {
                #expect(abs(value - wanted.reduce(0, +) / Double(rows)) <= mean.errorBound)
            }
        }
    }

    @Test func aKeyLessIsRefusedByName() throws {
        var bench = try Bench(Self.literal(depth: 1))
        let matrix = try RealMatrix(rows: 16, columns: 16, values: bench.values(256))
        let product = try MatrixVectorProduct(matrix, context: bench.context)
        let vector = try CKKSEncryptor(bench.secret).encrypt(vector: bench.values(16), using: &bench.random)
        for step in product.requiredRotations {
            let keys = try CKKSEvaluationKeys(
                bench.secret, for: .init(rotations: product.requiredRotations.subtracting([step])), using: &bench.random
            )
            do {
                _ = try CKKSEvaluator(bench.context, keys: keys).multiply(product, vector)
                Issue.record("worked without the key for \(step)")
            } catch {
                #expect(error.code == .missingKey)
                #expect(error.message.contains("\(step)"))
            }
        }
        // Level 0 is refused.
        let low = try CKKSEncryptor(bench.secret).encrypt(vector: bench.values(16), level: 0, using: &bench.random)
        #expect(throws: CKKSError.self) { try CKKSEvaluator(bench.context).multiply(product, low) }
        #expect(throws: CKKSError.self) {
            try CKKSEvaluator(bench.context).multiply(
                product, EncryptedVector.planned(bench.context, count: 17, magnitude: 1))
        }
    }

    @Test(arguments: [1, 2, 4, 16, 64, 256])
    func complexTransformsWithAnyBabySteps(babySteps: Int) throws {
        var bench = try Bench(Self.literal(depth: 1), seed: 3)
        let n = 256
        var diagonals: [Int: DiagonalMatrix.Diagonal] = [:]
        for k in [0, 1, 2, 5, 16, 17, 100, 200, 255] {
            diagonals[k] = .init(real: bench.values(n), imaginary: bench.values(n))
        }
        let matrix = try DiagonalMatrix(slots: n, diagonals: diagonals)
        let transform = try LinearTransform(matrix, babySteps: babySteps)
        let (x, y) = (bench.values(n).map { $0 / 2 }, bench.values(n).map { $0 / 2 })
        let a = try CKKSEncryptor(bench.secret).encrypt(x, imaginary: y, using: &bench.random)
        let (out, record) = try bench.run([a]) { e, c in [try e.apply(transform, to: c[0])] }
        #expect(record.keys.rotations == transform.requiredRotations)
        let wanted = matrix.times(real: x, imaginary: y)
        try bench.compare(out[0], wanted.real)
        let d = try bench.secret.decryptForOwner(out[0])
        for (a, b) in zip(d.imaginary, wanted.imaginary) { #expect(abs(a - b) <= d.errorBound) }
    }

    @Test func sumsAndBroadcasts() throws {
        var bench = try Bench(Self.literal(depth: 2))
        let (x, y) = (bench.values(64), bench.values(64))
        let (a, b) = (try bench.encrypt(x), try bench.encrypt(y))
        let (out, record) = try bench.run([a, b]) { e, c in
            [
                try e.sumSlots(c[0]), try e.sumSlots(c[0], count: 13), try e.sumSlots(c[0], count: 8, stride: 8),
                try e.innerProduct(c[0], c[1]), try e.broadcast(c[0], slot: 37),
                try e.sumSlots(c[0], count: 7, stride: 3),
            ]
        }
        let needed = [(64, 1), (13, 1), (8, 8), (7, 3)].reduce(into: Set<Int>()) {
            $0.formUnion(CKKSEvaluator.rotationsOfSum(count: $1.0, stride: $1.1))
        }
        #expect(record.keys.rotations == needed)
        try bench.compare(out[0], [x.reduce(0, +)])
        #expect(out[0].slots == 1)
        func window(_ count: Int, _ stride: Int) -> [Double] {
            (0..<64).map { j in (0..<count).reduce(0) { $0 + x[(j + $1 * stride) % 64] } }
        }
        try bench.compare(out[1], window(13, 1))
        try bench.compare(out[2], Array(window(8, 8).prefix(8)))
        #expect(out[2].slots == 8)
        try bench.compare(out[3], [zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }])
        try bench.compare(out[4], [x[37]])
        try bench.compare(out[5], window(7, 3))
        #expect(throws: CKKSError.self) { try CKKSEvaluator(bench.context).sumSlots(a, count: 65) }
    }

    @Test(arguments: [(4, 4, 4), (8, 8, 8), (7, 5, 3), (16, 16, 16), (40, 20, 33)])
    func matrixProducts(m: Int, k: Int, n: Int) throws {
        var bench = try Bench(Self.literal(depth: 4), seed: UInt64(m))
        let tile = m == 40 ? 16 : EncryptedMatrix.tile(rows: max(m, k), columns: max(k, n), context: bench.context)
        let a = try RealMatrix(rows: m, columns: k, values: bench.values(m * k).map { $0 / 4 })
        let b = try RealMatrix(rows: k, columns: n, values: bench.values(k * n))
        let planned = CircuitRecord()
        let planner = CKKSEvaluator(bench.context, record: planned)
        let hollow = try planner.multiply(
            .planned(bench.context, rows: m, columns: k, tile: tile, magnitude: 0.25),
            .planned(bench.context, rows: k, columns: n, tile: tile, magnitude: 1))
        let more = CircuitRecord()
        _ = try CKKSEvaluator(bench.context, record: more).transposed(hollow)
        _ = try CKKSEvaluator(bench.context, record: more).columnSums(hollow)
        var needed = planned.keys
        needed.formUnion(more.keys)
        let keys = try CKKSEvaluationKeys(bench.secret, for: needed, using: &bench.random)
        let record = CircuitRecord()
        let evaluator = CKKSEvaluator(bench.context, keys: keys, record: record)
        let encryptor = CKKSEncryptor(bench.secret)
        let x = try encryptor.encrypt(matrix: a, magnitude: 0.25, tile: tile, using: &bench.random)
        let y = try encryptor.encrypt(matrix: b, tile: tile, using: &bench.random)
        let product = try evaluator.multiply(x, y)
        #expect(record.counts == planned.counts)
        #expect(record.keys == planned.keys)
        #expect(product.level == 1)
        #expect(product.errorBound == hollow.errorBound)
        var wanted: [Double] = []
        for i in 0..<m { for j in 0..<n { wanted.append((0..<k).reduce(0) { $0 + a[i, $1] * b[$1, j] }) } }
        let opened = try bench.secret.decryptForOwner(product)
        let worst = zip(opened.values, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= product.errorBound)
        #expect(worst > product.errorBound * 1e-7)

        let turned = try evaluator.transposed(product)
        let flipped = try bench.secret.decryptForOwner(turned)
        #expect((flipped.rows, flipped.columns) == (n, m))
        for i in 0..<m { for j in 0..<n { #expect(abs(flipped[j, i] - wanted[i * n + j]) <= turned.errorBound) } }

        let (columns, rows) = (try evaluator.columnSums(product), try evaluator.rowSums(product))
        for j in 0..<n {
            let d = try bench.secret.decryptForOwner(columns[j / tile])
            #expect(abs(d.real[j % tile] - (0..<m).reduce(0) { $0 + wanted[$1 * n + j] }) <= d.errorBound)
        }
        for i in 0..<m {
            let d = try bench.secret.decryptForOwner(rows[i / tile])
            #expect(abs(d.real[i % tile] - (0..<n).reduce(0) { $0 + wanted[i * n + $1] }) <= d.errorBound)
        }
        let sum = try evaluator.subtract(evaluator.add(product, product), evaluator.multiply(product, 3))
        let negative = try bench.secret.decryptForOwner(sum)
        for (v, w) in zip(negative.values, wanted) { #expect(abs(v + w) <= sum.errorBound) }
        #expect(throws: CKKSError.self) {
            try evaluator.multiply(
                x, EncryptedMatrix.planned(bench.context, rows: k + 1, columns: n, tile: tile, magnitude: 1))
        }
    }

    @Test func vectorsLargerThanOneCiphertext() throws {
        var bench = try Bench(Self.literal(depth: 3))
        let (x, y) = (bench.values(2500), bench.values(2500))
        let encryptor = CKKSEncryptor(bench.secret)
        let a = try encryptor.encrypt(vector: x, using: &bench.random)
        let b = try encryptor.encrypt(vector: y, using: &bench.random)
        #expect(a.blocks.count == 3)
        let keys = try CKKSEvaluationKeys(
            bench.secret,
            for: .init(relinearisation: true, rotations: CKKSEvaluator.rotationsOfSum(count: 1024)),
            using: &bench.random)
        let evaluator = CKKSEvaluator(bench.context, keys: keys)
        let p = try ChebyshevPolynomial(powers: [0, 1, -0.5, 0.25])
        func check(_ result: EncryptedVector, _ wanted: [Double]) throws {
            let opened = try bench.secret.decryptForOwner(result)
            #expect(opened.count == 2500)
            for (v, w) in zip(opened, wanted) { #expect(abs(v - w) <= result.errorBound) }
        }
        try check(try evaluator.add(a, b), zip(x, y).map(+))
        try check(try evaluator.subtract(a, b), zip(x, y).map(-))
        try check(try evaluator.multiply(a, b), zip(x, y).map(*))
        try check(try evaluator.multiply(a, 0.3), x.map { 0.3 * $0 })
        try check(try evaluator.evaluate(p, on: a), x.map { p.value(at: $0) })
        let inner = try evaluator.innerProduct(a, b)
        try bench.compare(inner, [zip(x, y).reduce(0) { $0 + $1.0 * $1.1 }])
        try bench.compare(try evaluator.sum(a), [x.reduce(0, +)])
        #expect(throws: CKKSError.self) {
            try evaluator.add(a, EncryptedVector.planned(bench.context, count: 2, magnitude: 1))
        }
        #expect(throws: HomomorphicCircuitsError.self) { try EncryptedVector(count: 2500, blocks: []) }
    }
}
