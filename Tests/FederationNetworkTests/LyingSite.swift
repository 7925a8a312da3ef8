import BinaryCoding
import Federation
import FederationService
import Foundation
import Tabular
import Transports

/// A site with an identity of its own that says what it likes: a real one whose reports are changed before it signs them.
actor LyingSite {
    /// What is said in the place of an honest report; nil lets it pass.
    struct Lie {
        var body: [UInt8]
        var session: Int?
        /// Does not send it, and nothing after it.
        var isLast = false
    }

    struct Death: Error {}

    private let party: PartyIdentity
    private let study: Study
    private let connection: CoordinatorConnection
    private let lie: @Sendable (_ purpose: SessionPurpose, Envelope.Entry, _ body: [UInt8]) -> Lie?
    private var site: Site
    private var purpose = SessionPurpose.keys
    private var sequence = 0
    private var previous = Fingerprint.none
    /// Its own messages by the honest ones, so that a repetition is the same lie.
    private var said: [[UInt8]: [UInt8]] = [:]
    private(set) var lies = 0

    init(
        _ number: Int, in folder: String, port: Int,
        lie: @escaping @Sendable (SessionPurpose, Envelope.Entry, [UInt8]) -> Lie?
    ) throws {
        party = try PartyIdentity(file: folder + "/site-\(number).key")
        let invitation = try Invitation(file: folder + "/hospital.invitation")
        self.study = try invitation.makeStudy()
        self.lie = lie
        guard let schema = invitation.schema else { throw NetworkStudy.StudyError(description: "no schema") }
        let table = try Table(
            csv: folder + "/\(number).csv", schema: schema, format: CSVFormat())
        let data = SiteData(rows: try self.study.rows(table), training: Array(0..<120), heldOut: Array(120..<150))
        site = try Site(self.study, identity: party.signing, data: data)
        connection = try Self.connection(party, invitation, port: port)
    }

    static func connection(_ party: PartyIdentity, _ invitation: Invitation, port: Int) throws -> CoordinatorConnection
    {
        var configuration = CoordinatorConnection.Configuration()
        configuration.backoff = Backoff(initial: .milliseconds(20), maximum: .milliseconds(200), patience: .seconds(60))
        return try CoordinatorConnection(
            to: CoordinatorAddress(host: "127.0.0.1", port: port), as: party.transport,
            coordinator: invitation.pinnedCoordinator(), study: invitation.makeStudy().fingerprint,
            configuration: configuration)
    }

    /// Takes part until the study is over.
    func run() async throws {
        try await process(.join)
        guard site.finalModel == nil else { return }
        try await connection.receive(after: 0) { _, bytes in
            try await self.process(.message(bytes))
            return await self.site.finalModel == nil
        }
    }

    private func process(_ event: SiteEvent) async throws {
        var events = [event]
        while !events.isEmpty {
            let event = events.removeFirst()
            if case .message(let bytes) = event,
                case .task(let task)? = try? Instruction(decoding: bytes, study: study.fingerprint)
            {
                purpose = task.purpose
            }
            for message in site.handle(event).messages {
                let words = try changed(message)
                let reply = try await connection.send(.bytes(words), identifier: Fingerprint(of: words))
                var decoder = BinaryDecoder(reply)
                events += try decoder.decodeList("reply", minimumElementSize: 4) { decoder throws(BinaryCodingError) in
                    SiteEvent.message(try decoder.decodeBytes("message"))
                }
            }
        }
    }

    private func changed(_ message: [UInt8]) throws -> [UInt8] {
        if let known = said[message] { return known }
        let honest = try Envelope(decoding: message)
        let entry = honest.entry
        let lie = entry.kind == .report ? lie(purpose, entry, honest.body) : nil
        if lie != nil { lies += 1 }
        if lie?.isLast ?? false {
            connection.close()
            throw Death()
        }
        let body = lie?.body ?? honest.body
        let own = Envelope.Entry(
            study: entry.study, site: entry.site, sequence: sequence, previous: previous, kind: entry.kind,
            session: lie?.session ?? entry.session, attempt: entry.attempt, stage: entry.stage, body: body,
            commitment: entry.commitment)
        let words = Envelope(entry: own, body: body, identity: party.signing).encoded
        (sequence, previous) = (sequence + 1, own.hash)
        said[message] = words
        return words
    }
}
