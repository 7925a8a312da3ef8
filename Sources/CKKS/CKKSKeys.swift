import BinaryCoding
import Foundation
import Lattice
import Randomness

/// The key that opens ciphertexts. Wiped when released, never printed.
public final class CKKSSecretKey: Sendable, CustomStringConvertible {
    public let context: CKKSContext
    package let lattice: RLWESecretKey
    /// A random name that public keys, evaluation keys and ciphertexts carry, so that mixing keys is an error.
    public let identity: Fingerprint
    public var description: String { "CKKSSecretKey(\(identity))" }

    public init(_ context: CKKSContext, using random: inout some SecureRandom) {
        self.context = context
        lattice = RLWESecretKey(ring: context.ring, using: &random)
        identity = Fingerprint(bytes: random.bytes(count: 32))!
    }

    public convenience init(_ context: CKKSContext) {
        var random = SystemRandom()
        self.init(context, using: &random)
    }

    package init(context: CKKSContext, lattice: RLWESecretKey, identity: Fingerprint) {
        self.context = context
        self.lattice = lattice
        self.identity = identity
    }
}

/// Lets anyone encrypt.
public struct CKKSPublicKey: Sendable {
    public let context: CKKSContext
    package let lattice: RLWEPublicKey
    public let identity: Fingerprint

    public init(_ key: CKKSSecretKey, using random: inout some SecureRandom) {
        context = key.context
        lattice = RLWEPublicKey(key.lattice, using: &random)
        identity = key.identity
    }

    package init(context: CKKSContext, lattice: RLWEPublicKey, identity: Fingerprint) {
        self.context = context
        self.lattice = lattice
        self.identity = identity
    }
}

/// Which evaluation keys a computation needs; a ``CircuitRecord`` tells.
public struct CKKSKeyRequirements: Hashable, Sendable, Codable {
    public var relinearisation: Bool
    public var conjugation: Bool
    /// Rotation steps, each in 1..<N/2.
    public var rotations: Set<Int>

    public init(relinearisation: Bool = false, conjugation: Bool = false, rotations: Set<Int> = []) {
        self.relinearisation = relinearisation
        self.conjugation = conjugation
        self.rotations = rotations
    }

    public mutating func formUnion(_ other: Self) {
        relinearisation = relinearisation || other.relinearisation
        conjugation = conjugation || other.conjugation
        rotations.formUnion(other.rotations)
    }

    public var count: Int { (relinearisation ? 1 : 0) + (conjugation ? 1 : 0) + rotations.count }
}

/// What lets a server compute on ciphertexts: relinearisation and Galois keys. Public.
public struct CKKSEvaluationKeys: Sendable {
    public let context: CKKSContext
    public let identity: Fingerprint
    package var relinearisation: KeySwitchKey?
    /// By exponent of the automorphism.
    package var galois: [UInt32: GaloisKey]

    /// Only the keys that are asked for.
    /// - Errors: `invalidParameters` when the ring has no special primes and keys are wanted.
    public init(
        _ key: CKKSSecretKey, for requirements: CKKSKeyRequirements, using random: inout some SecureRandom
    ) throws(CKKSError) {
        context = key.context
        identity = key.identity
        galois = [:]
        let logDegree = key.context.chain.logDegree
        if requirements.relinearisation {
            do { relinearisation = try KeySwitchKey.relinearisation(key.lattice, using: &random) } catch {
                throw CKKSError(code: .invalidParameters, message: error.message, cause: error)
            }
        }
        var elements = requirements.rotations.sorted().map { GaloisElement.rotation(by: $0, logDegree: logDegree) }
        if requirements.conjugation { elements.append(.conjugation(logDegree: logDegree)) }
        for element in elements where element != .identity {
            do { galois[element.exponent] = try GaloisKey(element, for: key.lattice, using: &random) } catch {
                throw CKKSError(code: .invalidParameters, message: error.message, cause: error)
            }
        }
    }

    package init(
        context: CKKSContext, identity: Fingerprint, relinearisation: KeySwitchKey?, galois: [UInt32: GaloisKey]
    ) {
        self.context = context
        self.identity = identity
        self.relinearisation = relinearisation
        self.galois = galois
    }

    /// What is in here.
    public var contents: CKKSKeyRequirements {
        let logDegree = context.chain.logDegree
        var steps: Set<Int> = []
        var power: UInt32 = 1
        for step in 0..<context.maximumSlots where !galois.isEmpty {
            if step > 0, galois[power] != nil { steps.insert(step) }
            power = power &* 5 & (UInt32(2 << logDegree) - 1)
        }
        return CKKSKeyRequirements(
            relinearisation: relinearisation != nil,
            conjugation: galois[GaloisElement.conjugation(logDegree: logDegree).exponent] != nil, rotations: steps)
    }

    /// Keys of both.
    /// - Errors: `keyMismatch`, `parameterMismatch`.
    public func merging(_ other: CKKSEvaluationKeys) throws(CKKSError) -> CKKSEvaluationKeys {
        guard context.matches(other.context) else {
            throw CKKSError(code: .parameterMismatch, message: "evaluation keys: got two parameter sets, want one")
        }
        guard identity == other.identity else {
            throw CKKSError(
                code: .keyMismatch, message: "evaluation keys: got keys of \(identity) and \(other.identity), want one")
        }
        return CKKSEvaluationKeys(
            context: context, identity: identity, relinearisation: relinearisation ?? other.relinearisation,
            galois: galois.merging(other.galois) { own, _ in own })
    }
}
