import BinaryCoding
import CKKS
import Foundation
import MultipartyCKKS
import Randomness

/// Where a layout's integers stand in ciphertexts: N to a ciphertext, half of them in the real and half in the imaginary
/// parts of the slots; each segment divided by its limit, then all multiplied by one power of two that fills the modulus.
struct CKKSPacking: Sendable {
    let context: CKKSContext
    /// What an integer is multiplied by, for each segment.
    let factors: [Double]
    let counts: [Int]
    /// Of a site's slot.
    let magnitude: Double
    let ciphertexts: Int
    let count: Int
    /// The bound of the error that a sum of all sites has: the flooding must hide at least this.
    let errorBound: Double
    let sites: Int

    init(_ setting: SumSetting, _ collective: CollectiveSetting) throws(FederationError) {
        context = collective.context
        counts = setting.layout.segments.map(\.count)
        count = setting.layout.count
        sites = setting.layout.sites
        let top = context.chain.top
        // Two bits are kept free: one for the sign, one for noise.
        let room = context.chain.log2Q(level: top) - log2(context.chain.scales[top]) - 2
        // Encoding in doubles errs by 2^−49 of the magnitude. Once that is well above the encryption's own noise, flooding
        // hides it too, and a greater magnitude only makes more noise.
        let fresh =
            CKKSCiphertext.planned(context, magnitude: 0x1p-40, underPublicKey: true).errorBound
            / CKKSCiphertext.boundFactor
        let bits = min(floor(room - log2(Double(sites)) - 0.5), floor(log2(fresh) + 53))
        factors = setting.layout.segments.map { exp2(bits) / (Double($0.limit) * (1 + setting.noiseMargin) + 1) }
        magnitude = exp2(bits + 0.5)
        ciphertexts = (count + 2 * context.maximumSlots - 1) / (2 * context.maximumSlots)
        errorBound =
            Double(sites)
            * CKKSCiphertext.planned(context, magnitude: magnitude, underPublicKey: true).errorBound
    }

    /// Positions of the vector in a ciphertext.
    private func range(_ index: Int) -> Range<Int> {
        let width = 2 * context.maximumSlots
        return index * width..<min(count, (index + 1) * width)
    }

    private var factorOfEach: [Double] {
        zip(factors, counts).flatMap { [Double](repeating: $0, count: $1) }
    }

    func encrypt(
        _ integers: [Int64], _ key: CKKSPublicKey, using random: inout some SecureRandom
    ) throws(FederationError) -> [CKKSCiphertext] {
        let scaled = zip(integers, factorOfEach).map { Double($0) * $1 }
        let encryptor = CKKSEncryptor(key)
        var result: [CKKSCiphertext] = []
        for index in 0..<ciphertexts {
            let part = Array(scaled[range(index)])
            let half = (part.count + 1) / 2
            let imaginary = Array(part[half...]) + [Double](repeating: 0, count: 2 * half - part.count)
            do {
                result.append(
                    try encryptor.encrypt(
                        Array(part[..<half]), imaginary: imaginary, magnitude: magnitude, using: &random))
            } catch { throw .protection("ckks: \(error.message)") }
        }
        return result
    }

    /// The sums in the layout's integers, and the greatest stated error as a share of a site's limit.
    func sums(_ releases: [CKKSRelease]) -> (sums: [Double], error: Double) {
        var values: [Double] = []
        values.reserveCapacity(count)
        var bound = 0.0
        for (index, release) in releases.enumerated() {
            let wanted = range(index).count
            let half = (wanted + 1) / 2
            values += release.real[..<half]
            values += release.imaginary[..<(wanted - half)]
            bound = max(bound, release.errorBound)
        }
        return (zip(values, factorOfEach).map { $0 / $1 }, bound / (magnitude / 2.0.squareRoot()))
    }

    /// Whether so many sites can have given these sums. Shares that do not belong together open to numbers all over the
    /// modulus, of which nearly all are far beyond.
    func isPossible(_ sums: [Double], contributors: Int, layout: VectorLayout, noiseMargin: Double) -> Bool {
        var start = 0
        for segment in layout.segments {
            let most = 2 * Double(contributors) * (Double(segment.limit) * (1 + noiseMargin) + 1)
            guard sums[start..<start + segment.count].allSatisfy({ abs($0) <= most }) else { return false }
            start += segment.count
        }
        return true
    }

    func encode(_ list: [CKKSCiphertext], into encoder: inout BinaryEncoder) throws(FederationError) {
        encoder.encode(UInt32(list.count))
        for one in list { do { try one.encode(into: &encoder) } catch { throw .protection(error.message) } }
    }

    func decode(_ decoder: inout BinaryDecoder, key: Fingerprint?) throws(FederationError) -> [CKKSCiphertext] {
        let found = try coding { () throws(BinaryCodingError) in Int(try decoder.decode(UInt32.self, "ciphertexts")) }
        guard found == ciphertexts else { throw .update("ciphertexts: got \(found), want \(ciphertexts)") }
        var list: [CKKSCiphertext] = []
        for _ in 0..<found {
            do { list.append(try CKKSCiphertext(decoding: &decoder, context: context, key: key)) } catch {
                throw .update("ciphertext: \(error.message)")
            }
        }
        return list
    }
}

/// Threshold CKKS: ciphertexts are added; t sites open the sum with flooded shares.
///
/// Stage 0: ciphertexts under the sites' joint key. Stage 1: to t contributors the sum and a request; their answers open it.
/// When one of them stays away, a new request goes to others. When the answers open to what no sum can be, one of them was
/// forged: each of the t is exchanged for somebody else in turn, until it is known who it was.
struct CKKSSumServer: SumServer {
    private enum Phase: Sendable {
        case uploads(StageBodies<[CKKSCiphertext]>)
        case opening(
            sum: [CKKSCiphertext], contributors: [Int], requests: [OpeningRequest], shares: StageBodies<[OpeningShare]>)
    }

    let setting: SumSetting
    let collective: CollectiveSetting
    let packing: CKKSPacking
    /// For each position of the cohort its party of the group.
    let parties: [Int]
    private var phase: Phase
    /// Contributors that did not answer.
    private var silent: Set<Int> = []
    /// Those who opened what no sum can be, once that has happened, and which of them is left out in this stage.
    private var spoiled: (by: [Int], without: Int?)?
    /// Whether this stage is asked again because somebody did not answer.
    private var silentSince = false

    init(_ setting: SumSetting, _ collective: CollectiveSetting, parties: [Int]) throws(FederationError) {
        self.setting = setting
        self.collective = collective
        self.parties = parties
        packing = try CKKSPacking(setting, collective)
        phase = .uploads(StageBodies(expected: Array(setting.cohort.indices)))
    }

    var missing: [Int] {
        switch phase {
        case .uploads(let bodies): bodies.missing
        case .opening(_, _, _, let shares): shares.missing
        }
    }
    var required: Int {
        switch phase {
        case .uploads: max(setting.minimum, collective.group.threshold)
        case .opening: 0
        }
    }
    var received: Int {
        switch phase {
        case .uploads(let bodies): bodies.values.count
        case .opening(_, _, _, let shares): shares.values.count
        }
    }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        var decoder = BinaryDecoder(body)
        switch phase {
        case .uploads(var bodies):
            try bodies.check(site)
            let key = bodies.values.values.first?.first?.key
            let list = try packing.decode(&decoder, key: key)
            try coding { () throws(BinaryCodingError) in try decoder.finish("update") }
            let top = packing.context.chain.top
            guard list.allSatisfy({ $0.size == 2 && $0.level == top && $0.magnitude <= packing.magnitude }) else {
                throw .update("ciphertext: want a fresh one of two parts within the layout's magnitude")
            }
            bodies.take(list, from: site)
            phase = .uploads(bodies)
        case .opening(let sum, let contributors, let requests, var shares):
            try shares.check(site)
            var list: [OpeningShare] = []
            do {
                let count = Int(try decoder.decode(UInt32.self, "shares"))
                guard count == requests.count else {
                    throw FederationError.update("shares: got \(count), want \(requests.count)")
                }
                for request in requests {
                    var inner = BinaryDecoder(try decoder.decodeBytes("share"))
                    let share = try OpeningShare(decoding: &inner, context: collective.context)
                    guard share.party == parties[site], share.request == request.fingerprint else {
                        throw FederationError.update("share: is of party \(share.party) or another request")
                    }
                    list.append(share)
                }
                try decoder.finish("shares")
            } catch let error as FederationError {
                throw error
            } catch { throw .update("shares: \(error)") }
            shares.take(list, from: site)
            phase = .opening(sum: sum, contributors: contributors, requests: requests, shares: shares)
        }
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        switch phase {
        case .uploads(let bodies):
            let evaluator = CKKSEvaluator(collective.context)
            let all = bodies.ordered
            var sum: [CKKSCiphertext] = []
            for index in 0..<packing.ciphertexts {
                do { sum.append(try evaluator.sum(all.map { $0.value[index] })) } catch {
                    throw .protection("ckks: \(error)")
                }
            }
            return try ask(sum, all.map(\.site), using: &random)
        case .opening(let sum, let contributors, let requests, let shares):
            guard shares.missing.isEmpty else {
                silent.formUnion(shares.missing)
                silentSince = true
                return try ask(sum, contributors, using: &random)
            }
            let opened = try open(sum, requests, shares)
            if let (sums, error) = opened,
                packing.isPossible(
                    sums, contributors: contributors.count, layout: setting.layout, noiseMargin: setting.noiseMargin)
            {
                return .finished(
                    ProtectedResult(
                        contributors: contributors, sums: sums, errorBound: error, individual: nil,
                        suspects: spoiled?.without.map { [$0] } ?? []))
            }
            if spoiled == nil { spoiled = (shares.ordered.map(\.site), nil) }
            return try ask(sum, contributors, using: &random)
        }
    }

    /// nil when the shares give no values at all.
    private func open(
        _ sum: [CKKSCiphertext], _ requests: [OpeningRequest], _ shares: StageBodies<[OpeningShare]>
    ) throws(FederationError) -> (sums: [Double], error: Double)? {
        var releases: [CKKSRelease] = []
        for (index, request) in requests.enumerated() {
            do {
                var opening = try CollectiveOpening(request, opening: sum[index], of: collective.group)
                for (_, list) in shares.ordered {
                    if case .values(let release)? = try opening.receive(list[index]) { releases.append(release) }
                }
            } catch { throw .protection("ckks: \(error)") }
        }
        return releases.count == requests.count ? packing.sums(releases) : nil
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
                "ckks: the shares of \(names) open to what no sum can be; one of them was forged, and too few others are there to find out which"
            )
        }
        spoiled = (by, by[next])
        let others = able.filter { !by.contains($0) }
        return Array((by.filter { $0 != by[next] && able.contains($0) } + others).prefix(threshold)).sorted()
    }

    private mutating func ask(
        _ sum: [CKKSCiphertext], _ contributors: [Int], using random: inout SessionRandom
    ) throws(FederationError) -> SumStep {
        let asked = try chosen(contributors)
        var requests: [OpeningRequest] = []
        var encoder = BinaryEncoder()
        encoder.encode(UInt32(contributors.count))
        for one in sum {
            do {
                let request = try OpeningRequest(
                    opening: one, of: collective.group, by: asked.map { parties[$0] }, errorBound: packing.errorBound,
                    using: &random)
                requests.append(request)
                request.encode(into: &encoder)
            } catch { throw .protection("ckks: \(error)") }
        }
        try packing.encode(sum, into: &encoder)
        phase = .opening(
            sum: sum, contributors: contributors, requests: requests, shares: StageBodies(expected: asked))
        return .next(Dictionary(uniqueKeysWithValues: asked.map { ($0, encoder.bytes) }))
    }
}

struct CKKSSumClient: SumClient {
    let setting: SumSetting
    let collective: CollectiveSetting
    /// The share counts what it has answered: to be stored before an answer leaves.
    private(set) var keys: CollectiveKeys

    init(_ setting: SumSetting, _ collective: CollectiveSetting, keys: CollectiveKeys) {
        self.setting = setting
        self.collective = collective
        self.keys = keys
    }

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        let packing = try CKKSPacking(setting, collective)
        var encoder = BinaryEncoder()
        if stage == 0 {
            try packing.encode(try packing.encrypt(try vector(), keys.publicKey, using: &random), into: &encoder)
            return encoder.bytes
        }
        var decoder = BinaryDecoder(payload)
        let (contributors, requests) = try wrapping {
            let contributors = Int(try decoder.decode(UInt32.self, "contributors"))
            let requests = try (0..<packing.ciphertexts).map { _ in try OpeningRequest(decoding: &decoder) }
            return (contributors, requests)
        }
        let sum = try packing.decode(&decoder, key: keys.identity)
        try coding { () throws(BinaryCodingError) in try decoder.finish("sum") }
        guard contributors >= setting.minimum else {
            throw FederationError(
                code: .tooFewSites,
                message: "opening: got a sum of \(contributors) updates, want at least \(setting.minimum)")
        }
        // The noise must cover the error of a sum of all sites, whatever the coordinator states.
        guard requests.allSatisfy({ $0.errorBound >= packing.errorBound }) else {
            throw .protection("opening: the request states less error than a sum of fresh ciphertexts can have")
        }
        encoder.encode(UInt32(requests.count))
        for (request, one) in zip(requests, sum) {
            var share = keys.share
            do {
                let answer = try share.answer(request, opening: one, using: &random)
                keys = keys.replacing(share)
                var inner = BinaryEncoder()
                answer.encode(into: &inner, context: collective.context)
                encoder.encode(bytes: inner.bytes)
            } catch { throw .protection("ckks: \(error)") }
        }
        return encoder.bytes
    }
}
