import Tabular

/// Whether bytes that crossed a wire tell which of many facts are true.
///
/// A protected vector has one place for each fact. Several simple readings of the bytes at that place are scored by how well
/// they separate true facts from false ones; under protection all of them are at chance, AUROC ½.
public enum WireInspection {
    public struct Reading: Hashable, Sendable, Codable {
        public let name: String
        public let auroc: Double

        public init(name: String, auroc: Double) {
            self.name = name
            self.auroc = auroc
        }
    }

    /// Readings of the bytes in proportion: fact i of n at byte ⌊i·(bytes − 4)/(n − 1)⌋.
    ///
    /// - Parameters:
    ///   - bytes: at least four.
    ///   - facts: at least one true and one false.
    /// - Throws: ``TabularError`` without facts of both kinds, or with fewer bytes.
    public static func readings(of bytes: [UInt8], facts: [Bool]) throws(TabularError) -> [Reading] {
        guard bytes.count >= 4, facts.count >= 2 else {
            throw TabularError(
                .invalidArgument, "wire: got \(bytes.count) bytes for \(facts.count) facts, want at least 4 for 2")
        }
        let actual = facts.map { $0 ? 1.0 : 0 }
        let words = facts.indices.map { index in
            let place = index * (bytes.count - 4) / (facts.count - 1)
            return UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
                | UInt32(bytes[place + 3]) << 24
        }
        let scores: [(String, (UInt32) -> Double)] = [
            ("four bytes as a number", { Double($0) }),
            ("as a signed number's size", { Double(Int32(bitPattern: $0).magnitude) }),
            ("lowest byte", { Double($0 & 255) }),
            ("highest byte", { Double($0 >> 24) }),
            ("ones among the bits", { Double($0.nonzeroBitCount) }),
            ("whether all are zero", { $0 == 0 ? 0 : 1 }),
        ]
        var result: [Reading] = []
        for (name, score) in scores {
            result.append(Reading(name: name, auroc: try Metrics.auroc(actual, scores: words.map(score))))
        }
        return result
    }

    /// Whether a number that is seen in two situations (a size, a time) tells them apart.
    /// - Throws: ``TabularError`` when one of the situations was never observed.
    public static func auroc(first: [Double], second: [Double]) throws(TabularError) -> Double {
        try Metrics.auroc(
            [Double](repeating: 0, count: first.count) + [Double](repeating: 1, count: second.count),
            scores: first + second)
    }
}
