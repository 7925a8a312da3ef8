import BigIntegers
import BinaryCoding
import Paillier
import TacitTestSupport
import Testing

@Suite struct PackingTests {
    @Test func randomLayoutsPackAndUnpack() throws {
        var generator = TestGenerator(seed: 7)
        for round in 0..<200 {
            let modulusBits = [64, 256, 512, 3072].randomElement(using: &generator)!
            let runs = (0..<Int.random(in: 1...8, using: &generator)).map { _ in
                let width = Int.random(in: 0...min(60, (modulusBits - 8) / 2), using: &generator)
                let span = Int64(1) << Int64(width)
                let lower = Int64.random(in: -span...span, using: &generator)
                let upper = Int64.random(in: lower...span, using: &generator)
                return PackingLayout.Run(count: Int.random(in: 0...70, using: &generator), bounds: lower...upper)
            }
            guard runs.contains(where: { $0.count > 0 }) else { continue }
            let layout = try PackingLayout(runs: runs, maximumWeight: .one, modulusBits: modulusBits)
            let bounds = runs.flatMap { run in [ClosedRange<BigInteger>](repeating: run.bounds, count: run.count) }
            let values = bounds.map { bounds -> Int64 in
                let (l, u) = (Int64(bounds.lowerBound.intValue!), Int64(bounds.upperBound.intValue!))
                return [l, u, Int64.random(in: l...u, using: &generator)].randomElement(using: &generator)!
            }
            #expect(layout.slotCount == values.count)
            let packed = try layout.pack(values)
            #expect(packed == (try layout.pack(values.map { BigInteger($0) })), "round \(round)")
            #expect(packed.count == layout.plaintextCount)
            #expect(packed.allSatisfy { $0.bitWidth <= layout.capacityBits })
            #expect(try layout.unpack(packed, weight: .one) == values.map { BigInteger($0) }, "round \(round)")
            var encoder = BinaryEncoder()
            layout.encode(into: &encoder)
            var decoder = BinaryDecoder(encoder.bytes)
            #expect(try PackingLayout(decoding: &decoder) == layout)
        }
    }
}
