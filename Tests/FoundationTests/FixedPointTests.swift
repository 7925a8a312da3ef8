import FixedPoint
import TacitTestSupport
import Testing

@Suite struct FixedPointTests {
    @Test func decimalsSurviveTheRoundTrip() throws {
        let encoding = try FixedPointEncoding(scale: .decimal(4), lower: -1000, upper: 1000)
        var generator = TestGenerator(seed: 5)
        for _ in 0..<100_000 {
            let units = Int64.random(in: -10_000_000...10_000_000, using: &generator)
            let value = Double(units) / 10_000
            #expect(try encoding.encode(value) == units)
            #expect(encoding.decode(units) == value)
        }
    }

    /// Compared with the exact product of the double's significand and the multiplier in 128-bit integers.
    @Test func roundingIsExactTiesToEven() throws {
        var generator = TestGenerator(seed: 6)
        for digits in [0, 1, 3, 6] {
            let encoding = try FixedPointEncoding(scale: .decimal(digits), lower: -1e6, upper: 1e6)
            for round in 0..<50_000 {
                // Half of the values lie on or beside a tie.
                let units = Double(Int64.random(in: -100_000...100_000, using: &generator)) + 0.5
                var value = units / Double(encoding.scale.multiplier)
                switch round % 4 {
                case 1: value = value.nextUp
                case 2: value = value.nextDown
                case 3: value = Double.random(in: -1e6...1e6, using: &generator)
                default: break
                }
                if abs(value) < 1e-3 { continue }
                #expect(
                    try encoding.encode(value) == Self.exact(value, encoding.scale.multiplier), "\(value) \(digits)")
            }
        }
    }

    private static func exact(_ value: Double, _ factor: Int64) -> Int64 {
        let negative = value < 0
        let exponent = Int(abs(value).exponent) - 52
        let significand = Int128(value.significandBitPattern | 1 << 52) * Int128(factor)
        if exponent >= 0 { return Int64(significand << exponent) * (negative ? -1 : 1) }
        let shift = -exponent
        let floor = significand >> shift
        let rest = significand - floor << shift
        let half = Int128(1) << (shift - 1)
        let rounded = rest > half || (rest == half && floor & 1 == 1) ? floor + 1 : floor
        return Int64(rounded) * (negative ? -1 : 1)
    }

    @Test func refusesWhatDoesNotFit() throws {
        let encoding = try FixedPointEncoding(scale: .decimal(1), lower: 0, upper: 10)
        #expect(throws: FixedPointError.self) { try encoding.encode(10.1) }
        #expect(throws: FixedPointError.self) { try encoding.encode(-0.1) }
        #expect(throws: FixedPointError.self) { try encoding.encode(.nan) }
        #expect(throws: FixedPointError.self) { try encoding.encode(.infinity) }
        #expect(throws: FixedPointError.self) { try FixedPointEncoding(scale: .decimal(16), lower: 0, upper: 1) }
        #expect(throws: FixedPointError.self) { try FixedPointEncoding(scale: .binary(50), lower: 0, upper: 5) }
        #expect(throws: FixedPointError.self) { try FixedPointEncoding(scale: .binary(1), lower: 1, upper: 0) }
        do {
            _ = try encoding.encode(11)
        } catch {
            #expect(!error.message.contains("11"), "the message must not repeat the private value")
        }
    }
}
