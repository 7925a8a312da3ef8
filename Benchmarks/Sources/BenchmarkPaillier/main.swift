// Our side of the comparison with python-paillier, driven line by line by Benchmarks/paillier/compare_paillier.py:
// one request a line on standard input ("encrypt 64"), one JSON answer a line on standard output.

import BigIntegers
import Foundation
import Paillier
import Parallelism
import Randomness

/// Everything that is measured, under one key.
struct Bench {
    let key: PaillierSecretKey
    let encryptor: PaillierEncryptor
    let ciphertexts: [PaillierCiphertext]
    let others: [PaillierCiphertext]
    var random = SystemRandom()

    init(bits: Int) throws {
        key = PaillierSecretKey.generate(try PaillierParameters(.init(modulusBits: bits)))
        encryptor = PaillierEncryptor(key.publicKey, expectedCount: 1024)
        ciphertexts = try encryptor.encrypt((0..<256).map { BigInteger($0 * 1_000_003 - 77) })
        others = try encryptor.rerandomise(ciphertexts)
    }

    /// Runs `count` operations; gives the bytes of the result where they matter.
    mutating func run(_ operation: String, _ count: Int) throws -> Int {
        let publicKey = key.publicKey
        switch operation {
        case "keygen":
            for _ in 0..<count { _ = PaillierSecretKey.generate(publicKey.parameters, using: &random) }
        case "encrypt":  // a batch
            _ = try encryptor.encrypt((0..<count).map { BigInteger($0 * 12_345_677) }, using: &random)
        case "encrypt-one":  // one by one
            for value in 0..<count { _ = try encryptor.encrypt([BigInteger(value)], using: &random) }
        case "precompute": encryptor.precompute(count: count, using: &random)
        case "encrypt-precomputed":
            _ = try encryptor.encrypt((0..<count).map { BigInteger($0 * 12_345_677) }, using: &random)
        case "add": _ = try publicKey.add(Array(ciphertexts.prefix(count)), Array(others.prefix(count)))
        case "multiply":  // by 53-bit factors, the size of a double's mantissa
            let factors = (0..<count).map { BigInteger((1 << 52) + $0 * 1_234_567_890_123) }
            _ = try publicKey.multiply(Array(ciphertexts.prefix(count)), by: factors, variableTime: true)
        case "decrypt": _ = try key.decrypt(Array(ciphertexts.prefix(count)))
        case "decrypt-one": for ciphertext in ciphertexts.prefix(count) { _ = try key.decrypt([ciphertext]) }
        case "weights": return try encryptVector(count: count, valueBits: 24, fractionBits: 20)
        case "doubles": return try encryptVector(count: count, valueBits: 52, fractionBits: 46)
        default: throw PaillierError(code: .invalidParameters, message: "operation: got \(operation)")
        }
        return 0
    }

    /// From numbers to bytes, with everything that takes: table, rounding, packing, encryption.
    private mutating func encryptVector(count: Int, valueBits: Int, fractionBits: Int) throws -> Int {
        let values = (0..<count).map { sin(Double($0)) }
        let encoding = try VectorEncoding(
            count: count, valueBits: valueBits, fractionBits: fractionBits, headroomBits: 10,
            modulusBits: key.publicKey.parameters.modulusBits)
        let fresh = PaillierEncryptor(key.publicKey, expectedCount: encoding.layout.plaintextCount)
        let vector = try fresh.encrypt(values, encoding: encoding, using: &random)
        return try key.publicKey.encoded(vector.packed).count
    }
}

var bench: Bench?
while let line = readLine() {
    let words = line.split(separator: " ")
    guard words.count == 2, let number = Int(words[1]), number > 0 else {
        print("{\"error\": \"want an operation and a number\"}")
        exit(1)
    }
    switch words[0] {
    case "cores":
        Cores.limit(to: number)
        print("{\"cores\": \(number)}")
    case "bits":
        bench = try Bench(bits: number)
        print("{\"bits\": \(number)}")
    default:
        let watch = Stopwatch()
        let bytes = try bench!.run(String(words[0]), number)
        let (wall, processor) = watch.elapsed
        print("{\"wall\": \(wall), \"processor\": \(processor), \"bytes\": \(bytes)}")
    }
    fflush(nil)
}
