import Federation
import TacitDashboard

/// What a study protects, in words for people.
enum StudyWords {
    static func adversary(_ study: Study) -> String {
        switch study.kind {
        case .none:
            "Nothing is masked: the coordinator sees every site's update, and from an update much of the data behind it can be recovered. Only for sites that trust the coordinator with their rows."
        case .secagg:
            "The coordinator may be curious or dishonest and may collude with some of the sites: it sees masked updates and the sum of at least \(study.minimum) sites, never one site's update. Sites see the models that they are sent."
        case .ckks:
            "Updates are encrypted under a key that no one holds: \(study.threshold) sites together open a sum, and nothing but the sum. The coordinator may be curious; it sees ciphertexts and the sum."
        case .paillier:
            "Updates are encrypted under a Paillier key that the sites made together and no one holds: \(study.threshold) of them open a sum, and nothing but the sum. The coordinator may be curious; it sees ciphertexts and the sum."
                + ((try? study.jointKey()).map {
                    " While the key is made, \($0.colluding + 1) of the first \($0.committee) sites that pool what they see would have it."
                } ?? "")
        }
    }

    static func privacy(_ study: Study, coordinator: Coordinator) -> [DashboardState.Fact] {
        let names: [ProtectionKind: String] = [
            .none: "none", .secagg: "secure aggregation (pairwise masks)", .ckks: "threshold CKKS",
            .paillier: "threshold Paillier",
        ]
        var facts = [
            DashboardState.Fact("Protection of updates", names[study.kind] ?? study.kind.rawValue),
            DashboardState.Fact("Fewest sites in a sum", "\(study.minimum)"),
            DashboardState.Fact("Strategy", study.literal.strategy.name),
        ]
        if let privacy = study.literal.privacy {
            facts += [
                .init(
                    "Differential privacy",
                    "noise multiplier \(privacy.noiseMultiplier), \(privacy.placement.rawValue), for a site's whole contribution"
                ),
                .init("Clipping norm now", "\(coordinator.clippingNorm)"),
                .init("Rounds with noise", "\(coordinator.round); ε at δ = \(privacy.delta) is in each site's ledger"),
            ]
        } else {
            facts.append(
                .init("Differential privacy", "none: the sums and the model are exact, and say so about their rows"))
        }
        facts.append(.init("Study", study.fingerprint.description))
        return facts
    }
}
