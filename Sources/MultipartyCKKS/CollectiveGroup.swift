import BinaryCoding
import CKKS
import Lattice

/// What all parties agree on before they make a key together: who they are, how many open something, which keys.
///
/// Adversary: semi-honest. Up to t − 1 parties may pool everything they see and learn nothing but what is opened; parties
/// follow the protocol. Malformed, misdirected, repeated and inconsistent messages are detected and named; well-formed
/// lies (a share that is not what the protocol says) are not, except that the result does not decrypt. While the key is
/// made all parties must answer; afterwards any t of them decrypt.
public struct CollectiveGroup: Hashable, Sendable, CustomStringConvertible {
    public let parameters: CKKSParameters
    /// t: parties that open something together.
    public let threshold: Int
    /// The evaluation keys that are made.
    public let keys: CKKSKeyRequirements
    /// Noise and number of openings under the key.
    public let policy: CKKSReleasePolicy
    /// A name of this run, never used for another: without it two runs could be mixed.
    public let label: String
    /// Whether parties keep each other's shares apart, which ``CollectiveSum`` needs: n polynomials instead of one.
    public let addsUploads: Bool

    /// n, numbered 1…n; `keyHolders` of the parameters.
    public var parties: Int { parameters.literal.keyHolders }
    public var description: String { "\(threshold) of \(parties) key holders \"\(label)\", \(parameters)" }

    /// - Errors: `invalidGroup`.
    public init(
        parameters: CKKSParameters, threshold: Int, keys: CKKSKeyRequirements, policy: CKKSReleasePolicy = .standard,
        label: String, addsUploads: Bool = false
    ) throws(MultipartyError) {
        let parties = parameters.literal.keyHolders
        guard parties >= 2 else {
            throw MultipartyError(
                code: .invalidGroup, message: "keyHolders: got \(parties) in the parameters, want at least 2")
        }
        guard (2...parties).contains(threshold) else {
            throw MultipartyError(
                code: .invalidGroup, message: "threshold: got \(threshold) of \(parties), want 2...\(parties)")
        }
        guard label.utf8.count <= 256 else {
            throw MultipartyError(
                code: .invalidGroup, message: "label: got \(label.utf8.count) bytes, want at most 256")
        }
        let slots = parameters.maximumSlots
        if let bad = keys.rotations.first(where: { !(1..<slots).contains($0) }) {
            throw MultipartyError(code: .invalidGroup, message: "rotation: got \(bad), want 1..<\(slots)")
        }
        guard keys.count == 0 || parameters.chain.digitSize > 0 else {
            throw MultipartyError(
                code: .invalidGroup, message: "special moduli: got none, want at least 1 for evaluation keys")
        }
        self.parameters = parameters
        self.threshold = threshold
        self.keys = keys
        self.policy = policy
        self.label = label
        self.addsUploads = addsUploads
    }

    /// Names the run: in every message of it.
    public var fingerprint: Fingerprint {
        var encoder = BinaryEncoder()
        encoder.encode("tacit collective group")
        encode(into: &encoder)
        return Fingerprint(of: encoder.bytes)
    }

    /// Automorphisms for which keys are made, ascending.
    package var galoisElements: [GaloisElement] {
        var elements = Set(keys.rotations.map { GaloisElement.rotation(by: $0, logDegree: parameters.logDegree) })
        if keys.conjugation { elements.insert(.conjugation(logDegree: parameters.logDegree)) }
        return elements.sorted()
    }

    // MARK: Bytes

    public func encode(into encoder: inout BinaryEncoder) {
        parameters.encode(into: &encoder)
        encoder.encode(UInt16(threshold))
        encoder.encode(keys.relinearisation)
        encoder.encode(keys.conjugation)
        encoder.encode(list: keys.rotations.sorted()) { $0.encode(UInt32($1)) }
        policy.encode(into: &encoder)
        encoder.encode(label)
        encoder.encode(addsUploads)
    }

    /// - Errors: `invalidEncoding`, `invalidGroup`.
    public init(decoding decoder: inout BinaryDecoder) throws(MultipartyError) {
        let parameters = try wrappingCKKS(.invalidEncoding) { () throws(CKKSError) in
            try CKKSParameters(decoding: &decoder)
        }
        let read = try wrappingCoding { () throws(BinaryCodingError) in
            (
                threshold: Int(try decoder.decode(UInt16.self, "threshold")),
                relinearisation: try decoder.decodeBool("relinearisation key"),
                conjugation: try decoder.decodeBool("conjugation key"),
                rotations: try decoder.decodeList("rotations", minimumElementSize: 4) {
                    decoder throws(BinaryCodingError) in Int(try decoder.decode(UInt32.self, "rotation"))
                }
            )
        }
        let policy = try wrappingCKKS(.invalidEncoding) { () throws(CKKSError) in
            try CKKSReleasePolicy(decoding: &decoder)
        }
        let (label, addsUploads) = try wrappingCoding { () throws(BinaryCodingError) in
            (try decoder.decodeString("label", limit: 256), try decoder.decodeBool("adds uploads"))
        }
        try self.init(
            parameters: parameters, threshold: read.threshold,
            keys: CKKSKeyRequirements(
                relinearisation: read.relinearisation, conjugation: read.conjugation, rotations: Set(read.rotations)),
            policy: policy, label: label, addsUploads: addsUploads)
    }
}
