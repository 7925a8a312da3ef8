extension CKKSEvaluationKeys {
    /// Refuses keys that lack what a computation needs, before it begins.
    /// - Errors: `missingKey`, which names all that is missing.
    public func require(_ wanted: CKKSKeyRequirements) throws(CKKSError) {
        let own = contents
        var missing: [String] = []
        if wanted.relinearisation, !own.relinearisation { missing.append("the relinearisation key") }
        if wanted.conjugation, !own.conjugation { missing.append("the conjugation key") }
        let steps = wanted.rotations.subtracting(own.rotations).sorted()
        if !steps.isEmpty {
            missing.append(
                "the key\(steps.count == 1 ? "" : "s") for rotation\(steps.count == 1 ? "" : "s") by "
                    + steps.map(String.init).joined(separator: ", "))
        }
        guard missing.isEmpty else {
            throw CKKSError(
                code: .missingKey,
                message: "evaluation keys: lack \(missing.joined(separator: ", ")); generate keys for this computation")
        }
    }
}
