import BinaryCoding
import Foundation
import Lattice

/// Brings a ciphertext that has used up its levels back to a higher one (bootstrapping).
public protocol CKKSRefreshing: Sendable {
    /// The level of what comes out.
    var outputLevel: Int { get }
    /// The level at which a ciphertext may go in.
    var inputLevel: Int { get }
    func refresh(_ ciphertext: CKKSCiphertext, with evaluator: CKKSEvaluator) throws(CKKSError) -> CKKSCiphertext
}

/// Computes on ciphertexts, without any secret.
///
/// Scales and levels are the library's business: operands are brought to a common level, products are relinearised and
/// rescaled when an operation needs them so, and every result states its magnitude and error. `…Lazily` leaves a product
/// as it is, so that sums of products share one relinearisation and one rescaling.
///
/// On planned ciphertexts the same code updates what is public about them and records what would be done.
public struct CKKSEvaluator: Sendable {
    public let context: CKKSContext
    /// nil for planning and for circuits without rotations and products of ciphertexts.
    public let keys: CKKSEvaluationKeys?
    public let record: CircuitRecord?
    public var refresher: (any CKKSRefreshing)?

    public init(
        _ context: CKKSContext, keys: CKKSEvaluationKeys? = nil, record: CircuitRecord? = nil,
        refresher: (any CKKSRefreshing)? = nil
    ) {
        self.context = context
        self.keys = keys
        self.record = record
        self.refresher = refresher
    }

    public var chain: ScaleChain { context.chain }

    // MARK: Checks

    package func check(_ operation: String, _ ciphertexts: CKKSCiphertext...) throws(CKKSError) {
        for one in ciphertexts {
            guard one.context === context || one.context.matches(context) else {
                throw CKKSError(
                    code: .parameterMismatch,
                    message: "\(operation): got a ciphertext with \(one.context), want \(context)")
            }
            guard one.key == ciphertexts[0].key else {
                throw CKKSError(
                    code: .keyMismatch,
                    message: "\(operation): got ciphertexts of keys \(ciphertexts[0].key) and \(one.key), want one key")
            }
            guard one.isPlanned == ciphertexts[0].isPlanned else {
                throw CKKSError(
                    code: .plannedOnly, message: "\(operation): got a planned ciphertext among real ones")
            }
        }
    }

    package func checkKeys(_ operation: String, _ ciphertext: CKKSCiphertext) throws(CKKSError) -> CKKSEvaluationKeys {
        guard let keys else {
            throw CKKSError(code: .missingKey, message: "\(operation): needs evaluation keys, got none")
        }
        guard keys.identity == ciphertext.key else {
            throw CKKSError(
                code: .keyMismatch,
                message: "\(operation): the evaluation keys belong to \(keys.identity), the ciphertext to "
                    + "\(ciphertext.key)")
        }
        return keys
    }

    /// The bound of the values, error included, must fit the modulus: |coefficient| ≤ max |slot| < Q_l/2.
    package func finish(_ operation: String, _ result: CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext {
        let bits = log2(max(result.magnitude + result.errorBound, 1e-300)) + log2(result.scale)
        // 2^1000: what doubles hold with room for a factor; moduli of the largest rings exceed it.
        let capacity = min(chain.log2Q(level: result.level) - 1, 1000)
        guard bits < capacity else {
            throw CKKSError(
                code: .overflow,
                message:
                    "\(operation): the values may reach 2^\(Self.text(bits - log2(result.scale))), error included, at level "
                    + "\(result.level), which holds 2^\(Self.text(capacity - log2(result.scale))); declare a tighter "
                    + "magnitude, scale the values down or use a higher level")
        }
        // A product that is not rescaled yet has used its level all the same.
        record?.noteLevel(needsRescaling(result) ? result.level - 1 : result.level)
        var result = result
        result.seed = nil
        if result.isPlanned, let record {
            result.memory = PlannedMemory(record, bytes: result.size * (result.level + 1) * chain.degree * 8)
        }
        return result
    }

    static func text(_ bits: Double) -> String { String(format: "%.1f", bits) }

    func exhausted(_ operation: String, needs: Int, had: Int) -> CKKSError {
        CKKSError(
            code: .exhaustedLevels,
            message: "\(operation): needs level \(needs), got \(had); use parameters of more depth, or refresh the "
                + "ciphertext first")
    }

    /// round(x) modulo each prime of a level, for reals of any size.
    func residues(_ x: Double, level: Int) -> [UInt64] {
        let ring = context.ring
        let rounded = x.rounded(.toNearestOrEven)
        if abs(rounded) < exp2(62) {
            return (0...level).map { ring.moduli[$0].residue(Int64(rounded)) }
        }
        let mantissa = Int64(rounded.significand * exp2(52)) * (rounded < 0 ? -1 : 1)
        let exponent = UInt64(rounded.exponent) - 52
        return (0...level).map { j in
            let q = ring.moduli[j]
            return q.multiply(q.residue(mantissa), q.power(2 % q.value, exponent))
        }
    }

    static func quadrature(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() }

    /// Whether two scales are the same but for the rounding of the doubles that hold them.
    static func agree(_ a: Double, _ b: Double) -> Bool { abs(a / b - 1) < exp2(-45) }
}
