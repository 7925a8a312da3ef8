extension PrivacyReport {
    /// The report in one or two sentences, computed from the observations, so that it cannot say more than they do:
    /// "Nobody but each hospital saw its patients; the three hospitals opened 78 sums."
    public var headline: String {
        guard !observations.isEmpty else { return "What the parties saw was not recorded." }
        var sentences = [Prose.capitalised(rowsClause + "; " + openedClause) + "."]
        if let unclassified = observations.first(where: { $0.form.exposure == .unclassified }) {
            sentences.append("One form that was seen (\(unclassified.form.rawValue)) is not classified.")
        }
        if let guarantee = differentialPrivacy.guarantees.first, differentialPrivacy.guarantees.count == 1 {
            sentences.append(
                "The release satisfies (ε\u{A0}=\u{A0}\(Quantity.number(guarantee.epsilon)), "
                    + "δ\u{A0}=\u{A0}\(Quantity.number(guarantee.delta)))-differential privacy per \(guarantee.unit).")
        } else if !differentialPrivacy.guarantees.isEmpty {
            sentences.append(
                "\(differentialPrivacy.guarantees.count) differential-privacy guarantees are listed below.")
        }
        return sentences.joined(separator: " ")
    }

    /// Who saw single rows.
    private var rowsClause: String {
        let leaks = observations.filter { $0.source != $0.observer && $0.form == .plaintextRows }
        let seers = orderedNames(leaks.map(\.observer))
        guard seers.isEmpty else {
            return "\(Prose.list(seers)) saw \(task.rowNoun) of others in the clear"
        }
        let others = observations.filter { $0.source != $0.observer && $0.form.exposure == .individual }
        let close = orderedNames(others.map(\.observer))
        guard close.isEmpty else {
            return "\(Prose.list(close)) received \(Prose.list(unique(others.map(\.form.rawValue)))), "
                + "which can tell about single \(task.rowNoun)"
        }
        return "nobody but each \(task.ownerNoun) saw its \(task.rowNoun)"
    }

    /// Who could read what, and how much of it.
    private var openedClause: String {
        for (form, noun) in [(Form.plaintextSum, "sum"), (.noisedRelease, "noised number"), (.plaintextModel, "")] {
            let seen = observations.filter { $0.form == form }
            guard !seen.isEmpty else { continue }
            let observers = unique(seen.map(\.observer))
            let verb = form == .plaintextSum ? "opened" : "received"
            // Several observers of the same sums saw the same sums: the most that one of them saw counts.
            let most =
                observers.map { id in
                    seen.filter { $0.observer == id }.reduce(0) { Quantity.sum($0, $1.count) }
                }.max() ?? 0
            let what = noun.isEmpty ? "the model" : Quantity.counted(most, noun)
            return "\(group(observers)) \(verb) \(what)"
        }
        return observations.contains { $0.form.exposure == .aggregate || $0.form.exposure == .noised }
            ? "the output is listed below" : "nothing was opened"
    }

    /// "the three hospitals", "the two key holders", or names.
    package func group(_ ids: [Party.ID]) -> String {
        let members = parties.filter { ids.contains($0.id) }
        if members.count > 2, members.count == parties.count {
            return "all \(Prose.count(members.count)) parties"
        }
        if members.count == 1, let only = members.first { return only.name }
        let owners = parties.filter { $0.roles.contains(.dataOwner) }
        if members.count > 1, members == owners {
            return "the \(Prose.count(members.count)) \(Prose.plural(task.ownerNoun))"
        }
        let common = members.map(\.roles).reduce(members.first?.roles ?? []) { kept, roles in
            kept.filter(roles.contains)
        }
        let role = [Role.keyHolder, .dataOwner].first(where: common.contains) ?? common.first
        guard let role else { return Prose.list(members.map(\.name)) }
        let noun = role == .dataOwner ? task.ownerNoun : role.rawValue
        let sameKind = parties.filter { $0.roles.contains(role) }.count
        let some = sameKind > members.count ? "" : "the "
        return "\(some)\(Prose.count(members.count)) \(Prose.plural(noun))"
            + (sameKind > members.count ? " of \(Prose.count(sameKind))" : "")
    }

    private func orderedNames(_ ids: [Party.ID]) -> [String] {
        parties.filter { ids.contains($0.id) }.map(\.name)
    }

    private func unique<Element: Hashable>(_ items: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return items.filter { seen.insert($0).inserted }
    }

    /// The name of a party, or its id where it is not listed.
    package func name(of id: Party.ID) -> String {
        parties.first { $0.id == id }?.name ?? id
    }
}
