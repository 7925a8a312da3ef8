import Foundation
import Lattice
import Parallelism

extension CircuitPlan {
    /// The plan in numbers, for machines.
    public struct Summary: Hashable, Sendable, Codable {
        public var ringDegree: Int
        public var slots: Int
        public var modulusBits: [Int]
        public var specialModulusBits: [Int]
        public var log2QP: Double
        public var securityBits: Int?
        public var securityTable: String?
        public var depth: Int
        public var scaleBits: Int
        public var errorBound: Double
        public var keys: CKKSKeyRequirements
        public var keyBytes: Int
        public var uploadCiphertexts: Int
        public var uploadBytes: Int
        public var downloadBytes: Int
        public var memoryBytes: Int
        public var secondsOnOneCore: Double
        public var operations: [String: Int]
        public var rejected: [String]
        public var alternatives: [Alternative]
    }

    public var summary: Summary {
        var operations: [String: Int] = [:]
        for (entry, count) in counts { operations[entry.operation.rawValue, default: 0] += count }
        return Summary(
            ringDegree: parameters.ring.degree, slots: parameters.maximumSlots,
            modulusBits: parameters.ring.moduli.map { bits($0) },
            specialModulusBits: parameters.ring.specialModuli.map { bits($0) },
            log2QP: (parameters.ring.log2QP * 100).rounded() / 100, securityBits: securityRow?.level.rawValue,
            securityTable: securityRow?.description, depth: depth, scaleBits: parameters.literal.scaleBits,
            errorBound: errorBound, keys: keys, keyBytes: keyBytes, uploadCiphertexts: inputs.count,
            uploadBytes: uploadBytes, downloadBytes: downloadBytes, memoryBytes: memoryBytes,
            secondsOnOneCore: seconds, operations: operations, rejected: rejected.map(\.description),
            alternatives: alternatives)
    }

    /// Nearest whole number of bits: primes of a level lie on either side of a power of two.
    private func bits(_ modulus: Modulus) -> Int { Int(log2(Double(modulus.value)).rounded()) }

    /// The plan in words, a line each: what was chosen, what it costs, and why not something smaller.
    public var explanation: [String] {
        let s = summary
        func line(_ name: String, _ text: String) -> String {
            name.padding(toLength: 15, withPad: " ", startingAt: 0) + text
        }
        let (levels, upper) = (parameters.literal.depth, parameters.literal.bootstrappingBits)
        let chain =
            "\(s.modulusBits[0])" + (levels == 0 ? "" : " + \(levels) × \(parameters.literal.scaleBits)")
            + (upper.isEmpty ? "" : " + \(upper.count) for bootstrapping, \(upper.reduce(0, +))")
            + (s.specialModulusBits.isEmpty
                ? "" : ", special \(s.specialModulusBits.count) × \(s.specialModulusBits[0])")
        let keyNames =
            [
                keys.relinearisation ? "relinearisation" : nil, keys.conjugation ? "conjugation" : nil,
                keys.rotations.isEmpty
                    ? nil : "\(keys.rotations.count) rotation\(keys.rotations.count == 1 ? "" : "s")",
            ].compactMap { $0 }.joined(separator: ", ")
        let fresh = inputs.allSatisfy { !$0.underPublicKey } ? ", half of it replaced by seeds" : ""
        let operations = CircuitRecord.Operation.allCases.compactMap { kind in
            s.operations[kind.rawValue].map { "\($0) \(kind.rawValue)" }
        }.joined(separator: ", ")
        var lines = [
            line("ring", "N = \(s.ringDegree), \(s.slots) slots"),
            line("modulus chain", "\(chain) bits: log2(QP) = \(String(format: "%.1f", s.log2QP))"),
            line(
                "security",
                s.securityBits.map { "\($0) bits by \(s.securityTable ?? "")" }
                    ?? "INSECURE: below 128 bits by every published table"),
            line("depth", "\(depth) of \(parameters.literal.depth) levels"),
            line(
                "error",
                "at most \(Self.figure(errorBound)) in every result (\(String(format: "%.1f", -log2(errorBound))) bits "
                    + "after the point) with a scale of 2^\(s.scaleBits)"),
            line("keys", keyNames.isEmpty ? "none" : "\(keyNames): \(Self.bytes(keyBytes))"),
            line(
                "upload",
                "\(inputs.count) ciphertext\(inputs.count == 1 ? "" : "s"), \(Self.bytes(uploadBytes))\(fresh)"),
            line("download", Self.bytes(downloadBytes)),
            line("memory", "about \(Self.bytes(memoryBytes)) on the server"),
            line("time", "about \(Self.time(seconds)) of one core on a machine as quick as this one"),
            line("operations", operations),
        ]
        for rejection in rejected { lines.append(line("not smaller", rejection.description)) }
        for one in alternatives where !one.isChosen {
            let name = "\(one.specialModuliBits.count) special prime\(one.specialModuliBits.count == 1 ? "" : "s")"
            if let seconds = one.seconds, let keyBytes = one.keyBytes {
                lines.append(
                    line("instead", "\(name): \(Self.time(seconds)), keys \(Self.bytes(keyBytes))"))
            }
        }
        return lines
    }

    /// Refuses a run that this machine has too little memory for, before it begins.
    /// - Errors: `insufficientMemory`.
    public func requireMemory(_ available: Int? = SystemMemory.availableBytes) throws(CKKSError) {
        try MemoryNeed.require(
            memoryBytes, for: "this computation",
            advice: "use a larger machine, fewer rows at a time, or fewer iterations", available: available)
    }

    /// Two digits.
    public static func figure(_ x: Double) -> String { String(format: "%.2g", x) }

    /// As people read it.
    public static func bytes(_ count: Int) -> String {
        let units = ["bytes", "kB", "MB", "GB", "TB"]
        var (value, unit) = (Double(count), 0)
        while value >= 1000, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
        return unit == 0 ? "\(count) bytes" : String(format: "%.1f %@", value, units[unit])
    }

    /// As people read it.
    public static func time(_ seconds: Double) -> String {
        if seconds < 1 { return String(format: "%.0f ms", seconds * 1000) }
        if seconds < 120 { return String(format: "%.1f s", seconds) }
        return String(format: "%.0f min", seconds / 60)
    }
}
