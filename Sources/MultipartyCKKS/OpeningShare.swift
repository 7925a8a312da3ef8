import BinaryCoding
import CKKS
import Lattice
import Randomness

/// One participant's answer to a request.
public struct OpeningShare: Sendable {
    /// ``OpeningRequest/fingerprint``
    public let request: Fingerprint
    public let party: Int
    package let content: Content

    package enum Content: Sendable {
        /// λ·S·c₁ + e + masks: the coefficients that the slots depend on, prime by prime.
        case values([[UInt64]])
        /// (λ·S·c₁ + u·b + e₀ + masks, u·a + e₁) under a receiver's public key (b, a).
        case switched(RNSPolynomial<Evaluations>, RNSPolynomial<Evaluations>)
    }

    package init(request: Fingerprint, party: Int, content: Content) {
        self.request = request
        self.party = party
        self.content = content
    }

    // MARK: Bytes

    /// Request, party, kind; then per prime the residues with as many bits as it has, each prime from a whole byte on.
    public func encode(into encoder: inout BinaryEncoder, context: CKKSContext) {
        encoder.encodeRaw(request.bytes)
        encoder.encode(UInt16(party))
        switch content {
        case .values(let limbs):
            encoder.encode(1 as UInt8)
            encoder.encode(UInt8(limbs.count))
            encoder.encode(UInt8(limbs[0].count.trailingZeroBitCount))
            for (j, limb) in limbs.enumerated() {
                encoder.encodeRaw(BitPacking.packed(limb, bits: context.ring.moduli[j].bitWidth))
            }
        case .switched(let first, let second):
            encoder.encode(2 as UInt8)
            first.encode(into: &encoder)
            second.encode(into: &encoder)
        }
    }

    /// - Errors: `invalidEncoding`.
    public init(decoding decoder: inout BinaryDecoder, context: CKKSContext) throws(MultipartyError) {
        let head = try wrappingCoding { () throws(BinaryCodingError) in
            (
                request: Fingerprint(bytes: try decoder.decodeRaw(32, "request"))!,
                party: Int(try decoder.decode(UInt16.self, "party")), kind: try decoder.decode(UInt8.self, "kind")
            )
        }
        let ring = context.ring
        switch head.kind {
        case 1:
            content = .values(
                try wrappingCoding { () throws(BinaryCodingError) in
                    let primes = Int(try decoder.decode(UInt8.self, "primes"))
                    let logCount = Int(try decoder.decode(UInt8.self, "coefficients"))
                    guard (1...ring.parameters.moduli.count).contains(primes), (1...ring.logDegree).contains(logCount)
                    else {
                        throw BinaryCodingError(
                            code: .invalidValue,
                            message: "share: got 2^\(logCount) coefficients modulo \(primes) primes, want at most "
                                + "2^\(ring.logDegree) and \(ring.parameters.moduli.count)")
                    }
                    var limbs: [[UInt64]] = []
                    for j in 0..<primes {
                        let q = ring.moduli[j]
                        let bytes = try decoder.decodeRaw(((q.bitWidth << logCount) + 7) / 8, "limb \(j)")
                        guard let limb = BitPacking.unpacked(bytes, count: 1 << logCount, below: q) else {
                            throw BinaryCodingError(
                                code: .invalidValue,
                                message: "limb \(j): got a residue that is not below its prime \(q)")
                        }
                        limbs.append(limb)
                    }
                    return limbs
                })
        case 2:
            let (first, second) = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
                (
                    try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring),
                    try RNSPolynomial<Evaluations>(decoding: &decoder, ring: ring)
                )
            }
            guard first.basis == second.basis, first.basis.specialPrimes == 0 else {
                throw MultipartyError(code: .invalidEncoding, message: "share: want two halves over the same primes")
            }
            content = .switched(first, second)
        default:
            throw MultipartyError(code: .invalidEncoding, message: "kind: got \(head.kind), want 1 or 2")
        }
        request = head.request
        party = head.party
        try wrappingCoding { () throws(BinaryCodingError) in try decoder.finish("share") }
    }
}

extension CollectiveKeyShare {
    /// This participant's answer; each request once.
    ///
    /// The noise alone hides what the ciphertext's error says about the key, whatever the others do.
    /// - Parameter receiver: the public key that the request names.
    /// - Errors: `wrongSession`, `wrongParty`, `belowThreshold`, `sessionReused`, `budgetExhausted`,
    ///   `invalidCiphertext`, `noPrecision`.
    public mutating func answer(
        _ request: OpeningRequest, opening ciphertext: CKKSCiphertext, for receiver: CKKSPublicKey? = nil,
        using random: inout some SecureRandom
    ) throws(MultipartyError) -> OpeningShare {
        guard request.identity == identity, ciphertext.key == identity else {
            throw MultipartyError(
                code: .wrongSession,
                message:
                    "request: is for key \(request.identity), the ciphertext for \(ciphertext.key), this is \(identity)"
            )
        }
        try request.check(group)
        guard request.participants.contains(party) else {
            throw MultipartyError(
                code: .wrongParty, message: "request: asks parties \(request.participants), this is party \(party)")
        }
        guard try OpeningRequest.fingerprint(of: ciphertext) == request.ciphertext else {
            throw MultipartyError(
                code: .invalidCiphertext, message: "ciphertext: is not the one that the request names")
        }
        guard receiver.map(OpeningRequest.fingerprint(of:)) == request.receiver else {
            throw MultipartyError(
                code: .wrongSession, message: "receiver: the key is not the one that the request names")
        }
        let name = request.fingerprint
        if let earlier = answered[request.nonce] {
            throw MultipartyError(
                code: .sessionReused,
                message: earlier == name
                    ? "request: was answered before; a second answer would average the noise away, make a new request"
                    : "request: its nonce was used for another set or ciphertext; make a new request")
        }
        guard used < group.policy.queries else {
            throw MultipartyError(
                code: .budgetExhausted,
                message: "openings: all \(group.policy.queries) of the key's policy are used; make a new key")
        }
        let plan = try OpeningNoise(ciphertext, request: request, group: group)
        let share = try make(request, name, ciphertext, receiver, plan, using: &random)
        answered[request.nonce] = name
        return share
    }

    private func make(
        _ request: OpeningRequest, _ name: Fingerprint, _ ciphertext: CKKSCiphertext, _ receiver: CKKSPublicKey?,
        _ plan: OpeningNoise, using random: inout some SecureRandom
    ) throws(MultipartyError) -> OpeningShare {
        let ring = setting.context.ring
        let basis = ring.basis(plan.level + 1)
        var body = ciphertext.parts[1].dropping(toCiphertextPrimes: plan.level + 1)
        body.multiply(by: additive(among: request.participants, basis: basis))
        PairwiseMask.apply(
            to: &body, of: party, among: request.participants, pairs: pairs, request: name)
        if let receiver {
            guard receiver.context.parameters?.ring == group.parameters.ring else {
                throw MultipartyError(
                    code: .invalidGroup, message: "receiver: got a key of \(receiver.context), want the group's ring")
            }
            let encryption = receiver.lattice.encryptZero(over: basis, using: &random)
            let noise = FloodingNoise(count: ring.degree, deviation: plan.deviation, using: &random)
            body.add(noise.polynomial(basis).transformed())
            body.add(encryption.parts[0])
            return OpeningShare(
                request: name, party: party, content: .switched(body.declassified(), encryption.parts[1]))
        }
        let noise = FloodingNoise(count: plan.coefficients, deviation: plan.deviation, using: &random)
        let coefficients = body.transformed()
        let stride = ring.degree / plan.coefficients
        let limbs = noise.withValues(SecretAccess("noise of an opening")) { samples in
            (0..<basis.count).map { j in
                let q = basis[j]
                return coefficients.withLimb(j) { words in
                    (0..<plan.coefficients).map { i in
                        let sum = words[i * stride] + q.residueInConstantTime(samples[i])
                        return sum >= q.value ? sum - q.value : sum
                    }
                }
            }
        }
        return OpeningShare(request: name, party: party, content: .values(limbs))
    }
}

extension Modulus {
    /// The residue in [0, q) of any integer, by products only: a division's time depends on what is divided.
    func residueInConstantTime(_ x: Int64) -> UInt64 {
        let (q, bits) = (value, UInt64(bitWidth - 1))
        // x + 2⁶³ in digits below 2^(b−1) < q, then less 2⁶³.
        let shifted = UInt64(bitPattern: x) ^ (1 << 63)
        var result: UInt64 = 0
        let base = UInt64(1) << bits
        let digits = (64 + bits - 1) / bits
        for place in (0..<digits).reversed() {
            let sum = multiply(result, base) + (shifted >> (place * bits)) & (base - 1)
            result = sum >= q ? sum - q : sum
        }
        let offset = q - power(2, 63)
        let sum = result + (offset == q ? 0 : offset)
        return sum >= q ? sum - q : sum
    }
}
