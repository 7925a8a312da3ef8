import BigIntegers
import BinaryCoding
import Randomness

/// Encrypted packed integers that know what has been added up in them.
///
/// Every operation that could make a slot run over into its neighbour is refused when it is asked for, rather than
/// found, or not found, at decryption.
public struct PackedCiphertexts: Hashable, Sendable {
    public let layout: PackingLayout
    public let ciphertexts: [PaillierCiphertext]
    /// At most `layout.maximumWeight`.
    public let weight: PackingWeight

    /// - Throws: `countMismatch` unless there are as many ciphertexts as the layout has plaintexts;
    ///   `headroomExhausted`.
    public init(
        layout: PackingLayout, ciphertexts: [PaillierCiphertext], weight: PackingWeight
    ) throws(PaillierError) {
        guard ciphertexts.count == layout.plaintextCount else {
            throw PaillierError(
                code: .countMismatch,
                message: "ciphertexts: got \(ciphertexts.count), want \(layout.plaintextCount), as the layout says")
        }
        self.layout = layout
        self.ciphertexts = ciphertexts
        self.weight = try layout.check(weight)
    }

    init(unchecked layout: PackingLayout, _ ciphertexts: [PaillierCiphertext], _ weight: PackingWeight) {
        self.layout = layout
        self.ciphertexts = ciphertexts
        self.weight = weight
    }
}

extension PaillierEncryptor {
    private func requireFit(_ layout: PackingLayout) throws(PaillierError) {
        guard layout.capacityBits <= publicKey.parameters.modulusBits - 2 else {
            throw PaillierError(
                code: .invalidLayout,
                message: "layout: got plaintexts of \(layout.capacityBits) bits, want at most "
                    + "\(publicKey.parameters.modulusBits - 2); it was made for a larger key")
        }
    }

    /// Packs and encrypts.
    /// - Parameter weight: see ``PackingLayout/pack(_:weight:)-(Array<Int64>,_)``.
    /// - Throws: as packing does; `invalidLayout` for a layout made for a larger key.
    public func encrypt(
        packing values: [Int64], layout: PackingLayout, weight: PackingWeight = .one,
        using random: inout some SecureRandom
    ) throws(PaillierError) -> PackedCiphertexts {
        try requireFit(layout)
        let plaintexts = try layout.pack(values, weight: weight)
        return PackedCiphertexts(unchecked: layout, try encrypt(plaintexts, using: &random), weight)
    }

    /// As ``encrypt(packing:layout:weight:using:)-(Array<Int64>,_,_,_)`` for integers of any size.
    public func encrypt(
        packing values: [BigInteger], layout: PackingLayout, weight: PackingWeight = .one,
        using random: inout some SecureRandom
    ) throws(PaillierError) -> PackedCiphertexts {
        try requireFit(layout)
        let plaintexts = try layout.pack(values, weight: weight)
        return PackedCiphertexts(unchecked: layout, try encrypt(plaintexts, using: &random), weight)
    }

    /// See ``rerandomise(_:using:)``.
    public func rerandomise(
        _ packed: PackedCiphertexts, using random: inout some SecureRandom
    ) throws(PaillierError) -> PackedCiphertexts {
        PackedCiphertexts(
            unchecked: packed.layout, try rerandomise(packed.ciphertexts, using: &random), packed.weight)
    }
}

extension PaillierPublicKey {
    /// The slotwise sum of packed ciphertexts.
    /// - Throws: `layoutMismatch`, `keyMismatch`, `headroomExhausted`; `countMismatch` for none.
    public func sum(_ summands: [PackedCiphertexts]) throws(PaillierError) -> PackedCiphertexts {
        guard let layout = summands.first?.layout else {
            throw PaillierError(code: .countMismatch, message: "summands: got none, want at least 1")
        }
        var total: PackingWeight? = PackingWeight(positive: 0)
        for (index, summand) in summands.enumerated() {
            guard summand.layout == layout else {
                throw PaillierError(
                    code: .layoutMismatch,
                    message: "summand \(index): got layout \(summand.layout.fingerprint), want \(layout.fingerprint)")
            }
            total = total.flatMap { $0.adding(summand.weight) }
        }
        let weight = try layout.check(total)
        return PackedCiphertexts(unchecked: layout, try sum(summands.map(\.ciphertexts)), weight)
    }

    /// The slotwise sum of two.
    public func add(_ a: PackedCiphertexts, _ b: PackedCiphertexts) throws(PaillierError) -> PackedCiphertexts {
        try sum([a, b])
    }

    /// The slotwise difference; the layout must allow negative weights.
    public func subtract(_ a: PackedCiphertexts, _ b: PackedCiphertexts) throws(PaillierError) -> PackedCiphertexts {
        guard a.layout == b.layout else {
            throw PaillierError(
                code: .layoutMismatch,
                message: "second operand: got layout \(b.layout.fingerprint), want \(a.layout.fingerprint)")
        }
        let weight = try a.layout.check(b.weight.multiplied(by: -1).flatMap { a.weight.adding($0) })
        return PackedCiphertexts(unchecked: a.layout, try subtract(a.ciphertexts, b.ciphertexts), weight)
    }

    /// All slots times one public factor, which multiplies the weight.
    /// - Throws: `keyMismatch`, `headroomExhausted`.
    public func multiply(_ a: PackedCiphertexts, by factor: Int) throws(PaillierError) -> PackedCiphertexts {
        let weight = try a.layout.check(a.weight.multiplied(by: factor))
        return PackedCiphertexts(
            unchecked: a.layout, try multiply(a.ciphertexts, by: BigInteger(factor)), weight)
    }

    /// Σⱼ factorⱼ · packedⱼ, slotwise, for public factors.
    /// - Throws: `layoutMismatch`, `keyMismatch`, `headroomExhausted`, `countMismatch`.
    /// - Cost: one multi-exponentiation for each ciphertext of the layout.
    public func linearCombination(
        _ packed: [PackedCiphertexts], factors: [Int]
    ) throws(PaillierError) -> PackedCiphertexts {
        guard let layout = packed.first?.layout, packed.count == factors.count else {
            throw PaillierError(
                code: .countMismatch,
                message: "factors: got \(factors.count) for \(packed.count) operands, want one each")
        }
        var total: PackingWeight? = PackingWeight(positive: 0)
        for (index, pair) in zip(packed, factors).enumerated() {
            guard pair.0.layout == layout else {
                throw PaillierError(
                    code: .layoutMismatch,
                    message: "operand \(index): got layout \(pair.0.layout.fingerprint), want \(layout.fingerprint)")
            }
            let weighted = pair.0.weight.multiplied(by: pair.1)
            total = total.flatMap { total in weighted.flatMap { total.adding($0) } }
        }
        let weight = try layout.check(total)
        let rows = (0..<layout.plaintextCount).map { index in packed.map { $0.ciphertexts[index] } }
        let result = try linearCombinations(
            ofRows: rows, weights: factors.map { BigInteger($0) }, variableTime: true)
        return PackedCiphertexts(unchecked: layout, result, weight)
    }

    // MARK: Bytes

    /// Appends the layout's fingerprint, the weight and the ciphertexts.
    public func encode(_ packed: PackedCiphertexts, into encoder: inout BinaryEncoder) throws(PaillierError) {
        encoder.encodeRaw(packed.layout.fingerprint.bytes)
        encoder.encode(UInt64(packed.weight.positive))
        encoder.encode(UInt64(packed.weight.negative))
        try encode(packed.ciphertexts, into: &encoder)
    }

    /// As ``encode(_:into:)-(PackedCiphertexts,_)``, by themselves.
    public func encoded(_ packed: PackedCiphertexts) throws(PaillierError) -> [UInt8] {
        var encoder = BinaryEncoder()
        try encode(packed, into: &encoder)
        return encoder.bytes
    }

    /// Reads what ``encode(_:into:)`` wrote.
    /// - Parameter layout: which the reader expects.
    /// - Throws: `BinaryCodingError`; `layoutMismatch` and the errors of ``PackedCiphertexts``.
    public func decodePacked(
        _ decoder: inout BinaryDecoder, layout: PackingLayout
    ) throws -> PackedCiphertexts {
        guard try decoder.decodeRaw(32, "layout fingerprint") == layout.fingerprint.bytes else {
            throw PaillierError(
                code: .layoutMismatch, message: "layout: got another than \(layout.fingerprint), which is expected here"
            )
        }
        guard let positive = Int(exactly: try decoder.decode(UInt64.self, "positive weight")),
            let negative = Int(exactly: try decoder.decode(UInt64.self, "negative weight"))
        else { throw BinaryCodingError(code: .invalidValue, message: "weight: want less than 2^63") }
        return try PackedCiphertexts(
            layout: layout, ciphertexts: try decodeCiphertexts(&decoder),
            weight: PackingWeight(positive: positive, negative: negative))
    }
}

extension PaillierSecretKey {
    /// The integers in all slots.
    /// - Throws: `keyMismatch`; `valueOutOfBounds` when a ciphertext does not hold what its layout and weight say.
    public func decrypt(_ packed: PackedCiphertexts) throws(PaillierError) -> [BigInteger] {
        try packed.layout.unpack(decrypt(packed.ciphertexts), weight: packed.weight)
    }

    /// As ``decrypt(_:)-(PackedCiphertexts)`` for layouts whose slots have at most 63 bits.
    public func decryptInt64(_ packed: PackedCiphertexts) throws(PaillierError) -> [Int64] {
        try packed.layout.unpackInt64(decrypt(packed.ciphertexts), weight: packed.weight)
    }
}
