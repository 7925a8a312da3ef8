import BinaryCoding
import Foundation
import Lattice
import Randomness

/// Encrypts values under a secret key (half the bytes: the uniform half is a seed) or under a public key.
public struct CKKSEncryptor: Sendable {
    public let context: CKKSContext
    private let secret: CKKSSecretKey?
    private let publicKey: CKKSPublicKey?

    public init(_ key: CKKSSecretKey) {
        context = key.context
        secret = key
        publicKey = nil
    }

    public init(_ key: CKKSPublicKey) {
        context = key.context
        secret = nil
        publicKey = key
    }

    /// Encrypts up to N/2 values.
    /// - Parameters:
    ///   - magnitude: the public bound of the values' absolute values.
    ///   - level: the level of the result, `chain.top` when nil; lower ones are smaller and quicker.
    /// - Errors: `invalidValue` for a value that is not finite or greater than `magnitude`, with its place;
    ///   `invalidSlots`; `overflow` when values of this magnitude do not fit.
    public func encrypt(
        _ real: [Double], imaginary: [Double] = [], magnitude: Double = 1, level: Int? = nil, slots: Int? = nil,
        using random: inout some SecureRandom
    ) throws(CKKSError) -> CKKSCiphertext {
        let level = level ?? context.chain.top
        for (index, value) in real.enumerated() {
            let size =
                imaginary.isEmpty ? abs(value) : (value * value + imaginary[index] * imaginary[index]).squareRoot()
            guard size <= magnitude else {
                // Not the value itself: it is secret.
                throw CKKSError(
                    code: .invalidValue,
                    message: value.isFinite
                        ? "value \(index): its magnitude is above the stated \(magnitude); scale the values or state more"
                        : "value \(index): want a finite number")
            }
        }
        let plaintext = try context.encode(real, imaginary: imaginary, level: level, slots: slots)
        return encrypt(plaintext, magnitude: magnitude, using: &random)
    }

    /// With the system's randomness.
    public func encrypt(
        _ real: [Double], imaginary: [Double] = [], magnitude: Double = 1, level: Int? = nil, slots: Int? = nil
    ) throws(CKKSError) -> CKKSCiphertext {
        var random = SystemRandom()
        return try encrypt(
            real, imaginary: imaginary, magnitude: magnitude, level: level, slots: slots, using: &random)
    }

    /// Encrypts what is encoded already.
    package func encrypt(
        _ plaintext: CKKSPlaintext, magnitude: Double, using random: inout some SecureRandom
    ) -> CKKSCiphertext {
        guard let message = plaintext.polynomial else { preconditionFailure("encrypt: want a context with a ring") }
        let basis = context.ring.basis(plaintext.level + 1)
        var parts: [RNSPolynomial<Evaluations>]
        var seed: UniformSeed?
        if let secret {
            let fresh = secret.lattice.encryptZero(over: basis, using: &random)
            seed = fresh.seed
            parts = fresh.expanded().parts
        } else {
            parts = publicKey!.lattice.encryptZero(over: basis, using: &random).parts
        }
        parts[0].add(message)
        return CKKSCiphertext(
            context: context, parts: parts, level: plaintext.level, scale: plaintext.scale, slots: plaintext.slots,
            magnitude: magnitude,
            deviation: context.freshSlotDeviation(
                publicKey: secret == nil, scale: plaintext.scale, slots: plaintext.slots, magnitude: magnitude),
            key: secret?.identity ?? publicKey!.identity, seed: seed)
    }
}

/// Values out of a ciphertext, with the bound of their error.
public struct CKKSDecryption: Sendable {
    public let real: [Double]
    public let imaginary: [Double]
    /// Bound on |decrypted − true| of every slot.
    public let errorBound: Double
}

extension CKKSSecretKey {
    /// Decrypts for the key owner's own eyes.
    ///
    /// The result holds the encryption's noise: whoever sees it and the ciphertext can compute the secret key (Li,
    /// Micciancio 2021). What leaves the owner goes through a flooded release instead.
    /// - Errors: `keyMismatch`, `parameterMismatch`, `plannedOnly`.
    public func decryptForOwner(_ ciphertext: CKKSCiphertext) throws(CKKSError) -> CKKSDecryption {
        let phase = try phase(ciphertext)
        let bound = log2((ciphertext.magnitude + ciphertext.errorBound) * ciphertext.scale)
        let (real, imaginary) = context.decode(
            phase, scale: ciphertext.scale, slots: ciphertext.slots, log2Bound: bound)
        return CKKSDecryption(real: real, imaginary: imaginary, errorBound: ciphertext.errorBound)
    }

    /// c₀ + c₁·s + …: the encoded message with its noise, marked secret.
    package func phase(_ ciphertext: CKKSCiphertext) throws(CKKSError) -> RNSPolynomial<Evaluations> {
        try ciphertext.requireParts("decrypt")
        guard context.matches(ciphertext.context) else {
            throw CKKSError(
                code: .parameterMismatch,
                message: "decrypt: the ciphertext was made with other parameters (\(ciphertext.context)) than the key "
                    + "(\(context))")
        }
        guard ciphertext.key == identity else {
            throw CKKSError(
                code: .keyMismatch,
                message: "decrypt: the ciphertext belongs to key \(ciphertext.key), this is \(identity)")
        }
        return lattice.decrypt(RLWECiphertext(parts: ciphertext.parts))
    }
}
