import BigIntegers
import BinaryCoding

/// Where many small signed integers stand in few large plaintexts.
///
/// Slot i holds a value vᵢ whose bounds are declared for one fresh value; the layout also declares how much may be
/// added up (``maximumWeight``). From both follows the interval [Lᵢ, Uᵢ] ∋ 0 of everything that may ever stand in the
/// slot, and the slot gets the ⌈log₂(Uᵢ − Lᵢ + 1)⌉ bits which that interval needs. A plaintext is m = Σ vᵢ·2^(offsetᵢ) over its slots;
/// m − Σ Lᵢ·2^(offsetᵢ) has non-negative digits, from which the values are read without ambiguity. Plaintexts stay below
/// 2^capacity ≤ n/2 in magnitude, so no sum within the declared weight leaves the range of signed plaintexts.
///
/// Everything about a layout is public.
public struct PackingLayout: Hashable, Sendable {
    /// Consecutive slots with the same bounds.
    public struct Run: Hashable, Sendable {
        public let count: Int
        /// Of one fresh value, inclusive.
        public let bounds: ClosedRange<BigInteger>

        // Literals mean machine words.
        @_disfavoredOverload
        public init(count: Int, bounds: ClosedRange<BigInteger>) {
            self.count = count
            self.bounds = bounds
        }

        public init(count: Int, bounds: ClosedRange<Int64>) {
            self.init(count: count, bounds: BigInteger(bounds.lowerBound)...BigInteger(bounds.upperBound))
        }
    }

    public let runs: [Run]
    /// The greatest weight that packed ciphertexts of this layout can reach.
    public let maximumWeight: PackingWeight
    /// Bits of a plaintext that slots may fill: two fewer than the modulus has.
    public let capacityBits: Int
    public let slotCount: Int
    /// Plaintexts, hence ciphertexts, that all slots need.
    public let plaintextCount: Int
    /// Equal layouts have equal fingerprints.
    public let fingerprint: Fingerprint

    /// Slots of one run that stand in the same way: slot `firstSlot + i` is in plaintext `plaintext + i / perPlaintext`
    /// at bit `offset + (i mod perPlaintext)·width`.
    struct Segment: Hashable, Sendable {
        var run: Int
        var firstSlot: Int, count: Int
        var plaintext: Int, offset: Int, width: Int, perPlaintext: Int
    }
    let segments: [Segment]
    /// [L, U] of each run.
    let finalBounds: [ClosedRange<BigInteger>]

    /// - Parameters:
    ///   - runs: the slots in order; runs of no slots are dropped.
    ///   - maximumWeight: what may be added up: `PackingWeight(positive: 10)` for ten summands.
    ///   - modulusBits: of the key under which plaintexts will be encrypted.
    /// - Throws: `invalidLayout` for no slots, negative counts, more than 2⁴⁰ slots, a maximum weight of 0, and when a
    ///   slot is wider than a plaintext.
    public init(runs: [Run], maximumWeight: PackingWeight, modulusBits: Int) throws(PaillierError) {
        func refuse(_ message: String) -> PaillierError { PaillierError(code: .invalidLayout, message: message) }
        guard maximumWeight.positive > 0 || maximumWeight.negative > 0 else {
            throw refuse("maximum weight: got 0, want at least 1")
        }
        guard modulusBits >= 8 else { throw refuse("modulus bits: got \(modulusBits), want at least 8") }
        self.runs = runs.filter { $0.count != 0 }
        self.maximumWeight = maximumWeight
        capacityBits = modulusBits - 2
        var segments: [Segment] = []
        var finalBounds: [ClosedRange<BigInteger>] = []
        var slot = 0
        var plaintext = 0
        var used = 0
        for (index, run) in self.runs.enumerated() {
            guard run.count > 0, run.count <= 1 << 40, slot + run.count <= 1 << 40 else {
                throw refuse("slots: got a run of \(run.count), want between 1 and 2^40 in all")
            }
            let bounds = Self.interval(of: run.bounds, weight: maximumWeight)
            // [L, U] must contain what a smaller weight gives too, which 0 ∈ [L, U] ensures.
            let lower = min(bounds.lowerBound, 0)
            let upper = max(bounds.upperBound, 0)
            finalBounds.append(lower...upper)
            let width = max(1, (upper - lower).bitWidth)
            guard width <= capacityBits else {
                throw refuse("slot \(slot): got \(width) bits, want at most \(capacityBits), those of one plaintext")
            }
            var remaining = run.count
            let fitting = min(remaining, (capacityBits - used) / width)
            if used > 0 && fitting > 0 {
                segments.append(
                    Segment(
                        run: index, firstSlot: slot, count: fitting, plaintext: plaintext, offset: used, width: width,
                        perPlaintext: fitting))
                slot += fitting
                remaining -= fitting
                used += fitting * width
            }
            if remaining > 0 {
                if used > 0 { plaintext += 1 }
                let per = capacityBits / width
                segments.append(
                    Segment(
                        run: index, firstSlot: slot, count: remaining, plaintext: plaintext, offset: 0, width: width,
                        perPlaintext: per))
                slot += remaining
                plaintext += (remaining - 1) / per
                used = ((remaining - 1) % per + 1) * width
            }
        }
        guard slot > 0 else { throw refuse("slots: got none, want at least 1") }
        self.segments = segments
        self.finalBounds = finalBounds
        slotCount = slot
        plaintextCount = plaintext + 1
        fingerprint = Fingerprint(of: Self.encode(self.runs, maximumWeight, capacityBits))
    }

    /// A layout of one kind of slot.
    public init(
        count: Int, bounds: ClosedRange<Int64>, maximumWeight: PackingWeight, modulusBits: Int
    ) throws(PaillierError) {
        try self.init(
            runs: [Run(count: count, bounds: bounds)], maximumWeight: maximumWeight, modulusBits: modulusBits)
    }

    /// What a slot of these bounds can hold at a weight.
    static func interval(of bounds: ClosedRange<BigInteger>, weight: PackingWeight) -> ClosedRange<BigInteger> {
        let positive = BigInteger(weight.positive)
        let negative = BigInteger(weight.negative)
        return positive * bounds.lowerBound - negative * bounds.upperBound...positive * bounds.upperBound
            - negative * bounds.lowerBound
    }

    /// Bits that all slots take together.
    public var usedBits: Int { segments.reduce(0) { $0 + $1.count * $1.width } }

    /// - Throws: `headroomExhausted` when the weight exceeds the layout's; nil stands for more than `Int` can hold.
    func check(_ weight: PackingWeight?) throws(PaillierError) -> PackingWeight {
        guard let weight, weight.fits(in: maximumWeight) else {
            throw PaillierError(
                code: .headroomExhausted,
                message:
                    "weight: got \(weight.map { "\($0)" } ?? "more than 2^63"), want at most \(maximumWeight), for "
                    + "which the slots have room; declare a larger maximum weight")
        }
        return weight
    }

    public static func == (left: Self, right: Self) -> Bool { left.fingerprint == right.fingerprint }
    public func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

extension PackingLayout {
    private static func encode(_ runs: [Run], _ weight: PackingWeight, _ capacityBits: Int) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode(UInt32(capacityBits))
        encoder.encode(UInt64(weight.positive))
        encoder.encode(UInt64(weight.negative))
        encoder.encode(list: runs) { encoder, run in
            encoder.encode(UInt64(run.count))
            for bound in [run.bounds.lowerBound, run.bounds.upperBound] {
                encoder.encode(bound.signum < 0)
                encoder.encode(bytes: bound.bigEndianBytes(count: (bound.bitWidth + 7) / 8))
            }
        }
        return encoder.bytes
    }

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(Self.encode(runs, maximumWeight, capacityBits))
    }

    /// Reads what ``encode(into:)`` wrote. Allocates in proportion to the runs, not to the slots.
    /// - Throws: `BinaryCodingError`, ``PaillierError``.
    public init(decoding decoder: inout BinaryDecoder) throws {
        let capacity = Int(try decoder.decode(UInt32.self, "capacity"))
        guard capacity <= 16384 else {
            throw BinaryCodingError(code: .invalidValue, message: "capacity: got \(capacity) bits, want at most 16384")
        }
        func part(_ what: String) throws -> Int {
            guard let value = Int(exactly: try decoder.decode(UInt64.self, what)) else {
                throw BinaryCodingError(code: .invalidValue, message: "\(what): want less than 2^63")
            }
            return value
        }
        let weight = PackingWeight(positive: try part("positive weight"), negative: try part("negative weight"))
        let runs = try decoder.decodeList("runs", minimumElementSize: 18) {
            (decoder) throws(BinaryCodingError) in
            guard let count = Int(exactly: try decoder.decode(UInt64.self, "slots")) else {
                throw BinaryCodingError(code: .invalidValue, message: "slots: want less than 2^63")
            }
            var bounds: [BigInteger] = []
            for what in ["lower bound", "upper bound"] {
                let isNegative = try decoder.decodeBool(what)
                let magnitude = BigInteger(bigEndianBytes: try decoder.decodeBytes(what, limit: 2048))
                bounds.append(isNegative ? -magnitude : magnitude)
            }
            guard bounds[0] <= bounds[1] else {
                throw BinaryCodingError(code: .invalidValue, message: "bounds: want the lower before the upper")
            }
            return Run(count: count, bounds: bounds[0]...bounds[1])
        }
        try self.init(runs: runs, maximumWeight: weight, modulusBits: capacity + 2)
    }
}
