import ArgumentParser

struct FederationCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "federation",
        abstract: "Train together over a network; nobody sees an update.",
        discussion: """
            At each site: `identity`, then hand the .public file to the coordinator. At the coordinator: `init`, hand the \
            .invitation file to the sites, then `serve`. At each site: `join`.
            """,
        subcommands: [
            FederationIdentityCommand.self, FederationInitCommand.self, FederationEnrollCommand.self,
            FederationRevokeCommand.self, FederationServeCommand.self, FederationResumeCommand.self,
            FederationJoinCommand.self, FederationStatusCommand.self, FederationExportCommand.self,
        ])
}
