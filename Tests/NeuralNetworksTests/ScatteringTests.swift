import CKernels
import Foundation
import NeuralNetworks
import Testing

/// Scattering coefficients against kymatio's, and their algebra.
@Suite(.serialized) struct ScatteringTests {
    struct Vectors: Decodable {
        struct Case: Decodable {
            var name: String
            var height: Int
            var width: Int
            var image: [Float]
            /// Channel, row, column.
            var coefficients: [Float]
        }
        var origin: String
        var cases: [Case]
    }

    static func vectors() throws -> Vectors {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Vectors/scattering.json")
        return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: path))
    }

    /// On every tier of instructions; the reference is in single precision itself.
    @Test func agreesWithKymatio() throws {
        let own = tacit_cpu_tier()
        defer { tacit_cpu_limit_tier(own) }
        for tier in [own, Int32(TACIT_TIER_AVX2), Int32(TACIT_TIER_SCALAR)] where tier <= own {
            tacit_cpu_limit_tier(tier)
            for vector in try Self.vectors().cases {
                let transform = try ScatteringTransform(height: vector.height, width: vector.width)
                let got = transform(vector.image)
                let (rows, columns, channels) = (
                    transform.outputShape[0], transform.outputShape[1], transform.outputShape[2]
                )
                try #require(got.count == vector.coefficients.count)
                var largest: Float = 0
                for c in 0..<channels {
                    for p in 0..<rows * columns {
                        largest = max(
                            largest, abs(got[p * channels + c] - vector.coefficients[c * rows * columns + p]))
                    }
                }
                #expect(largest < 3e-6, "\(vector.name), tier \(tier)")
            }
        }
    }

    /// Images in a batch, also an incomplete one, do not touch each other.
    @Test func everyImageIsTransformedByItself() throws {
        let image = try Self.vectors().cases[0].image
        let transform = try ScatteringTransform(height: 28, width: 28)
        let single = transform(image)
        var random = SeededGenerator(seed: 3)
        var batch: [Float] = []
        for index in 0..<37 {
            batch += index % 5 == 2 ? image : image.map { _ in Float(random.next() >> 40) * 0x1p-24 }
        }
        let all = transform(batch)
        for index in 0..<37 where index % 5 == 2 {
            #expect(Array(all[index * transform.outputWidth..<(index + 1) * transform.outputWidth]) == single)
        }
        #expect(transform([]) == [])
    }

    /// Wavelets sum to zero and moduli are homogeneous: a grey image has order 0 only, and factors pass through.
    @Test func greyImagesAndFactors() throws {
        let transform = try ScatteringTransform(height: 21, width: 26, orientations: 5)
        #expect(transform.outputShape == [5, 6, 36])
        let grey = transform([Float](repeating: 0.5, count: 21 * 26))
        for (index, value) in grey.enumerated() {
            #expect(abs(value - (index % 36 == 0 ? 0.5 : 0)) < 2e-5)
        }
        var random = SeededGenerator(seed: 5)
        let image = (0..<21 * 26).map { _ in Float(random.next() >> 40) * 0x1p-24 }
        for (one, three) in zip(transform(image), transform(image.map { 4 * $0 })) {
            #expect(abs(4 * one - three) < 1e-5)
        }
    }

    @Test func featuresAreNormalisedInGroups() throws {
        let image = try Self.vectors().cases[0].image
        let raw = try ScatteringTransform(height: 28, width: 28)(image)
        let features = try ScatteringFeatures(height: 28, width: 28, orientations: 8, groups: 27)
            .of(image + [Float](repeating: 0, count: 784))
        for group in 0..<27 {
            let places = (0..<49).flatMap { p in (0..<3).map { p * 81 + group * 3 + $0 } }
            let mean = places.reduce(0.0) { $0 + Double(raw[$1]) } / 147
            let variance = places.reduce(0.0) { $0 + (Double(raw[$1]) - mean) * (Double(raw[$1]) - mean) } / 147
            for place in places {
                let want = (Double(raw[place]) - mean) / (variance + 1e-5).squareRoot()
                #expect(abs(Double(features[place]) - want) < 2e-4)
            }
        }
        // An image without contrast is all zeros, not a division by zero.
        #expect(features[3969...].allSatisfy { $0 == 0 })
        #expect(throws: NeuralNetworksError.self) {
            try ScatteringFeatures(height: 28, width: 28, orientations: 8, groups: 5).of(image)
        }
        #expect(throws: NeuralNetworksError.self) { try ScatteringTransform(height: 7, width: 28) }
    }
}
