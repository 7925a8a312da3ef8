import Foundation
import Lattice

/// One encrypted input of a circuit, as its planner states it.
public struct CircuitInput: Hashable, Sendable {
    /// Values, at most N/2; a power of two.
    public var slots: Int
    /// The public bound of the values.
    public var magnitude: Double
    /// Encrypted with a public key, which has more noise and twice the bytes.
    public var underPublicKey: Bool

    public init(slots: Int, magnitude: Double, underPublicKey: Bool = false) {
        self.slots = slots
        self.magnitude = magnitude
        self.underPublicKey = underPublicKey
    }
}

/// Parameters chosen for a circuit, what they cost, and why not others.
public struct CircuitPlan: Sendable {
    public let parameters: CKKSParameters
    public let inputs: [CircuitInput]
    /// Levels that the circuit uses.
    public let depth: Int
    public let keys: CKKSKeyRequirements
    public let counts: [CircuitRecord.Entry: Int]
    /// The greatest stated error bound among the outputs.
    public let errorBound: Double
    /// Seconds of one core, by ``CostModel``.
    public let seconds: Double
    /// Of fresh inputs.
    public let uploadBytes: Int
    /// Of the outputs.
    public let downloadBytes: Int
    /// Of public and evaluation keys as files.
    public let keyBytes: Int
    /// Keys and live ciphertexts in memory.
    public let memoryBytes: Int
    /// What was looked at before, and why it was not taken.
    public let rejected: [Rejection]
    /// What other numbers of special primes would have cost.
    public let alternatives: [Alternative]

    /// One choice of special primes with its price.
    public struct Alternative: Hashable, Sendable, Codable {
        public let specialModuliBits: [Int]
        /// nil when the security does not leave room for it.
        public let seconds: Double?
        public let keyBytes: Int?
        public let isChosen: Bool
        public let refusal: String?
    }

    public struct Rejection: Sendable, CustomStringConvertible {
        public let logDegree: Int
        public let reason: String
        public var description: String { "N = 2^\(logDegree): \(reason)" }
    }

    /// The row of the published table that grants the security; nil for insecure sets.
    public var securityRow: SecurityTable.Row? { parameters.ring.securityRow }
}

extension CKKSParameters {
    /// Bytes of one polynomial over the first `primes` ciphertext primes, and the special ones if asked for.
    func polynomialBytes(primes: Int, special: Bool) -> Int {
        let bits =
            ring.moduli.prefix(primes).reduce(0) { $0 + $1.bitWidth }
            + (special ? ring.specialModuli.reduce(0) { $0 + $1.bitWidth } : 0)
        return ring.degree / 8 * bits
    }

    /// A ciphertext as a file; fresh ones under a secret key have a seed for their second half.
    public func ciphertextBytes(level: Int, seeded: Bool) -> Int {
        let one = polynomialBytes(primes: level + 1, special: false)
        return seeded ? one + 32 : 2 * one
    }

    /// Evaluation keys as files: per key and digit one polynomial over all primes; the other half is a seed.
    public func evaluationKeyBytes(_ requirements: CKKSKeyRequirements) -> Int {
        guard ring.digitSize > 0 else { return 0 }
        let digits = (ring.moduli.count + ring.digitSize - 1) / ring.digitSize
        return requirements.count * (digits * polynomialBytes(primes: ring.moduli.count, special: true) + 32)
    }
}
