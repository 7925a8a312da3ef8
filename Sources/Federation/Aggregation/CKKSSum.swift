import BinaryCoding
import CKKS
import Foundation
import MultipartyCKKS
import Randomness

extension CollectiveSum {
    /// The sum of a session: the layout's integers, noise of the sites included.
    init(_ setting: SumSetting, _ collective: CollectiveSetting) throws(FederationError) {
        let greatest = setting.layout.segments.map(\.limit).max() ?? 1
        let limit = Int64((Double(greatest) * (1 + setting.noiseMargin)).rounded(.up)) + 1
        do {
            try self.init(
                collective.setting, name: setting.session, count: setting.layout.count, limit: limit,
                minimum: max(2, setting.minimum))
        } catch { throw .protection("ckks: \(error)") }
    }
}

/// Threshold CKKS: the sites' vectors under their own parts of a joint key; t sites open the sum with flooded shares.
///
/// Stage 0: an upload of each site. Stage 1: to t contributors who is in the sum; their answers open it. When one of them
/// stays away, a new request goes to others. When the answers do not open the sum, something was forged: each of the t is
/// exchanged for somebody else in turn, until it is known whose share it was. Sums are exact: see ``CollectiveSum``.
struct CKKSSumServer: SumServer {
    private enum Phase: Sendable {
        case uploads(StageBodies<SumUpload>)
        case opening(
            uploads: [(site: Int, value: SumUpload)], request: SumOpeningRequest, shares: StageBodies<SumOpeningShare>)
    }

    let setting: SumSetting
    let collective: CollectiveSetting
    let sum: CollectiveSum
    /// For each position of the cohort its party of the group.
    let parties: [Int]
    private var phase: Phase
    /// Contributors that did not answer.
    private var silent: Set<Int> = []
    /// Those whose answers did not open the sum, once that has happened, and which of them is left out in this stage.
    private var spoiled: (by: [Int], without: Int?)?
    /// Whether this stage is asked again because somebody did not answer.
    private var silentSince = false

    init(_ setting: SumSetting, _ collective: CollectiveSetting, parties: [Int]) throws(FederationError) {
        self.setting = setting
        self.collective = collective
        self.parties = parties
        sum = try CollectiveSum(setting, collective)
        phase = .uploads(StageBodies(expected: Array(setting.cohort.indices)))
    }

    var missing: [Int] {
        switch phase {
        case .uploads(let bodies): bodies.missing
        case .opening(_, _, let shares): shares.missing
        }
    }
    var required: Int {
        switch phase {
        case .uploads: max(sum.minimum, collective.group.threshold)
        case .opening: 0
        }
    }
    var received: Int {
        switch phase {
        case .uploads(let bodies): bodies.values.count
        case .opening(_, _, let shares): shares.values.count
        }
    }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        var decoder = BinaryDecoder(body)
        switch phase {
        case .uploads(var bodies):
            try bodies.check(site)
            let upload: SumUpload
            do { upload = try SumUpload(decoding: &decoder, sum: sum) } catch { throw .update("update: \(error)") }
            try coding { () throws(BinaryCodingError) in try decoder.finish("update") }
            guard upload.party == parties[site] else {
                throw .update("update: is of party \(upload.party), want \(parties[site])")
            }
            bodies.take(upload, from: site)
            phase = .uploads(bodies)
        case .opening(let uploads, let request, var shares):
            try shares.check(site)
            let share: SumOpeningShare
            do { share = try SumOpeningShare(decoding: &decoder, sum: sum) } catch { throw .update("share: \(error)") }
            try coding { () throws(BinaryCodingError) in try decoder.finish("share") }
            guard share.party == parties[site], share.request == request.fingerprint else {
                throw .update("share: is of party \(share.party) or another request")
            }
            shares.take(share, from: site)
            phase = .opening(uploads: uploads, request: request, shares: shares)
        }
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        switch phase {
        case .uploads(let bodies):
            return try ask(bodies.ordered, using: &random)
        case .opening(let uploads, let request, let shares):
            guard shares.missing.isEmpty else {
                silent.formUnion(shares.missing)
                silentSince = true
                return try ask(uploads, using: &random)
            }
            if let sums = try open(uploads, request, shares) {
                return .finished(
                    ProtectedResult(
                        contributors: uploads.map(\.site), sums: sums.map(Double.init), individual: nil,
                        suspects: spoiled?.without.map { [$0] } ?? []))
            }
            if spoiled == nil { spoiled = (shares.ordered.map(\.site), nil) }
            return try ask(uploads, using: &random)
        }
    }

    /// nil when uploads and shares do not fit each other.
    private func open(
        _ uploads: [(site: Int, value: SumUpload)], _ request: SumOpeningRequest, _ shares: StageBodies<SumOpeningShare>
    ) throws(FederationError) -> [Int64]? {
        do {
            var opening = try SumOpening(request, of: sum, uploads: uploads.map(\.value))
            var sums: [Int64]?
            for (_, share) in shares.ordered { sums = try opening.receive(share) }
            return sums
        } catch {
            if error.code == .noPrecision { return nil }
            throw .protection("ckks: \(error)")
        }
    }

    /// Who is to open the sum now.
    private mutating func chosen(_ contributors: [Int]) throws(FederationError) -> [Int] {
        let able = contributors.filter { !silent.contains($0) }
        let threshold = collective.group.threshold
        guard able.count >= threshold else {
            throw FederationError(
                code: .tooFewSites,
                message: "ckks: got \(able.count) sites that can open the sum, want \(threshold)")
        }
        guard let (by, without) = spoiled else { return Array(able.prefix(threshold)) }
        // The one that was left out last stays out while a new request replaces who did not answer.
        let last = without.flatMap { by.firstIndex(of: $0) } ?? -1
        let isRepeated = last >= 0 && silentSince
        let next = isRepeated ? last : last + 1
        silentSince = false
        guard next < by.count, able.count > threshold else {
            let names = by.map { setting.cohort[$0] }.joined(separator: ", ")
            throw .protection(
                "ckks: the shares of \(names) do not open the sum; one of them, or an upload, was forged, and who did it "
                    + "cannot be found out with the sites that are there")
        }
        spoiled = (by, by[next])
        let others = able.filter { !by.contains($0) }
        return Array((by.filter { $0 != by[next] && able.contains($0) } + others).prefix(threshold)).sorted()
    }

    private mutating func ask(
        _ uploads: [(site: Int, value: SumUpload)], using random: inout SessionRandom
    ) throws(FederationError) -> SumStep {
        let asked = try chosen(uploads.map(\.site))
        let request: SumOpeningRequest
        do {
            request = try SumOpeningRequest(
                sum, over: uploads.map(\.value.party), by: asked.map { parties[$0] }, using: &random)
        } catch { throw .protection("ckks: \(error)") }
        var encoder = BinaryEncoder()
        request.encode(into: &encoder)
        phase = .opening(uploads: uploads, request: request, shares: StageBodies(expected: asked))
        return .next(Dictionary(uniqueKeysWithValues: asked.map { ($0, encoder.bytes) }))
    }
}

struct CKKSSumClient: SumClient {
    let setting: SumSetting
    let collective: CollectiveSetting
    /// Remembers what it encrypted and answered: to be stored before a message leaves.
    private(set) var share: CollectiveKeyShare

    init(_ setting: SumSetting, _ collective: CollectiveSetting, share: CollectiveKeyShare) {
        self.setting = setting
        self.collective = collective
        self.share = share
    }

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        let sum = try CollectiveSum(setting, collective)
        var share = share
        var encoder = BinaryEncoder()
        if stage == 0 {
            let numbers = try vector()
            do { try share.encrypt(numbers, for: sum, using: &random).encode(into: &encoder) } catch {
                throw .protection("ckks: \(error)")
            }
        } else {
            var decoder = BinaryDecoder(payload)
            do {
                let request = try SumOpeningRequest(decoding: &decoder)
                try share.answer(request, of: sum, using: &random).encode(into: &encoder)
            } catch {
                throw error.code == .belowThreshold
                    ? FederationError(code: .tooFewSites, message: "opening: \(error)")
                    : .protection("opening: \(error)")
            }
            try coding { () throws(BinaryCodingError) in try decoder.finish("request") }
        }
        self.share = share
        return encoder.bytes
    }
}
