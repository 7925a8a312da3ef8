import Tabular

/// Grey images with a class each.
public struct LabelledImages: Sendable {
    public let height: Int
    public let width: Int
    /// Image after image, row-major, 0 to 255.
    public let pixels: [UInt8]
    /// Class numbers from 0.
    public let labels: [Int]

    public var count: Int { labels.count }

    /// - Throws: ``DatasetsError`` when the two files do not belong together.
    public init(images: IndexedArray, labels: IndexedArray, classes: Int) throws(DatasetsError) {
        guard images.shape.count == 3, labels.shape.count == 1, images.shape[0] == labels.shape[0] else {
            throw DatasetsError(
                .invalidData, "images: got \(images.shape) and labels \(labels.shape), want [n, height, width] and [n]")
        }
        guard labels.values.allSatisfy({ $0 < classes }) else {
            throw DatasetsError(.invalidData, "labels: got \(labels.values.max() ?? 0), want at most \(classes - 1)")
        }
        height = images.shape[1]
        width = images.shape[2]
        pixels = images.values
        self.labels = labels.values.map(Int.init)
    }

    /// Pixels as (p/255 − `mean`)/`deviation`.
    public func scaled(mean: Float, deviation: Float) -> [Float] {
        let table = (0..<256).map { (Float($0) / 255 - mean) / deviation }
        return pixels.map { table[Int($0)] }
    }
}

/// Handwritten digits: 60,000 images of 28 × 28 to train on, 10,000 to test.
public enum MNIST {
    /// By which commands call it.
    public static let name = "mnist"

    private static func file(_ name: String, _ byteCount: Int, _ sha256: String) -> Dataset.File {
        Dataset.File(
            path: "mnist/\(name)", address: "https://ossci-datasets.s3.amazonaws.com/mnist/\(name)",
            byteCount: byteCount, sha256: sha256)
    }

    public static let trainingImages = file(
        "train-images-idx3-ubyte.gz", 9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609")
    public static let trainingLabels = file(
        "train-labels-idx1-ubyte.gz", 28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c")
    public static let testImages = file(
        "t10k-images-idx3-ubyte.gz", 1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6")
    public static let testLabels = file(
        "t10k-labels-idx1-ubyte.gz", 4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6")
    public static let files = [trainingImages, trainingLabels, testImages, testLabels]

    /// Mean and standard deviation of the training images' pixels as they are usually given; public constants, so that
    /// scaling by them costs no privacy.
    public static let pixelMean: Float = 0.1307
    public static let pixelDeviation: Float = 0.3081

    /// The standard division.
    /// - Throws: ``DatasetsError`` when files are missing or are not the published ones.
    public static func load(
        from store: DatasetStore = DatasetStore()
    ) throws(DatasetsError) -> (training: LabelledImages, test: LabelledImages) {
        (
            try images(store, trainingImages, trainingLabels), try images(store, testImages, testLabels)
        )
    }

    private static func images(
        _ store: DatasetStore, _ images: Dataset.File, _ labels: Dataset.File
    ) throws(DatasetsError) -> LabelledImages {
        func array(_ file: Dataset.File) throws(DatasetsError) -> IndexedArray {
            let bytes = try Gzip.unpack(
                try store.contents(of: file, in: "mnist"), name: file.path, limit: 1 << 28)
            return try IndexedArray(decoding: bytes, name: file.path)
        }
        return try LabelledImages(images: array(images), labels: array(labels), classes: 10)
    }
}

extension LabelledImages {
    private init(_ images: LabelledImages, _ chosen: some Sequence<Int>) {
        let size = images.height * images.width
        var pixels: [UInt8] = []
        var labels: [Int] = []
        for index in chosen {
            pixels += images.pixels[index * size..<(index + 1) * size]
            labels.append(images.labels[index])
        }
        height = images.height
        width = images.width
        self.pixels = pixels
        self.labels = labels
    }

    /// The images without a part of them that is chosen at random, and that part.
    public func divided(heldOut share: Double, seed: UInt64) -> (kept: LabelledImages, heldOut: LabelledImages) {
        var order = Array(0..<count)
        var generator = ShuffleGenerator(seed: seed)
        generator.shuffle(&order)
        let size = Int((share * Double(count)).rounded())
        return (LabelledImages(self, order.dropFirst(size)), LabelledImages(self, order.prefix(size)))
    }
}
