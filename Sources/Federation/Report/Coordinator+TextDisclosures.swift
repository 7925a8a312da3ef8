import PrivacyReports

extension Coordinator {
    /// What a study of texts opens besides models: words that are features, and counts of them. Empty for other studies.
    /// - Parameter everybody: who is told the words.
    public func textDisclosures(to everybody: [String]) -> [PrivacyReport.Disclosure] {
        guard let plan = study.texts else { return [] }
        let features = featureCount ?? 0
        var list: [PrivacyReport.Disclosure] = []
        if let union = plan.union {
            let what = union.counting == .sites ? "sites have" : "texts of all sites together have"
            list.append(
                .init(
                    what:
                        "Which of 2^\(plan.hashing.logBuckets) hashes of words \(union.threshold) \(what); the coordinator "
                        + "also sees the capped sums below that. Whoever guesses a word can look it up",
                    to: everybody, count: features))
        }
        if plan.start != nil {
            list.append(
                .init(
                    what: "For each of these hashes, how many texts of either class of all sites together have it",
                    to: ["coordinator"], count: 2 * features))
        }
        return list
    }
}
