/// What a protocol protects against whom, as data for programs, reports and tests.
public struct AggregationThreatModel: Hashable, Sendable, Codable {
    /// A role and what it is trusted with.
    public struct Party: Hashable, Sendable, Codable {
        public let name: String
        public let isTrustedWith: String
        public let sees: [String]
    }
    public let parties: [Party]
    /// Members that may pool all they know with each other and with the coordinator.
    public let collusionBound: Int
    /// What holds for everyone beyond that.
    public let guarantee: String
    /// log₂ of the probability that the random graph fails; −∞ for the complete graph.
    public let graphFailureLog2: Double
    public let leaksOnAbort: String
    public let mustNotBeRepeated: [String]
    public let notProtected: [String]
}

extension AggregationRound {
    /// The threat model of this round.
    public var threatModel: AggregationThreatModel {
        let isRing = graph.degree < members.count - 1
        let failure =
            isRing
            ? GraphBounds(
                members: members.count, colluding: literal.maximumColluding, dropouts: literal.maximumDropouts,
                coordinator: literal.coordinator
            ).securityFailure(of: graph) : -.infinity
        let isActive = literal.coordinator == .active
        return AggregationThreatModel(
            parties: [
                .init(
                    name: "coordinator",
                    isTrustedWith: isActive
                        ? "liveness alone: it may lie about keys and lists and may stop the round"
                        : "following the protocol; it may look at everything that passes",
                    sees: [
                        "who takes part, who drops out and when, sizes and times",
                        "one masked vector of each participant, uniform to it",
                        "the sum of the survivors' updates",
                    ]),
                .init(
                    name: "site", isTrustedWith: "its own update",
                    sees: ["public keys and numbers of the others, who survived, shares of its neighbours' secrets"]),
                .init(name: "network", isTrustedWith: "nothing", sees: ["what the coordinator sees, and no more"]),
            ],
            collusionBound: literal.maximumColluding,
            guarantee:
                "the coordinator and any \(literal.maximumColluding) members together learn of the others' updates "
                + "only their sum over at least \(minimumSurvivors - literal.maximumColluding) honest survivors",
            graphFailureLog2: failure,
            leaksOnAbort: "nothing about updates; who took part so far",
            mustNotBeRepeated: [
                "a round with the same number in a session",
                "a site's state from a backup taken before its last message",
            ],
            notProtected: [
                "what the sum itself says about few or unlike participants; add noise against that",
                "wrong updates of participants: bounds hold, honesty is not proved",
                "sums of two rounds over nearly the same members, whose difference is an update",
            ])
    }
}
