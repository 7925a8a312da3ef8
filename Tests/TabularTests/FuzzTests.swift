import Foundation
import Tabular
import Testing

/// Deterministic mutations of valid inputs: bytes changed, removed, doubled, cut, and pieces spliced in.
struct Mutator {
    var generator: ShuffleGenerator
    let seeds: [[UInt8]]
    /// Tokens that matter to the format.
    let tokens: [[UInt8]]

    init(seed: UInt64, seeds: [[UInt8]], tokens: [String]) {
        generator = ShuffleGenerator(seed: seed)
        self.seeds = seeds
        self.tokens = tokens.map { Array($0.utf8) }
    }

    mutating func next() -> [UInt8] {
        var bytes = seeds[generator.next(below: seeds.count)]
        for _ in 0...generator.next(below: 6) {
            let place = generator.next(below: bytes.count + 1)
            switch generator.next(below: 7) {
            case 0: if place < bytes.count { bytes[place] = UInt8(generator.next(below: 256)) }
            case 1: if place < bytes.count { bytes[place] ^= 1 << UInt8(generator.next(below: 8)) }
            case 2: if place < bytes.count { bytes.remove(at: place) }
            case 3: bytes.insert(contentsOf: tokens[generator.next(below: tokens.count)], at: place)
            case 4: bytes.removeSubrange(place...)
            case 5:
                let end = min(bytes.count, place + generator.next(below: 20))
                bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
            default:
                let other = seeds[generator.next(below: seeds.count)]
                bytes.replaceSubrange(place..., with: other.suffix(generator.next(below: other.count + 1)))
            }
        }
        return bytes
    }
}

/// Any bytes give a value or a `TabularError`: typed throws leave nothing else, so these loops look for traps, hangs and
/// memory. `TACIT_FUZZ_ITERATIONS` makes them long.
@Suite(.serialized) struct FuzzTests {
    static let iterations =
        ProcessInfo.processInfo.environment["TACIT_FUZZ_ITERATIONS"].flatMap(Int.init) ?? 20_000

    /// The most memory this process ever had, in bytes; 0 where the system does not say.
    static func peakMemory() -> Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return (line.split(separator: " ").compactMap { Int($0) }.first ?? 0) * 1024
    }

    @Test func csv() throws {
        let seeds = [
            "a,b,c\n1,x,\"t\"\"u\"\n-2.5e3,,\"two\nlines\"\n", "\u{FEFF}a;b;c\r\n1,5;é;2\r\n", "a\tb\tc\r1\t2\t3\r",
            "c|b|a\n||\n1|2|3", "a,b,c\n0.1234567890123456789,9007199254740993,1e400\n",
        ].map { Array($0.utf8) }
        var mutator = Mutator(
            seed: 101, seeds: seeds,
            tokens: [
                "\"", "\"\"", ",", "\n", "\r\n", "\r", "\0", "\u{FEFF}", "é", "1e999", "-", ".", "nan", ";", " ",
                "0123456789",
            ])
        let schema = try Schema(columns: [
            ColumnSchema("a", .number, allowsMissing: true), ColumnSchema("b", .category, allowsMissing: true),
            ColumnSchema("c", .text, allowsMissing: true),
        ])
        let before = Self.peakMemory()
        var accepted = 0
        for round in 0..<Self.iterations {
            let bytes = mutator.next()
            var format = CSVFormat(encoding: round % 5 == 0 ? .latin1 : .utf8, trimsBlanks: round % 3 == 0)
            format.limits = CSVLimits(fieldBytes: 64, categories: 4, chunkRows: 1 + round % 3)
            do {
                let table =
                    round % 2 == 0
                    ? try Table(csv: bytes, name: "f", schema: schema, format: format)
                    : try Table(csv: bytes, name: "f", format: format)
                accepted += 1
                if round % 16 == 0 {
                    // What was accepted can be written and read back.
                    let types = try Schema(
                        columns: table.columns.map { ColumnSchema($0.name, $0.type, allowsMissing: true) })
                    let again = try Table(
                        csv: CSVWriter().encoded(table), name: "g", schema: types, format: CSVFormat(separator: .comma))
                    #expect(again == table, "\(bytes)")
                }
            } catch { #expect(!error.description.isEmpty) }
        }
        #expect(accepted > Self.iterations / 20, "the mutations hardly leave anything readable")
        let grown = Self.peakMemory() - before
        #expect(grown < 512 << 20, "memory grew by \(grown >> 20) MB")
    }

    @Test(arguments: Schema.FileFormat.allCases)
    func schema(format: Schema.FileFormat) throws {
        let sample = try SchemaTests.sample()
        var mutator = Mutator(
            seed: 102, seeds: [try sample.encoded(as: format), try sample.confirmed().encoded(as: format)],
            tokens: [
                "{", "}", "[", "]", ":", ",", "\"", "1e999", "-", "null", "true", "&a ", "*a", "\n", "  ", "- ",
                "\u{0}", "|",
            ])
        let before = Self.peakMemory()
        for _ in 0..<Self.iterations {
            do {
                let schema = try Schema(decoding: mutator.next(), as: format, name: "f")
                #expect(try Schema(decoding: schema.encoded(as: format), as: format, name: "g") == schema)
            } catch { #expect(!error.description.isEmpty) }
        }
        #expect(Self.peakMemory() - before < 512 << 20)
    }

    @Test func numbers() throws {
        var mutator = Mutator(
            seed: 103,
            seeds: ["1", "-0.5", "3.14159265358979", "1e22", "9007199254740993", "1.7976931348623157e308", "4.9e-324"]
                .map {
                    Array($0.utf8)
                }, tokens: ["0", "9", "5", ".", "e", "E", "+", "-", "000000000000000", "99999999", "e-30", "25", ","])
        let schema = try Schema(columns: [ColumnSchema("x", .number)])
        let allowed = Set("0123456789.eE+-,".utf8)
        for _ in 0..<Self.iterations {
            let field = mutator.next().filter(allowed.contains)
            let quoted = [0x22] + field + [0x22]
            let text = String(decoding: field, as: UTF8.self)
            var end: UnsafeMutablePointer<CChar>?
            let reference = text.withCString { start -> Double? in
                let value = strtod(start, &end)
                return end.map { $0 - UnsafeMutablePointer(mutating: start) } == field.count && !field.isEmpty
                    ? value : nil
            }
            let ours = try? Table(csv: Array("x\n".utf8) + quoted + [0x0A], name: "f", schema: schema).numeric("x")[0]
            let expected = reference.flatMap { $0.isFinite ? $0 : nil }
            #expect(ours?.bitPattern == expected?.bitPattern, "\(text)")
        }
    }
}
