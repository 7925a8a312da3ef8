import BinaryCoding
import CKKS
import Foundation
import Lattice
import Randomness

/// What is to be opened, by whom, for whom: agreed among the participants before anybody answers.
public struct OpeningRequest: Hashable, Sendable, CustomStringConvertible {
    /// Of the collective key.
    public let identity: Fingerprint
    /// Drawn for this request; a participant answers each nonce once.
    public let nonce: Fingerprint
    /// Party numbers, ascending; at least t.
    public let participants: [Int]
    /// Of the encoded ciphertext.
    public let ciphertext: Fingerprint
    /// Of the encoded public key of who alone shall read the result; nil when everyone may.
    public let receiver: Fingerprint?
    /// A bound on the ciphertext's error that the requester knows; the greater of it and the stated one is used.
    public let errorBound: Double

    /// Of everything above.
    public var fingerprint: Fingerprint {
        var encoder = BinaryEncoder()
        encoder.encode("tacit opening request")
        encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }
    public var description: String { "request \(fingerprint) of parties \(participants)" }

    /// - Errors: `belowThreshold`, `wrongParty`, `invalidCiphertext`, `noPrecision`.
    public init(
        opening ciphertext: CKKSCiphertext, of group: CollectiveGroup, by participants: [Int],
        for receiver: CKKSPublicKey? = nil, errorBound: Double = 0, using random: inout some SecureRandom
    ) throws(MultipartyError) {
        identity = ciphertext.key
        nonce = Fingerprint(bytes: random.bytes(count: 32))!
        self.participants = participants.sorted()
        self.ciphertext = try Self.fingerprint(of: ciphertext)
        self.receiver = receiver.map(Self.fingerprint(of:))
        self.errorBound = errorBound
        guard errorBound.isFinite, errorBound >= 0 else {
            throw MultipartyError(
                code: .invalidCiphertext, message: "error bound: got \(errorBound), want a finite number from 0")
        }
        try check(group)
        _ = try OpeningNoise(ciphertext, request: self, group: group)
    }

    static func fingerprint(of ciphertext: CKKSCiphertext) throws(MultipartyError) -> Fingerprint {
        var encoder = BinaryEncoder()
        do { try ciphertext.encode(into: &encoder) } catch {
            throw MultipartyError(code: .invalidCiphertext, message: error.message)
        }
        return Fingerprint(of: encoder.bytes)
    }

    static func fingerprint(of key: CKKSPublicKey) -> Fingerprint {
        var encoder = BinaryEncoder()
        key.encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }

    /// Whether these participants can open something.
    func check(_ group: CollectiveGroup) throws(MultipartyError) {
        guard participants.count >= group.threshold else {
            throw MultipartyError(
                code: .belowThreshold,
                message: "participants: got \(participants.count), want at least \(group.threshold) of \(group.parties)"
            )
        }
        guard Set(participants).count == participants.count,
            participants.allSatisfy({ (1...group.parties).contains($0) })
        else {
            throw MultipartyError(
                code: .wrongParty,
                message: "participants: got \(participants), want different numbers in 1...\(group.parties)")
        }
    }

    // MARK: Bytes

    public func encode(into encoder: inout BinaryEncoder) {
        encoder.encodeRaw(identity.bytes)
        encoder.encodeRaw(nonce.bytes)
        encoder.encode(list: participants) { $0.encode(UInt16($1)) }
        encoder.encodeRaw(ciphertext.bytes)
        encoder.encode(receiver != nil)
        if let receiver { encoder.encodeRaw(receiver.bytes) }
        encoder.encode(errorBound)
    }

    /// - Errors: `invalidEncoding`. Whether the participants suffice is checked by whoever answers.
    public init(decoding decoder: inout BinaryDecoder) throws(MultipartyError) {
        self = try wrappingCoding { () throws(BinaryCodingError) in
            func fingerprint(_ what: String) throws(BinaryCodingError) -> Fingerprint {
                Fingerprint(bytes: try decoder.decodeRaw(32, what))!
            }
            let (identity, nonce) = (try fingerprint("key identity"), try fingerprint("nonce"))
            let participants = try decoder.decodeList("participants", minimumElementSize: 2) {
                decoder throws(BinaryCodingError) in Int(try decoder.decode(UInt16.self, "participant"))
            }
            let ciphertext = try fingerprint("ciphertext")
            let receiver = try decoder.decodeBool("receiver") ? try fingerprint("receiver") : nil
            let bound = try decoder.decodeDouble("error bound")
            guard bound.isFinite, bound >= 0, zip(participants, participants.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw BinaryCodingError(
                    code: .invalidValue, message: "request: want ascending participants and a finite error bound")
            }
            return OpeningRequest(
                identity: identity, nonce: nonce, participants: participants, ciphertext: ciphertext,
                receiver: receiver, errorBound: bound)
        }
    }

    /// For foreseeing an opening; nobody answers it.
    init(planned participants: [Int]) {
        self.init(
            identity: .none, nonce: .none, participants: participants, ciphertext: .none, receiver: nil, errorBound: 0)
    }

    private init(
        identity: Fingerprint, nonce: Fingerprint, participants: [Int], ciphertext: Fingerprint,
        receiver: Fingerprint?, errorBound: Double
    ) {
        self.identity = identity
        self.nonce = nonce
        self.participants = participants
        self.ciphertext = ciphertext
        self.receiver = receiver
        self.errorBound = errorBound
    }
}

extension CollectiveGroup {
    /// What the noise of an opening does to a value, before there is any ciphertext.
    public struct Precision: Hashable, Sendable {
        /// Standard deviation of the noise in every opened value.
        public let noiseDeviation: Double
        /// Nine deviations, and the ciphertext's own error.
        public let errorBound: Double
    }

    /// Foresees the opening of a ciphertext that a circuit will have made; planned ones will do.
    /// - Parameter participants: how many open it; the threshold when nil.
    /// - Errors: `invalidCiphertext`, `noPrecision`.
    public func precision(
        opening ciphertext: CKKSCiphertext, participants: Int? = nil
    ) throws(MultipartyError) -> Precision {
        let request = OpeningRequest(planned: Array(1...(participants ?? threshold)))
        let noise = try OpeningNoise(ciphertext, request: request, group: self)
        return Precision(
            noiseDeviation: noise.slotDeviation,
            errorBound: ciphertext.errorBound + OpeningNoise.tail * noise.slotDeviation)
    }
}

/// Noise and modulus of an opening, from public numbers only, so that all participants find the same.
struct OpeningNoise {
    /// Bound on the error of the ciphertext's slots.
    let bound: Double
    /// Deviation of each participant's noise in a coefficient.
    let deviation: Double
    /// Coefficients that are opened: 2n for n slots.
    let coefficients: Int
    /// Deviation of a slot through the noise of all participants together.
    let slotDeviation: Double
    /// The lowest level that holds values and noise.
    let level: Int

    init(
        _ ciphertext: CKKSCiphertext, request: OpeningRequest, group: CollectiveGroup
    ) throws(MultipartyError) {
        guard ciphertext.context.parameters == group.parameters else {
            throw MultipartyError(
                code: .invalidCiphertext,
                message: "ciphertext: got one with \(ciphertext.context), want \(group.parameters)")
        }
        guard ciphertext.size == 2 else {
            throw MultipartyError(
                code: .invalidCiphertext,
                message: "ciphertext: got \(ciphertext.size) parts, want 2; relinearise it first")
        }
        let chain = ciphertext.context.chain
        let stated = max(ciphertext.errorBound, request.errorBound)
        let least =
            CKKSCiphertext.boundFactor
            * chain.slotDeviation(coefficient: SmallPolynomial.sigma, scale: ciphertext.scale)
        bound = max(stated, least)
        coefficients = request.receiver == nil ? 2 * ciphertext.slots : chain.degree
        // ‖e‖₂ is the quadratic mean of |e| at the N roots, so the bound of the slots bounds it, and also the norm of the
        // part that sparse slots see, a mean of conjugates of e.
        let wanted = group.policy.noiseMultiplier * bound * ciphertext.scale
        guard FloodingNoise.deviations.contains(max(wanted, FloodingNoise.deviations.lowerBound)) else {
            throw Self.drowned(ciphertext, bound, wanted, group)
        }
        deviation = FloodingNoise.Plan(reaching: max(wanted, FloodingNoise.deviations.lowerBound)).deviation
        slotDeviation =
            (Double(coefficients) * Double(request.participants.count)).squareRoot() * deviation / ciphertext.scale
        let total = ciphertext.magnitude + bound + OpeningNoise.tail * slotDeviation
        guard OpeningNoise.tail * slotDeviation < ciphertext.magnitude else {
            throw Self.drowned(ciphertext, bound, wanted, group)
        }
        let bits = log2(total) + log2(ciphertext.scale) + 1
        guard let level = (0...ciphertext.level).first(where: { chain.log2Q(level: $0) > bits }) else {
            throw MultipartyError(
                code: .noPrecision,
                message: "opening: values and noise reach 2^\(bits), level \(ciphertext.level) holds "
                    + "2^\(chain.log2Q(level: ciphertext.level)); open it at a higher level")
        }
        self.level = level
    }

    private static func drowned(
        _ ciphertext: CKKSCiphertext, _ bound: Double, _ deviation: Double, _ group: CollectiveGroup
    ) -> MultipartyError {
        MultipartyError(
            code: .noPrecision,
            message:
                "opening: values up to \(ciphertext.magnitude) with error \(bound) would drown in noise of deviation "
                + "2^\(log2(deviation / ciphertext.scale)) a coefficient for \(group.policy); use fewer slots, a greater "
                + "scale, or a policy of fewer openings")
    }

    /// Deviations of the noise that the bound of the result stands for; slots are sums of Gaussian coefficients.
    static let tail = 9.0
}
