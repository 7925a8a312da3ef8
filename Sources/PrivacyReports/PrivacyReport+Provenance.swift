extension PrivacyReport {
    /// How the run can be repeated, and on exactly which input.
    public struct Provenance: Codable, Hashable, Sendable {
        /// The arguments, with the values of options that carry secrets replaced.
        public var commandLine: [String]
        /// A version or commit of the code.
        public var codeVersion: String
        public var inputs: [Fingerprint]
        /// "Linux x86-64, 2 cores"
        public var platform: String?

        /// - Parameter commandLine: as given to the process; values of options that carry secrets are replaced here.
        public init(commandLine: [String], codeVersion: String, inputs: [Fingerprint], platform: String? = nil) {
            self.commandLine = Self.redacted(commandLine)
            self.codeVersion = codeVersion
            self.inputs = inputs
            self.platform = platform
        }

        /// Replaces the value of every option whose name has a word for a secret in it, in the forms `--option value`
        /// and `--option=value`.
        public static func redacted(_ arguments: [String]) -> [String] {
            var result: [String] = []
            var hideNext = false
            for argument in arguments {
                if hideNext, !argument.hasPrefix("--") {
                    result.append(hidden)
                    hideNext = false
                    continue
                }
                hideNext = false
                guard argument.hasPrefix("--"), namesSecret(argument.prefix { $0 != "=" }) else {
                    result.append(argument)
                    continue
                }
                if let equals = argument.firstIndex(of: "=") {
                    result.append(argument[...equals] + hidden)
                } else {
                    result.append(argument)
                    hideNext = true
                }
            }
            return result
        }

        private static let hidden = "(hidden)"

        private static func namesSecret(_ option: Substring) -> Bool {
            let name = option.lowercased()
            // A file that holds a secret is named by its path, which is no secret.
            if name.hasSuffix("-file") { return false }
            return ["pass", "secret", "token", "password", "credential", "api-key", "pin"].contains { word in
                name.dropFirst(2).split(separator: "-").contains { $0.hasPrefix(word) } || name.hasSuffix(word)
            }
        }
    }

    /// The hash of an input file, so that a reader can tell whether two runs saw the same data.
    ///
    /// A plain hash of a small or guessable table can be inverted by trying: prefer a keyed one for private input.
    public struct Fingerprint: Codable, Hashable, Sendable {
        public var name: String
        /// "SHA-256", "HMAC-SHA-256"
        public var algorithm: String
        public var digest: String
        public var bytes: Int?

        public init(name: String, algorithm: String, digest: String, bytes: Int? = nil) {
            self.name = name
            self.algorithm = algorithm
            self.digest = digest
            self.bytes = bytes
        }
    }
}
