/// The words of a text, as bytes: runs of ASCII letters (made small), digits, `$`, `!` and all bytes from 128 on.
///
/// Prices and exclamation marks tell spam from ham better than most words, and bytes beyond ASCII keep words of any
/// encoding whole without knowing it.
public enum WordReader {
    /// The words that stand in a text, each once, in the order of their first occurrence.
    public static func distinctWords(_ text: [UInt8]) -> [[UInt8]] {
        var seen: Set<[UInt8]> = []
        var words: [[UInt8]] = []
        var word: [UInt8] = []
        func end() {
            guard !word.isEmpty else { return }
            if seen.insert(word).inserted { words.append(word) }
            word.removeAll(keepingCapacity: true)
        }
        for byte in text {
            let small = table[Int(byte)]
            if small == 0 { end() } else { word.append(small) }
        }
        end()
        return words
    }

    /// All words one after the other, for telling whether two texts say the same.
    public static func normalised(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for byte in text {
            let small = table[Int(byte)]
            if small != 0 { result.append(small) } else if let last = result.last, last != 32 { result.append(32) }
        }
        if result.last == 32 { result.removeLast() }
        return result
    }

    /// What a byte counts as within a word; 0 separates words.
    private static let table: [UInt8] = (0..<256).map { value in
        let byte = UInt8(value)
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): return byte + 32
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "$"),
            UInt8(ascii: "!"), 128...:
            return byte
        default: return 0
        }
    }
}
