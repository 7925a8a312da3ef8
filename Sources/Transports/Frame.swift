import BinaryCoding

/// What one gRPC message holds. See docs/transport.md for the layout.
package enum Frame: Hashable, Sendable {
    /// Site to coordinator, first of a Send: what follows. A short message is inside.
    case header(MessageHeader, inline: [UInt8]?)
    /// Either way: a piece of the message, beginning at `offset`.
    case chunk(offset: UInt64, [UInt8])
    /// Coordinator to site: everything before `offset` has arrived; go on from there.
    case acknowledged(offset: UInt64)
    /// Coordinator to site: the message is committed. Last of a Send.
    case accepted(reply: [UInt8])
    /// Site to coordinator, first of a Receive: wants what comes after `sequence`, and knows the first bytes of
    /// message `partial` already.
    case subscription(Greeting, after: UInt64, partial: UInt64, offset: UInt64)
    /// Coordinator to site: a message, whose bytes follow from `offset` on.
    case delivery(sequence: UInt64, digest: Fingerprint, byteCount: UInt64, offset: UInt64)
    /// Coordinator to site: nothing new, still here.
    case idle

    /// The payload of a chunk, in bytes: large enough that the work per frame does not count, small enough that a few
    /// dozen streams fit in memory.
    package static let chunkSize = 1 << 18
    /// Messages up to this size travel inside the header.
    package static let inlineLimit = 1 << 16
    /// No frame is larger.
    package static let limit = chunkSize + 1024

    package static func == (lhs: Frame, rhs: Frame) -> Bool { lhs.encoded() == rhs.encoded() }
    package func hash(into hasher: inout Hasher) { hasher.combine(encoded()) }
}

/// The first words of every call.
package struct Greeting: Hashable, Sendable {
    package static let version: UInt16 = 1
    package var version: UInt16
    package var study: Fingerprint

    package init(version: UInt16 = Greeting.version, study: Fingerprint) {
        self.version = version
        self.study = study
    }
}

package struct MessageHeader: Hashable, Sendable {
    package var greeting: Greeting
    /// The same for every attempt to send the same message, another for every other message of this site.
    package var identifier: Fingerprint
    package var digest: Fingerprint
    package var byteCount: UInt64

    package init(greeting: Greeting, identifier: Fingerprint, digest: Fingerprint, byteCount: UInt64) {
        self.greeting = greeting
        self.identifier = identifier
        self.digest = digest
        self.byteCount = byteCount
    }
}

extension Frame {
    private enum Kind: UInt8 {
        case header = 1
        case chunk, acknowledged, accepted, subscription, delivery, idle
    }

    package func encoded() -> [UInt8] {
        var encoder = BinaryEncoder()
        switch self {
        case .header(let header, let inline):
            encoder.encode(Kind.header.rawValue)
            encoder.encode(header.greeting)
            encoder.encodeRaw(header.identifier.bytes)
            encoder.encodeRaw(header.digest.bytes)
            encoder.encode(header.byteCount)
            encoder.encode(inline != nil)
            if let inline { encoder.encodeRaw(inline) }
        case .chunk(let offset, let bytes):
            return Self.chunkBytes(offset: offset, bytes)
        case .acknowledged(let offset):
            encoder.encode(Kind.acknowledged.rawValue)
            encoder.encode(offset)
        case .accepted(let reply):
            encoder.encode(Kind.accepted.rawValue)
            encoder.encodeRaw(reply)
        case .subscription(let greeting, let sequence, let partial, let offset):
            encoder.encode(Kind.subscription.rawValue)
            encoder.encode(greeting)
            encoder.encode(sequence)
            encoder.encode(partial)
            encoder.encode(offset)
        case .delivery(let sequence, let digest, let byteCount, let offset):
            encoder.encode(Kind.delivery.rawValue)
            encoder.encode(sequence)
            encoder.encodeRaw(digest.bytes)
            encoder.encode(byteCount)
            encoder.encode(offset)
        case .idle:
            encoder.encode(Kind.idle.rawValue)
        }
        return encoder.bytes
    }

    private static func chunkBytes(offset: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count + 9) { target, count in
            target[0] = Kind.chunk.rawValue
            for index in 0..<8 { target[1 + index] = UInt8(truncatingIfNeeded: offset >> (8 * UInt64(index))) }
            bytes.withUnsafeBytes { source in
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(target)[9...])
                    .copyMemory(from: source)
            }
            count = bytes.count + 9
        }
    }

    /// Total: any bytes give a frame or an error.
    package init(_ bytes: [UInt8]) throws(TransportsError) {
        guard bytes.count <= Self.limit else {
            throw TransportsError(
                code: .invalidFrame, message: "frame: got \(bytes.count) bytes, want at most \(Self.limit)")
        }
        do { self = try Self.decode(bytes) } catch {
            throw TransportsError(code: .invalidFrame, message: "frame: \(error.message)")
        }
    }

    private static func decode(_ bytes: [UInt8]) throws(BinaryCodingError) -> Frame {
        var decoder = BinaryDecoder(bytes)
        let number = try decoder.decode(UInt8.self, "kind")
        guard let kind = Kind(rawValue: number) else {
            throw BinaryCodingError(code: .invalidValue, message: "kind: got \(number), want 1 to 7")
        }
        let frame: Frame
        switch kind {
        case .header:
            let header = MessageHeader(
                greeting: try decoder.decodeGreeting(), identifier: try decoder.decodeFingerprint("identifier"),
                digest: try decoder.decodeFingerprint("digest"),
                byteCount: try decoder.decode(UInt64.self, "byte count"))
            guard header.byteCount <= UInt64(Int64.max) else {
                throw BinaryCodingError(code: .invalidValue, message: "byte count: got \(header.byteCount)")
            }
            var inline: [UInt8]?
            if try decoder.decodeBool("inline") {
                guard header.byteCount == decoder.remaining, decoder.remaining <= inlineLimit else {
                    throw BinaryCodingError(
                        code: .invalidValue,
                        message: "inline message: got \(decoder.remaining) bytes, want \(header.byteCount)")
                }
                inline = try decoder.decodeRaw(decoder.remaining, "inline message")
            }
            frame = .header(header, inline: inline)
        case .chunk:
            let offset = try decoder.decode(UInt64.self, "offset")
            guard decoder.remaining > 0, decoder.remaining <= chunkSize, offset <= UInt64(Int64.max) else {
                throw BinaryCodingError(
                    code: .invalidValue, message: "chunk: got \(decoder.remaining) bytes at offset \(offset)")
            }
            frame = .chunk(offset: offset, try decoder.decodeRaw(decoder.remaining, "chunk"))
        case .acknowledged:
            frame = .acknowledged(offset: try decoder.decode(UInt64.self, "offset"))
        case .accepted:
            frame = .accepted(reply: try decoder.decodeRaw(decoder.remaining, "reply"))
        case .subscription:
            frame = .subscription(
                try decoder.decodeGreeting(), after: try decoder.decode(UInt64.self, "sequence"),
                partial: try decoder.decode(UInt64.self, "partial"), offset: try decoder.decode(UInt64.self, "offset"))
        case .delivery:
            frame = .delivery(
                sequence: try decoder.decode(UInt64.self, "sequence"),
                digest: try decoder.decodeFingerprint("digest"),
                byteCount: try decoder.decode(UInt64.self, "byte count"),
                offset: try decoder.decode(UInt64.self, "offset"))
        case .idle:
            frame = .idle
        }
        try decoder.finish("frame")
        return frame
    }
}

extension BinaryEncoder {
    fileprivate mutating func encode(_ greeting: Greeting) {
        encode(greeting.version)
        encodeRaw(greeting.study.bytes)
    }
}

extension BinaryDecoder {
    fileprivate mutating func decodeGreeting() throws(BinaryCodingError) -> Greeting {
        Greeting(version: try decode(UInt16.self, "version"), study: try decodeFingerprint("study"))
    }

    fileprivate mutating func decodeFingerprint(_ what: String) throws(BinaryCodingError) -> Fingerprint {
        guard let value = Fingerprint(bytes: try decodeRaw(32, what)) else {
            throw BinaryCodingError(code: .invalidValue, message: "\(what): want 32 bytes")
        }
        return value
    }
}
