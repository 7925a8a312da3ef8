import BinaryCoding
import DifferentialPrivacy
import Randomness

// Differential privacy of what a site adds: clipping, its part of the noise, and what its ledger is charged.
extension Site {
    func privateUpdate(
        _ change: [Double], _ task: SessionTask, _ layout: VectorLayout, _ privacy: ClientPrivacy,
        using random: inout SessionRandom
    ) throws(FederationError) -> (integers: [Int64], clipped: Double) {
        let norm = change.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let bound = task.clippingNorm
        let factor = norm > bound ? bound / norm : 1
        var parts = [change.map { $0 * factor }]
        if privacy.adaptive != nil { parts.append([norm <= bound ? 0.5 : -0.5]) }
        var integers = try layout.integers(parts).integers
        if privacy.placement == .distributed {
            let noise = try privacy.draw(
                privacy.noise(norm: bound, layout: layout, parts: study.minimum), layout: layout, using: &random)
            for index in integers.indices { integers[index] += noise[index] }
        }
        return (integers, norm > bound ? 1 : 0)
    }

    /// What an update costs when so many contribute noise.
    private func event(_ task: SessionTask, contributors: Int) throws(FederationError) -> PrivacyEvent? {
        guard let privacy = study.literal.privacy, task.purpose == .training else { return nil }
        let layout = try study.setting(task).layout
        return privacy.event(norm: task.clippingNorm, layout: layout, contributors: contributors, sized: study.minimum)
    }

    private func purpose(_ task: SessionTask) -> String {
        "federation \(study.literal.name), round \(task.round + 1)"
    }

    /// Before the update leaves: paid for from here on, with the noise of the fewest contributors that a sum may have.
    /// - Returns: the name of the charge; empty without one.
    func chargePrivacy(_ task: SessionTask) throws(FederationError) -> String {
        guard let charging, let event = try event(task, contributors: study.minimum) else { return "" }
        return try charging.charge(event, purpose: purpose(task))
    }

    /// Once it is agreed whose updates the sum has, and before the site helps to open it: the noise is that of all of them.
    func settlePrivacy(_ session: SiteSession) throws(FederationError) {
        guard let charging, !session.charge.isEmpty, let contributors = contributors(session),
            let event = try event(session.task, contributors: contributors)
        else { return }
        try charging.settle(session.charge, as: event, purpose: purpose(session.task))
    }

    /// How many updates the sum of a session has; nil as long as that is open, and where noise does not depend on it.
    private func contributors(_ session: SiteSession) -> Int? {
        guard study.literal.privacy?.placement == .distributed else { return nil }
        return (session.client as? MaskedSumClient)?.agreedContributors
    }

    /// Keeps ``events`` in step with an answer.
    mutating func noteEvents(_ session: SiteSession, isUpload: Bool) {
        if isUpload, let event = try? event(session.task, contributors: study.minimum) {
            events.append(event)
        } else if let contributors = contributors(session), !events.isEmpty,
            let event = try? event(session.task, contributors: contributors)
        {
            events[events.count - 1] = event
        }
    }
}
