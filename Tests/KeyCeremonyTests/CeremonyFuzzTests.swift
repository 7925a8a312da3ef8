import BinaryCoding
import CKKS
import Foundation
import KeyCeremony
import MultipartyCKKS
import Randomness
import TacitTestSupport
import Testing

@Suite struct CeremonyFuzzTests {
    @Test func fuzzStatesGroupsAndParts() throws {
        var simulation = try CeremonySimulation(CeremonySimulation.group(2, threshold: 2))
        for holder in [1, 2, 1] { try simulation.turn(holder) }
        let state = simulation.stored[1]!
        Fuzzing.run(valid: [state], seed: 1, iterations: Fuzzing.iterations(oneOf: 10)) { input in
            _ = try? CeremonySimulation.state(input)
        }
        // Sections changed and sealed again, as a forger would.
        let group = try ContainerParts(decoding: simulation.contents("group.tacit"))
        Fuzzing.run(valid: [group.sections[0].bytes], seed: 2, iterations: Fuzzing.iterations(oneOf: 10)) { input in
            var forged = group
            forged.sections[0].bytes = input
            _ = try? CeremonyFolder.group(MemorySource(forged.sealed), name: "group")
        }
        try simulation.finish(order: [2, 1])
        let keys = try #require(simulation.keys[1])
        let context = simulation.setting.context
        let ciphertext = try CKKSEncryptor(keys.publicKey).encrypt([0.5])
        var share = keys.share
        var random = SystemRandom()
        let part = try OpeningPart.first(
            opening: [ciphertext], with: &share, participants: [1, 2], using: &random)
        let folder = simulation.temporary
        try part.write(to: folder.file("part"), context: context, key: keys.identity)
        let parts = try ContainerParts(
            decoding: Array(Data(contentsOf: URL(fileURLWithPath: folder.file("part")))))
        for index in parts.sections.indices {
            let valid = parts.sections[index].bytes
            Fuzzing.run(valid: [valid], seed: UInt64(3 + index), iterations: Fuzzing.iterations(oneOf: 40)) { input in
                var forged = parts
                forged.sections[index].bytes = input
                guard let read = try? OpeningPart(MemorySource(forged.sealed), name: "part", context: context) else {
                    return
                }
                _ = try? OpeningPart.combine([read], opening: [ciphertext])
            }
        }
    }
}
