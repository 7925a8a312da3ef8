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
/// stays away, a new request goes to others. Sums are exact: see ``CollectiveSum``.
struct CKKSSumServer: SumServer {
    private enum Phase: Sendable {
        case uploads(StageBodies<SumUpload>)
        case opening(
            uploads: [(site: Int, value: SumUpload)], request: SumOpeningRequest, shares: StageBodies<SumOpeningShare>,
            silent: Set<Int>)
    }

    let setting: SumSetting
    let collective: CollectiveSetting
    let sum: CollectiveSum
    /// For each position of the cohort its party of the group.
    let parties: [Int]
    private var phase: Phase

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
        case .opening(_, _, let shares, _): shares.missing
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
        case .opening(_, _, let shares, _): shares.values.count
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
        case .opening(let uploads, let request, var shares, let silent):
            try shares.check(site)
            let share: SumOpeningShare
            do { share = try SumOpeningShare(decoding: &decoder, sum: sum) } catch { throw .update("share: \(error)") }
            try coding { () throws(BinaryCodingError) in try decoder.finish("share") }
            guard share.party == parties[site], share.request == request.fingerprint else {
                throw .update("share: is of party \(share.party) or another request")
            }
            shares.take(share, from: site)
            phase = .opening(uploads: uploads, request: request, shares: shares, silent: silent)
        }
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        switch phase {
        case .uploads(let bodies):
            return try ask(bodies.ordered, silent: [], using: &random)
        case .opening(let uploads, let request, let shares, let silent):
            guard shares.missing.isEmpty else {
                return try ask(uploads, silent: silent.union(shares.missing), using: &random)
            }
            var sums: [Int64]?
            do {
                var opening = try SumOpening(request, of: sum, uploads: uploads.map(\.value))
                for (_, share) in shares.ordered { sums = try opening.receive(share) }
            } catch { throw .protection("ckks: \(error)") }
            guard let sums else { throw .protection("ckks: the shares do not open the sum") }
            return .finished(
                ProtectedResult(
                    contributors: uploads.map(\.site), sums: sums.map(Double.init), errorBound: 0, individual: nil))
        }
    }

    private mutating func ask(
        _ uploads: [(site: Int, value: SumUpload)], silent: Set<Int>, using random: inout SessionRandom
    ) throws(FederationError) -> SumStep {
        let threshold = collective.group.threshold
        let asked = Array(uploads.map(\.site).filter { !silent.contains($0) }.prefix(threshold))
        guard asked.count == threshold else {
            throw FederationError(
                code: .tooFewSites,
                message: "ckks: got \(asked.count) sites that can open the sum, want \(threshold)")
        }
        let request: SumOpeningRequest
        do {
            request = try SumOpeningRequest(
                sum, over: uploads.map(\.value.party), by: asked.map { parties[$0] }, using: &random)
        } catch { throw .protection("ckks: \(error)") }
        var encoder = BinaryEncoder()
        request.encode(into: &encoder)
        phase = .opening(uploads: uploads, request: request, shares: StageBodies(expected: asked), silent: silent)
        return .next(Dictionary(uniqueKeysWithValues: asked.map { ($0, encoder.bytes) }))
    }
}

struct CKKSSumClient: SumClient {
    let setting: SumSetting
    let collective: CollectiveSetting
    /// The share remembers what it encrypted and answered: to be stored before a message leaves.
    private(set) var keys: CollectiveKeys

    init(_ setting: SumSetting, _ collective: CollectiveSetting, keys: CollectiveKeys) {
        self.setting = setting
        self.collective = collective
        self.keys = keys
    }

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        let sum = try CollectiveSum(setting, collective)
        var share = keys.share
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
        keys = keys.replacing(share)
        return encoder.bytes
    }
}
