import AtomicFiles
import BinaryCoding
import CoordinatorStore
import Federation
import Foundation
import Randomness
import Tabular
import Transports

/// The files of a study at its coordinator: `hospital.yaml` and, beside it, `hospital.schema.json`,
/// `hospital.coordinator.key` and `.public`, `hospital.invitation` and the folder `hospital.state`.
public struct StudyFiles: Sendable {
    public let path: String
    private let stem: String

    public init(path: String) {
        self.path = path
        let url = URL(fileURLWithPath: path)
        stem =
            ["yaml", "yml", "json"].contains(url.pathExtension.lowercased()) ? url.deletingPathExtension().path : path
    }

    public var schemaPath: String { stem + ".schema.json" }
    public var coordinatorStem: String { stem + ".coordinator" }
    public var invitationPath: String { stem + ".invitation" }
    public var stateFolder: String { stem + ".state" }
    public var tokenPath: String { stateFolder + "/dashboard.token" }

    /// Writes a new study, the coordinator's identity and the invitation, and enrols the sites.
    /// - Parameter literal: its coordinator and sites are put in here.
    /// - Throws: ``FederationServiceError``; nothing is replaced.
    public func create(
        _ literal: StudyLiteral, schema: Schema?, sites: [PartyPublicIdentity], days: Int
    ) throws(FederationServiceError) {
        for file in [path, schemaPath, coordinatorStem + ".key", invitationPath, stateFolder]
        where FileManager.default.fileExists(atPath: file) {
            throw .study("\(file): exists already; a new study needs another name")
        }
        for site in sites where site.certificate.role != .site {
            throw .study("\(site.name): is a coordinator's identity, want a site's")
        }
        let coordinator = try PartyIdentity(
            name: "coordinator of \(literal.name)".prefix64, role: .coordinator, days: days)
        var literal = literal
        literal.coordinator = coordinator.signing.publicIdentity
        literal.sites = sites.map(\.signing)
        do {
            let study = try Study(literal, schema: schema)
            try coordinator.write(stem: coordinatorStem)
            if let schema { try schema.write(to: schemaPath) }
            try writeAtomically(Array(try literal.yaml().utf8), to: path)
            try Invitation(study: literal, schema: schema, coordinator: coordinator.transport.certificate)
                .write(to: invitationPath)
            let store = try CoordinatorStore(beside: stateFolder, study: study.fingerprint, creates: true)
            for site in sites {
                try store.enroll(
                    name: site.name, fingerprint: site.certificate.fingerprint, certificate: site.certificate.bytes)
            }
        } catch let error as FederationServiceError { throw error } catch { throw .study("\(error)") }
    }

    /// The study as its files say.
    public func readStudy() throws(FederationServiceError) -> (study: Study, schema: Schema?) {
        do {
            let literal = try StudyLiteral(path: path)
            let schema = FileManager.default.fileExists(atPath: schemaPath) ? try Schema(path: schemaPath) : nil
            return (try Study(literal, schema: schema), schema)
        } catch { throw .study("\(error)") }
    }

    public func readCoordinator() throws(FederationServiceError) -> PartyIdentity {
        try PartyIdentity(file: coordinatorStem + ".key")
    }

    /// Keeps the invitation in step with a study file that was edited before the study began.
    public func renewInvitation(_ study: Study, schema: Schema?, coordinator: PartyIdentity)
        throws(FederationServiceError)
    {
        let known = (try? Invitation(file: invitationPath)).flatMap { try? $0.makeStudy().fingerprint }
        guard known != study.fingerprint else { return }
        try Invitation(study: study.literal, schema: schema, coordinator: coordinator.transport.certificate)
            .write(to: invitationPath)
    }

    /// The page's token: made once, kept with mode 0600.
    public func dashboardToken() throws(FederationServiceError) -> String {
        do {
            if FileManager.default.fileExists(atPath: tokenPath) {
                let text = String(decoding: try readFile(tokenPath, limit: 1000), as: UTF8.self)
                let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
                guard token.utf8.count >= 16 else {
                    throw FederationServiceError.study("\(tokenPath): want at least 16 characters")
                }
                return token
            }
            var random = SystemRandom()
            let token = Data(random.bytes(count: 24)).base64EncodedString().replacing("+", with: "-").replacing(
                "/", with: "_")
            try writeAtomically(Array((token + "\n").utf8), to: tokenPath, permissions: 0o600)
            return token
        } catch let error as FederationServiceError { throw error } catch { throw .store("\(error)") }
    }
}

extension String {
    /// As much as fits into the name of a certificate.
    fileprivate var prefix64: String { String(prefix(64)) }
}
