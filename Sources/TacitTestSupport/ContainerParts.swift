import BinaryCoding

/// A container taken apart, so that a test can change one section and make the rest fit it again: what a forger does.
public struct ContainerParts: Sendable {
    public var header: ContainerHeader
    public var sections: [(tag: UInt32, bytes: [UInt8])]

    /// - Throws: as ``ContainerReader``.
    public init(decoding bytes: [UInt8]) throws {
        var reader = try ContainerReader(MemorySource(bytes))
        header = reader.header
        sections = []
        while let section = try reader.next() { sections.append((section.tag, section.bytes)) }
    }

    /// The container with the right checksum, whatever is in the sections.
    public var sealed: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(ContainerHeader.magic)
        encoder.encode(ContainerHeader.version)
        encoder.encode(header.kind.code)
        encoder.encodeRaw(header.parameters.bytes)
        encoder.encodeRaw(header.key.bytes)
        for section in sections {
            encoder.encode(section.tag)
            encoder.encode(bytes: section.bytes)
        }
        encoder.encode(0 as UInt32)
        encoder.encode(bytes: Fingerprint(of: appendingEnd(encoder.bytes)).bytes)
        return encoder.bytes
    }

    /// Sealed again with other bytes in one section.
    public func forged(_ section: Int, _ bytes: [UInt8]) -> [UInt8] {
        var forged = self
        forged.sections[section].bytes = bytes
        return forged.sealed
    }

    /// Nothing in the sections behind this one: a small container, with which a decoder can be fed by the million.
    public func cut(after section: Int) -> ContainerParts {
        var cut = self
        for later in cut.sections.indices where later > section { cut.sections[later].bytes = [] }
        return cut
    }

    /// The checksum is over everything before it, its own length included.
    private func appendingEnd(_ bytes: [UInt8]) -> [UInt8] { bytes + [32, 0, 0, 0] }
}
