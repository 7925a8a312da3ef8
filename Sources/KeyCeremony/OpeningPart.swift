import BinaryCoding
import CKKS
import MultipartyCKKS
import Randomness

/// One holder's part of opening a list of ciphertexts, with the requests that it answers: a file for whoever collects the
/// parts, and for the other holders to answer the same requests.
public struct OpeningPart: Sendable, CustomStringConvertible {
    public let group: CollectiveGroup
    /// One a ciphertext.
    public let requests: [OpeningRequest]
    public let holder: Int
    package let shares: [OpeningShare]

    public var participants: [Int] { requests.first?.participants ?? [] }
    public var description: String {
        "part of holder \(holder) of \(participants) in opening \(requests.count) ciphertexts"
    }

    /// Asks for the opening and gives this holder's part.
    ///
    /// Store the share before the part leaves: its count of openings went up.
    /// - Parameter participants: who will open together; at least as many as the threshold, this holder among them.
    /// - Throws: `wrongHolders`, `usedUp`, `mismatch`, `noPrecision`.
    public static func first(
        opening ciphertexts: [CKKSCiphertext], with share: inout CollectiveKeyShare, participants: [Int],
        using random: inout some SecureRandom
    ) throws(KeyCeremonyError) -> OpeningPart {
        var requests: [OpeningRequest] = []
        do throws(MultipartyError) {
            for ciphertext in ciphertexts {
                requests.append(
                    try OpeningRequest(opening: ciphertext, of: share.group, by: participants, using: &random))
            }
        } catch { throw KeyCeremonyError(error, about: "opening") }
        return try answer(requests, opening: ciphertexts, with: &share, using: &random)
    }

    /// Gives this holder's part to what another one has asked for.
    public static func joining(
        _ other: OpeningPart, opening ciphertexts: [CKKSCiphertext], with share: inout CollectiveKeyShare,
        using random: inout some SecureRandom
    ) throws(KeyCeremonyError) -> OpeningPart {
        guard other.group == share.group else {
            throw KeyCeremonyError(
                code: .mismatch, message: "part of holder \(other.holder): is of \(other.group), this is \(share.group)"
            )
        }
        return try answer(other.requests, opening: ciphertexts, with: &share, using: &random)
    }

    private static func answer(
        _ requests: [OpeningRequest], opening ciphertexts: [CKKSCiphertext], with share: inout CollectiveKeyShare,
        using random: inout some SecureRandom
    ) throws(KeyCeremonyError) -> OpeningPart {
        guard requests.count == ciphertexts.count, !requests.isEmpty else {
            throw KeyCeremonyError(
                code: .mismatch, message: "requests: got \(requests.count) for \(ciphertexts.count) ciphertexts")
        }
        let left = share.group.policy.queries - share.used
        guard requests.count <= left else {
            throw KeyCeremonyError(
                code: .usedUp,
                message:
                    "openings: got \(requests.count) ciphertexts, \(left) of \(share.group.policy.queries) openings are "
                    + "left under this key; make a new key")
        }
        // All or none: a share that stopped half-way would have spent openings for nothing.
        var copy = share
        var shares: [OpeningShare] = []
        do throws(MultipartyError) {
            for (request, ciphertext) in zip(requests, ciphertexts) {
                shares.append(try copy.answer(request, opening: ciphertext, using: &random))
            }
        } catch { throw KeyCeremonyError(error, about: "opening") }
        share = copy
        return OpeningPart(group: share.group, requests: requests, holder: share.party, shares: shares)
    }

    /// The values, from the parts of all participants.
    /// - Throws: `mismatch` for parts of other requests; `wrongHolders` with who is missing.
    public static func combine(
        _ parts: [OpeningPart], opening ciphertexts: [CKKSCiphertext]
    ) throws(KeyCeremonyError) -> [CKKSRelease] {
        guard let first = parts.first, first.requests.count == ciphertexts.count else {
            throw KeyCeremonyError(
                code: .mismatch,
                message:
                    "parts: got those of \(parts.first?.requests.count ?? 0) ciphertexts, want \(ciphertexts.count)")
        }
        if let other = parts.first(where: { $0.requests != first.requests || $0.group != first.group }) {
            throw KeyCeremonyError(
                code: .mismatch,
                message:
                    "part of holder \(other.holder): answers another request than that of holder \(first.holder); the "
                    + "others have to join the first part")
        }
        var releases: [CKKSRelease] = []
        for (index, ciphertext) in ciphertexts.enumerated() {
            var result: CollectiveOpening.Result?
            var missing: [Int] = []
            do throws(MultipartyError) {
                var opening = try CollectiveOpening(first.requests[index], opening: ciphertext, of: first.group)
                for part in parts { result = try opening.receive(part.shares[index]) }
                missing = opening.missing
            } catch { throw KeyCeremonyError(error, about: "opening") }
            guard case .values(let release)? = result else {
                let names = missing.map(String.init).joined(separator: ", ")
                throw KeyCeremonyError(
                    code: .wrongHolders, message: "parts: those of holders \(names) are missing")
            }
            releases.append(release)
        }
        return releases
    }
}

extension OpeningPart {
    private enum Tag {
        static let group: UInt32 = 1
        static let request: UInt32 = 2
        static let share: UInt32 = 3
    }

    /// - Parameters:
    ///   - context: of the ciphertexts.
    ///   - key: of the collective key.
    public func write(to path: String, context: CKKSContext, key: Fingerprint) throws {
        var writer = try ContainerWriter(
            path: path,
            header: ContainerHeader(kind: .collectivePartialDecryption, parameters: context.fingerprint, key: key))
        func section(_ tag: UInt32, _ body: (inout BinaryEncoder) -> Void) throws {
            var encoder = BinaryEncoder()
            body(&encoder)
            try writer.write(tag: tag, encoder.bytes)
        }
        try section(Tag.group) {
            group.encode(into: &$0)
            $0.encode(UInt16(holder))
        }
        for request in requests { try section(Tag.request) { request.encode(into: &$0) } }
        for share in shares { try section(Tag.share) { share.encode(into: &$0, context: context) } }
        try writer.commit()
    }

    /// - Parameter context: of the ciphertexts that are opened.
    /// - Throws: `invalidFile`, `mismatch`, with the file's name.
    public init(path: String, context: CKKSContext) throws {
        try self.init(FileSource(path: path), name: path, context: context)
    }

    /// As ``init(path:context:)`` from any bytes. Total.
    package init(_ source: some ByteSource, name: String, context: CKKSContext) throws {
        func invalid(_ message: String) -> KeyCeremonyError {
            KeyCeremonyError(code: .invalidFile, message: "\(name): \(message)")
        }
        do {
            var reader = try ContainerReader(source, sectionLimit: 1 << 27)
            try reader.header.require(.collectivePartialDecryption)
            guard reader.header.parameters == context.fingerprint else {
                throw KeyCeremonyError(
                    code: .mismatch, message: "\(name): is for other parameters than the file that is opened")
            }
            guard let head = try reader.next(), head.tag == Tag.group else { throw invalid("group: missing") }
            var decoder = BinaryDecoder(head.bytes)
            group = try CollectiveGroup(decoding: &decoder)
            holder = Int(try decoder.decode(UInt16.self, "holder"))
            try decoder.finish("group")
            guard group.parameters == context.parameters else {
                throw KeyCeremonyError(
                    code: .mismatch, message: "\(name): is of \(group), the file that is opened has \(context)")
            }
            var (requests, shares): ([OpeningRequest], [OpeningShare]) = ([], [])
            while let section = try reader.next() {
                var decoder = BinaryDecoder(section.bytes)
                if section.tag == Tag.request, shares.isEmpty {
                    requests.append(try OpeningRequest(decoding: &decoder))
                    try decoder.finish("request")
                } else if section.tag == Tag.share, shares.count < requests.count {
                    let share = try OpeningShare(decoding: &decoder, context: context)
                    guard share.party == holder else { throw invalid("share: is of \(share.party), want \(holder)") }
                    shares.append(share)
                } else {
                    throw invalid("section: got tag \(section.tag), want requests, then as many shares")
                }
            }
            guard shares.count == requests.count, !requests.isEmpty else {
                throw invalid("shares: got \(shares.count) for \(requests.count) requests")
            }
            self.requests = requests
            self.shares = shares
        } catch let error as MultipartyError {
            throw KeyCeremonyError(error, about: name)
        } catch let error as BinaryCodingError {
            throw error.inFile(name)
        }
    }
}
