import CKKS
import Randomness

/// An encrypted vector of any length.
///
/// Element i is in slot i mod S of block i / S, S being the slots of a ciphertext. A vector that fits one block is padded
/// with zeros to a power of two and repeated in all slots.
public struct EncryptedVector: Sendable {
    public let count: Int
    public let blocks: [CKKSCiphertext]

    /// Slots of each block.
    public var blockSlots: Int { Self.blockSlots(count, blocks[0].context) }
    public var level: Int { blocks.map(\.level).min()! }
    public var errorBound: Double { blocks.map(\.errorBound).max()! }
    public var magnitude: Double { blocks.map(\.magnitude).max()! }

    static func blockSlots(_ count: Int, _ context: CKKSContext) -> Int {
        min(context.maximumSlots, RealMatrix.powerOfTwo(count))
    }

    /// - Errors: `shapeMismatch` unless there are as many blocks as the length needs, each with at most the slots of one.
    public init(count: Int, blocks: [CKKSCiphertext]) throws(HomomorphicCircuitsError) {
        guard count > 0, let first = blocks.first else {
            throw .init(code: .shapeMismatch, message: "vector: got \(count) elements in \(blocks.count) blocks")
        }
        let slots = Self.blockSlots(count, first.context)
        guard blocks.count == (count + slots - 1) / slots, blocks.allSatisfy({ $0.slots <= slots }) else {
            throw .init(
                code: .shapeMismatch,
                message: "vector: got \(blocks.count) blocks for \(count) elements, want them in \(slots) slots each")
        }
        self.count = count
        self.blocks = blocks
    }

    init(checked count: Int, _ blocks: [CKKSCiphertext]) { (self.count, self.blocks) = (count, blocks) }

    /// Without polynomials, to plan with.
    public static func planned(_ context: CKKSContext, count: Int, magnitude: Double, level: Int? = nil) -> Self {
        let slots = blockSlots(count, context)
        return Self(
            checked: count,
            (0..<(count + slots - 1) / slots).map { _ in
                .planned(context, level: level, slots: slots, magnitude: magnitude)
            })
    }

    /// The blocks by which `body` replaces them.
    func map(_ body: (CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext) throws(CKKSError) -> EncryptedVector {
        var results: [CKKSCiphertext] = []
        for block in blocks { results.append(try body(block)) }
        return EncryptedVector(checked: count, results)
    }

    func combined(
        _ operation: String, _ other: EncryptedVector,
        _ body: (CKKSCiphertext, CKKSCiphertext) throws(CKKSError) -> CKKSCiphertext
    ) throws(CKKSError) -> EncryptedVector {
        guard count == other.count else {
            throw CKKSError(
                code: .invalidSlots, message: "\(operation): got vectors of \(count) and \(other.count) elements")
        }
        var results: [CKKSCiphertext] = []
        for (a, b) in zip(blocks, other.blocks) { results.append(try body(a, b)) }
        return EncryptedVector(checked: count, results)
    }
}

extension CKKSEncryptor {
    /// - Errors: as encrypting one block; `invalidSlots` for an empty vector.
    public func encrypt(
        vector: [Double], magnitude: Double = 1, level: Int? = nil, using random: inout some SecureRandom
    ) throws(CKKSError) -> EncryptedVector {
        guard !vector.isEmpty else { throw CKKSError(code: .invalidSlots, message: "vector: got no elements") }
        let slots = EncryptedVector.blockSlots(vector.count, context)
        var blocks: [CKKSCiphertext] = []
        for start in stride(from: 0, to: vector.count, by: slots) {
            blocks.append(
                try encrypt(
                    Array(vector[start..<min(start + slots, vector.count)]), magnitude: magnitude, level: level,
                    slots: slots, using: &random))
        }
        return EncryptedVector(checked: vector.count, blocks)
    }

    public func encrypt(vector: [Double], magnitude: Double = 1) throws(CKKSError) -> EncryptedVector {
        var random = SystemRandom()
        return try encrypt(vector: vector, magnitude: magnitude, using: &random)
    }
}

extension CKKSSecretKey {
    /// For the key owner's own eyes; see ``decryptForOwner(_:)``.
    public func decryptForOwner(_ vector: EncryptedVector) throws(CKKSError) -> [Double] {
        var values: [Double] = []
        let slots = vector.blockSlots
        for block in vector.blocks {
            let part = try decryptForOwner(block).real
            for start in stride(from: 0, to: slots, by: part.count) where start < slots { values += part }
        }
        return Array(values.prefix(vector.count))
    }
}

extension CKKSEvaluator {
    public func add(_ a: EncryptedVector, _ b: EncryptedVector) throws(CKKSError) -> EncryptedVector {
        try a.combined("add", b) { x, y throws(CKKSError) in try add(x, y) }
    }

    public func subtract(_ a: EncryptedVector, _ b: EncryptedVector) throws(CKKSError) -> EncryptedVector {
        try a.combined("subtract", b) { x, y throws(CKKSError) in try subtract(x, y) }
    }

    /// Element by element.
    public func multiply(_ a: EncryptedVector, _ b: EncryptedVector) throws(CKKSError) -> EncryptedVector {
        try a.combined("multiply", b) { x, y throws(CKKSError) in try multiply(x, y) }
    }

    public func multiply(_ a: EncryptedVector, _ constant: Double) throws(CKKSError) -> EncryptedVector {
        try a.map { x throws(CKKSError) in try multiply(x, constant) }
    }

    /// p of every element. Padding becomes p(0).
    public func evaluate(_ polynomial: ChebyshevPolynomial, on a: EncryptedVector) throws(CKKSError) -> EncryptedVector
    {
        try a.map { x throws(CKKSError) in try evaluate(polynomial, on: x) }
    }

    /// Σ a_i·b_i, in every slot. Padding must be zero in one of the two, as it is after encryption and matrix products.
    public func innerProduct(_ a: EncryptedVector, _ b: EncryptedVector) throws(CKKSError) -> CKKSCiphertext {
        var total: CKKSCiphertext?
        let products = try a.combined("inner product", b) { x, y throws(CKKSError) in try multiplyLazily(x, y) }
        for product in products.blocks { if let sum = total { total = try add(sum, product) } else { total = product } }
        return try sumSlots(try settled(total!).relabelled(slots: a.blockSlots))
    }

    /// Σ a_i, in every slot; padding must be zero.
    public func sum(_ a: EncryptedVector) throws(CKKSError) -> CKKSCiphertext {
        try sumSlots(try sum(a.blocks).relabelled(slots: a.blockSlots))
    }
}
