import BinaryCoding
import CKKS
import Lattice

/// Collects the shares of one opening; anybody can, it holds no secret.
public struct CollectiveOpening: Sendable, CustomStringConvertible {
    /// What came out.
    public enum Result: Sendable {
        /// The values, for everyone.
        case values(CKKSRelease)
        /// A ciphertext that only the receiver opens.
        case ciphertext(CKKSCiphertext)
    }

    public let request: OpeningRequest
    private let name: Fingerprint
    private let ciphertext: CKKSCiphertext
    private let group: CollectiveGroup
    private let receiver: CKKSPublicKey?
    private let plan: OpeningNoise
    private var shares: [Int: OpeningShare] = [:]

    /// Participants that have not answered yet.
    public var missing: [Int] { request.participants.filter { shares[$0] == nil } }
    public var description: String { "opening of \(request), missing \(missing)" }

    /// - Errors: those of ``OpeningRequest/init(opening:of:by:for:errorBound:using:)``; `wrongSession` for a receiver that
    ///   the request does not name.
    public init(
        _ request: OpeningRequest, opening ciphertext: CKKSCiphertext, of group: CollectiveGroup,
        for receiver: CKKSPublicKey? = nil
    ) throws(MultipartyError) {
        try request.check(group)
        guard try OpeningRequest.fingerprint(of: ciphertext) == request.ciphertext else {
            throw MultipartyError(
                code: .invalidCiphertext, message: "ciphertext: is not the one that the request names")
        }
        guard receiver.map(OpeningRequest.fingerprint(of:)) == request.receiver else {
            throw MultipartyError(
                code: .wrongSession, message: "receiver: the key is not the one that the request names")
        }
        self.request = request
        self.ciphertext = ciphertext
        self.group = group
        self.receiver = receiver
        name = request.fingerprint
        plan = try OpeningNoise(ciphertext, request: request, group: group)
    }

    /// Takes a share in; the result with the last one.
    ///
    /// When participants drop out, make a new request among others: shares of this one are masked for its set.
    /// - Errors: `wrongSession`, `wrongParty`, `duplicate`, `invalidEncoding`.
    public mutating func receive(_ share: OpeningShare) throws(MultipartyError) -> Result? {
        guard share.request == name else {
            throw MultipartyError(
                code: .wrongSession, message: "share of party \(share.party): answers \(share.request), want \(name)")
        }
        guard request.participants.contains(share.party) else {
            throw MultipartyError(
                code: .wrongParty, message: "share of party \(share.party): want one of \(request.participants)")
        }
        guard shares[share.party] == nil else {
            throw MultipartyError(code: .duplicate, message: "share of party \(share.party): got it twice")
        }
        switch share.content {
        case .values(let limbs):
            guard receiver == nil, limbs.count == plan.level + 1,
                limbs.allSatisfy({ $0.count == plan.coefficients })
            else { throw unfit(share) }
        case .switched(let first, _):
            guard receiver != nil, first.basis == ciphertext.context.ring.basis(plan.level + 1) else {
                throw unfit(share)
            }
        }
        shares[share.party] = share
        guard shares.count == request.participants.count else { return nil }
        if let receiver { return .ciphertext(switched(receiver)) }
        return .values(values())
    }

    private func unfit(_ share: OpeningShare) -> MultipartyError {
        MultipartyError(
            code: .invalidEncoding,
            message: "share of party \(share.party): want \(plan.coefficients) coefficients at level \(plan.level)"
                + (receiver == nil ? "" : " for the receiver"))
    }

    /// c₀ + Σ shares, decoded.
    private func values() -> CKKSRelease {
        let context = ciphertext.context
        let stride = context.chain.degree / plan.coefficients
        var total = ciphertext.parts[0].dropping(toCiphertextPrimes: plan.level + 1).transformed()
        for j in 0...plan.level {
            let q = total.basis[j].value
            total.withMutableLimb(j) { words in
                for i in 0..<plan.coefficients {
                    var sum = words[i * stride]
                    for case .values(let limbs) in shares.values.map(\.content) {
                        sum += limbs[j][i]
                        if sum >= q { sum -= q }
                    }
                    words[i * stride] = sum
                }
                // The others would need shares that nobody sent.
                for i in words.indices where i % stride != 0 { words[i] = 0 }
            }
        }
        let (real, imaginary) = context.decode(
            total.transformed(), scale: ciphertext.scale, slots: ciphertext.slots,
            log2Bound: context.chain.log2Q(level: plan.level) - 1)
        return CKKSRelease(
            real: real, imaginary: imaginary,
            errorBound: plan.bound + OpeningNoise.tail * plan.slotDeviation + ciphertext.magnitude * 0x1p-46,
            ownerErrorBound: plan.bound, noiseDeviation: plan.slotDeviation, policy: group.policy,
            samplerDistance: FloodingNoise.distance * Double(plan.coefficients))
    }

    /// (c₀ + Σ h₀, Σ h₁) under the receiver's key.
    private func switched(_ receiver: CKKSPublicKey) -> CKKSCiphertext {
        var first = ciphertext.parts[0].dropping(toCiphertextPrimes: plan.level + 1)
        var second = RNSPolynomial<Evaluations>(zero: first.basis)
        for case .switched(let h0, let h1) in shares.values.map(\.content) {
            first.add(h0)
            second.add(h1)
        }
        let chain = receiver.context.chain
        let fresh = chain.slotDeviation(coefficient: chain.freshDeviation(publicKey: true), scale: ciphertext.scale)
        let noise =
            (plan.slotDeviation * plan.slotDeviation
            + Double(request.participants.count) * fresh * fresh).squareRoot()
        return CKKSCiphertext(
            context: receiver.context, parts: [first, second], level: plan.level, scale: ciphertext.scale,
            slots: ciphertext.slots, magnitude: ciphertext.magnitude, deviation: ciphertext.deviation + noise,
            key: receiver.identity)
    }
}
