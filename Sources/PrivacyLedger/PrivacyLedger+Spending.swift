import DifferentialPrivacy

extension PrivacyLedger {
    /// Authorises a release, and runs it when the spend is on the disk.
    ///
    /// What `release` does is paid for from the moment it is called: an error from it, or the end of the process, does
    /// not give anything back.
    /// - Parameters:
    ///   - event: the whole release. Several parts that belong together are one `composed` event.
    ///   - purpose: why, for the history.
    ///   - release: reads the data, draws the noise, publishes; gets the entry as proof.
    /// - Throws: ``PrivacyLedgerError`` before `release` is called, with code `budgetExceeded` and the numbers when the
    ///   budget does not allow it; afterwards what `release` throws.
    public func spend<Released>(
        _ event: PrivacyEvent, purpose: String, release: (LedgerEntry) throws -> Released
    ) throws -> Released {
        try release(authorise(event, purpose: purpose))
    }

    /// The first half of ``spend``, for releases that do not fit into a closure: once this returns, the release is paid
    /// for and may be carried out once.
    public func authorise(_ event: PrivacyEvent, purpose: String) throws(PrivacyLedgerError) -> LedgerEntry {
        try enter(purpose: purpose) { _ in (.spent(event), event) }
    }

    /// Enters what `decide` makes of the state, in one transaction in which the budget is checked.
    /// - Parameter decide: gives the entry and the release that it charges, nil when it charges nothing.
    func enter(
        purpose: String,
        _ decide: (LedgerState) throws(PrivacyLedgerError) -> (content: LedgerEntry.Content, charged: PrivacyEvent?)
    ) throws(PrivacyLedgerError) -> LedgerEntry {
        guard access == .spending else {
            throw PrivacyLedgerError(
                code: .permission, message: "\(path): was opened for reading, want it opened for spending")
        }
        let purpose = try LedgerText.checked("purpose", purpose)
        let result: Result<LedgerEntry, PrivacyLedgerError> = state.withLock { known in
            do throws(PrivacyLedgerError) {
                let (entry, next) = try file.write { db in
                    let state = try LedgerStorage.state(db, path: path, after: known)
                    let (content, charged) = try decide(state)
                    if let charged {
                        // Whoever waits for the lock sees this sum; nobody can spend between it and the entry.
                        try state.forecast(content, alone: charged).requireFit(path: path)
                    } else {
                        _ = try state.charges(after: content)
                    }
                    return try LedgerStorage.append(content, purpose: purpose, identity: identity, after: state, to: db)
                }
                known = next
                return .success(entry)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension LedgerState {
    /// What an entry would do to the budget; `alone` is the release that it charges.
    func forecast(
        _ content: LedgerEntry.Content, alone: PrivacyEvent
    ) throws(PrivacyLedgerError) -> BudgetForecast {
        // A run that is charged as it goes must fit as a whole when it begins.
        var together = try charges(after: content)
        if case .runBegan(_, let step, let steps, false) = content { try together.add(step, count: steps) }
        var single = PrivacyCharges()
        try single.add(alone, count: 1)
        let wanted = try rule.reading(single, of: budget)
        let sum = try rule.reading(together, of: budget)
        return BudgetForecast(
            before: BudgetStanding(budget, spent: try rule.reading(charges, of: budget)), wanted: wanted, together: sum)
    }
}
