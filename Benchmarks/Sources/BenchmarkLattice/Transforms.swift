import CKernels
import Lattice

/// Radix-2 with full reduction by the processor's division: what a reader of a textbook would write.
func textbookForward(_ x: UnsafeMutablePointer<UInt64>, _ powers: [UInt64], _ q: UInt64) {
    let n = powers.count
    var (groups, length) = (1, n)
    while groups < n {
        for group in 0..<groups {
            let w = powers[groups + group]
            for i in group * length..<group * length + length / 2 {
                let v = q.dividingFullWidth(x[i + length / 2].multipliedFullWidth(by: w)).remainder
                let u = x[i]
                x[i] = u + v >= q ? u + v - q : u + v
                x[i + length / 2] = u >= v ? u - v : u + q - v
            }
        }
        groups *= 2
        length /= 2
    }
}

func measureTransforms(logDegree: Int) {
    let n = 1 << logDegree
    let modulus = try! Modulus.primes(bits: 50, count: 1, congruentToOneModulo: 2 << UInt64(logDegree))[0]
    let root = modulus.primitiveRoot(order: 2 << UInt64(logDegree))
    let words = UnsafeMutableRawPointer.allocate(byteCount: 8 * n, alignment: 64).bindMemory(
        to: UInt64.self, capacity: n)
    defer { words.deallocate() }
    for i in 0..<n { words[i] = UInt64.random(in: 0..<modulus.value) }
    let butterflies = Double(n / 2 * logDegree)

    func report(_ name: String, _ direction: String, _ body: () -> Void) {
        let rate = clockRate()
        let time = median(samples: samples, body)
        printLine([
            "benchmark": "transform", "direction": direction, "implementation": name, "degree": n, "prime_bits": 50,
            "microseconds": time / 1000, "cycles_per_butterfly": time * rate / butterflies, "gigahertz": rate,
        ])
    }

    for tier in tiers {
        var constants = tacit_modulus_make(modulus.value)
        let tables = tacit_ntt_create(Int32(logDegree), &constants, root, tier)
        defer { tacit_ntt_destroy(tables) }
        report(tierNames[Int(tier)], "forward") { tacit_ntt_forward(tables, words) }
        report(tierNames[Int(tier)], "inverse") { tacit_ntt_inverse(tables, words) }
    }
    if logDegree <= 13 {
        var powers = [UInt64](repeating: 1, count: n)
        for i in 0..<n {
            let reversed = (0..<logDegree).reduce(0) { $0 | (i >> $1 & 1) << (logDegree - 1 - $1) }
            powers[i] = modulus.power(root, UInt64(reversed))
        }
        report("textbook", "forward") { textbookForward(words, powers, modulus.value) }
    }
}
