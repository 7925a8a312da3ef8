import CKernels
import Lattice
import Randomness

/// The parameter shapes at which peers are measured: as many levels as 128 bits allow.
struct Shape {
    let logDegree: Int
    let moduliBits: [Int]
    let specialModuliBits: [Int]

    static let all = [
        Shape(logDegree: 13, moduliBits: [50] + Array(repeating: 40, count: 2), specialModuliBits: [50]),
        Shape(logDegree: 14, moduliBits: [50] + Array(repeating: 40, count: 7), specialModuliBits: [50]),
        Shape(logDegree: 15, moduliBits: [50] + Array(repeating: 40, count: 16), specialModuliBits: [45, 45, 45]),
    ]
}

func measurePrimitives(_ shape: Shape) throws {
    let parameters = try RingParameters(
        .init(
            logDegree: shape.logDegree, moduliBits: shape.moduliBits, specialModuliBits: shape.specialModuliBits,
            security: .classical128))
    let ring = Ring(parameters)
    var random = SystemRandom()
    let key = RLWESecretKey(ring: ring, using: &random)
    let publicKey = RLWEPublicKey(key, using: &random)
    let relinearisation = try KeySwitchKey.relinearisation(key, using: &random)
    let rotation = try GaloisKey(.rotation(by: 1, logDegree: shape.logDegree), for: key, using: &random)
    let basis = ring.ciphertextBasis
    let u = publicKey.encryptZero(over: basis, using: &random)
    let v = publicKey.encryptZero(over: basis, using: &random)
    let decomposed = try u.parts[1].decomposed()

    for tier in tiers.reversed() {
        tacit_cpu_limit_tier(tier)
        defer { tacit_cpu_limit_tier(.max) }
        func report(_ name: String, _ body: () -> Void) {
            printLine([
                "benchmark": name, "implementation": tierNames[Int(tier)], "degree": ring.degree, "primes": basis.count,
                "special_primes": parameters.specialModuli.count, "milliseconds": median(samples: samples, body) / 1e6,
            ])
        }
        report("transform one polynomial and back") { sink &+= UInt64(u.parts[0].transformed().transformed().count) }
        report("encrypt by public key") {
            sink &+= UInt64(publicKey.encryptZero(over: basis, using: &random).parts.count)
        }
        report("encrypt by secret key, seeded") {
            sink &+= UInt64(key.encryptZero(over: basis, using: &random).body.count)
        }
        report("expand seed") { sink &+= UInt64(u.parts.count + key.ring.degree) &+ expand(basis) }
        report("decrypt, no decoding") { sink &+= UInt64(key.decrypt(u).transformed().count) }
        report("add") { sink &+= UInt64((u.parts[0] + v.parts[0]).count + (u.parts[1] + v.parts[1]).count) }
        report("tensor product") { sink &+= UInt64(tensor(u, v)[0].count) }
        report("tensor product and relinearise") {
            let three = tensor(u, v)
            let (u0, u1) = relinearisation.switching(three[2])
            sink &+= UInt64((three[0] + u0).count + (three[1] + u1).count)
        }
        report("rescale") {
            sink &+= UInt64(u.parts[0].dividedByDroppedPrimes().count + u.parts[1].dividedByDroppedPrimes().count)
        }
        report("rotate") { sink &+= UInt64(rotation.applying(to: u).parts.count) }
        report("rotate, decomposed before") {
            sink &+= UInt64(rotation.applying(to: u, decomposed: decomposed).parts.count)
        }
    }
}

private let seed = try! UniformSeed(bytes: [UInt8](repeating: 5, count: 32))

private func expand(_ basis: RNSBasis) -> UInt64 { UInt64(seed.polynomial(basis, label: .ciphertext).count) }

private func tensor(_ u: RLWECiphertext, _ v: RLWECiphertext) -> [RNSPolynomial<Evaluations>] {
    [
        u.parts[0] * v.parts[0],
        RNSPolynomial.innerProduct([(u.parts[0], v.parts[1]), (u.parts[1], v.parts[0])]),
        u.parts[1] * v.parts[1],
    ]
}
