import CKernels

/// What a measurement is.
public enum Prio3Measurement: Hashable, Sendable {
    /// Count: 0 or 1. Sum: 0...maximum. Histogram: the bucket.
    case number(UInt64)
    /// Sum vector: each 0...maximum.
    case numbers([UInt64])
    /// Multihot: at most the maximum weight of them true.
    case flags([Bool])
}

/// Which measurements are valid, as an arithmetic circuit with one kind of gadget, and how they are written as field
/// elements.
///
/// - Reference: draft-irtf-cfrg-vdaf-20, sections "Validity Circuits" and "Variants".
enum ValidityCircuit: Hashable, Sendable {
    /// x·x − x, for x in {0, 1}.
    case count
    /// x(x − 1)(x − 2): a circuit of degree three, for tests.
    case ternary
    /// Weighted bits of a number.
    case sum(maximum: UInt64)
    /// Weighted bits of each number.
    case sumVector(length: Int, maximum: UInt64, chunk: Int)
    /// One bucket is 1, the others 0.
    case histogram(length: Int, chunk: Int)
    /// Flags and the weighted bits of their number.
    case multihot(length: Int, maximumWeight: Int, chunk: Int)

    /// Bits of a range-checked number.
    static func bits(_ maximum: UInt64) -> Int { UInt64.bitWidth - maximum.leadingZeroBitCount }

    var measurementLength: Int {
        switch self {
        case .count, .ternary: 1
        case .sum(let maximum): Self.bits(maximum)
        case .sumVector(let length, let maximum, _): length * Self.bits(maximum)
        case .histogram(let length, _): length
        case .multihot(let length, let weight, _): length + Self.bits(UInt64(weight))
        }
    }
    var outputLength: Int {
        switch self {
        case .count, .ternary, .sum: 1
        case .sumVector(let length, _, _), .histogram(let length, _), .multihot(let length, _, _): length
        }
    }
    /// Products summed in one gadget; nil for the small circuits.
    var chunk: Int? {
        switch self {
        case .sumVector(_, _, let chunk), .histogram(_, let chunk), .multihot(_, _, let chunk): chunk
        case .count, .ternary, .sum: nil
        }
    }
    /// Calls of the gadget.
    var calls: Int {
        if let chunk { return (measurementLength + chunk - 1) / chunk }
        return measurementLength
    }
    /// Input wires of the gadget.
    var arity: Int { chunk.map { 2 * $0 } ?? (self == .count ? 2 : 1) }
    var degree: Int { self == .ternary ? 3 : 2 }
    var jointRandomnessLength: Int { chunk == nil ? 0 : calls }
    /// Outputs of the circuit, all zero for a valid measurement.
    var evaluationLength: Int {
        switch self {
        case .count, .ternary, .sumVector: 1
        case .sum(let maximum): Self.bits(maximum)
        case .histogram, .multihot: 2
        }
    }

    // MARK: Measurements

    /// - Errors: `invalidMeasurement`.
    func encode(_ measurement: Prio3Measurement, _ field: PrioField) throws(Prio3Error) -> [Element] {
        func invalid(_ want: String) -> Prio3Error {
            Prio3Error(code: .invalidMeasurement, message: "measurement: want \(want)")
        }
        switch (self, measurement) {
        case (.count, .number(let value)):
            guard value <= 1 else { throw invalid("0 or 1") }
            return [field.element(value)]
        case (.ternary, .number(let value)):
            guard value <= 2 else { throw invalid("0, 1 or 2") }
            return [field.element(value)]
        case (.sum(let maximum), .number(let value)):
            guard value <= maximum else { throw invalid("a number in 0...\(maximum)") }
            return Self.weightedBits(value, maximum, field)
        case (.sumVector(let length, let maximum, _), .numbers(let values)):
            guard values.count == length else { throw invalid("\(length) numbers, got \(values.count)") }
            guard values.allSatisfy({ $0 <= maximum }) else { throw invalid("numbers in 0...\(maximum)") }
            return values.flatMap { Self.weightedBits($0, maximum, field) }
        case (.histogram(let length, _), .number(let bucket)):
            guard bucket < UInt64(length) else { throw invalid("a bucket in 0..<\(length)") }
            // Every place is written alike, whatever the bucket.
            return (0..<UInt64(length)).map { field.element(Self.isEqual($0, bucket)) }
        case (.multihot(let length, let weight, _), .flags(let flags)):
            guard flags.count == length else { throw invalid("\(length) flags, got \(flags.count)") }
            let count = flags.reduce(0) { $0 + ($1 ? 1 : 0) }
            guard count <= weight else { throw invalid("at most \(weight) flags that are true") }
            return flags.map { field.element($0 ? 1 : 0) } + Self.weightedBits(UInt64(count), UInt64(weight), field)
        default: throw invalid("one of this kind: \(self)")
        }
    }

    private static func isEqual(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let difference = a ^ b
        return 1 ^ ((difference | (0 &- difference)) >> 63)
    }

    /// The weights of a number's bits: powers of two, the last such that all together are the maximum.
    static func weights(_ maximum: UInt64) -> [UInt64] {
        let bits = bits(maximum)
        return (0..<bits - 1).map { 1 << UInt64($0) } + [maximum - ((1 << UInt64(bits - 1)) - 1)]
    }

    /// Without branches on the value.
    private static func weightedBits(_ value: UInt64, _ maximum: UInt64, _ field: PrioField) -> [Element] {
        let bits = bits(maximum)
        let ones: UInt64 = (1 << UInt64(bits - 1)) - 1
        let last = maximum - ones
        // 1 when value > ones; both are below 2^63 or the subtraction borrows as it should.
        let isLarge = ((ones &- value) ^ ((ones ^ value) & ((ones &- value) ^ ones))) >> 63
        let rest = value &- (last & (0 &- isLarge))
        return (0..<bits - 1).map { field.element((rest >> UInt64($0)) & 1) } + [field.element(isLarge)]
    }

    /// What is added up, from (a share of) an encoded measurement.
    func truncate(_ measurement: [Element], _ field: PrioField) -> [Element] {
        switch self {
        case .count, .ternary, .histogram: return measurement
        case .sum(let maximum): return [Self.weighted(measurement[...], maximum, field)]
        case .sumVector(let length, let maximum, _):
            let bits = Self.bits(maximum)
            let weights = Self.weights(maximum).map(field.element)
            return measurement.withUnsafeBufferPointer { values in
                (0..<length).map {
                    tacit_field_dot(field.rawValue, values.baseAddress! + $0 * bits, weights, bits)
                }
            }
        case .multihot(let length, _, _): return Array(measurement[..<length])
        }
    }

    private static func weighted(_ bits: ArraySlice<Element>, _ maximum: UInt64, _ field: PrioField) -> Element {
        tacit_field_dot(field.rawValue, Array(bits), weights(maximum).map(field.element), bits.count)
    }

    // MARK: The circuit

    /// Outputs of the gadget for the values on its wires, for the small circuits.
    func gadget(_ wires: [Element], _ field: PrioField) -> Element {
        let x = wires[0]
        let one = field.element(1)
        switch self {
        case .count: return field.multiply(x, wires[1])
        case .ternary:
            return field.multiply(
                x, field.multiply(field.subtract(x, one), field.subtract(x, field.element(2))))
        case .sum: return field.multiply(x, field.subtract(x, one))
        case .sumVector, .histogram, .multihot:
            return stride(from: 0, to: wires.count, by: 2).reduce(PrioField.zero) {
                field.add($0, field.multiply(wires[$1], wires[$1 + 1]))
            }
        }
    }

    /// Values on the wires of the small circuits, wire by wire.
    func smallWires(_ measurement: [Element]) -> [[Element]] {
        self == .count ? [measurement, measurement] : [measurement]
    }

    /// The circuit's outputs from the gadget's outputs and (a share of) the measurement. `shareOfOne` is 1/shares.
    func evaluate(
        gadgetOutputs: [Element], measurement: [Element], shareOfOne: Element, _ field: PrioField
    ) -> [Element] {
        switch self {
        case .count: return [field.subtract(gadgetOutputs[0], measurement[0])]
        case .ternary, .sum: return gadgetOutputs
        case .sumVector: return [gadgetOutputs.reduce(PrioField.zero, field.add)]
        case .histogram:
            return [
                gadgetOutputs.reduce(PrioField.zero, field.add),
                field.subtract(measurement.reduce(PrioField.zero, field.add), shareOfOne),
            ]
        case .multihot(let length, let weight, _):
            let claimed = Self.weighted(measurement[length...], UInt64(weight), field)
            return [
                gadgetOutputs.reduce(PrioField.zero, field.add),
                field.subtract(measurement[..<length].reduce(PrioField.zero, field.add), claimed),
            ]
        }
    }
}
