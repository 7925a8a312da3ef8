/// One column of the who-saw-what diagram: everything of one form and kind that was sent at once.
struct ExposureStep {
    typealias Observation = PrivacyReport.Observation
    typealias ID = PrivacyReport.Party.ID

    var number: Int
    var form: PrivacyReport.Form
    var what: String
    var members: [Observation]

    var exposure: PrivacyReport.Exposure { form.exposure }
    /// In the order of first appearance, without those who only see their own.
    var senders: [ID] {
        unique(members.compactMap { $0.source == $0.observer ? nil : $0.source })
    }
    var observers: [ID] { unique(members.map(\.observer)) }
    /// Observers who got it from someone else, or from outside.
    var receivers: [ID] { unique(members.filter { $0.source != $0.observer }.map(\.observer)) }
    var comesFromOutside: Bool { members.contains { $0.source == nil } }

    /// "78 values, 3.8 kB each", with ranges where members differ.
    var size: String {
        let counts = members.map(\.count)
        let low = counts.min() ?? 0
        let high = counts.max() ?? 0
        var text =
            low == high
            ? Quantity.counted(low, "value") : "\(Quantity.integer(low)) to \(Quantity.counted(high, "value"))"
        if let bytes = bytesText { text += ", " + bytes }
        return text + (members.count > 1 ? " each" : "")
    }

    var bytesText: String? {
        let bytes = members.compactMap(\.bytes)
        guard let low = bytes.min(), let high = bytes.max() else { return nil }
        let a = Quantity.bytes(low)
        let b = Quantity.bytes(high)
        return a == b ? a : "\(a) to \(b)"
    }

    var learnings: [String] { unique(members.map(\.learns)) }

    private func unique<Element: Hashable>(_ items: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return items.filter { seen.insert($0).inserted }
    }

    /// The steps of a report, in the order in which they first appear.
    ///
    /// Observations of the same form and the same `what` are one step if everyone in it who sends, sends to all who
    /// receive, so that a single trunk with branches tells the truth; else each sender has a step of its own.
    static func steps(of report: PrivacyReport) -> [ExposureStep] {
        struct Key: Hashable {
            var form: PrivacyReport.Form
            var what: String
        }
        var order: [Key] = []
        var groups: [Key: [Observation]] = [:]
        for observation in report.observations {
            let key = Key(form: observation.form, what: observation.what)
            if groups[key] == nil { order.append(key) }
            groups[key, default: []].append(observation)
        }
        var steps: [ExposureStep] = []
        for key in order {
            for members in split(groups[key] ?? []) {
                steps.append(
                    ExposureStep(number: steps.count + 1, form: key.form, what: key.what, members: members))
            }
        }
        return steps
    }

    private static func split(_ members: [Observation]) -> [[Observation]] {
        struct Pair: Hashable {
            var source: ID?
            var observer: ID
        }
        let sent = members.filter { $0.source != $0.observer }
        let pairs = Set(sent.map { Pair(source: $0.source, observer: $0.observer) })
        let sources = Set(sent.map(\.source))
        let observers = Set(sent.map(\.observer))
        let isComplete = sources.allSatisfy { source in
            observers.allSatisfy { $0 == source || pairs.contains(Pair(source: source, observer: $0)) }
        }
        guard !isComplete else { return [members] }
        var order: [ID?] = []
        var bySource: [ID?: [Observation]] = [:]
        for member in members {
            if bySource[member.source] == nil { order.append(member.source) }
            bySource[member.source, default: []].append(member)
        }
        return order.compactMap { bySource[$0] }
    }
}
