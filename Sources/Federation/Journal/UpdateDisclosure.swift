import BinaryCoding

/// Plain updates of a site, with what opens the commitments to them that it sent before their sums were known.
///
/// For an auditor whom the site trusts: an update tells much about the rows behind it. Seeds of masks and noise are not in it.
public struct UpdateDisclosure: Hashable, Sendable {
    public struct Update: Hashable, Sendable {
        public let session: Int
        public let attempt: Int
        public let purpose: SessionPurpose
        /// Counts training rounds from 0.
        public let round: Int
        /// 32 bytes, hashed before the integers.
        public let nonce: [UInt8]
        /// Of the session's layout, noise of the site included.
        public let integers: [Int64]

        public init(
            session: Int, attempt: Int, purpose: SessionPurpose, round: Int, nonce: [UInt8], integers: [Int64]
        ) {
            self.session = session
            self.attempt = attempt
            self.purpose = purpose
            self.round = round
            self.nonce = nonce
            self.integers = integers
        }
    }

    public let study: Fingerprint
    public let site: String
    public var updates: [Update]

    static let magic: [UInt8] = Array("TFU1".utf8)

    /// - Parameter records: of the site, all or the last ones; those without an update are passed over.
    /// - Throws: `store`.
    public init(_ study: Study, site: String, records: [[UInt8]]) throws(FederationError) {
        self.study = study.fingerprint
        self.site = site
        updates = []
        var current: (task: SessionTask, seed: [UInt8])?
        for (index, bytes) in records.enumerated() {
            do {
                let record = try SiteRecord(decoding: bytes)
                guard record.kind == .answered else { continue }
                if case .task(let task) = try Instruction(decoding: record.instruction, study: study.fingerprint) {
                    current = (task, record.seed)
                }
                guard !record.vector.isEmpty, let (task, seed) = current else { continue }
                updates.append(
                    Update(
                        session: task.session, attempt: task.attempt, purpose: task.purpose, round: task.round,
                        nonce: Site.nonce(seed: seed), integers: record.vector))
            } catch { throw FederationError(code: .store, message: "record \(index): \(error.message)") }
        }
    }

    public var encoded: [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encodeRaw(study.bytes)
        encoder.encode(site)
        encoder.encode(list: updates) {
            for number in [$1.session, $1.attempt, $1.round] { $0.encode(UInt32(number)) }
            $0.encode($1.purpose.rawValue)
            $0.encodeRaw($1.nonce)
            WordCoding.encode($1.integers, into: &$0)
        }
        return encoder.bytes
    }

    /// - Throws: `invalidMessage`.
    public init(decoding bytes: [UInt8]) throws(FederationError) {
        (study, site, updates) = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(bytes)
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw BinaryCodingError(code: .wrongFormat, message: "updates: not a file of this version")
            }
            let study = Fingerprint(bytes: try decoder.decodeRaw(32, "study")) ?? .none
            let site = try decoder.decodeString("site", limit: 128)
            let updates = try decoder.decodeList("updates", minimumElementSize: 49) {
                decoder throws(BinaryCodingError) in
                func number(_ what: String) throws(BinaryCodingError) -> Int {
                    Int(try decoder.decode(UInt32.self, what))
                }
                let (session, attempt, round) = (try number("session"), try number("attempt"), try number("round"))
                let code = try decoder.decode(UInt8.self, "purpose")
                guard let purpose = SessionPurpose(rawValue: code) else {
                    throw BinaryCodingError(code: .invalidValue, message: "purpose: got \(code), want 1...7")
                }
                return Update(
                    session: session, attempt: attempt, purpose: purpose, round: round,
                    nonce: try decoder.decodeRaw(32, "nonce"),
                    integers: try WordCoding.decode(Int64.self, "update", &decoder))
            }
            try decoder.finish("updates")
            return (study, site, updates)
        }
    }
}

/// A sum as a coordinator opened it.
struct OpenedSum: Sendable {
    var session: Int
    var attempt: Int
    var contributors: [String]
    var sums: [Double]
}

/// Updates that sites show, held against the commitments in a transcript and the sums that were opened.
struct DisclosureCheck {
    private let study: Study
    private let shown: [String: [Key: UpdateDisclosure.Update]]
    private var committed: [String: [Key: Fingerprint]] = [:]
    /// Sums of which every contributor's update was shown, and agreed.
    private(set) var wholeSums = 0
    /// Sums of which only some were.
    private(set) var partialSums = 0

    private struct Key: Hashable {
        var session: Int
        var attempt: Int
    }

    /// - Throws: `wrongStudy`, `forged` for two files of one site.
    init(_ disclosures: [UpdateDisclosure], study: Study) throws(FederationError) {
        self.study = study
        var shown: [String: [Key: UpdateDisclosure.Update]] = [:]
        for disclosure in disclosures {
            guard disclosure.study == study.fingerprint else {
                throw FederationError(
                    code: .wrongStudy, message: "updates of \(disclosure.site): belong to another study")
            }
            for update in disclosure.updates {
                let key = Key(session: update.session, attempt: update.attempt)
                guard shown[disclosure.site, default: [:]].updateValue(update, forKey: key) == nil else {
                    throw FederationError(
                        code: .forged, message: "updates of \(disclosure.site): session \(key.session) is there twice")
                }
            }
        }
        self.shown = shown
    }

    /// Notes what a message commits to.
    mutating func take(_ entry: Envelope.Entry) {
        guard entry.commitment != .none else { return }
        committed[entry.site, default: [:]][Key(session: entry.session, attempt: entry.attempt)] = entry.commitment
    }

    /// Every update that is shown is the one that its site had committed to.
    /// - Returns: sites and how many of their updates were shown.
    /// - Throws: `forged`.
    func checkCommitments() throws(FederationError) -> [(site: String, updates: Int)] {
        for (site, updates) in shown.sorted(by: { $0.key < $1.key }) {
            for (key, update) in updates.sorted(by: {
                ($0.key.session, $0.key.attempt) < ($1.key.session, $1.key.attempt)
            }) {
                let place = "updates of \(site): session \(key.session), attempt \(key.attempt)"
                guard let commitment = committed[site]?[key] else {
                    throw FederationError(
                        code: .forged, message: "\(place): no message in the transcript commits to it")
                }
                let name = study.sessionName(session: key.session, attempt: key.attempt)
                guard Site.commitment(update.integers, nonce: update.nonce, session: name) == commitment else {
                    throw FederationError(
                        code: .forged, message: "\(place): is not what the site committed to before the sum was known")
                }
            }
        }
        return shown.map { ($0.key, $0.value.count) }.sorted { $0.site < $1.site }
    }

    /// Where all contributors show their updates, those add up to the sum.
    /// - Throws: `forged`.
    mutating func take(_ sum: OpenedSum) throws(FederationError) {
        let key = Key(session: sum.session, attempt: sum.attempt)
        let updates = sum.contributors.compactMap { shown[$0]?[key] }
        guard updates.count == sum.contributors.count, !updates.isEmpty else {
            partialSums += updates.isEmpty ? 0 : 1
            return
        }
        for update in updates where update.integers.count != sum.sums.count {
            throw FederationError(
                code: .forged,
                message:
                    "session \(sum.session): an update has \(update.integers.count) numbers, the sum \(sum.sums.count)")
        }
        for index in sum.sums.indices {
            // Doubles hold these sums exactly: layouts see to it.
            let total = updates.reduce(0.0) { $0 + Double($1.integers[index]) }
            guard total == sum.sums[index].rounded() else {
                throw FederationError(
                    code: .forged,
                    message: "session \(sum.session): number \(index) of the updates adds up to \(total), opened was "
                        + "\(sum.sums[index])")
            }
        }
        wholeSums += 1
    }
}
