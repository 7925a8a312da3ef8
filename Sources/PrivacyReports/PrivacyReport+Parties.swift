extension PrivacyReport {
    /// Someone who takes part: a person, an organisation, or a process that acts for one.
    public struct Party: Codable, Hashable, Sendable, Identifiable {
        /// Short and unique within the report; ``Observation`` and ``Disclosure`` refer to it.
        public var id: String
        public var name: String
        /// A party may have several roles: a hospital that owns data and holds a share of the key.
        public var roles: [Role]
        public var secretKey: SecretKey
        public var processID: Int?
        public var host: String?
        /// Rows of its own that it brought in.
        public var ownRows: Int?

        /// - Note: `secretKey` has no default: whether a party could decrypt decides what it may see.
        public init(
            id: String, name: String, roles: [Role], secretKey: SecretKey, processID: Int? = nil, host: String? = nil,
            ownRows: Int? = nil
        ) {
            self.id = id
            self.name = name
            self.roles = roles
            self.secretKey = secretKey
            self.processID = processID
            self.host = host
            self.ownRows = ownRows
        }
    }

    /// What a party is there for; an open set.
    public struct Role: RawRepresentable, Codable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let dataOwner = Role(rawValue: "data owner")
        public static let aggregator = Role(rawValue: "aggregator")
        public static let keyHolder = Role(rawValue: "key holder")
        public static let keyDealer = Role(rawValue: "key dealer")
        public static let analyst = Role(rawValue: "analyst")
        public static let computeParty = Role(rawValue: "compute party")
        public static let coordinator = Role(rawValue: "coordinator")
        public static let curator = Role(rawValue: "curator")
        public static let auditor = Role(rawValue: "auditor")
    }

    /// How much of a secret decryption key a party has.
    public enum SecretKey: String, Codable, Hashable, Sendable, CaseIterable {
        case none, share, whole
    }

    /// Against whom the promise holds, and against whom it does not.
    public struct AdversaryModel: Codable, Hashable, Sendable {
        public var behaviour: Behaviour
        /// Who may put together what they saw without breaking the promise.
        public var coalitions: [Coalition]
        /// The promise in one or two sentences.
        public var promise: String
        /// Attacks that this run does nothing against.
        public var outOfScope: [String]

        /// - Note: nothing here has a default: what decides privacy is always stated.
        public init(behaviour: Behaviour, coalitions: [Coalition], promise: String, outOfScope: [String]) {
            self.behaviour = behaviour
            self.coalitions = coalitions
            self.promise = promise
            self.outOfScope = outOfScope
        }
    }

    /// How an adversary acts; an open set.
    public struct Behaviour: RawRepresentable, Codable, Hashable, Sendable {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Follows the protocol, and tries to learn from all it sees.
        public static let semiHonest = Behaviour(rawValue: "semi-honest")
        /// May deviate from the protocol; honest parties notice and stop.
        public static let maliciousWithAbort = Behaviour(rawValue: "malicious with abort")
        /// May deviate; honest parties still get the right output.
        public static let malicious = Behaviour(rawValue: "malicious")
        /// No formal adversary: the report measures instead of promising.
        public static let none = Behaviour(rawValue: "none")
    }

    /// Up to `atMost` of the parties `among` may collude.
    public struct Coalition: Codable, Hashable, Sendable {
        public var among: [Party.ID]
        public var atMost: Int
        public var note: String?

        public init(among: [Party.ID], atMost: Int, note: String? = nil) {
            self.among = among
            self.atMost = atMost
            self.note = note
        }
    }
}
