import CGMP
import CKernels

/// An integer of any size, held by GMP.
///
/// Value semantics; immutable storage, so values may be shared between threads. All memory that GMP releases is wiped
/// first (see `WipingAllocator`), so a secret integer leaves no copy behind when its last owner lets go. Arithmetic is
/// *not* constant-time unless a function says so.
public struct BigInteger: Sendable {
    /// Owns one GMP number; written by the operation that makes it and only read afterwards.
    final class Storage: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<mpz_t>

        init() {
            WipingAllocator.install()
            pointer = .allocate(capacity: 1)
            __gmpz_init(pointer)
        }

        deinit {
            __gmpz_clear(pointer)
            pointer.deallocate()
        }
    }

    let storage: Storage

    init(storage: Storage) { self.storage = storage }

    /// Runs a GMP operation whose first operand is the result.
    @inline(__always)
    static func make(_ body: (UnsafeMutablePointer<mpz_t>) -> Void) -> BigInteger {
        let storage = Storage()
        body(storage.pointer)
        return BigInteger(storage: storage)
    }

    /// Lends the GMP value for reading.
    @inline(__always)
    func read<Result>(_ body: (UnsafePointer<mpz_t>) -> Result) -> Result {
        body(UnsafePointer(storage.pointer))
    }

    public init() { storage = Storage() }

    public init(_ value: some BinaryInteger) {
        let magnitude = value.magnitude
        self = Self.make { target in
            for word in magnitude.words.reversed() {
                __gmpz_mul_2exp(target, target, mp_bitcnt_t(UInt.bitWidth))
                __gmpz_add_ui(target, target, word)
            }
            if value < 0 { __gmpz_neg(target, target) }
        }
    }

    /// The decimal or other digits that GMP accepts; nil when the text is not a number.
    public init?(_ text: String, radix: Int = 10) {
        guard (2...36).contains(radix), !text.isEmpty,
            text.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: "_") })
        else { return nil }
        let storage = Storage()
        guard __gmpz_set_str(storage.pointer, text, Int32(radix)) == 0 else { return nil }
        self.storage = storage
    }

    /// The integer nearest to zero of a finite number's magnitude, with its sign.
    public init(truncating value: Double) {
        precondition(value.isFinite, "value: want a finite number")
        self = Self.make { __gmpz_set_d($0, value) }
    }

    // MARK: Size and sign

    public var signum: Int { read { $0.pointee._mp_size == 0 ? 0 : ($0.pointee._mp_size < 0 ? -1 : 1) } }
    public var isZero: Bool { signum == 0 }
    public var isOdd: Bool { read { __gmpz_tstbit($0, 0) == 1 } }
    /// Bits of the magnitude; 0 for zero.
    public var bitWidth: Int { isZero ? 0 : read { __gmpz_sizeinbase($0, 2) } }
    /// Bit `index` of the number in two's complement.
    public func bit(_ index: Int) -> Bool { read { __gmpz_tstbit($0, mp_bitcnt_t(index)) == 1 } }
    public var trailingZeroBitCount: Int { isZero ? 0 : read { Int(__gmpz_scan1($0, 0)) } }

    // MARK: Conversion

    /// The nearest double toward zero; infinite when out of range.
    public var doubleValue: Double { read { __gmpz_get_d($0) } }

    /// The value when it fits, nil otherwise.
    public var intValue: Int? { read { __gmpz_fits_slong_p($0) != 0 ? __gmpz_get_si($0) : nil } }

    /// Magnitude as little-endian 64-bit limbs, zero-padded to `count`.
    public func limbs(count: Int) -> [UInt64] {
        read { pointer in
            let size = Int(__gmpz_size(pointer))
            precondition(size <= count, "the number has \(size) limbs, want at most \(count)")
            var result = [UInt64](repeating: 0, count: count)
            for index in 0..<size { result[index] = UInt64(__gmpz_getlimbn(pointer, index)) }
            return result
        }
    }

    public init(limbs: some Collection<UInt64>) {
        let words = Array(limbs)
        self = Self.make { target in
            words.withUnsafeBytes { __gmpz_import(target, words.count, -1, 8, 0, 0, $0.baseAddress) }
        }
    }

    /// Magnitude, big-endian, zero-padded to `count` bytes.
    public func bigEndianBytes(count: Int) -> [UInt8] {
        let needed = (bitWidth + 7) / 8
        precondition(needed <= count, "the number has \(needed) bytes, want at most \(count)")
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            buffer.initialize(repeating: 0)
            if needed > 0 { read { _ = __gmpz_export(buffer.baseAddress! + (count - needed), nil, 1, 1, 1, 0, $0) } }
            filled = count
        }
    }

    public init(bigEndianBytes bytes: some Sequence<UInt8>) {
        let array = Array(bytes)
        self = Self.make { target in
            array.withUnsafeBytes { __gmpz_import(target, $0.count, 1, 1, 1, 0, $0.baseAddress) }
        }
    }
}

extension BigInteger: CustomStringConvertible {
    /// Decimal digits. Never print a secret.
    public var description: String { text(radix: 10) }

    public func text(radix: Int) -> String {
        precondition((2...36).contains(radix), "radix: want 2...36")
        let capacity = read { __gmpz_sizeinbase($0, Int32(radix)) } + 2
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: capacity) { buffer in
            _ = read { __gmpz_get_str(buffer.baseAddress, Int32(radix), $0) }
            return String(cString: buffer.baseAddress!)
        }
    }
}

extension BigInteger: ExpressibleByIntegerLiteral {
    public init(integerLiteral value: Int) { self = Self.make { __gmpz_set_si($0, value) } }
}

extension BigInteger: Comparable, Hashable {
    public static func == (left: Self, right: Self) -> Bool {
        left.read { a in right.read { b in __gmpz_cmp(a, b) == 0 } }
    }
    public static func < (left: Self, right: Self) -> Bool {
        left.read { a in right.read { b in __gmpz_cmp(a, b) < 0 } }
    }
    public func hash(into hasher: inout Hasher) {
        hasher.combine(signum)
        read { pointer in
            for index in 0..<Int(__gmpz_size(pointer)) { hasher.combine(UInt64(__gmpz_getlimbn(pointer, index))) }
        }
    }
}
