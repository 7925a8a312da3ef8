import BinaryCoding
import CKKS
import Lattice
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

@Suite struct MisbehaviourTests {
    @Test func groupsThatCannotWorkAreRefused() throws {
        #expect(
            message { _ = try PartySimulation.group(1, threshold: 1) }
                == "keyHolders: got 1 in the parameters, want at least 2")
        #expect(message { _ = try PartySimulation.group(3, threshold: 4) } == "threshold: got 4 of 3, want 2...3")
        #expect(
            message { _ = try PartySimulation.group(3, threshold: 2, keys: .init(rotations: [1024])) }
                == "rotation: got 1024, want 1..<1024")
        let group = try PartySimulation.group(3, threshold: 2, keys: .init(relinearisation: true, rotations: [5]))
        var encoder = BinaryEncoder()
        group.encode(into: &encoder)
        var decoder = BinaryDecoder(encoder.bytes)
        #expect(try CollectiveGroup(decoding: &decoder) == group)
    }

    @Test func aNonceThatWasNotCommittedToIsRefused() throws {
        let group = try PartySimulation.group(3, threshold: 3)
        let told = message {
            _ = try PartySimulation(group, seed: 1) { sent, to in
                guard sent.sender == 2, to == 3, case .opening = sent.content else { return sent }
                return PartyMessage(
                    session: sent.session, sender: 2, content: .opening([UInt8](repeating: 7, count: 32)))
            }
        }
        #expect(told == "opening of a commitment from party 2: is not what party 2 committed to")
    }

    @Test func differentBroadcastsToDifferentPartiesAreFound() throws {
        let group = try PartySimulation.group(3, threshold: 3)
        let told = message {
            _ = try PartySimulation(group, seed: 2) { sent, to in
                guard sent.sender == 2, to == 3, case .publicKey(let share) = sent.content else { return sent }
                return PartyMessage(session: sent.session, sender: 2, content: .publicKey(share + share))
            }
        }
        #expect(told.hasPrefix("confirmation: party ") && told.hasSuffix("start anew"), "\(told)")
    }

    @Test func messagesOfNobodyOfAnotherRunOrTwiceAreRefused() throws {
        let setting = KeyGenerationGroup(try PartySimulation.group(3, threshold: 3))
        var random = SeededRandom(seed: 3)
        var (state, _) = try CollectiveKeyGeneration.start(setting, party: 1, using: &random)
        let (_, other) = try CollectiveKeyGeneration.start(setting, party: 2, using: &random)
        func told(_ sent: PartyMessage) -> String { message { _ = try state.receive(sent, using: &random) } }
        _ = try state.receive(other[0], using: &random)
        #expect(told(other[0]) == "commitment from party 2: got it twice")
        let commitment = PartyMessage.Content.commitment(Fingerprint(of: [1]))
        #expect(
            told(PartyMessage(session: setting.session, sender: 4, content: commitment))
                == "commitment from party 4: want a sender in 1...3 other than 1")
        #expect(
            told(PartyMessage(session: setting.session, sender: 1, content: commitment))
                == "commitment from party 1: want a sender in 1...3 other than 1")
        #expect(
            told(PartyMessage(session: setting.session, sender: 3, recipient: 1, content: commitment))
                == "commitment from party 3 to party 1: want one to all")
        #expect(
            told(PartyMessage(session: Fingerprint(of: [9]), sender: 3, content: commitment))
                .hasPrefix("commitment from party 3: got session "))
        #expect(
            told(PartyMessage(session: setting.session, sender: 3, content: .opening([])))
                == "opening of a commitment from party 3: came before the same party's commitment")
        let share = PartyMessage.Content.secretShare(seed: [], share: nil)
        #expect(
            told(PartyMessage(session: setting.session, sender: 3, recipient: 2, content: share))
                == "secret share from party 3 to party 2: want one to party 1")
        #expect(
            message { _ = try CollectiveKeyGeneration.start(setting, party: 4, using: &random) }
                == "party: got 4, want 1...3")
        #expect(state.phase == .commitments)
    }

    @Test func nobodyChoosesTheCommonString() throws {
        // The same parties, one of them with another nonce: other seeds.
        let group = try PartySimulation.group(2, threshold: 2)
        let (a, b) = (try PartySimulation(group, seed: 11), try PartySimulation(group, seed: 12))
        #expect(a.publicKey.lattice.seed != b.publicKey.lattice.seed && a.parties[0].identity != b.parties[0].identity)
        #expect(a.publicKey.lattice.seed == a.parties[1].publicKey.lattice.seed)
    }
}
