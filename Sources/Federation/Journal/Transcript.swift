import BinaryCoding
import Foundation
import Paillier

/// All that a coordinator took in, as it was written down, to be checked by others.
///
/// The file holds the study's fingerprint, then the records in a hash chain. It contains what sites sent (under protection
/// none: their updates) and the coordinator's seeds, so it is as confidential as the coordinator's own store.
public struct Transcript: Sendable {
    public let study: Fingerprint
    public let records: [[UInt8]]
    public let head: Fingerprint

    static let magic: [UInt8] = Array("TFT1".utf8)

    public init(study: Study, records: [[UInt8]]) {
        self.study = study.fingerprint
        self.records = records
        head = records.reduce(.none) { Self.next($0, $1) }
    }

    static func next(_ head: Fingerprint, _ record: [UInt8]) -> Fingerprint {
        Fingerprint(of: head.bytes + record)
    }

    public var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encodeRaw(study.bytes)
        encoder.encode(list: records) { $0.encode(bytes: $1) }
        encoder.encodeRaw(head.bytes)
        return encoder.bytes
    }

    /// - Throws: `invalidMessage`; `forged` when the chain does not end in the stated head.
    public init(decoding bytes: [UInt8]) throws(FederationError) {
        let stated: Fingerprint
        (study, records, stated) = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw BinaryCodingError(code: .wrongFormat, message: "transcript: not one of this version")
            }
            let study = Fingerprint(bytes: try decoder.decodeRaw(32, "study")) ?? .none
            let records = try decoder.decodeList("records", minimumElementSize: 4) {
                decoder throws(BinaryCodingError) in
                try decoder.decodeBytes("record")
            }
            let head = Fingerprint(bytes: try decoder.decodeRaw(32, "head")) ?? .none
            try decoder.finish("transcript")
            return (study, records, head)
        }
        head = records.reduce(.none) { Self.next($0, $1) }
        guard head == stated else {
            throw FederationError(
                code: .forged, message: "transcript: the chain ends in \(head), the file says \(stated); it was altered"
            )
        }
    }
}

/// A site's journal as a file: what left, and the signature under each line.
public struct JournalFile: Sendable {
    public let study: Fingerprint
    public let site: String
    public let entries: [Envelope.Entry]

    static let magic: [UInt8] = Array("TFJ1".utf8)

    public init(_ site: Site) {
        study = site.study.fingerprint
        self.site = site.identity.name
        entries = site.journal
    }

    public var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encodeRaw(study.bytes)
        encoder.encode(site)
        encoder.encode(list: entries) { $1.encode(into: &$0) }
        return encoder.bytes
    }

    /// - Throws: `invalidMessage`.
    public init(decoding bytes: [UInt8]) throws(FederationError) {
        (study, site, entries) = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw BinaryCodingError(code: .wrongFormat, message: "journal: not one of this version")
            }
            let study = Fingerprint(bytes: try decoder.decodeRaw(32, "study")) ?? .none
            let site = try decoder.decodeString("site", limit: 128)
            let entries = try decoder.decodeList("entries", minimumElementSize: 32) {
                decoder throws(BinaryCodingError) in
                try Envelope.Entry(decoding: &decoder)
            }
            try decoder.finish("journal")
            return (study, site, entries)
        }
    }
}

/// What a replayed transcript shows.
public struct TranscriptVerification: Sendable {
    /// What follows from the bytes, in sentences.
    public var proven: [String] = []
    /// What cannot be concluded from them.
    public var unproven: [String] = []
    public var model: GlobalModel
    public var history: [RoundSummary]
    public var isFinished: Bool
}

extension Transcript {
    /// Replays everything and holds it against the sites' journals.
    ///
    /// - Parameters:
    ///   - journals: of any sites that gave theirs.
    ///   - paillier: the public side of the key, under protection paillier.
    ///   - updates: that sites show, to be held against their commitments and the sums.
    ///   - model: the weights in use; compared when given.
    /// - Throws: `forged`, `store`, `wrongStudy`: what does not fit, and where.
    public func verify(
        study: Study, paillier: PaillierSharing?, journals: [JournalFile], updates: [UpdateDisclosure] = [],
        model: [Float]?
    ) throws(FederationError) -> TranscriptVerification {
        guard self.study == study.fingerprint else {
            throw FederationError(
                code: .wrongStudy, message: "transcript: belongs to study \(self.study), this is \(study.fingerprint)")
        }
        // Signatures, chains and bodies of all messages are checked on the way, by the code that took them in.
        var check = try DisclosureCheck(updates, study: study)
        let coordinator = try Coordinator(verifying: study, paillier: paillier, records) {
            sum throws(FederationError) in try check.take(sum)
        }
        var taken: [String: [Fingerprint]] = [:]
        var messages = 0
        for bytes in records {
            guard case .message(let message) = try CoordinatorRecord(decoding: bytes).event else { continue }
            let entry = try Envelope(decoding: message).entry
            taken[entry.site, default: []].append(entry.hash)
            check.take(entry)
            messages += 1
        }
        for journal in journals {
            try Self.check(journal, against: taken[journal.site] ?? [], study: study)
        }
        if let model, model != coordinator.result.floats {
            throw FederationError(
                code: .forged,
                message: "model: is not the one that the transcript gives, \(coordinator.result.fingerprint)")
        }
        var result = TranscriptVerification(
            model: coordinator.result, history: coordinator.history, isFinished: coordinator.phase == .finished)
        result.proven = [
            "\(records.count) records are chained to the head \(head); whoever noted that head can tell that none was added, taken out or changed since.",
            "\(messages) messages carry valid signatures of the identities that the study pins, and each site's messages form one chain.",
            "Handling them again gives the model \(coordinator.result.fingerprint), round by round as in the history.",
        ]
        if model != nil { result.proven.append("The model in use is that model.") }
        for journal in journals {
            result.proven.append(
                "\(journal.site): its journal has \(journal.entries.count) entries; all \(taken[journal.site]?.count ?? 0) messages that the coordinator took are in it, in order."
            )
        }
        for (site, count) in try check.checkCommitments() {
            result.proven.append(
                "\(site): the \(count) updates that it shows are those to which it was committed before their sums were known."
            )
        }
        if check.wholeSums > 0 {
            result.proven.append(
                "In \(check.wholeSums) sums every contributor's update is shown, and they add up to what was opened.")
        }
        result.unproven = [
            "That sites trained on the data they say, or at all: only that they sent these bytes, committed to an update before its sum was known.",
            "That the coordinator kept no copies, or showed nobody else what it received.",
        ]
        let without = study.sites.map(\.name).filter { name in !journals.contains { $0.site == name } }
        if !without.isEmpty {
            result.unproven.append("That nothing else left \(without.count) sites whose journal was not given.")
        }
        if study.kind == .ckks || study.kind == .paillier {
            result.unproven.append("That key holders opened nothing but these sums: their own records would show it.")
        }
        return result
    }

    private static func check(_ journal: JournalFile, against taken: [Fingerprint], study: Study)
        throws(FederationError)
    {
        guard journal.study == study.fingerprint else {
            throw FederationError(code: .wrongStudy, message: "journal of \(journal.site): belongs to another study")
        }
        var previous = Fingerprint.none
        for (index, entry) in journal.entries.enumerated() {
            guard entry.site == journal.site, entry.sequence == index, entry.previous == previous,
                entry.study == journal.study
            else {
                throw FederationError(
                    code: .forged, message: "journal of \(journal.site): entry \(index) does not follow the one before")
            }
            previous = entry.hash
        }
        let hashes = journal.entries.map(\.hash)
        guard taken.count <= hashes.count, Array(hashes.prefix(taken.count)) == taken else {
            throw FederationError(
                code: .forged,
                message:
                    "journal of \(journal.site): the coordinator took a message that is not in it, or in another order")
        }
    }
}
