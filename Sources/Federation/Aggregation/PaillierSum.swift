import BigIntegers
import BinaryCoding
import Paillier

extension VectorLayout {
    /// The same slots for Paillier plaintexts.
    func packing(_ sharing: PaillierSharing, noiseMargin: Double) throws(FederationError) -> PackingLayout {
        do {
            return try PackingLayout(
                runs: segments.map { segment in
                    let limit = Int64(Double(segment.limit) * (1 + noiseMargin)) + 1
                    return PackingLayout.Run(count: segment.count, bounds: -limit...limit)
                }, maximumWeight: PackingWeight(positive: sites),
                modulusBits: sharing.publicKey.parameters.modulusBits)
        } catch { throw .protection(error.message) }
    }
}

/// Threshold Paillier: packed ciphertexts are multiplied; k sites open the product.
///
/// Stage 0: ciphertexts. Stage 1: to k of the contributors the product; from each its part of the decryption. When one of
/// them does not answer, the next stage asks others: a part of a decryption may be given again, it is the same number.
struct PaillierSumServer: SumServer {
    private enum Phase: Sendable {
        case uploads(StageBodies<PackedCiphertexts>)
        case parts(
            total: PackedCiphertexts, contributors: [Int], parts: StageBodies<PartialDecryption>,
            known: [Int: PartialDecryption], silent: Set<Int>)
    }

    let setting: SumSetting
    let sharing: PaillierSharing
    let packing: PackingLayout
    private var phase: Phase

    init(_ setting: SumSetting, _ sharing: PaillierSharing) throws(FederationError) {
        self.setting = setting
        self.sharing = sharing
        packing = try setting.layout.packing(sharing, noiseMargin: setting.noiseMargin)
        phase = .uploads(StageBodies(expected: Array(setting.cohort.indices)))
    }

    var missing: [Int] {
        switch phase {
        case .uploads(let bodies): bodies.missing
        case .parts(_, _, let parts, _, _): parts.missing
        }
    }
    var required: Int {
        switch phase {
        case .uploads: max(setting.minimum, sharing.threshold)
        case .parts: 0
        }
    }
    var received: Int {
        switch phase {
        case .uploads(let bodies): bodies.values.count
        case .parts(_, _, let parts, _, _): parts.values.count
        }
    }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        var decoder = BinaryDecoder(body)
        switch phase {
        case .uploads(var bodies):
            try bodies.check(site)
            let packed = try wrapping { try sharing.publicKey.decodePacked(&decoder, layout: packing) }
            guard packed.weight == .one else {
                throw .update("update: got weight \(packed.weight), want one fresh vector")
            }
            try coding { () throws(BinaryCodingError) in try decoder.finish("update") }
            bodies.take(packed, from: site)
            phase = .uploads(bodies)
        case .parts(let total, let contributors, var parts, let known, let silent):
            try parts.check(site)
            let part = try wrapping {
                let part = try sharing.decodePartialDecryption(&decoder)
                try decoder.finish("partial decryption")
                guard !known.values.contains(where: { $0.index == part.index }),
                    !parts.values.values.contains(where: { $0.index == part.index })
                else {
                    throw FederationError.protection("partial decryption: share \(part.index) has answered already")
                }
                try sharing.verify(part, of: total.ciphertexts)
                return part
            }
            parts.take(part, from: site)
            phase = .parts(total: total, contributors: contributors, parts: parts, known: known, silent: silent)
        }
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        switch phase {
        case .uploads(let bodies):
            let ordered = bodies.ordered
            let total = try wrapping { try sharing.publicKey.sum(ordered.map(\.value)) }
            return try ask(total, ordered.map(\.site), known: [:], silent: [])
        case .parts(let total, let contributors, let parts, let known, let silent):
            let all = known.merging(parts.values) { first, _ in first }
            let gone = silent.union(parts.missing)
            guard all.count >= sharing.threshold else {
                return try ask(total, contributors, known: all, silent: gone)
            }
            let sums = try wrapping {
                try sharing.combine(all.sorted { $0.key < $1.key }.map(\.value), of: total).map(\.nearestDouble)
            }
            return .finished(
                ProtectedResult(contributors: contributors, sums: sums, individual: nil))
        }
    }

    private mutating func ask(
        _ total: PackedCiphertexts, _ contributors: [Int], known: [Int: PartialDecryption], silent: Set<Int>
    ) throws(FederationError) -> SumStep {
        let free = contributors.filter { known[$0] == nil && !silent.contains($0) }
        let wanted = sharing.threshold - known.count
        guard free.count >= wanted else {
            throw FederationError(
                code: .tooFewSites,
                message:
                    "paillier: got \(free.count + known.count) sites that can open the sum, want \(sharing.threshold)")
        }
        var encoder = BinaryEncoder()
        do { try sharing.publicKey.encode(total, into: &encoder) } catch { throw .protection(error.message) }
        let asked = Array(free.prefix(wanted))
        phase = .parts(
            total: total, contributors: contributors, parts: StageBodies(expected: asked), known: known, silent: silent)
        return .next(Dictionary(uniqueKeysWithValues: asked.map { ($0, encoder.bytes) }))
    }
}

struct PaillierSumClient: SumClient {
    let setting: SumSetting
    let share: PaillierKeyShare

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        let packing = try setting.layout.packing(share.sharing, noiseMargin: setting.noiseMargin)
        let integers = stage == 0 ? try vector() : []
        return try wrapping {
            var encoder = BinaryEncoder()
            if stage == 0 {
                let encryptor = PaillierEncryptor(share.publicKey, expectedCount: packing.plaintextCount)
                let packed = try encryptor.encrypt(packing: integers, layout: packing, using: &random)
                try share.publicKey.encode(packed, into: &encoder)
                return encoder.bytes
            }
            var decoder = BinaryDecoder(payload)
            let total = try share.publicKey.decodePacked(&decoder, layout: packing)
            try decoder.finish("sum")
            guard total.weight.positive >= setting.minimum, total.weight.negative == 0 else {
                throw FederationError(
                    code: .tooFewSites,
                    message: "opening: got a sum of \(total.weight.positive) updates, want at least \(setting.minimum)")
            }
            share.sharing.encode(try share.partialDecryption(of: total.ciphertexts, using: &random), into: &encoder)
            return encoder.bytes
        }
    }
}

/// Errors of the schemes as those of a federation.
func wrapping<Value>(_ body: () throws -> Value) throws(FederationError) -> Value {
    do { return try body() } catch let error as FederationError { throw error } catch let error as BinaryCodingError {
        throw .message(error.message)
    } catch { throw .protection("\(error)") }
}
