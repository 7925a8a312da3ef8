import BinaryCoding
import CKKS
import Lattice
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

@Suite struct MultipartyFuzzTests {
    private static func bytes(_ body: (inout BinaryEncoder) -> Void) -> [UInt8] {
        var encoder = BinaryEncoder()
        body(&encoder)
        return encoder.bytes
    }

    /// All kinds of messages, mutated, decoded and given to a state that could take them.
    @Test func fuzzMessages() throws {
        let group = try PartySimulation.smallGroup(2, threshold: 2, keys: .init(relinearisation: true, rotations: [1]))
        var byKind: [UInt8: [UInt8]] = [:]
        let simulation = try PartySimulation(group, seed: 21) { sent, _ in
            byKind[sent.content.code] = Self.bytes { sent.encode(into: &$0) }
            return sent
        }
        #expect(byKind.count == 8)
        let setting = simulation.setting
        var random = SeededRandom(seed: 1)
        let (state, _) = try CollectiveKeyGeneration.start(setting, party: 1, using: &random)
        for (kind, valid) in byKind.sorted(by: { $0.key < $1.key }) {
            var accepted = 0
            Fuzzing.run(valid: [valid], seed: UInt64(kind), iterations: Fuzzing.iterations(oneOf: 40)) { input in
                var decoder = BinaryDecoder(input)
                guard let sent = try? PartyMessage(decoding: &decoder, group: setting) else { return }
                accepted += 1
                var copy = state
                _ = try? copy.receive(sent, using: &random)
                _ = sent.description
            }
            #expect(accepted > 0 || Fuzzing.iterations < 1000, "kind \(kind)")
        }
    }

    @Test func fuzzRequestsSharesAndStoredShares() throws {
        var simulation = try PartySimulation(PartySimulation.smallGroup(3, threshold: 2), seed: 22)
        let context = simulation.context
        let group = simulation.setting.group
        let ciphertext = try simulation.encrypt([0.5, 0.25])
        let request = try OpeningRequest(opening: ciphertext, of: group, by: [1, 2], using: &simulation.random)
        var share = simulation.parties[0].share
        let answer = try share.answer(request, opening: ciphertext, using: &simulation.random)
        let opening = try CollectiveOpening(request, opening: ciphertext, of: group)
        var random = simulation.random
        let iterations = Fuzzing.iterations(oneOf: 8)
        Fuzzing.run(valid: [Self.bytes { request.encode(into: &$0) }], seed: 2, iterations: iterations) { input in
            var decoder = BinaryDecoder(input)
            guard let hostile = try? OpeningRequest(decoding: &decoder) else { return }
            var copy = simulation.parties[1].share
            _ = try? copy.answer(hostile, opening: ciphertext, using: &random)
            _ = try? CollectiveOpening(hostile, opening: ciphertext, of: group)
        }
        Fuzzing.run(
            valid: [Self.bytes { answer.encode(into: &$0, context: context) }], seed: 3, iterations: iterations
        ) { input in
            var decoder = BinaryDecoder(input)
            guard let hostile = try? OpeningShare(decoding: &decoder, context: context) else { return }
            var copy = opening
            _ = try? copy.receive(hostile)
        }
        let stored = share.encoded(SecretAccess("test")).withBytes(SecretAccess("test")) { Array($0) }
        for shared in [context, nil] {
            // Without a context each input that is long enough has tables made for its ring.
            let iterations = shared == nil ? 500 : Fuzzing.iterations(oneOf: 40)
            Fuzzing.run(valid: [stored], seed: 4, iterations: iterations) { input in
                var copy = input
                _ = try? CollectiveKeyShare(
                    encoded: SecretBytes(wiping: &copy), SecretAccess("test"), context: shared)
            }
        }
        let valid = Self.bytes { group.encode(into: &$0) }
        Fuzzing.run(valid: [valid], seed: 5, iterations: iterations) { input in
            var decoder = BinaryDecoder(input)
            _ = try? CollectiveGroup(decoding: &decoder)
        }
    }

    /// A ciphertext that lies about itself can be asked for; nothing traps.
    @Test func fuzzCiphertextsThatAreOpened() throws {
        var simulation = try PartySimulation(PartySimulation.smallGroup(2, threshold: 2), seed: 23)
        let ciphertext = try simulation.encrypt([0.5])
        var encoder = BinaryEncoder()
        try ciphertext.encode(into: &encoder)
        let (head, tail) = (Array(encoder.bytes[..<91]), encoder.bytes[91...])
        let group = simulation.setting.group
        var random = simulation.random
        Fuzzing.run(valid: [head], seed: 6, iterations: Fuzzing.iterations(oneOf: 10)) { input in
            var decoder = BinaryDecoder(input + tail)
            guard let liar = try? CKKSCiphertext(decoding: &decoder, context: simulation.context) else { return }
            guard
                let request = try? OpeningRequest(opening: liar, of: group, by: [1, 2], using: &random),
                var opening = try? CollectiveOpening(request, opening: liar, of: group)
            else { return }
            for party in simulation.parties {
                var share = party.share
                if let answer = try? share.answer(request, opening: liar, using: &random) {
                    _ = try? opening.receive(answer)
                }
            }
        }
    }
}
