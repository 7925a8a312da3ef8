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
/// When one of them stays away, a new request goes to others.
struct CKKSSumServer: SumServer {
    private enum Phase: Sendable {
        case uploads(StageBodies<[CKKSCiphertext]>)
        case opening(
            sum: [CKKSCiphertext], contributors: [Int], requests: [OpeningRequest], shares: StageBodies<[OpeningShare]>,
            silent: Set<Int>)
    }

    let setting: SumSetting
    let collective: CollectiveSetting
    let packing: CKKSPacking
    /// For each position of the cohort its party of the group.
    let parties: [Int]
    private var phase: Phase

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
        case .opening(_, _, _, let shares, _): shares.missing
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
        case .opening(_, _, _, let shares, _): shares.values.count
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
        case .opening(let sum, let contributors, let requests, var shares, let silent):
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
            phase = .opening(sum: sum, contributors: contributors, requests: requests, shares: shares, silent: silent)
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
            return try ask(sum, all.map(\.site), silent: [], using: &random)
        case .opening(let sum, let contributors, let requests, let shares, let silent):
            guard shares.missing.isEmpty else {
                return try ask(sum, contributors, silent: silent.union(shares.missing), using: &random)
            }
            var releases: [CKKSRelease] = []
            for (index, request) in requests.enumerated() {
                do {
                    var opening = try CollectiveOpening(request, opening: sum[index], of: collective.group)
                    for (_, list) in shares.ordered {
                        if case .values(let release)? = try opening.receive(list[index]) { releases.append(release) }
                    }
                } catch { throw .protection("ckks: \(error)") }
            }
            guard releases.count == requests.count else { throw .protection("ckks: the shares do not open the sum") }
            let (sums, error) = packing.sums(releases)
            return .finished(
                ProtectedResult(contributors: contributors, sums: sums, errorBound: error, individual: nil))
        }
    }

    private mutating func ask(
        _ sum: [CKKSCiphertext], _ contributors: [Int], silent: Set<Int>, using random: inout SessionRandom
    ) throws(FederationError) -> SumStep {
        let asked = Array(contributors.filter { !silent.contains($0) }.prefix(collective.group.threshold))
        guard asked.count == collective.group.threshold else {
            throw FederationError(
                code: .tooFewSites,
                message: "ckks: got \(asked.count) sites that can open the sum, want \(collective.group.threshold)")
        }
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
            sum: sum, contributors: contributors, requests: requests, shares: StageBodies(expected: asked),
            silent: silent)
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
