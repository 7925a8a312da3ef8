import Paillier
import PrivacyReports

extension Coordinator {
    /// What protects updates and says who sent them, with the strength of each; transport apart.
    public var cryptography: [PrivacyReport.Cryptography] {
        let randomness = "the operating system's generator, stretched with ChaCha20"
        let identities = PrivacyReport.Cryptography(
            purpose: "who sent what", scheme: "Ed25519 signatures over a hash-chained journal",
            parameterSet: "Ed25519, SHA-256",
            estimatedSecurityBits: 128, securitySource: "RFC 8032", randomness: randomness, insecure: false)
        switch study.kind {
        case .none: return [identities]
        case .secagg:
            return [
                .init(
                    purpose: "hiding updates from the coordinator",
                    scheme: "secure aggregation: pairwise masks (X25519, HKDF, ChaCha20), Shamir shares, signed lists",
                    parameterSet: "X25519, 256-bit seeds", estimatedSecurityBits: 128, securitySource: "RFC 7748",
                    randomness: randomness, insecure: false), identities,
            ]
        case .paillier:
            guard let sharing = paillier else { return [identities] }
            let parameters = sharing.publicKey.parameters
            return [
                .init(
                    purpose: "sums that the coordinator cannot read",
                    scheme: sharing.isJoint
                        ? "Paillier, packed, threshold decryption, the key made by the sites"
                        : "Paillier, packed, threshold decryption",
                    parameterSet: parameters.description, modulusBits: parameters.modulusBits,
                    estimatedSecurityBits: Double(parameters.estimatedSecurityBits),
                    securitySource: "NIST SP 800-57 part 1 rev. 5, table 2",
                    threshold: .init(required: sharing.threshold, shares: sharing.shareCount), randomness: randomness,
                    insecure: parameters.estimatedSecurityBits < 128, note: parameters.warning), identities,
            ]
        case .ckks:
            guard let group = collective?.group else { return [identities] }
            let row = group.parameters.ring.securityRow
            return [
                .init(
                    purpose: "sums that the coordinator cannot read",
                    scheme: "threshold CKKS: uploads under the sites' own parts of a joint key, noise-flooded openings",
                    parameterSet: "\(group.parameters)", modulusBits: Int(group.parameters.ring.log2QP.rounded(.up)),
                    estimatedSecurityBits: row.map { Double($0.level.rawValue) }, securitySource: row?.description,
                    threshold: .init(required: group.threshold, shares: group.parties), randomness: randomness,
                    insecure: row == nil, note: "\(group.policy)"), identities,
            ]
        }
    }
}
