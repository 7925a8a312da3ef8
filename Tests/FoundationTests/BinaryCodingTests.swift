import AtomicFiles
import BinaryCoding
import TacitTestSupport
import Testing

@Suite struct BinaryCodingTests {
    private static func container(_ folder: TemporaryFolder, sections: [[UInt8]]) throws -> [UInt8] {
        let path = folder.file("a.tacit")
        let header = ContainerHeader(
            kind: .encryptedVector, parameters: Fingerprint(of: [1]), key: Fingerprint(of: [2]))
        var writer = try ContainerWriter(path: path, header: header)
        for (index, section) in sections.enumerated() { try writer.write(tag: UInt32(index + 1), section) }
        try writer.commit()
        return try readFile(path, limit: 1 << 24)
    }

    private static func read(_ bytes: [UInt8]) throws -> [[UInt8]] {
        var reader = try ContainerReader(MemorySource(bytes), sectionLimit: 1 << 22)
        var sections: [[UInt8]] = []
        while let section = try reader.next() { sections.append(section.bytes) }
        return sections
    }

    @Test func valuesRoundTrip() throws {
        var encoder = BinaryEncoder()
        encoder.encode(UInt8(7))
        encoder.encode(Int64(-3))
        encoder.encode(Double.pi)
        encoder.encode("Grüße")
        encoder.encode(true)
        encoder.encode(list: [UInt16(1), 2, 3]) { $0.encode($1) }
        var decoder = BinaryDecoder(encoder.bytes)
        #expect(try decoder.decode(UInt8.self, "a") == 7)
        #expect(try decoder.decode(Int64.self, "b") == -3)
        #expect(try decoder.decodeDouble("c") == .pi)
        #expect(try decoder.decodeString("d") == "Grüße")
        #expect(try decoder.decodeBool("e"))
        let list = try decoder.decodeList("f", minimumElementSize: 2) { decoder throws(BinaryCodingError) in
            try decoder.decode(UInt16.self, "element")
        }
        #expect(list == [1, 2, 3])
        try decoder.finish("end")
    }

    @Test func containersRoundTripInSections() throws {
        let folder = try TemporaryFolder()
        let sections: [[UInt8]] = [[], [1, 2, 3], [UInt8](repeating: 9, count: 3_000_000)]
        #expect(try Self.read(Self.container(folder, sections: sections)) == sections)
    }

    /// Every single bit of a small file, flipped: the reader must notice each.
    @Test func everyFlippedBitIsFound() throws {
        let folder = try TemporaryFolder()
        let bytes = try Self.container(folder, sections: [[1, 2, 3], Array("text".utf8)])
        let (header, _) = try readContainer(path: folder.file("a.tacit"))
        for bit in 0..<bytes.count * 8 {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            do {
                var reader = try ContainerReader(MemorySource(damaged))
                while try reader.next() != nil {}
                Issue.record("bit \(bit) was not noticed; header \(reader.header == header)")
            } catch is BinaryCodingError {}
        }
    }

    @Test func everyCutIsFound() throws {
        let folder = try TemporaryFolder()
        let bytes = try Self.container(folder, sections: [[1, 2, 3], Array("text".utf8)])
        for count in 0..<bytes.count {
            #expect(throws: BinaryCodingError.self) { try Self.read(Array(bytes.prefix(count))) }
        }
        #expect(throws: BinaryCodingError.self) { try Self.read(bytes + [0]) }
    }

    @Test func fuzzContainers() throws {
        let folder = try TemporaryFolder()
        let bytes = try Self.container(folder, sections: [[1, 2, 3], Array("text".utf8), []])
        var accepted = 0
        Fuzzing.run(valid: [bytes]) { input in
            if (try? Self.read(input)) != nil, input != bytes { accepted += 1 }
        }
        #expect(accepted == 0)
    }

    @Test func fuzzValues() {
        var encoder = BinaryEncoder()
        encoder.encode("name")
        encoder.encode(list: ["a", "bc"]) { $0.encode($1) }
        Fuzzing.run(valid: [encoder.bytes]) { input in
            var decoder = BinaryDecoder(input)
            _ = try? decoder.decodeString("name")
            _ = try? decoder.decodeList("list", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
                try decoder.decodeString("element")
            }
            _ = try? decoder.finish("end")
        }
    }

    @Test func fingerprintIsSHA256() {
        #expect(
            Fingerprint(of: Array("abc".utf8)).hexadecimal
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(Fingerprint(of: Array("abc".utf8)).description == "ba78-16bf-8f01-cfea")
    }
}
