import BigIntegers
import BinaryCoding
import FixedPoint
import Randomness

/// How a vector of real numbers is rounded and packed; public, and the same for everyone whose vectors are added.
///
/// There is one scale for the whole vector, so nothing about single values shows in public.
public struct VectorEncoding: Hashable, Sendable {
    public let fixedPoint: FixedPointEncoding
    public let layout: PackingLayout

    /// - Parameters:
    ///   - count: of the vector's elements.
    ///   - maximumWeight: what may be added up: 1024 summands take 10 bits of head-room in each slot.
    ///   - modulusBits: of the key.
    /// - Throws: `invalidLayout`.
    public init(
        count: Int, fixedPoint: FixedPointEncoding, maximumWeight: PackingWeight, modulusBits: Int
    ) throws(PaillierError) {
        self.fixedPoint = fixedPoint
        layout = try PackingLayout(
            count: count, bounds: fixedPoint.integerBounds, maximumWeight: maximumWeight, modulusBits: modulusBits)
    }

    /// An encoding for machine-learning weights: `valueBits` bits of two's complement, `fractionBits` of them after the
    /// point, and room for 2^`headroomBits` summands.
    /// - Throws: `invalidParameters` unless 2 ≤ valueBits ≤ 52, 0 ≤ fractionBits ≤ 50 and 0 ≤ headroomBits ≤ 40;
    ///   `invalidLayout`.
    public init(
        count: Int, valueBits: Int = 24, fractionBits: Int, headroomBits: Int = 10, modulusBits: Int
    ) throws(PaillierError) {
        guard (2...52).contains(valueBits), (0...50).contains(fractionBits), (0...40).contains(headroomBits) else {
            throw PaillierError(
                code: .invalidParameters,
                message:
                    "bits: got \(valueBits) of values, \(fractionBits) of fraction, \(headroomBits) of head-room, want 2...52, 0...50, 0...40"
            )
        }
        let unit = 1 / Double(Int64(1) << Int64(fractionBits))
        let half = Double(Int64(1) << Int64(valueBits - 1))
        let fixedPoint: FixedPointEncoding
        do throws(FixedPointError) {
            fixedPoint = try FixedPointEncoding(
                scale: .binary(fractionBits), lower: -half * unit, upper: (half - 1) * unit)
        } catch {
            throw PaillierError(code: .invalidParameters, message: error.message)
        }
        try self.init(
            count: count, fixedPoint: fixedPoint, maximumWeight: PackingWeight(positive: 1 << headroomBits),
            modulusBits: modulusBits)
    }

    /// The integers that stand for the numbers.
    /// - Throws: `valueOutOfBounds`, naming the element, for numbers that are not finite or outside the bounds.
    public func integers(_ values: [Double]) throws(PaillierError) -> [Int64] {
        var result: [Int64] = []
        result.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            do throws(FixedPointError) {
                result.append(try fixedPoint.encode(value))
            } catch {
                throw PaillierError(code: .valueOutOfBounds, message: "element \(index): \(error.message)")
            }
        }
        return result
    }

    /// The nearest doubles to the numbers for which the integers stand.
    public func numbers(_ integers: [BigInteger]) -> [Double] {
        let divisor = Double(fixedPoint.scale.multiplier)
        return integers.map { $0.nearestDouble / divisor }
    }
}

/// A packed and encrypted vector of fixed-point numbers.
public struct EncryptedVector: Hashable, Sendable {
    public let encoding: VectorEncoding
    public let packed: PackedCiphertexts

    /// - Throws: `layoutMismatch` when the ciphertexts were packed by another layout.
    public init(encoding: VectorEncoding, packed: PackedCiphertexts) throws(PaillierError) {
        guard packed.layout == encoding.layout else {
            throw PaillierError(
                code: .layoutMismatch,
                message: "layout: got \(packed.layout.fingerprint), want \(encoding.layout.fingerprint)")
        }
        self.encoding = encoding
        self.packed = packed
    }

    init(unchecked encoding: VectorEncoding, _ packed: PackedCiphertexts) {
        self.encoding = encoding
        self.packed = packed
    }
}

extension PaillierEncryptor {
    /// Rounds, packs and encrypts.
    /// - Throws: `valueOutOfBounds`, `countMismatch`, `invalidLayout`.
    public func encrypt(
        _ values: [Double], encoding: VectorEncoding, using random: inout some SecureRandom
    ) throws(PaillierError) -> EncryptedVector {
        let integers = try encoding.integers(values)
        return EncryptedVector(
            unchecked: encoding, try encrypt(packing: integers, layout: encoding.layout, using: &random))
    }

    /// As ``encrypt(_:encoding:using:)`` with the system's randomness.
    public func encrypt(_ values: [Double], encoding: VectorEncoding) throws(PaillierError) -> EncryptedVector {
        var random = SystemRandom()
        return try encrypt(values, encoding: encoding, using: &random)
    }
}

extension PaillierPublicKey {
    /// The elementwise sum.
    /// - Throws: `layoutMismatch` when the encodings differ; `keyMismatch`, `headroomExhausted`, `countMismatch`.
    public func sum(_ vectors: [EncryptedVector]) throws(PaillierError) -> EncryptedVector {
        guard let encoding = vectors.first?.encoding else {
            throw PaillierError(code: .countMismatch, message: "vectors: got none, want at least 1")
        }
        for (index, vector) in vectors.enumerated() where vector.encoding != encoding {
            throw PaillierError(code: .layoutMismatch, message: "vector \(index): got another encoding than the first")
        }
        return EncryptedVector(unchecked: encoding, try sum(vectors.map(\.packed)))
    }

    /// The vector times a public integer, which multiplies its weight.
    public func multiply(_ vector: EncryptedVector, by factor: Int) throws(PaillierError) -> EncryptedVector {
        EncryptedVector(unchecked: vector.encoding, try multiply(vector.packed, by: factor))
    }
}

extension PaillierSecretKey {
    /// The numbers, exact but for their rounding at encryption.
    /// - Throws: `keyMismatch`, `valueOutOfBounds`.
    public func decrypt(_ vector: EncryptedVector) throws(PaillierError) -> [Double] {
        vector.encoding.numbers(try decrypt(vector.packed))
    }
}

extension PaillierSharing {
    /// The numbers, from at least k contributions to the vector's ciphertexts.
    public func combine(_ parts: [PartialDecryption], of vector: EncryptedVector) throws(PaillierError) -> [Double] {
        vector.encoding.numbers(try combine(parts, of: vector.packed))
    }
}
