// One round of secure aggregation with all its parties in this process, and Prio3's roles; JSON on standard output.
//
//   BenchmarkSecureAggregation round MEMBERS PARAMETERS DROPPED complete|chosen semiHonest|active [BITS]
//   BenchmarkSecureAggregation serve          the same words, a line each, on standard input
//   BenchmarkSecureAggregation prio3 LENGTH BITS
import Foundation
import Parallelism
import Prio3
import Randomness
import SecureAggregation

/// Processor time of this process and elapsed time.
func clocks() -> (processor: Double, elapsed: Double) {
    func seconds(_ clock: clockid_t) -> Double {
        var now = timespec()
        clock_gettime(clock, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
    }
    return (seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_MONOTONIC))
}

struct Stopwatch {
    var parts: [String: Double] = [:]
    mutating func measure<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
        let before = clocks().processor
        defer { parts[name, default: 0] += clocks().processor - before }
        return try body()
    }
}

func show(_ values: [String: Any]) throws {
    let data = try JSONSerialization.data(withJSONObject: values, options: .sortedKeys)
    FileHandle.standardOutput.write(data + Data("\n".utf8))
}

func round(_ words: [String]) throws {
    let members = Int(words[1])!, length = Int(words[2])!, dropped = Int(words[3])!
    let trust: CoordinatorTrust = words[5] == "active" ? .active : .semiHonest
    let bits = words.count > 6 ? Int(words[6])! : 24
    var random = SystemRandom()
    let coordinatorIdentity = AggregationIdentity(using: &random)
    let identities = (0..<members).map { _ in AggregationIdentity(using: &random) }
    let complete = AggregationGraph(degree: members - 1, threshold: members / 2 + 1, window: 0)
    let round = try AggregationRound(
        .init(
            session: "benchmark", number: 1,
            members: identities.enumerated().map {
                AggregationMember(id: UInt32($0 + 1), verificationKey: $1.verificationKey)
            }, coordinatorKey: coordinatorIdentity.verificationKey, coordinator: trust,
            maximumDropouts: max(dropped, members / 10), maximumColluding: members / 10, length: length,
            values: .bounded(by: 1 << Int64(bits - 1)), graph: words[4] == "complete" ? complete : nil))
    let update = (0..<length).map { Int64($0 % 1000) - 500 }
    let gone = Set((0..<dropped).map { UInt32($0 * (members / max(1, dropped)) + 1) })
    var coordinator = try AggregationCoordinator(round, identity: coordinatorIdentity)
    var sites: [UInt32: AggregationSite] = [:]
    var watch = Stopwatch()
    var upload = 0, download = 0, inputBytes = 0
    let begin = clocks()
    for (place, identity) in identities.enumerated() {
        let id = UInt32(place + 1)
        let message = try watch.measure("site keys") {
            let (site, message) = try AggregationSite.start(
                round, member: id, identity: identity, journal: SiteJournal(session: "benchmark"), using: &random)
            sites[id] = site
            return message
        }
        if id == 2 { upload += message.count }
        try watch.measure("coordinator") { _ = try coordinator.receive(message) }
    }
    var outcome: AggregationOutcome?
    while outcome == nil {
        let phase = coordinator.phase
        switch try watch.measure("coordinator \(phase)", { try coordinator.advance() }) {
        case .finish(let result): outcome = result
        case .send(let messages):
            for (id, message) in messages where !(gone.contains(id) && phase >= .shares) {
                if id == 2 { download += message.count }
                let answer = try watch.measure("site after \(phase)") { () -> [UInt8] in
                    // Taken out of the dictionary, so that the state has one owner.
                    var site = sites.removeValue(forKey: id)!
                    defer { sites[id] = site }
                    switch try site.receive(message, using: &random) {
                    case .send(let answer), .finish(let answer): return answer
                    case .wantsUpdate:
                        guard case .send(let answer) = try site.submit(update, using: &random) else { return [] }
                        return answer
                    }
                }
                if id == 2 {
                    upload += answer.count
                    inputBytes = max(inputBytes, answer.count)
                }
                try watch.measure("coordinator") { _ = try coordinator.receive(answer) }
            }
        }
    }
    let end = clocks()
    let result = outcome!
    precondition(
        result.sum == update.map { $0 * Int64(members - dropped) } && result.survivors.count == members - dropped,
        "the sum is the plain one")
    try show([
        "benchmark": "secagg/round", "members": members, "parameters": length, "dropped": dropped,
        "degree": round.graph.degree, "trust": words[5], "bits": round.modulusBits,
        "processor": end.processor - begin.processor, "elapsed": end.elapsed - begin.elapsed,
        "uploadBytes": upload, "downloadBytes": download, "maskedInputBytes": inputBytes,
        "parts": watch.parts.mapValues { ($0 * 1e4).rounded() / 1e4 },
    ])
}

func prio3(_ words: [String]) throws {
    let length = Int(words[1])!, bits = Int(words[2])!
    var random = SystemRandom()
    let instance = try Prio3.sumVector(length: length, maximum: (1 << UInt64(bits)) - 1)
    let key = SecretBytes.random(count: 32, using: &random)
    let client = Prio3Client(instance, context: [])
    let values = (0..<length).map { UInt64($0) % (1 << UInt64(bits)) }
    var watch = Stopwatch()
    let report = try watch.measure("client shard") { try client.shard(.numbers(values), using: &random) }
    var states: [Prio3Verification] = [], shares: [[UInt8]] = []
    var aggregators = try (0..<2).map {
        try Prio3Aggregator(instance, number: $0, verificationKey: key, context: [], minimumBatch: 1)
    }
    for number in 0..<2 {
        let (state, share) = try watch.measure(number == 0 ? "leader prepare" : "helper prepare") {
            try aggregators[number].begin(
                nonce: report.nonce, publicShare: report.publicShare, inputShare: report.inputShares[number])
        }
        states.append(state)
        shares.append(share)
    }
    let message = try watch.measure("join") { try instance.verifierMessage(shares, context: []) }
    for number in 0..<2 {
        try watch.measure("finish") { try aggregators[number].finish(states[number], with: message) }
    }
    let sum = try instance.unshard(aggregators.map { try $0.aggregateShare() })
    precondition(sum == values.map { UInt128($0) }, "the sum of one report is the report")
    try show([
        "benchmark": "prio3/sumvec", "length": length, "bits": bits,
        "uploadBytes": report.inputShares.reduce(report.publicShare.count) { $0 + $1.count },
        "parts": watch.parts.mapValues { ($0 * 1e5).rounded() / 1e5 },
    ])
}

func run(_ words: [String]) throws {
    switch words.first {
    case "round": try round(words)
    case "prio3": try prio3(words)
    default:
        FileHandle.standardError.write(
            Data("round MEMBERS PARAMETERS DROPPED complete|chosen semiHonest|active\n".utf8))
        exit(64)
    }
}

let words = Array(CommandLine.arguments.dropFirst())
if words.first == "serve" {
    while let line = readLine() { try run(line.split(separator: " ").map(String.init)) }
} else {
    try run(words)
}
