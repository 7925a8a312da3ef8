import Datasets
import Tabular
import Testing

@Suite struct IndexedArrayTests {
    static let valid: [UInt8] = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]

    @Test func arraysAreRead() throws {
        let array = try IndexedArray(decoding: Self.valid, name: "a")
        #expect(array.shape == [2, 3] && array.values == [1, 2, 3, 4, 5, 6])
    }

    @Test(
        arguments: [
            [], [0, 0, 8], [0, 0, 8, 0], [0, 0, 9, 1, 0, 0, 0, 1, 7], [1, 0, 8, 1, 0, 0, 0, 1, 7],
            [0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255, 1], Array(valid.dropLast()), valid + [0],
            [0, 0, 8, 1, 0, 0], [0, 0, 8, 5] + [UInt8](repeating: 0, count: 20),
        ] as [[UInt8]])
    func damagedFilesAreRefused(_ bytes: [UInt8]) {
        let error = #expect(throws: DatasetsError.self) { try IndexedArray(decoding: bytes, name: "a.idx") }
        #expect(error?.code == .invalidData && error?.message.hasPrefix("a.idx: idx: ") == true)
    }

    @Test func imagesAndLabelsMustBelongTogether() throws {
        let images = try IndexedArray(decoding: [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 9, 8], name: "i")
        let one = try IndexedArray(decoding: [0, 0, 8, 1, 0, 0, 0, 1, 3], name: "l")
        let two = try IndexedArray(decoding: [0, 0, 8, 1, 0, 0, 0, 2, 3, 3], name: "l")
        #expect(try LabelledImages(images: images, labels: one, classes: 10).labels == [3])
        #expect(throws: DatasetsError.self) { try LabelledImages(images: images, labels: two, classes: 10) }
        #expect(throws: DatasetsError.self) { try LabelledImages(images: images, labels: one, classes: 3) }
    }

    @Test func anyBytesGiveAnArrayOrAnError() {
        var generator = ShuffleGenerator(seed: 105)
        var accepted = 0
        for _ in 0..<ZipFuzzTests.iterations {
            var bytes = Self.valid
            for _ in 0...generator.next(below: 2) {
                let place = generator.next(below: bytes.count)
                switch generator.next(below: 4) {
                case 0: bytes[place] ^= 1 << UInt8(generator.next(below: 8))
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(UInt8(generator.next(below: 256)), at: place)
                default: bytes[place] = 0xFF
                }
            }
            if let array = try? IndexedArray(decoding: bytes, name: "f") {
                #expect(array.values.count == array.shape.reduce(1, *))
                accepted += 1
            }
        }
        #expect(accepted > ZipFuzzTests.iterations / 100)
    }
}
