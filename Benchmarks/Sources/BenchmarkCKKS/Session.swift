import BinaryCoding
import CKKS
import CKernels
import Foundation
import Lattice
import Randomness

/// Everything that operations need for one ring size.
final class Session {
    static let shapes: [Int: (depth: Int, special: [Int])] = [
        13: (2, [50]), 14: (7, [50]), 15: (16, [45, 45, 45]),
    ]

    let context: CKKSContext
    let secret: CKKSSecretKey
    let evaluator: CKKSEvaluator
    private let publicKey: CKKSPublicKey
    private let latticeKey: RLWESecretKey
    private let latticePublicKey: RLWEPublicKey
    private let values: [Double]
    private let plaintext: CKKSPlaintext
    private let message: RNSPolynomial<Evaluations>
    private let (x, y): (CKKSCiphertext, CKKSCiphertext)
    private let product: CKKSCiphertext
    private let fresh: RLWECiphertext
    private var random = SystemRandom()

    init(logDegree: Int) throws {
        let shape = Self.shapes[logDegree]!
        context = CKKSContext(
            try CKKSParameters(
                .init(
                    logDegree: logDegree, firstModulusBits: 50, scaleBits: 40, depth: shape.depth,
                    specialModuliBits: shape.special)))
        var random = SystemRandom()
        secret = CKKSSecretKey(context, using: &random)
        publicKey = CKKSPublicKey(secret, using: &random)
        let keys = try CKKSEvaluationKeys(
            secret, for: .init(relinearisation: true, rotations: [1]), using: &random)
        evaluator = CKKSEvaluator(context, keys: keys)
        values = (0..<context.maximumSlots).map { sin(Double($0)) }
        plaintext = try context.encode(values, level: context.chain.top)
        let encryptor = CKKSEncryptor(publicKey)
        x = try encryptor.encrypt(values, using: &random)
        y = try encryptor.encrypt(values, using: &random)
        product = try evaluator.relinearised(evaluator.multiplyLazily(x, y))
        let basis = context.ring.ciphertextBasis
        latticeKey = RLWESecretKey(ring: context.ring, using: &random)
        latticePublicKey = RLWEPublicKey(latticeKey, using: &random)
        fresh = latticePublicKey.encryptZero(over: basis, using: &random)
        message = fresh.parts[0]
    }

    /// One operation; nil for a name that nobody knows.
    func operation(_ name: String) -> (() throws -> Void)? {
        let basis = context.ring.ciphertextBasis
        switch name {
        case "ntt": return { for part in self.fresh.parts { _ = part.transformed().transformed() } }
        case "encode": return { _ = try self.context.encode(self.values, level: self.context.chain.top) }
        case "encrypt":
            return {
                var result = self.latticePublicKey.encryptZero(over: basis, using: &self.random)
                result.parts[0].add(self.message)
            }
        case "encrypt_secret":
            return {
                var result = self.latticeKey.encryptZero(over: basis, using: &self.random)
                result.body.add(self.message)
            }
        case "encode_encrypt":
            let encryptor = CKKSEncryptor(publicKey)
            return { _ = try encryptor.encrypt(self.values, using: &self.random) }
        case "add": return { _ = try self.evaluator.add(self.x, self.y) }
        case "multiply_plain": return { _ = try self.evaluator.multiplyLazily(self.x, self.plaintext) }
        case "multiply": return { _ = try self.evaluator.relinearised(self.evaluator.multiplyLazily(self.x, self.y)) }
        case "rescale": return { _ = try self.evaluator.rescaled(self.product) }
        case "multiply_rescale": return { _ = try self.evaluator.multiply(self.x, self.y) }
        case "rotate": return { _ = try self.evaluator.rotate(self.x, by: 1) }
        case "decrypt_decode": return { _ = try self.secret.decryptForOwner(self.x) }
        default: return nil
        }
    }

    /// Encoded sizes in bytes.
    func sizes() throws -> [String: Int] {
        func size(_ encode: (inout BinaryEncoder) -> Void) -> Int {
            var encoder = BinaryEncoder()
            encode(&encoder)
            return encoder.bytes.count
        }
        let seeded = latticeKey.encryptZero(over: context.ring.ciphertextBasis, using: &random)
        let relinearisation = try KeySwitchKey.relinearisation(latticeKey, using: &random)
        let rotation = try GaloisKey(
            .rotation(by: 1, logDegree: context.ring.logDegree), for: latticeKey, using: &random)
        return [
            "upload": size { seeded.encode(into: &$0) }, "ciphertext": size { fresh.encode(into: &$0) },
            "public_key": size { latticePublicKey.encode(into: &$0) },
            "relinearisation_key": size { relinearisation.encode(into: &$0) },
            "rotation_key": size { rotation.encode(into: &$0) },
        ]
    }

    /// −log₂ of the greatest error of x · y.
    func precision() throws -> Double {
        let got = try secret.decryptForOwner(evaluator.multiply(x, y)).real
        return -log2(zip(got, values).map { abs($0 - $1 * $1) }.max()!)
    }
}
