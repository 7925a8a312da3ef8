import BinaryCoding
import CKKS
import Foundation
import KeyCeremony
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

@Suite struct KeyCeremonyTests {
    @Test(arguments: [(2, 2), (3, 2)])
    func holdersWhoTakeTurnsGetOneKey(holders: Int, threshold: Int) throws {
        var simulation = try CeremonySimulation(CeremonySimulation.group(holders, threshold: threshold))
        try simulation.finish(order: Array((1...holders).reversed()))
        #expect(simulation.keys.count == holders)
        #expect(Set(simulation.keys.values.map(\.identity)).count == 1)
        #expect(simulation.checkCodes.count == 1)

        // Encrypt under the joint key, compute with the joint evaluation keys, open with part files.
        let context = simulation.setting.context
        let keys = try #require(simulation.keys[1])
        let evaluator = CKKSEvaluator(context, keys: keys.evaluationKeys)
        let (a, b) = ([0.5, -0.25, 0.75, 0.125], [0.5, 1, -0.5, 0.25])
        let encryptor = CKKSEncryptor(keys.publicKey)
        let product = try evaluator.multiply(encryptor.encrypt(a), encryptor.encrypt(b))
        let sum = try evaluator.add(product, evaluator.rotate(product, by: 1))
        var shares = simulation.keys.mapValues(\.share)
        var random = SystemRandom()
        let participants = [1, holders]
        let first = try OpeningPart.first(
            opening: [product, sum], with: &shares[holders]!, participants: participants, using: &random)
        let folder = simulation.temporary
        try first.write(to: folder.file("one"), context: context, key: keys.identity)
        let read = try OpeningPart(path: folder.file("one"), context: context)
        let second = try OpeningPart.joining(read, opening: [product, sum], with: &shares[1]!, using: &random)
        let releases = try OpeningPart.combine([second, read], opening: [product, sum])
        let wanted = zip(a, b).map(*)
        #expect(releases.count == 2 && releases[0].errorBound < 0.05)
        for i in 0..<4 {
            #expect(abs(releases[0].real[i] - wanted[i]) <= releases[0].errorBound)
            #expect(abs(releases[1].real[i] - wanted[i] - wanted[(i + 1) % 4]) <= releases[1].errorBound)
        }
        #expect(shares[1]!.used == 2 && shares[holders]!.used == 2)

        // The same request again, too few parts, parts of another request, no openings left.
        #expect(
            message { _ = try OpeningPart.joining(read, opening: [product, sum], with: &shares[1]!, using: &random) }
                .contains("was answered before"))
        #expect(
            message { _ = try OpeningPart.combine([read], opening: [product, sum]) }
                == "parts: those of holders 1 are missing")
        let other = try OpeningPart.first(
            opening: [product, sum], with: &shares[1]!, participants: participants, using: &random)
        #expect(
            message { _ = try OpeningPart.combine([read, other], opening: [product, sum]) }
                == "part of holder 1: answers another request than that of holder \(holders); the others have to join the "
                + "first part")
        let left = message {
            for _ in 0..<9 {
                _ = try OpeningPart.first(
                    opening: [product, sum], with: &shares[1]!, participants: participants, using: &random)
            }
        }
        #expect(left.hasPrefix("openings: got 2 ciphertexts, 0 of 6 openings are left"), "\(left)")
        #expect(
            message {
                _ = try OpeningPart.first(
                    opening: [product], with: &shares[holders]!, participants: [1], using: &random)
            }.contains("want at least \(threshold)"))
    }

    @Test func aTurnGivesTheSameMessagesAgain() throws {
        var simulation = try CeremonySimulation(CeremonySimulation.group(2, threshold: 2))
        for holder in [1, 2, 1, 2, 1] { try simulation.turn(holder) }
        // What a crash between storing and sending loses is made again, bit for bit.
        let name = "holder-1.public-key.tacit"
        let before = try simulation.contents(name)
        try FileManager.default.removeItem(atPath: simulation.file(name))
        let turn = try simulation.turn(1)
        #expect(turn.written == [name])
        #expect(try simulation.contents(name) == before)
        try simulation.finish(order: [2, 1])
        #expect(simulation.keys.count == 2)
    }

    @Test func nothingIsTakenInTwoVersions() throws {
        var simulation = try CeremonySimulation(CeremonySimulation.group(3, threshold: 2))
        for holder in [1, 2, 3] { try simulation.turn(holder) }
        let name = "holder-2.commitment.tacit"
        try simulation.turn(1)
        // Holder 2 begins anew in the same folder, after holder 1 has taken its commitment in.
        try FileManager.default.removeItem(atPath: simulation.file(name))
        #expect(
            message { try simulation.turn(1) }.hasSuffix("is gone, though this holder has taken it in; put it back"))
        var random = SystemRandom()
        simulation.stored[2] = CeremonySimulation.bytes(
            try CeremonyState(simulation.setting.group, holder: 2, using: &random))
        try simulation.turn(2)
        let told = message { try simulation.turn(1) }
        #expect(told.contains("is not the message that holder 2 had put there"), "\(told)")
    }

    @Test func whoSendsSomethingWrongIsNamed() throws {
        var simulation = try CeremonySimulation(CeremonySimulation.group(3, threshold: 2))
        for holder in [1, 2, 3, 1, 2] { try simulation.turn(holder) }
        func told(_ name: String, _ bytes: [UInt8]) throws -> String {
            let before = try simulation.contents(name)
            try simulation.replace(name, bytes)
            defer { try? simulation.replace(name, before) }
            return message { try simulation.turn(3) }
        }
        // An opening that does not fit the commitment, sealed again as a liar would.
        var parts = try ContainerParts(decoding: simulation.contents("holder-2.opening.tacit"))
        parts.sections[0].bytes[60] ^= 1
        #expect(
            try told("holder-2.opening.tacit", parts.sealed).contains(
                "holder 2 did not follow the protocol: \(simulation.file("holder-2.opening.tacit")): opening of a commitment"
            ))
        // Somebody else's message under its name, damage, another ceremony.
        let one = try simulation.contents("holder-1.opening.tacit")
        #expect(
            try told("holder-2.opening.tacit", one).contains(
                "holder 2 wrote a bad message: \(simulation.file("holder-2.opening.tacit")): holds a opening"))
        var damaged = one
        damaged[100] ^= 1
        #expect(try told("holder-1.opening.tacit", damaged).contains("checksum"))
        var foreign = try CeremonySimulation(CeremonySimulation.group(3, threshold: 2, label: "another"))
        try foreign.turn(1)
        #expect(
            try told("holder-1.opening.tacit", foreign.contents("holder-1.commitment.tacit")).contains(
                "belongs to the ceremony"))
        #expect(
            message { try foreign.folder.begin(foreign.setting.group) }.hasSuffix(
                "exists; take another folder for another key"))
        try simulation.finish(order: [3, 1, 2])
        #expect(simulation.keys.count == 3)
    }

    @Test func sealedSharesOpenForTheirRecipientOnly() throws {
        var simulation = try CeremonySimulation(CeremonySimulation.group(3, threshold: 2))
        for holder in [1, 2, 3, 1, 2] { try simulation.turn(holder) }
        // The share for holder 1 under the name of that for holder 3.
        let wrong = try simulation.contents("holder-2.to-1.tacit")
        try simulation.replace("holder-2.to-3.tacit", wrong)
        #expect(
            message { try simulation.turn(3) }
                == "holder 2: its sealed share does not open with the keys of this ceremony")
        // No plaintext of a share lies in the folder: its residues would show as a long run of a known prefix.
        let session = simulation.setting.session.bytes
        for name in ["holder-2.to-1.tacit", "holder-2.to-3.tacit"] {
            let parts = try ContainerParts(decoding: simulation.contents(name))
            #expect(Array(parts.sections[0].bytes.prefix(32)) != session)
        }
    }
}
