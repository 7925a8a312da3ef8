/// Where the numbers of a vector or image lie in ciphertexts.
///
/// Vectors lie one number after the other. Of an image each channel takes a block of a power of two; when the next layer
/// slides over it with stride t, each of the t × t phases (rows and columns by their remainder modulo t) takes a block of its
/// own, so that neighbours in the window stay neighbours in the slots whatever the stride, and a convolution is few
/// rotations.
struct SlotLayout: Hashable, Sendable {
    /// The period; at most the slots of the ring.
    let slots: Int
    let ciphertexts: Int
    /// For each number, ciphertext·slots + slot.
    let places: [Int]

    private init(slots: Int, used: Int, places: [Int]) {
        self.slots = slots
        ciphertexts = (used + slots - 1) / slots
        self.places = places
    }

    init(vector count: Int, maximumSlots: Int) {
        self.init(slots: min(maximumSlots, Self.powerOfTwo(count)), used: count, places: Array(0..<count))
    }

    /// - Parameter shape: height, width, channels; another rank makes a vector.
    init(shape: [Int], stride: Int, maximumSlots: Int) {
        let count = shape.reduce(1, *)
        guard shape.count == 3, shape[0] * shape[1] > 1 else {
            self.init(vector: count, maximumSlots: maximumSlots)
            return
        }
        let (height, width, channels) = (shape[0], shape[1], shape[2])
        let line = (width + stride - 1) / stride
        let block = Self.powerOfTwo((height + stride - 1) / stride * line)
        guard block <= maximumSlots else {
            self.init(vector: count, maximumSlots: maximumSlots)
            return
        }
        let blocks = stride * stride * channels
        var places = [Int](repeating: 0, count: count)
        for y in 0..<height {
            for x in 0..<width {
                let phase = y % stride * stride + x % stride
                for channel in 0..<channels {
                    places[(y * width + x) * channels + channel] =
                        (channel * stride * stride + phase) * block + y / stride * line + x / stride
                }
            }
        }
        self.init(
            slots: min(maximumSlots, Self.powerOfTwo(blocks * block)), used: blocks * block, places: places)
    }

    /// The numbers in their slots, a list for each ciphertext.
    func packed(_ values: [Double]) -> [[Double]] {
        var result = [[Double]](repeating: [Double](repeating: 0, count: slots), count: ciphertexts)
        for (place, value) in zip(places, values) { result[place / slots][place % slots] = value }
        return result
    }

    func unpacked(_ slotValues: [[Double]]) -> [Double] { places.map { slotValues[$0 / slots][$0 % slots] } }

    static func powerOfTwo(_ count: Int) -> Int {
        count <= 1 ? 1 : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }
}
