import AtomicFiles
import BinaryCoding
import Federation
import Foundation
import Tabular
import Transports

/// What a site needs before it can join: the study, its schema and the fingerprint of the coordinator. Public; whoever hands
/// it over decides whom the site trusts, so it should come from the coordinator's own hands.
public struct Invitation: Sendable, Codable {
    public var version: Int
    /// Of the coordinator's certificate.
    public var coordinator: String
    /// As YAML.
    public var study: String
    public var schema: Schema?

    public init(study: StudyLiteral, schema: Schema?, coordinator: PeerCertificate) throws(FederationServiceError) {
        version = 1
        self.coordinator = coordinator.fingerprint.written
        self.schema = schema
        do { self.study = try study.yaml() } catch { throw .study(error.message) }
    }

    /// - Throws: ``FederationServiceError`` with code `study` naming the file.
    public init(file path: String) throws(FederationServiceError) {
        do {
            let bytes = try readFile(path, limit: 2 * StudyLiteral.fileLimit)
            self = try JSONDecoder().decode(Invitation.self, from: Data(bytes))
        } catch let error as AtomicFilesError { throw .study(error.message) } catch {
            throw .study(
                "\(path): is no invitation; ask the coordinator for the file that `tacit federation init` wrote")
        }
        guard version == 1 else { throw .study("\(path): got version \(version), want 1; install a newer tacit") }
    }

    public func write(to path: String) throws(FederationServiceError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do { try writeAtomically(try encoder.encode(self), to: path) } catch { throw .study("\(error)") }
    }

    public func pinnedCoordinator() throws(FederationServiceError) -> Fingerprint {
        do { return try Fingerprint(written: coordinator) } catch { throw .study(error.message) }
    }

    public func makeStudy() throws(FederationServiceError) -> Study {
        do {
            return try Study(try StudyLiteral(yaml: Array(study.utf8), name: "study in the invitation"), schema: schema)
        } catch {
            throw .study(error.message)
        }
    }
}
