import CKernels
import Foundation
import Parallelism

/// The scattering transform of grey images with two scales: features that are stable under small shifts and
/// deformations and are not learnt, so that they cost no privacy.
///
/// Coefficients are |…||x ∗ ψ_{j1,θ1}| ∗ ψ_{j2,θ2}| ∗ φ with j1 < j2 < 2, kept at every fourth pixel: for L orientations
/// 1 + 2L + L² channels (81 for L = 8) of ⌊h/4⌋ × ⌊w/4⌋ values. The image is reflected at its borders.
///
/// - Cost: on one Zen 5 core with AVX-512 see docs/neural-networks.md; images are transformed sixteen at a time.
/// - Reference: Oyallon and Mallat 2015; Tramèr and Boneh 2021 for their use in private training.
public struct ScatteringTransform: Sendable {
    public let height: Int
    public let width: Int
    public let orientations: Int
    /// Height, width, channels of the result.
    public let outputShape: [Int]

    private let paddedRows: Int
    private let paddedColumns: Int
    private let fine: [Float]
    private let coarse: [Float]
    private let averages: [[Float]]
    private let rowRoots: [Float]
    private let columnRoots: [Float]

    /// - Parameters: height and width from 8 to 240, orientations from 1 to 16.
    /// - Throws: ``NeuralNetworksError`` with code `invalidParameter`.
    public init(height: Int, width: Int, orientations: Int = 8) throws(NeuralNetworksError) {
        guard (8...240).contains(height), (8...240).contains(width), (1...16).contains(orientations) else {
            throw .parameter(
                "scattering: got \(height) × \(width) and \(orientations) orientations, want 8...240, 8...240 and 1...16"
            )
        }
        self.height = height
        self.width = width
        self.orientations = orientations
        paddedRows = ((height + 4) / 4 + 1) * 4
        paddedColumns = ((width + 4) / 4 + 1) * 4
        let filters = MorletFilters(rows: paddedRows, columns: paddedColumns, orientations: orientations)
        // Of the inverse transform, and of the mean of the four quarters, which has a size of a quarter: the same.
        let scale = 1 / Double(paddedRows * paddedColumns)
        fine = filters.wavelets[0].flatMap { $0.map { Float($0 * scale) } }
        coarse = filters.wavelets[1].flatMap { $0.map { Float($0 * scale) } }
        averages = [
            MorletFilters.averaging(filters.average[0].rows, step: 4),
            MorletFilters.averaging(filters.average[0].columns, step: 4),
            MorletFilters.averaging(filters.average[1].rows, step: 2),
            MorletFilters.averaging(filters.average[1].columns, step: 2),
        ]
        func roots(_ n: Int) -> [Float] {
            let unit = 2 * Double.pi / Double(n)
            return (0..<n).flatMap { k -> [Float] in
                let angle = unit * Double(k)
                return [Float(cos(angle)), Float(sin(angle))]
            }
        }
        rowRoots = roots(paddedRows)
        columnRoots = roots(paddedColumns)
        outputShape = [
            paddedRows / 4 - 2, paddedColumns / 4 - 2, 1 + 2 * orientations + orientations * orientations,
        ]
    }

    public var outputWidth: Int { outputShape.reduce(1, *) }

    /// - Parameter images: row-major, one after the other.
    /// - Returns: for each image its coefficients by row, column and channel.
    public func callAsFunction(_ images: [Float]) -> [Float] {
        let size = height * width
        precondition(images.count % size == 0, "images: got \(images.count) numbers, want a multiple of \(size)")
        let count = images.count / size
        let lanes = Int(TACIT_SCATTERING_LANES)
        return [Float](unsafeUninitializedCapacity: count * outputWidth) { result, filled in
            nonisolated(unsafe) let target = result
            images.withUnsafeBufferPointer { images in
                nonisolated(unsafe) let source = images
                parallelFor((count + lanes - 1) / lanes, chunk: 8) { groups in
                    transform(groups, source, count, target)
                }
            }
            filled = count * outputWidth
        }
    }

    private func transform(
        _ groups: Range<Int>, _ images: UnsafeBufferPointer<Float>, _ count: Int,
        _ result: UnsafeMutableBufferPointer<Float>
    ) {
        let lanes = Int(TACIT_SCATTERING_LANES)
        withPlan { plan in
            var plan = plan
            let input = Buffer<Float>(count: paddedRows * paddedColumns * lanes)
            let output = Buffer<Float>(count: outputWidth * lanes)
            let scratch = Buffer<Float>(count: tacit_scattering_scratch(&plan))
            for group in groups {
                let first = group * lanes
                let present = min(lanes, count - first)
                pad(images, first, present, into: input.base)
                tacit_scattering_transform(&plan, input.base, output.base, scratch.base)
                for lane in 0..<present {
                    let place = (first + lane) * outputWidth
                    for index in 0..<outputWidth { result[place + index] = output.base[index * lanes + lane] }
                }
            }
        }
    }

    /// Mirrors the border without repeating the outermost pixels; lanes without an image are black.
    private func pad(
        _ images: UnsafeBufferPointer<Float>, _ first: Int, _ present: Int, into input: UnsafeMutablePointer<Float>
    ) {
        let lanes = Int(TACIT_SCATTERING_LANES)
        let top = (paddedRows - height) / 2
        let left = (paddedColumns - width) / 2
        func mirrored(_ index: Int, _ count: Int) -> Int {
            index < 0 ? -index : index >= count ? 2 * count - 2 - index : index
        }
        for i in 0..<paddedRows {
            let row = mirrored(i - top, height)
            for j in 0..<paddedColumns {
                let place = row * width + mirrored(j - left, width)
                let target = input + (i * paddedColumns + j) * lanes
                for lane in 0..<lanes {
                    target[lane] = lane < present ? images[(first + lane) * height * width + place] : 0
                }
            }
        }
    }

    private func withPlan(_ body: (tacit_scattering_plan) -> Void) {
        fine.withUnsafeBufferPointer { fine in
            coarse.withUnsafeBufferPointer { coarse in
                averages[0].withUnsafeBufferPointer { a in
                    averages[1].withUnsafeBufferPointer { b in
                        averages[2].withUnsafeBufferPointer { c in
                            averages[3].withUnsafeBufferPointer { d in
                                rowRoots.withUnsafeBufferPointer { rowRoots in
                                    columnRoots.withUnsafeBufferPointer { columnRoots in
                                        body(
                                            tacit_scattering_plan(
                                                rows: paddedRows, columns: paddedColumns,
                                                result_rows: outputShape[0], result_columns: outputShape[1],
                                                orientations: orientations, fine: fine.baseAddress,
                                                coarse: coarse.baseAddress, full_rows: a.baseAddress,
                                                full_columns: b.baseAddress, half_rows: c.baseAddress,
                                                half_columns: d.baseAddress, row_roots: rowRoots.baseAddress,
                                                column_roots: columnRoots.baseAddress))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
