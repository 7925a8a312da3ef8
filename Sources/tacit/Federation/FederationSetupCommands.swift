import ArgumentParser
import CoordinatorStore
import Federation
import FederationService
import Foundation
import Tabular
import Transports

struct FederationIdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity",
        abstract: "Make this site's keys: OUT.key stays here, OUT.public goes to the coordinator.")

    @Option(name: .long, help: "What the site is called in studies, such as \"Hospital A\".")
    var name: String

    @Option(name: .long, help: "Names of the two files, without ending.")
    var out: String

    @Option(name: .long, help: "How long the certificate is good for.")
    var days = 730

    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let identity = try PartyIdentity(name: name, role: .site, days: days)
        try identity.write(stem: out)
        let fingerprint = identity.transport.certificate.fingerprint.written
        try Console.result(
            ["key": "\(out).key", "public": "\(out).public", "fingerprint": fingerprint], json: common.json,
            "\(out).key     keep it here (mode 0600)\n\(out).public  give it to the coordinator\n\(fingerprint)")
    }
}

/// The study file, from the command or from `init`.
struct StudyOption: ParsableArguments {
    @Option(name: .long, help: "The study file that `tacit federation init` wrote.")
    var study: String

    var files: StudyFiles { StudyFiles(path: study) }

    /// The store beside a coordinator that may be running.
    func openStore() throws -> (store: CoordinatorStore, study: Study) {
        let (study, _) = try files.readStudy()
        return (try CoordinatorStore(beside: files.stateFolder, study: study.fingerprint), study)
    }
}

struct FederationInitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Write a study, the coordinator's identity and the invitation for the sites.")

    @Argument(help: "The study file to write, such as hospital.yaml.")
    var file: String

    @Option(name: .long, parsing: .upToNextOption, help: "The .public files of the sites.")
    var sites: [String]

    @Option(name: .long, help: "The schema of everybody's tables (JSON or YAML), as `tacit data schema` makes it.")
    var schema: String

    @Option(name: .long, help: "The column to predict; otherwise the schema's target.")
    var target: String?

    @Option(name: .long, help: "The category that counts as yes.")
    var positive: String?

    @OptionGroup var training: FederatedTrainingOptions

    @Option(name: .long, help: "Of first weights, cohorts and divisions; reaches nothing secret.")
    var seed: UInt64 = 1

    @Option(name: .long, help: "The most rows of a site.")
    var maximumRows: Int?

    @Flag(
        name: .long,
        help: "Let each site once train alone, by the same recipe, and show how they do beside the joint model.")
    var localBaseline = false

    @Option(name: .long, help: "How long the coordinator's certificate is good for.")
    var days = 730

    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let parties = try sites.map { try PartyPublicIdentity(file: $0) }
        if training.protection == .paillier {
            guard parties.count >= 3 else {
                throw CommandFailure(
                    .usage,
                    "--protection: paillier wants at least 3 sites, who make its key together; got \(parties.count); take ckks"
                )
            }
            if let warning = try training.paillier.warning { Console.warn(warning) }
        }
        if training.protection == .none { Console.warn("protection none: the coordinator sees every site's update") }
        var literal = try training.literal(
            name: URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent, target: target,
            positive: positive,
            sites: parties.count, seed: seed)
        literal.maximumRows = maximumRows
        if localBaseline { literal.localBaseline = true }
        let files = StudyFiles(path: file)
        try files.create(literal, schema: try Schema(path: schema), sites: parties, days: days)
        let coordinator = try files.readCoordinator().transport.certificate.fingerprint.written
        try Console.result(
            ["study": file, "invitation": files.invitationPath, "coordinator": coordinator], json: common.json,
            "\(file)  the study; edit it before the first `serve`\n\(files.invitationPath)  give it to the sites\n"
                + "coordinator \(coordinator)")
    }
}

struct FederationEnrollCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Let a site's certificate in; also a new one of a site whose old one was revoked.")

    @OptionGroup var option: StudyOption

    @Argument(help: "The site's .public file.")
    var file: String

    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let party = try PartyPublicIdentity(file: file)
        let (store, study) = try option.openStore()
        guard let pinned = study.sites.first(where: { $0.name == party.name }) else {
            throw CommandFailure(.data, "\(party.name): is no site of \(option.study)")
        }
        if pinned.key != party.signing.key {
            Console.warn("\(party.name): the study names another signing key, so its messages will be refused")
        }
        guard party.certificate.role == .site else {
            throw CommandFailure(.data, "\(file): is a coordinator's identity, want a site's")
        }
        try store.enroll(
            name: party.name, fingerprint: party.certificate.fingerprint, certificate: party.certificate.bytes)
        try Console.result(
            ["site": party.name], json: common.json,
            "\(party.name) may connect: \(party.certificate.fingerprint.written)")
    }
}

struct FederationRevokeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Shut out a site's certificate, at once and also on open connections.")

    @OptionGroup var option: StudyOption

    @Argument(help: "The site's name.")
    var name: String

    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        try option.openStore().store.revoke(name: name)
        try Console.result(
            ["site": name], json: common.json,
            "\(name) may not connect any more")
    }
}
