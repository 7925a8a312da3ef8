/// Why a number has no fixed-point form.
public struct FixedPointError: Error, Sendable, CustomStringConvertible {
    /// An open set of reasons.
    public struct Code: Hashable, Sendable {
        let name: String
        /// NaN or infinite.
        public static let notFinite = Code(name: "notFinite")
        /// Outside the declared bounds.
        public static let outOfBounds = Code(name: "outOfBounds")
        /// Scale or bounds that no encoding can have.
        public static let invalidEncoding = Code(name: "invalidEncoding")
    }
    public let code: Code
    public let message: String
    public var description: String { message }

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

/// How many units of an integer make one unit of the real number it stands for.
public enum FixedPointScale: Hashable, Sendable {
    /// 10^digits, in which decimal data is represented without loss.
    case decimal(Int)
    /// 2^bits.
    case binary(Int)

    /// The factor as an integer; scales are limited so that it is exact as a `Double` too.
    public var multiplier: Int64 {
        switch self {
        case .decimal(let digits): (0..<digits).reduce(1) { product, _ in product * 10 }
        case .binary(let bits): 1 << Int64(bits)
        }
    }

    var isValid: Bool {
        switch self {
        case .decimal(let digits): (0...15).contains(digits)
        case .binary(let bits): (0...50).contains(bits)
        }
    }
}

/// Real numbers as integers: k = round(x · multiplier), ties to even, with declared public bounds on x.
///
/// Everyone who must round alike uses this one function. The bounds are part of the encoding, since the widths of
/// packed slots are computed from them: a value outside is an error, never clipped silently.
public struct FixedPointEncoding: Hashable, Sendable {
    public let scale: FixedPointScale
    /// Declared bounds of the real number, inclusive.
    public let lower: Double, upper: Double
    /// Bounds of the integer, inclusive; magnitudes at most 2^52.
    public let integerBounds: ClosedRange<Int64>

    /// - Throws: ``FixedPointError`` for bounds that are not finite or not in order, for digits outside 0...15 or bits
    ///   outside 0...50, and when a bound times the multiplier exceeds 2^52.
    public init(scale: FixedPointScale, lower: Double, upper: Double) throws(FixedPointError) {
        guard scale.isValid else {
            throw FixedPointError(
                code: .invalidEncoding, message: "scale: got \(scale), want 0...15 digits or 0...50 bits")
        }
        guard lower.isFinite, upper.isFinite, lower <= upper else {
            throw FixedPointError(
                code: .invalidEncoding, message: "bounds: got \(lower)...\(upper), want finite and in order")
        }
        let limit = Double(Int64(1) << 52)
        let factor = Double(scale.multiplier)
        guard abs(lower) * factor <= limit, abs(upper) * factor <= limit else {
            throw FixedPointError(
                code: .invalidEncoding,
                message: "bounds: got \(lower)...\(upper) at \(scale), want at most 2^52 units; use a smaller scale")
        }
        self.scale = scale
        self.lower = lower
        self.upper = upper
        integerBounds = Self.round(lower, factor)...Self.round(upper, factor)
    }

    /// The integer nearest to value · multiplier.
    /// - Throws: `notFinite`, `outOfBounds`.
    public func encode(_ value: Double) throws(FixedPointError) -> Int64 {
        guard value.isFinite else {
            throw FixedPointError(code: .notFinite, message: "value: got \(value), want a finite number")
        }
        guard value >= lower, value <= upper else {
            throw FixedPointError(
                code: .outOfBounds,
                message:
                    "value: got a number outside the declared bounds \(lower)...\(upper); correct it or widen the bounds"
            )
        }
        return Self.round(value, Double(scale.multiplier))
    }

    /// The real number for which the integer stands; the nearest double.
    public func decode(_ integer: Int64) -> Double { Double(integer) / Double(scale.multiplier) }

    /// The correctly rounded product, ties to even: the product's own rounding error, exact through a fused
    /// multiply-add, decides where the rounded product lies on a tie.
    static func round(_ value: Double, _ factor: Double) -> Int64 {
        let product = value * factor
        let error = (-product).addingProduct(value, factor)
        let nearest = product.rounded(.toNearestOrEven)
        let difference = product - nearest  // exact
        if difference == 0.5 && error > 0 { return Int64(nearest) + 1 }
        if difference == -0.5 && error < 0 { return Int64(nearest) - 1 }
        // A product just beside a tie may itself have been rounded onto it, which the two lines above cover; a product
        // of 2^52 or more has no fraction and the error is below one half.
        return Int64(nearest)
    }
}

extension FixedPointScale: Codable {
    private enum Keys: String, CodingKey { case decimalDigits, binaryBits }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        if let digits = try container.decodeIfPresent(Int.self, forKey: .decimalDigits) {
            self = .decimal(digits)
        } else {
            self = .binary(try container.decode(Int.self, forKey: .binaryBits))
        }
        guard isValid else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: container.codingPath, debugDescription: "scale: want 0...15 digits or 0...50 bits"))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        switch self {
        case .decimal(let digits): try container.encode(digits, forKey: .decimalDigits)
        case .binary(let bits): try container.encode(bits, forKey: .binaryBits)
        }
    }
}

extension FixedPointEncoding: Codable {
    private enum Keys: String, CodingKey { case scale, lower, upper }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        do {
            try self.init(
                scale: container.decode(FixedPointScale.self, forKey: .scale),
                lower: container.decode(Double.self, forKey: .lower),
                upper: container.decode(Double.self, forKey: .upper))
        } catch let error as FixedPointError {
            throw DecodingError.dataCorrupted(.init(codingPath: container.codingPath, debugDescription: error.message))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(scale, forKey: .scale)
        try container.encode(lower, forKey: .lower)
        try container.encode(upper, forKey: .upper)
    }
}
