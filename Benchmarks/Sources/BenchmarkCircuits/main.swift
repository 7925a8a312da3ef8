import CKKS
import Foundation
import HomomorphicCircuits
import Parallelism
import Randomness

// Products of a matrix in the clear with an encrypted vector, products of encrypted matrices, and polynomials.
//   BenchmarkCircuits [cores]        one JSON object a line

let cores = CommandLine.arguments.count > 1 ? Int(CommandLine.arguments[1]) ?? 1 : 1
Cores.limit(to: cores)

func values(_ count: Int) -> [Double] { (0..<count).map { sin(Double($0) * 1.7 + 0.3) } }

/// Median milliseconds of at least five runs and half a second.
func milliseconds(_ body: () throws -> Void) rethrows -> Double {
    try body()
    var times: [Double] = []
    var total = 0.0
    while times.count < 5 || total < 0.5 {
        let start = DispatchTime.now().uptimeNanoseconds
        try body()
        let time = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6
        times.append(time)
        total += time / 1000
    }
    return times.sorted()[times.count / 2]
}

func report(_ fields: [String: Any]) throws {
    let data = try JSONSerialization.data(withJSONObject: fields, options: [.sortedKeys])
    print(String(decoding: data, as: UTF8.self))
    fflush(nil)
}

var random = SystemRandom()

// log₂(QP) = 180 and N = 2^13, as in compare_matrices.py for TenSEAL.
let context = CKKSContext(try CKKSParameters(.init(logDegree: 13, scaleBits: 40, depth: 2)))
let secret = CKKSSecretKey(context, using: &random)
for (rows, columns) in [(16, 16), (64, 64), (128, 128), (256, 256), (512, 512), (1024, 1024), (10, 784), (256, 1024)] {
    let matrix = try RealMatrix(rows: rows, columns: columns, values: values(rows * columns))
    let x = values(columns)
    let vector = try CKKSEncryptor(secret).encrypt(vector: x, using: &random)
    let product = try MatrixVectorProduct(matrix, context: context)
    let requirements = CKKSKeyRequirements(rotations: product.requiredRotations)
    let evaluator = CKKSEvaluator(
        context, keys: try CKKSEvaluationKeys(secret, for: requirements, using: &random))
    let result = try secret.decryptForOwner(try evaluator.multiply(product, vector))
    let error = (0..<rows).reduce(0.0) { worst, i in
        max(worst, abs(result[i] - (0..<columns).reduce(0) { $0 + matrix[i, $1] * x[$1] }))
    }
    let prepared = try milliseconds { _ = try evaluator.multiply(product, vector) }
    let encoding = try milliseconds {
        _ = try evaluator.multiply(try MatrixVectorProduct(matrix, context: context), vector)
    }
    try report([
        "benchmark": "matrix-vector", "library": "tacit", "rows": rows, "columns": columns, "cores": cores,
        "milliseconds": prepared, "milliseconds_with_encoding": encoding, "keys": requirements.count,
        "key_bytes": context.parameters!.evaluationKeyBytes(requirements), "error": error,
    ])
}

// Products of two encrypted matrices.
let deeper = CKKSContext(try CKKSParameters(.init(logDegree: 13, scaleBits: 35, depth: 3)))
let second = CKKSSecretKey(deeper, using: &random)
for d in [16, 32, 64] {
    let matrix = try RealMatrix(rows: d, columns: d, values: values(d * d))
    let a = try CKKSEncryptor(second).encrypt(matrix: matrix, using: &random)
    let record = CircuitRecord()
    let hollow = EncryptedMatrix.planned(deeper, rows: d, columns: d, magnitude: 1)
    _ = try CKKSEvaluator(deeper, record: record).multiply(hollow, hollow)
    let evaluator = CKKSEvaluator(deeper, keys: try CKKSEvaluationKeys(second, for: record.keys, using: &random))
    let time = try milliseconds { _ = try evaluator.multiply(a, a) }
    try report([
        "benchmark": "matrix-matrix", "library": "tacit", "rows": d, "columns": d, "cores": cores,
        "milliseconds": time, "keys": record.keys.count,
    ])
}

// Polynomials of 8192 encrypted values.
let wide = CKKSContext(try CKKSParameters(.init(logDegree: 14, scaleBits: 40, depth: 7)))
let third = CKKSSecretKey(wide, using: &random)
let keys = try CKKSEvaluationKeys(third, for: .init(relinearisation: true), using: &random)
let evaluator = CKKSEvaluator(wide, keys: keys)
let input = try CKKSEncryptor(third).encrypt(values(8192), using: &random)
for degree in [3, 7, 15, 31, 63, 127] {
    let p = try ChebyshevPolynomial(coefficients: values(degree + 1).map { $0 / Double(degree) })
    let plan = try EvaluationPlan(p)
    let time = try milliseconds { _ = try evaluator.evaluate(p, on: input) }
    try report([
        "benchmark": "polynomial", "library": "tacit", "degree": degree, "cores": cores, "milliseconds": time,
        "products": plan.products, "relinearisations": plan.relinearisations, "depth": plan.depth,
        "slots": 8192,
    ])
}
