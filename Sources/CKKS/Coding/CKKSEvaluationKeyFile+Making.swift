import BinaryCoding
import Lattice
import Randomness

extension CKKSEvaluationKeyFile {
    /// Makes the keys that a computation needs and writes them one by one: one is in memory at a time.
    /// - Parameter progress: called with the keys done and their number.
    /// - Returns: the bytes written.
    /// - Errors: `invalidParameters` when the ring has no special primes; those of the file.
    @discardableResult
    public static func make(
        _ secret: CKKSSecretKey, for requirements: CKKSKeyRequirements, to path: String,
        using random: inout some SecureRandom, progress: (Int, Int) -> Void = { _, _ in }
    ) throws -> Int {
        let context = secret.context
        let header = ContainerHeader(
            kind: .evaluationKeys, parameters: context.fingerprint, key: secret.identity)
        var writer = try ContainerWriter(path: path, header: header)
        var done = 0
        func write(_ tag: UInt32, _ body: (inout BinaryEncoder) throws -> Void) throws {
            var encoder = BinaryEncoder()
            try body(&encoder)
            try writer.write(tag: tag, encoder.bytes)
        }
        func finished() {
            done += 1
            progress(done, requirements.count)
        }
        try write(CKKSFileTag.parameters) { context.encodeParameters(into: &$0) }
        if requirements.relinearisation {
            try write(CKKSFileTag.relinearisation) { encoder in
                try wrapping(.invalidParameters) { () throws(LatticeError) in
                    try KeySwitchKey.relinearisation(secret.lattice, using: &random)
                }.encode(into: &encoder)
            }
            finished()
        }
        let logDegree = context.chain.logDegree
        var elements = requirements.rotations.sorted().map { GaloisElement.rotation(by: $0, logDegree: logDegree) }
        if requirements.conjugation { elements.append(.conjugation(logDegree: logDegree)) }
        for element in elements where element != .identity {
            try write(CKKSFileTag.galois) { encoder in
                try wrapping(.invalidParameters) { () throws(LatticeError) in
                    try GaloisKey(element, for: secret.lattice, using: &random)
                }.encode(into: &encoder)
            }
            finished()
        }
        try writer.commit()
        return writer.byteCount
    }
}
