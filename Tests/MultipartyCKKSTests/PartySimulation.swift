import BinaryCoding
import CKKS
import Foundation
import Lattice
import MultipartyCKKS
import Randomness
import TacitTestSupport

/// All parties in one process; every message goes through its bytes, in a random order.
struct PartySimulation {
    let setting: KeyGenerationGroup
    var parties: [CollectiveKeys] = []
    var random: SeededRandom
    /// Bytes that party 1 sent, per recipient.
    private(set) var bytesSent = 0

    static func parameters(
        _ holders: Int, logDegree: Int = 11, depth: Int = 3, scaleBits: Int = 50
    ) throws -> CKKSParameters {
        try CKKSParameters(
            .init(
                logDegree: logDegree, firstModulusBits: 50, scaleBits: scaleBits, depth: depth,
                security: .insecureForTestsOnly, keyHolders: holders))
    }

    /// A few kilobytes a polynomial, so that many inputs can be tried; too noisy for more than that.
    static func smallGroup(
        _ holders: Int, threshold: Int, keys: CKKSKeyRequirements = .init()
    ) throws -> CollectiveGroup {
        try CollectiveGroup(
            parameters: CKKSParameters(
                .init(
                    logDegree: 11, firstModulusBits: 40, scaleBits: 36, depth: 1, specialModuliBits: [40],
                    security: .insecureForTestsOnly, keyHolders: holders)), threshold: threshold, keys: keys,
            policy: CKKSReleasePolicy(statisticalBits: 20, queries: 4), label: "test")
    }

    static func group(
        _ holders: Int, threshold: Int, keys: CKKSKeyRequirements = .init(), logDegree: Int = 11, queries: Int = 4
    ) throws -> CollectiveGroup {
        try CollectiveGroup(
            parameters: parameters(holders, logDegree: logDegree), threshold: threshold, keys: keys,
            policy: CKKSReleasePolicy(statisticalBits: 20, queries: queries), label: "test")
    }

    /// - Parameter tamper: changes a message on its way to a party.
    init(
        _ group: CollectiveGroup, seed: UInt64, tamper: (PartyMessage, Int) -> PartyMessage = { message, _ in message }
    ) throws {
        let setting = KeyGenerationGroup(group)
        var random = SeededRandom(seed: seed)
        var bytesSent = 0
        var order = TestGenerator(seed: seed)
        var states: [CollectiveKeyGeneration] = []
        var flying: [(to: Int, bytes: [UInt8])] = []
        func post(_ messages: [PartyMessage]) {
            for message in messages {
                for party in 1...group.parties where party != message.sender {
                    guard message.recipient == nil || message.recipient == party else { continue }
                    var encoder = BinaryEncoder()
                    tamper(message, party).encode(into: &encoder)
                    if message.sender == 1, message.recipient == nil ? party == 2 : true {
                        bytesSent += encoder.bytes.count
                    }
                    flying.append((party, encoder.bytes))
                }
            }
        }
        var finished: [Int: CollectiveKeys] = [:]
        var first: [PartyMessage] = []
        for party in 1...group.parties {
            let (state, messages) = try CollectiveKeyGeneration.start(setting, party: party, using: &random)
            states.append(state)
            first += messages
        }
        post(first)
        var early: [(to: Int, bytes: [UInt8])] = []
        while !flying.isEmpty || !early.isEmpty {
            if flying.isEmpty { (flying, early) = (early, []) }
            let next = flying.remove(at: Int.random(in: 0..<flying.count, using: &order))
            var decoder = BinaryDecoder(next.bytes)
            let message = try PartyMessage(decoding: &decoder, group: setting)
            guard let transition = try Self.deliver(message, to: &states[next.to - 1], using: &random) else {
                early.append(next)  // a channel keeps the order of one sender; this shuffle does not
                continue
            }
            switch transition {
            case .send(let messages): post(messages)
            case .finish(let keys, let messages):
                finished[next.to] = keys
                post(messages)
            }
        }
        self.setting = setting
        self.random = random
        self.bytesSent = bytesSent
        parties = (1...group.parties).compactMap { finished[$0] }
    }

    /// nil when the message came before another one of its sender.
    private static func deliver(
        _ message: PartyMessage, to state: inout CollectiveKeyGeneration, using random: inout SeededRandom
    ) throws -> CollectiveKeyGeneration.Transition? {
        let result: Result<CollectiveKeyGeneration.Transition, MultipartyError>
        do throws(MultipartyError) {
            result = .success(try state.receive(message, using: &random))
        } catch {
            result = .failure(error)
        }
        if case .failure(let error) = result, error.code == .unexpected { return nil }
        return try result.get()
    }

    var context: CKKSContext { setting.context }
    var publicKey: CKKSPublicKey { parties[0].publicKey }

    mutating func values(_ count: Int) -> [Double] {
        (0..<count).map { _ in Double(random.nextUInt64() >> 11) * 0x1p-52 - 1 }
    }

    mutating func encrypt(_ values: [Double]) throws -> CKKSCiphertext {
        try CKKSEncryptor(publicKey).encrypt(values, using: &random)
    }

    /// Opens with these participants, shares through their bytes.
    mutating func open(
        _ ciphertext: CKKSCiphertext, by participants: [Int], for receiver: CKKSPublicKey? = nil
    ) throws -> CollectiveOpening.Result {
        let request = try OpeningRequest(
            opening: ciphertext, of: setting.group, by: participants, for: receiver, using: &random)
        var opening = try CollectiveOpening(request, opening: ciphertext, of: setting.group, for: receiver)
        var shares: [[UInt8]] = []
        for party in participants {
            var share = parties[party - 1].share
            let answer = try share.answer(request, opening: ciphertext, for: receiver, using: &random)
            parties[party - 1] = parties[party - 1].replacing(share)
            var encoder = BinaryEncoder()
            answer.encode(into: &encoder, context: context)
            shares.append(encoder.bytes)
        }
        for (index, bytes) in shares.enumerated() {
            var decoder = BinaryDecoder(bytes)
            if let result = try opening.receive(OpeningShare(decoding: &decoder, context: context)) {
                precondition(index == shares.count - 1)
                return result
            }
        }
        preconditionFailure("all shares are there")
    }

    mutating func openValues(_ ciphertext: CKKSCiphertext, by participants: [Int]) throws -> CKKSRelease {
        guard case .values(let release) = try open(ciphertext, by: participants) else { preconditionFailure() }
        return release
    }

    /// s = Σ sᵢ, which exists nowhere but in tests.
    func secret(_ basis: RNSBasis) -> RNSPolynomial<Evaluations> {
        var sum = RNSPolynomial<Evaluations>(zero: basis)
        for party in parties { sum.add(party.share.secret.evaluations(SecretAccess("test"), over: basis)) }
        return sum
    }

    /// Decryption with s, without any noise added.
    func decrypt(_ ciphertext: CKKSCiphertext) -> [Double] {
        let phase = ciphertext.parts[0] + ciphertext.parts[1] * secret(ciphertext.parts[0].basis)
        return context.decode(
            phase, scale: ciphertext.scale, slots: ciphertext.slots, log2Bound: log2(2 * ciphertext.scale)
        ).real
    }
}

func difference(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } }

func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing was thrown"
}
