import BinaryCoding
import Foundation
import Paillier

/// The coordinator's whole state between sessions.
extension Coordinator {
    private static let magic: [UInt8] = Array("TFS1".utf8)

    private struct Words: Codable {
        var history: [RoundSummary]
        var bestRound: Int?
        var bestMetrics: EvaluationMetrics?
    }

    var snapshot: [UInt8]? {
        guard session == nil, asynchronous.assignments.isEmpty, asynchronous.buffer.isEmpty else { return nil }
        var encoder = BinaryEncoder()
        encoder.encodeRaw(Self.magic)
        encoder.encodeRaw(study.fingerprint.bytes)
        encoder.encode(list: study.sites) { encoder, site in
            let standing = sites[site.name] ?? Standing()
            encoder.encode(standing.hasJoined)
            encoder.encode(standing.hasLeft)
            encoder.encode(standing.isSilent)
            encoder.encode(UInt32(standing.nextSequence))
            encoder.encodeRaw(standing.journalHead.bytes)
        }
        for flag in [hasKeys, hasBegun, phase == .finished] { encoder.encode(flag) }
        encoder.encode(UInt32(nextSession))
        encoder.encode(UInt32(round))
        model.encode(into: &encoder)
        strategyState.encode(into: &encoder)
        for list in [scaling?.means ?? [], scaling?.deviations ?? []] {
            WordCoding.encode(list.map { $0.bitPattern }, into: &encoder)
        }
        encoder.encode(totalRows ?? -1)
        encoder.encode(clippingNorm)
        let words = Words(history: history, bestRound: best?.round, bestMetrics: best?.metrics)
        encoder.encode(bytes: (try? JSONEncoder().encode(words)).map { Array($0) } ?? [])
        best?.model.encode(into: &encoder)
        if study.kind == .paillier {
            encoder.encode(paillier != nil)
            paillier?.encode(into: &encoder)
        }
        return encoder.bytes
    }

    /// A snapshot and the seeds with which the next session was opened in the same event.
    static func snapshot(_ state: [UInt8], openingWith seeds: [[UInt8]]) -> [UInt8] {
        var encoder = BinaryEncoder()
        encoder.encode(list: seeds) { $0.encodeRaw($1) }
        encoder.encodeRaw(state)
        return encoder.bytes
    }

    mutating func restore(_ bytes: [UInt8]) throws(FederationError) {
        do {
            var decoder = BinaryDecoder(bytes)
            let seeds = try decoder.decodeList("seeds", minimumElementSize: 32) { decoder throws(BinaryCodingError) in
                try decoder.decodeRaw(32, "seed")
            }
            guard try decoder.decodeRaw(4, "magic") == Self.magic else {
                throw BinaryCodingError(code: .wrongFormat, message: "snapshot: not one of this version")
            }
            guard try decoder.decodeRaw(32, "study") == study.fingerprint.bytes else {
                throw BinaryCodingError(code: .mismatch, message: "snapshot: belongs to another study")
            }
            let standings = try decoder.decodeList("sites", minimumElementSize: 39) {
                decoder throws(BinaryCodingError) in
                Standing(
                    hasJoined: try decoder.decodeBool("joined"), hasLeft: try decoder.decodeBool("left"),
                    isSilent: try decoder.decodeBool("silent"),
                    nextSequence: Int(try decoder.decode(UInt32.self, "sequence")),
                    journalHead: Fingerprint(bytes: try decoder.decodeRaw(32, "journal")) ?? .none)
            }
            guard standings.count == study.sites.count else {
                throw BinaryCodingError(
                    code: .mismatch, message: "snapshot: got \(standings.count) sites, want \(study.sites.count)")
            }
            for (site, standing) in zip(study.sites, standings) { sites[site.name] = standing }
            hasKeys = try decoder.decodeBool("keys")
            hasBegun = try decoder.decodeBool("begun")
            let isFinished = try decoder.decodeBool("finished")
            nextSession = Int(try decoder.decode(UInt32.self, "session"))
            round = Int(try decoder.decode(UInt32.self, "round"))
            let restored = try GlobalModel(decoding: &decoder)
            guard restored.tensors == model.tensors else {
                throw BinaryCodingError(code: .mismatch, message: "snapshot: holds another architecture")
            }
            model = restored
            strategyState = try StrategyState(decoding: &decoder)
            guard strategyState.vectors.allSatisfy({ $0.count == restored.count }) else {
                throw BinaryCodingError(code: .mismatch, message: "snapshot: strategy vectors of another length")
            }
            func doubles() throws(BinaryCodingError) -> [Double] {
                try WordCoding.decode(UInt64.self, "scaling", &decoder).map { Double(bitPattern: $0) }
            }
            let (means, deviations) = (try doubles(), try doubles())
            guard means.count == deviations.count, means.isEmpty || means.count == study.width else {
                throw BinaryCodingError(code: .mismatch, message: "snapshot: scaling of another width")
            }
            scaling = means.isEmpty ? nil : ColumnScaling(means: means, deviations: deviations)
            let rows = try decoder.decodeDouble("rows")
            totalRows = rows < 0 ? nil : rows
            clippingNorm = try decoder.decodeDouble("clipping norm")
            let words = try JSONDecoder().decode(Words.self, from: Data(try decoder.decodeBytes("history")))
            history = words.history
            if let round = words.bestRound, let metrics = words.bestMetrics {
                best = (try GlobalModel(decoding: &decoder), round, metrics)
            }
            if study.kind == .paillier, try decoder.decodeBool("key") {
                paillier = try PaillierSharing(decoding: &decoder)
            }
            try decoder.finish("snapshot")
            phase = isFinished ? .finished : hasBegun ? .running : .waiting
            reopen(seeds)
        } catch { throw FederationError(code: .store, message: "\(error)") }
    }
}
