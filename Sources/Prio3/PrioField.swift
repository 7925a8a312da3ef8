import CKernels

/// One of the two prime fields with large power-of-two subgroups.
public enum PrioField: Int32, Hashable, Sendable {
    /// 2^64 − 2^32 + 1, eight bytes an element.
    case field64 = 0
    /// 2^128 − 7·2^66 + 1, sixteen bytes an element.
    case field128 = 1

    public var elementBytes: Int { self == .field64 ? 8 : 16 }
    /// log₂ of the size of the largest subgroup.
    var logOrder: Int { self == .field64 ? 32 : 66 }
}

/// An element in the kernels' form.
package typealias Element = tacit_field_element

extension PrioField {
    package static let zero = Element(low: 0, high: 0)

    func add(_ a: Element, _ b: Element) -> Element { tacit_field_add(rawValue, a, b) }
    func subtract(_ a: Element, _ b: Element) -> Element { tacit_field_subtract(rawValue, a, b) }
    package func multiply(_ a: Element, _ b: Element) -> Element { tacit_field_multiply(rawValue, a, b) }
    package func inverse(_ a: Element) -> Element { tacit_field_inverse(rawValue, a) }
    package func element(_ value: UInt64) -> Element { tacit_field_from(rawValue, value) }
    func root(log: Int) -> Element { tacit_field_root(rawValue, Int32(log)) }

    /// The element as an integer.
    package func integer(_ a: Element) -> UInt128 {
        let value = tacit_field_to(rawValue, a)
        return UInt128(value.high) << 64 | UInt128(value.low)
    }
    func isZero(_ a: Element) -> Bool { a.low | a.high == 0 }

    /// left += right.
    func add(_ right: [Element], to left: inout [Element]) {
        precondition(left.count == right.count, "vectors of the same length")
        tacit_field_add_vector(rawValue, &left, right, left.count)
    }
    func subtract(_ right: [Element], from left: inout [Element]) {
        precondition(left.count == right.count, "vectors of the same length")
        tacit_field_subtract_vector(rawValue, &left, right, left.count)
    }

    package func encode(_ elements: [Element]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: elements.count * elementBytes) { buffer, filled in
            if let start = buffer.baseAddress { tacit_field_encode(rawValue, start, elements, elements.count) }
            filled = elements.count * elementBytes
        }
    }

    /// - Errors: `invalidEncoding` for another length or integers that are not below the modulus.
    package func decode(
        _ bytes: ArraySlice<UInt8>, count: Int, _ what: String
    ) throws(Prio3Error) -> [Element] {
        guard bytes.count == count * elementBytes else { throw .length(what, bytes.count, count * elementBytes) }
        var fits = true
        let elements = [Element](unsafeUninitializedCapacity: count) { buffer, filled in
            bytes.withUnsafeBufferPointer {
                if let start = buffer.baseAddress, let source = $0.baseAddress {
                    fits = tacit_field_decode(rawValue, start, source, count) == 1
                }
            }
            filled = count
        }
        guard fits else {
            throw Prio3Error(code: .invalidEncoding, message: "\(what): a number is not below the field's modulus")
        }
        return elements
    }

    /// Powers 1, x, x², ….
    func powers(of x: Element, count: Int) -> [Element] {
        var result: [Element] = []
        result.reserveCapacity(count)
        var power = element(1)
        for _ in 0..<count {
            result.append(power)
            power = multiply(power, x)
        }
        return result
    }
}

/// What transforms of length 2^`log` need.
struct TransformTables: Sendable {
    let log: Int
    let powers: [Element], inverses: [Element]
    /// s^i/n, s the root of order 2n.
    let shifts: [Element]

    init(_ field: PrioField, log: Int) {
        self.log = log
        let count = 1 << log
        let root = field.root(log: log)
        powers = field.powers(of: root, count: max(1, count / 2))
        inverses = field.powers(of: field.inverse(root), count: max(1, count / 2))
        let scale = field.inverse(field.element(UInt64(count)))
        shifts = field.powers(of: field.root(log: log + 1), count: count).map { field.multiply($0, scale) }
    }
}
