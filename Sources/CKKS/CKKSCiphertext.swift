import BinaryCoding
import Foundation
import Lattice

/// An encrypted vector of N/2 complex slots with period `slots`, and what is public about it.
///
/// `magnitude` bounds the absolute values of the true slots; it is declared at encryption and follows from the operations
/// afterwards. `deviation` estimates the standard deviation of a slot's error; ``errorBound`` is the bound that the
/// library states. None of this depends on what is encrypted.
///
/// A ciphertext made for planning has no polynomials (``isPlanned``): operations on it update what is public only.
public struct CKKSCiphertext: Sendable {
    public let context: CKKSContext
    /// c₀, c₁ and, between a product and its relinearisation, c₂. Empty when planned.
    package var parts: [RNSPolynomial<Evaluations>]
    /// Polynomials that it has or would have: 2 or 3.
    public internal(set) var size: Int
    public internal(set) var level: Int
    public internal(set) var scale: Double
    /// The period of the slots; a power of two.
    public internal(set) var slots: Int
    public internal(set) var magnitude: Double
    public internal(set) var deviation: Double
    /// Identity of the secret key that opens it.
    public let key: Fingerprint
    /// Present while the second half is what this seed expands to.
    package var seed: UniformSeed?
    /// Counts the memory of live ciphertexts while planning.
    var memory: PlannedMemory?

    public var isPlanned: Bool { parts.isEmpty }

    package init(
        context: CKKSContext, parts: [RNSPolynomial<Evaluations>], size: Int = 2, level: Int, scale: Double, slots: Int,
        magnitude: Double, deviation: Double, key: Fingerprint, seed: UniformSeed? = nil
    ) {
        self.context = context
        self.parts = parts
        self.size = size
        self.level = level
        self.scale = scale
        self.slots = slots
        self.magnitude = magnitude
        self.deviation = deviation
        self.key = key
        self.seed = seed
    }

    /// Deviations that ``errorBound`` stands for. A slot's error is a sum of terms e(ζ)·s(ζ), products of two nearly
    /// Gaussian complex numbers: their real part exceeds T deviations with probability about exp(−2T). With T = 16 that is
    /// below 2⁻⁴⁶ a slot, 2⁻³¹ for 2¹⁵ slots.
    public static let boundFactor = 16.0

    /// The bound on |decrypted − true| of every slot that the library states.
    public var errorBound: Double { Self.boundFactor * deviation }

    /// Bits after the point that are right: −log₂ of ``errorBound``.
    public var precisionBits: Double { -log2(max(errorBound, 1e-300)) }

    /// The same ciphertext with a tighter bound of its values, which the caller knows from elsewhere: after a sigmoid,
    /// say. A bound that does not hold makes error bounds wrong and may let values overflow.
    public func declaring(magnitude: Double) -> CKKSCiphertext {
        precondition(magnitude > 0 && magnitude.isFinite, "magnitude: want a positive number")
        var result = self
        result.magnitude = magnitude
        return result
    }

    /// The same ciphertext with a smaller period of the slots, which the caller knows its values to have, as sums over
    /// all rows do: fewer values are decrypted, and a release of them needs less noise.
    public func narrowed(to slots: Int) -> CKKSCiphertext {
        precondition(
            slots >= 1 && slots <= self.slots && slots.nonzeroBitCount == 1,
            "slots: got \(slots), want a power of two up to \(self.slots)")
        var result = self
        result.slots = slots
        return result
    }

    /// The same ciphertext with an error that the caller knows better than the sum of the operations does.
    package func restated(deviation: Double) -> CKKSCiphertext {
        var result = self
        result.deviation = deviation
        return result
    }

    /// A ciphertext without polynomials, for planning.
    public static func planned(
        _ context: CKKSContext, level: Int? = nil, slots: Int? = nil, magnitude: Double, underPublicKey: Bool = false
    ) -> CKKSCiphertext {
        let level = level ?? context.chain.top
        let scale = context.chain.scales[level]
        let slots = slots ?? context.maximumSlots
        return CKKSCiphertext(
            context: context, parts: [], level: level, scale: scale, slots: slots, magnitude: magnitude,
            deviation: context.freshSlotDeviation(
                publicKey: underPublicKey, scale: scale, slots: slots, magnitude: magnitude), key: .none)
    }

    /// Throws when there is nothing to compute on.
    func requireParts(_ operation: String) throws(CKKSError) {
        guard !isPlanned else {
            throw CKKSError(
                code: .plannedOnly, message: "\(operation): this ciphertext was made for planning and holds no data")
        }
    }
}

extension CKKSContext {
    /// Encryption error and encoding error of a fresh ciphertext's slot.
    package func freshSlotDeviation(publicKey: Bool, scale: Double, slots: Int, magnitude: Double) -> Double {
        let fresh = chain.slotDeviation(coefficient: chain.freshDeviation(publicKey: publicKey), scale: scale)
        let rounding = (Double(2 * slots) / 12).squareRoot() / scale
        return (fresh * fresh + rounding * rounding).squareRoot() + magnitude * exp2(-49)
    }
}
