import BinaryCoding
import CKKS
import Foundation
import Lattice
import Randomness

/// Whose uploads are added up, and who opens the sum.
public struct SumOpeningRequest: Hashable, Sendable, CustomStringConvertible {
    /// ``CollectiveSum/name``
    public let sum: Fingerprint
    /// Parties whose uploads are in the sum, ascending.
    public let contributors: [Int]
    /// Parties that open it, ascending; as many as the threshold.
    public let participants: [Int]
    /// Drawn for this request.
    public let nonce: Fingerprint

    public var description: String { "opening of sum \(sum) over \(contributors) by \(participants)" }
    /// Of everything above.
    public var fingerprint: Fingerprint {
        var encoder = BinaryEncoder()
        encoder.encode("tacit opening of a sum")
        encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }

    /// - Errors: `belowThreshold`, `wrongParty`.
    public init(
        _ sum: CollectiveSum, over contributors: [Int], by participants: [Int], using random: inout some SecureRandom
    ) throws(MultipartyError) {
        self.sum = sum.name
        self.contributors = contributors.sorted()
        self.participants = participants.sorted()
        nonce = Fingerprint(bytes: random.bytes(count: 32))!
        try check(sum)
    }

    func check(_ sum: CollectiveSum) throws(MultipartyError) {
        let group = sum.setting.group
        guard self.sum == sum.name else {
            throw MultipartyError(code: .wrongSession, message: "request: is for sum \(self.sum), want \(sum.name)")
        }
        for (what, list) in [("contributors", contributors), ("participants", participants)] {
            guard zip(list, list.dropFirst()).allSatisfy({ $0 < $1 }),
                list.allSatisfy({ (1...group.parties).contains($0) })
            else {
                throw MultipartyError(
                    code: .wrongParty, message: "\(what): got \(list), want different numbers in 1...\(group.parties)")
            }
        }
        guard contributors.count >= sum.minimum else {
            throw MultipartyError(
                code: .belowThreshold,
                message: "contributors: got \(contributors.count), want at least \(sum.minimum)")
        }
        guard participants.count == group.threshold else {
            throw MultipartyError(
                code: .belowThreshold, message: "participants: got \(participants.count), want \(group.threshold)")
        }
        guard group.threshold < group.parties || contributors.count == group.parties else {
            throw MultipartyError(
                code: .belowThreshold,
                message: "contributors: got \(contributors.count), want all \(group.parties), who open it together")
        }
    }

    // MARK: Bytes

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(sum.bytes)
        for list in [contributors, participants] { encoder.encode(list: list) { $0.encode(UInt16($1)) } }
        encoder.encodeRaw(nonce.bytes)
    }

    /// - Errors: `invalidEncoding`. Whether it suits a sum is checked by whoever answers.
    public init(decoding decoder: inout BinaryDecoder) throws(MultipartyError) {
        (sum, contributors, participants, nonce) = try wrappingCoding { () throws(BinaryCodingError) in
            func fingerprint(_ what: String) throws(BinaryCodingError) -> Fingerprint {
                Fingerprint(bytes: try decoder.decodeRaw(32, what))!
            }
            func parties(_ what: String) throws(BinaryCodingError) -> [Int] {
                try decoder.decodeList(what, minimumElementSize: 2) { decoder throws(BinaryCodingError) in
                    Int(try decoder.decode(UInt16.self, what))
                }
            }
            return (
                try fingerprint("sum"), try parties("contributors"), try parties("participants"),
                try fingerprint("nonce")
            )
        }
    }
}

/// One participant's answer.
public struct SumOpeningShare: Sendable {
    /// ``SumOpeningRequest/fingerprint``
    public let request: Fingerprint
    public let party: Int
    let polynomials: SumPolynomials

    init(request: Fingerprint, party: Int, polynomials: SumPolynomials) {
        self.request = request
        self.party = party
        self.polynomials = polynomials
    }

    /// Request, party, coefficients.
    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(request.bytes)
        encoder.encode(UInt16(party))
        polynomials.encode(into: &encoder)
    }

    /// - Errors: `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder, sum: CollectiveSum) throws(MultipartyError) {
        (request, party) = try wrappingCoding { () throws(BinaryCodingError) in
            (Fingerprint(bytes: try decoder.decodeRaw(32, "request"))!, Int(try decoder.decode(UInt16.self, "party")))
        }
        polynomials = try SumPolynomials(decoding: &decoder, sum: sum)
    }
}

extension CollectiveKeyShare {
    /// This party's part in opening a sum.
    ///
    /// It follows from the sum's name and the contributors alone: nothing that was uploaded is needed, so nothing else can be
    /// opened with it.
    /// - Errors: `wrongSession`, `wrongParty`, `belowThreshold`, `sessionReused` for a request answered before and for a
    ///   second set of contributors, `budgetExhausted`.
    public mutating func answer(
        _ request: SumOpeningRequest, of sum: CollectiveSum, using random: inout some SecureRandom
    ) throws(MultipartyError) -> SumOpeningShare {
        try check(sum)
        try request.check(sum)
        guard request.participants.contains(party) else {
            throw MultipartyError(
                code: .wrongParty, message: "request: asks parties \(request.participants), this is party \(party)")
        }
        let name = request.fingerprint
        var use = sums[sum.name] ?? SumUse()
        guard use.contributors.isEmpty || use.contributors == request.contributors else {
            throw MultipartyError(
                code: .sessionReused,
                message: "request: this party helped to open the sum over \(use.contributors); a sum over "
                    + "\(request.contributors) beside it would show single vectors")
        }
        guard !use.requests.contains(name) else {
            throw MultipartyError(code: .sessionReused, message: "request: was answered before; make a new request")
        }
        guard used + sum.polynomials <= group.policy.queries else {
            throw MultipartyError(
                code: .budgetExhausted,
                message: "openings: \(used) of the \(group.policy.queries) of the key's policy are used, the sum needs "
                    + "\(sum.polynomials); make a new key")
        }
        use.contributors = request.contributors
        use.polynomials = sum.polynomials
        use.requests.append(name)
        sums[sum.name] = use

        let ring = setting.context.ring
        let own = additive(of: request.contributors, among: request.participants, basis: sum.basis)
        let seed = sum.seed(identity)
        var list: [RoundedCoefficients] = []
        for index in 0..<sum.polynomials {
            var body = seed.polynomial(sum.basis, label: CollectiveSum.label, index: index) * own
            PairwiseMask.apply(
                to: &body, of: party, among: request.participants, pairs: pairs, request: name, index: index)
            var coefficients = body.transformed()
            coefficients.add(
                FloodingNoise(count: ring.degree, deviation: sum.deviation, using: &random).polynomial(sum.basis))
            list.append(RoundedCoefficients(coefficients.declassified(), dropped: sum.dropped))
        }
        return SumOpeningShare(request: name, party: party, polynomials: SumPolynomials(list))
    }
}

/// Adds up uploads and answers; anybody can, it holds no secret.
public struct SumOpening: Sendable {
    public let request: SumOpeningRequest
    public let sum: CollectiveSum
    private let name: Fingerprint
    private var totals: [RNSPolynomial<Coefficients>]
    private var received: Set<Int> = []
    /// Of the noise in the total, in the noisiest polynomial, once all have answered.
    package private(set) var measuredDeviation: Double?

    /// Participants that have not answered yet.
    public var missing: [Int] { request.participants.filter { !received.contains($0) } }

    /// - Parameter uploads: one of each contributor.
    /// - Errors: `belowThreshold`, `wrongParty`, `wrongSession`.
    public init(
        _ request: SumOpeningRequest, of sum: CollectiveSum, uploads: [SumUpload]
    ) throws(MultipartyError) {
        try request.check(sum)
        guard uploads.map(\.party).sorted() == request.contributors, uploads.allSatisfy({ $0.sum == sum.name }) else {
            throw MultipartyError(
                code: .wrongParty,
                message: "uploads: got those of \(uploads.map(\.party).sorted()), want \(request.contributors)")
        }
        self.request = request
        self.sum = sum
        name = request.fingerprint
        totals = (0..<sum.polynomials).map { _ in RNSPolynomial(zero: sum.basis) }
        for upload in uploads { add(upload.polynomials) }
    }

    private mutating func add(_ polynomials: SumPolynomials) {
        for (index, one) in polynomials.list.enumerated() { one.add(to: &totals[index], dropped: sum.dropped) }
    }

    /// Takes an answer in; the exact sums with the last one.
    /// - Errors: `wrongSession`, `wrongParty`, `duplicate`; `noPrecision` when the answers and uploads do not fit each other.
    public mutating func receive(_ share: SumOpeningShare) throws(MultipartyError) -> [Int64]? {
        guard share.request == name else {
            throw MultipartyError(
                code: .wrongSession, message: "share of party \(share.party): answers \(share.request), want \(name)")
        }
        guard request.participants.contains(share.party) else {
            throw MultipartyError(
                code: .wrongParty, message: "share of party \(share.party): want one of \(request.participants)")
        }
        guard received.insert(share.party).inserted else {
            throw MultipartyError(code: .duplicate, message: "share of party \(share.party): got it twice")
        }
        add(share.polynomials)
        return missing.isEmpty ? try opened() : nil
    }

    private mutating func opened() throws(MultipartyError) -> [Int64] {
        let places = MixedRadix(sum.basis)
        let half = Int128(1) << Int128(sum.unitBits - 1)
        let greatest = Int128(request.contributors.count) * Int128(sum.limit)
        var result: [Int64] = []
        result.reserveCapacity(sum.count)
        var greatestDeviation = 0.0
        for (index, total) in totals.enumerated() {
            let wanted = sum.range(index).count
            var squares = 0.0
            var isFit = true
            for (place, value) in places.integers(total).enumerated() {
                let centred = value > places.product / 2 ? -Int128(places.product - value) : Int128(value)
                let number = (centred + half) >> Int128(sum.unitBits)
                let noise = Double(centred - number << Int128(sum.unitBits))
                squares += noise * noise
                isFit = isFit && (place < wanted ? abs(number) <= greatest : number == 0)
                if place < wanted { result.append(Int64(truncatingIfNeeded: number)) }
            }
            let deviation = (squares / Double(total.degree)).squareRoot()
            greatestDeviation = max(greatestDeviation, deviation)
            guard isFit, deviation <= sum.greatestDeviation else {
                throw MultipartyError(
                    code: .noPrecision,
                    message:
                        "sum: the noise is not that of honest uploads and answers in polynomial \(index); one of them is not "
                        + "what the protocol says")
            }
        }
        measuredDeviation = greatestDeviation
        return result
    }
}
