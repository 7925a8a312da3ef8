import BinaryCoding
import CKKS
import Foundation
import KeyCeremony
import MultipartyCKKS
import Randomness
import TacitTestSupport

/// Holders who take turns in one folder; each turn starts from the stored bytes, as processes do.
struct CeremonySimulation {
    let temporary: TemporaryFolder
    let folder: CeremonyFolder
    let setting: KeyGenerationGroup
    var stored: [Int: [UInt8]] = [:]
    var keys: [Int: CollectiveKeys] = [:]
    var checkCodes: Set<Fingerprint> = []

    static func group(
        _ holders: Int, threshold: Int, queries: Int = 6, label: String = "test"
    ) throws -> CollectiveGroup {
        try CollectiveGroup(
            parameters: CKKSParameters(
                .init(
                    logDegree: 11, firstModulusBits: 50, scaleBits: 45, depth: 1, specialModuliBits: [50],
                    security: .insecureForTestsOnly, keyHolders: holders)),
            threshold: threshold, keys: CKKSKeyRequirements(relinearisation: true, rotations: [1]),
            policy: CKKSReleasePolicy(.keyRecovery(lossBits: 1), queries: queries), label: label)
    }

    init(_ group: CollectiveGroup) throws {
        temporary = try TemporaryFolder()
        folder = CeremonyFolder(path: temporary.file("ceremony"))
        setting = KeyGenerationGroup(group)
        try folder.begin(group)
        var random = SystemRandom()
        for holder in 1...group.parties {
            stored[holder] = Self.bytes(try CeremonyState(group, holder: holder, using: &random))
        }
    }

    static func bytes(_ state: CeremonyState) -> [UInt8] {
        state.encoded(SecretAccess("test")).withBytes(SecretAccess("test")) { Array($0) }
    }

    static func state(_ bytes: [UInt8]) throws -> CeremonyState {
        var copy = bytes
        return try CeremonyState(encoded: SecretBytes(wiping: &copy), SecretAccess("test"))
    }

    @discardableResult
    mutating func turn(_ holder: Int) throws -> KeyCeremony.Turn {
        var state = try Self.state(stored[holder]!)
        var kept = stored[holder]!
        let turn = try KeyCeremony.turn(&state, in: folder, setting: setting) { kept = Self.bytes($0) }
        stored[holder] = kept
        if let code = turn.checkCode { checkCodes.insert(code) }
        if case .finished(let made) = turn.outcome { keys[holder] = made }
        return turn
    }

    /// Until all have their keys.
    mutating func finish(order: [Int]) throws {
        for _ in 0..<6 where keys.count < setting.group.parties {
            for holder in order where keys[holder] == nil { try turn(holder) }
        }
    }

    func file(_ name: String) -> String { folder.path + "/" + name }

    func contents(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    func replace(_ name: String, _ bytes: [UInt8]) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    }
}

func message(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "nothing was thrown"
}
