import CKernels
import Lattice
import Randomness
import TacitTestSupport

/// ChaCha20 from a seed, for known answers and reproducible statistics. Tests only.
struct SeededRandom: SecureRandom {
    private var key: [UInt8]
    private var counter: UInt64 = 0
    private var buffer: [UInt8] = []

    init(seed: UInt64) {
        key = [UInt8](repeating: 0, count: 32)
        withUnsafeBytes(of: seed.littleEndian) { for (i, byte) in $0.enumerated() { key[i] = byte } }
    }

    mutating func fill(_ target: UnsafeMutableRawBufferPointer) {
        while buffer.count < target.count {
            var more = [UInt8](repeating: 0, count: 64 * 256)
            tacit_chacha20_blocks(&more, 256, key, counter, 0x7E57)
            counter += 256
            buffer += more
        }
        target.copyBytes(from: buffer[..<target.count])
        buffer.removeFirst(target.count)
    }
}

enum Tiers {
    /// Every tier that this machine has.
    static var all: [Int32] { Array(0...tacit_cpu_tier()) }
    static let names = ["scalar", "AVX2", "AVX-512 IFMA"]
}

extension Modulus {
    /// The greatest NTT primes for a degree, or plain primes of this size when the degree is nil.
    static func testPrimes(bits: Int, count: Int = 1, logDegree: Int? = nil) throws -> [Modulus] {
        try primes(bits: bits, count: count, congruentToOneModulo: logDegree.map { 2 << UInt64($0) } ?? 2)
    }
}

/// N residues, the first ones extreme.
func testResidues(_ count: Int, below q: UInt64, seed: UInt64) -> [UInt64] {
    var generator = TestGenerator(seed: seed)
    let extremes = [0, q - 1, 1, q / 2, q / 2 + 1, q - 2]
    return (0..<count).map {
        $0 < 64 ? extremes[Int.random(in: 0..<6, using: &generator)] : .random(in: 0..<q, using: &generator)
    }
}

extension RNSPolynomial {
    /// Random residues in every limb.
    static func random(_ basis: RNSBasis, seed: UInt64) -> Self {
        var result = Self(zero: basis)
        for j in 0..<basis.count {
            let values = testResidues(basis.ring.degree, below: basis[j].value, seed: seed &* 1000 &+ UInt64(j))
            result.withMutableLimb(j) { _ = $0.update(fromContentsOf: values) }
        }
        return result
    }

    func residues(_ j: Int) -> [UInt64] { withLimb(j) { Array($0) } }
}

enum TestRings {
    /// Small, many primes of different sizes, two special ones; not secure.
    static let small: Ring = make(10, [50, 40, 40, 41, 30], [50, 49])

    static func make(_ logDegree: Int, _ bits: [Int], _ special: [Int]) -> Ring {
        let literal = RingParameters.Literal(
            logDegree: logDegree, moduliBits: bits, specialModuliBits: special, security: .insecureForTestsOnly)
        return Ring(try! RingParameters(literal))
    }
}
