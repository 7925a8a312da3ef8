// Modular exponentiation beside GMP's, on one core, both in this process and measured in turn.
//
//     swift run -c release BenchmarkModular [quick] [powers] [batch] [fixed-base] [multi-exponentiation] [products]
//
// `quick` takes fewer samples; the other words choose parts.

import BigIntegers
import ModularArithmetic
import Parallelism
import Randomness

Cores.limit(to: 1)
let quick = CommandLine.arguments.contains("quick")
let parts = CommandLine.arguments.dropFirst().filter { $0 != "quick" }

func wanted(_ part: String) -> Bool { parts.isEmpty || parts.contains(part) }

let rounds = quick ? 3 : 9

func random(bits: Int) -> BigInteger {
    var source = SystemRandom()
    return BigInteger.random(bits: bits, using: &source)
}

func residue(_ modulus: BigInteger) -> BigInteger { random(bits: modulus.bitWidth + 64).modulo(modulus) }

func oddModulus(_ bits: Int) -> BigInteger {
    let number = random(bits: bits - 1) + (1 << (bits - 1))
    return number.isOdd ? number : number + 1
}

/// Of exactly `bits` bits.
func exponent(_ bits: Int) -> BigInteger { random(bits: bits - 1) + (1 << (bits - 1)) }

func gmpPower(_ base: BigInteger, _ exponent: BigInteger, _ modulus: BigInteger) -> BigInteger {
    base.power(exponent, modulo: modulus, variableTime: true)!
}

/// One exponent for 16 bases, as in decryption.
func measurePowers(modulusBits: Int, exponentBits: Int) {
    let modulus = oddModulus(modulusBits)
    let context = ModularContext(modulus: modulus)
    let exponent = exponent(exponentBits)
    let count = 16
    let bases = (0..<count).map { _ in residue(modulus) }
    precondition(
        context.powers(of: [bases[0], bases[1]] + bases, exponent: .secret(exponent))[0]
            == gmpPower(bases[0], exponent, modulus))
    let times = medians(
        rounds: rounds,
        [
            { for base in bases[..<2] { _ = gmpPower(base, exponent, modulus) } },
            { _ = context.powers(of: bases, exponent: .variableTime(exponent)) },
            { _ = context.powers(of: bases, exponent: .secret(exponent)) },
            { _ = context.powers(of: bases, exponents: [BigInteger](repeating: exponent, count: count), secret: true) },
        ])
    let gmp = times[0] / 2
    let ours = times[1...].map { $0 / Double(count) }
    printLine([
        "benchmark": "modular/powers", "modulusBits": modulusBits, "exponentBits": exponentBits, "batch": count,
        "gmpNanoseconds": gmp, "publicNanoseconds": ours[0], "secretNanoseconds": ours[1],
        "secretEachNanoseconds": ours[2], "publicRatio": gmp / ours[0], "secretRatio": gmp / ours[1],
        "secretEachRatio": gmp / ours[2],
    ])
}

/// One operand to nine on one core: where eight lanes begin to pay.
func measureCrossover(modulusBits: Int) {
    let modulus = oddModulus(modulusBits)
    let context = ModularContext(modulus: modulus)
    let exponent = exponent(modulusBits / 2)
    for count in [1, 2, 3, 4, 8, 9] {
        let bases = (0..<count).map { _ in residue(modulus) }
        let times = medians(
            rounds: rounds,
            [
                { for base in bases { _ = gmpPower(base, exponent, modulus) } },
                { _ = context.powers(of: bases, exponent: .variableTime(exponent)) },
                { _ = context.powers(of: bases, exponent: .secret(exponent)) },
            ])
        printLine([
            "benchmark": "modular/batch", "modulusBits": modulusBits, "exponentBits": modulusBits / 2, "batch": count,
            "publicRatio": times[0] / times[1], "secretRatio": times[0] / times[2],
        ])
    }
}

/// Powers of one base, as in the encryption of a long vector: exponents of 2·(security bits) or more.
func measureFixedBase(modulusBits: Int, exponentBits: Int, count: Int) {
    let modulus = oddModulus(modulusBits)
    let context = ModularContext(modulus: modulus)
    let base = residue(modulus)
    let exponents = (0..<count).map { _ in exponent(exponentBits) }
    let sample = min(count, 960)
    var table: FixedBaseTable?
    let times = medians(
        rounds: 3,
        [
            { for exponent in exponents[..<8] { _ = gmpPower(base, exponent, modulus) } },
            { table = FixedBaseTable(base: base, context: context, exponentBits: exponentBits, expectedCount: count) },
            { _ = table!.powers(Array(exponents[..<sample])) },
        ])
    let gmp = times[0] / 8
    let ours = times[2] / Double(sample)
    let amortised = ours + times[1] / Double(count)
    printLine([
        "benchmark": "modular/fixed-base", "modulusBits": modulusBits, "exponentBits": exponentBits, "count": count,
        "gmpNanoseconds": gmp, "nanoseconds": ours, "withTableNanoseconds": amortised,
        "tableMilliseconds": times[1] / 1e6, "ratio": gmp / ours, "ratioWithTable": gmp / amortised,
    ])
}

/// Many rows of exponents over the same bases, or many rows of bases under the same exponents; beside separate powers.
func measureMultiExponentiation(modulusBits: Int, terms: Int, rows: Int, basesVary: Bool, exponentBits: Int) {
    let modulus = oddModulus(modulusBits)
    let context = ModularContext(modulus: modulus)
    let baseRows = (0..<(basesVary ? rows : 1)).map { _ in (0..<terms).map { _ in residue(modulus) } }
    let exponentRows = (0..<(basesVary ? 1 : rows)).map { _ in (0..<terms).map { _ in random(bits: exponentBits) } }
    func run(secret: Bool) {
        if basesVary {
            _ = context.multiExponentiations(baseRows: baseRows, exponents: exponentRows[0], secret: secret)
        } else {
            _ = context.multiExponentiations(bases: baseRows[0], exponentRows: exponentRows, secret: secret)
        }
    }
    let times = medians(
        rounds: 3,
        [
            {
                var product: BigInteger = 1
                for (base, exponent) in zip(baseRows[0], exponentRows[0]) {
                    product = (product * gmpPower(base, exponent, modulus)).modulo(modulus)
                }
            },
            { run(secret: false) }, { run(secret: true) },
        ])
    let ours = times[1...].map { $0 / Double(rows) }
    printLine([
        "benchmark": "modular/multi-exponentiation", "modulusBits": modulusBits, "terms": terms, "rows": rows,
        "vary": basesVary ? "bases" : "exponents", "exponentBits": exponentBits, "gmpNanosecondsPerRow": times[0],
        "publicNanosecondsPerRow": ours[0], "secretNanosecondsPerRow": ours[1], "publicRatio": times[0] / ours[0],
        "secretRatio": times[0] / ours[1],
    ])
}

/// Elementwise products, as in the aggregation of encrypted vectors.
func measureProducts(modulusBits: Int, rows: Int) {
    let modulus = oddModulus(modulusBits)
    let context = ModularContext(modulus: modulus)
    let width = 64
    let vectors = (0..<rows).map { _ in (0..<width).map { _ in residue(modulus) } }
    let flat = vectors.flatMap { $0 }
    let times = medians(
        rounds: rounds,
        [
            {
                for column in 0..<width {
                    _ = vectors.dropFirst().reduce(vectors[0][column]) { ($0 * $1[column]).modulo(modulus) }
                }
            },
            { _ = context.product(ofColumns: vectors) },
            { _ = context.product(of: flat) },
        ])
    let products = Double(width * (rows - 1))
    printLine([
        "benchmark": "modular/products", "modulusBits": modulusBits, "rows": rows, "width": width,
        "gmpNanoseconds": times[0] / products, "columnsNanoseconds": times[1] / products,
        "allNanoseconds": times[2] / products, "columnsRatio": times[0] / times[1], "allRatio": times[0] / times[2],
    ])
}

if wanted("powers") {
    for bits in [1024, 1536, 2048, 3072, 4096, 6144, 8192] {
        for exponentBits in [bits / 2, bits] { measurePowers(modulusBits: bits, exponentBits: exponentBits) }
    }
}
if wanted("batch") {
    for bits in [2048, 6144] { measureCrossover(modulusBits: bits) }
}
if wanted("fixed-base") {
    for bits in [4096, 6144, 8192] {
        for count in quick ? [576] : [576, 10000] {
            measureFixedBase(modulusBits: bits, exponentBits: 400, count: count)
        }
    }
}
if wanted("multi-exponentiation") {
    for (terms, rows, basesVary) in [
        (10, 256, false), (10, 256, true), (30, 64, false), (30, 64, true), (1000, 1, false),
    ] {
        measureMultiExponentiation(
            modulusBits: 6144, terms: terms, rows: rows, basesVary: basesVary, exponentBits: 48)
    }
}
if wanted("products") {
    for rows in [2, 10, 100] { measureProducts(modulusBits: 6144, rows: rows) }
}
