import NeuralNetworks

/// The safetensors container in double precision, as models of tables are stored. Total on untrusted input.
public typealias Safetensors = TensorContainer<Double>

extension TensorContainer where Scalar == Double {
    public var encoded: [UInt8] {
        get throws { try encoded() }
    }

    /// - Throws: `invalidFile` for anything but a whole container.
    public init(decoding bytes: [UInt8]) throws(PrivateLearningError) {
        do { self = try Self.decoded(bytes) } catch {
            throw PrivateLearningError(code: .invalidFile, message: error.message)
        }
    }
}

extension TensorContainer {
    /// The container's own decoding.
    static func decoded(_ bytes: [UInt8]) throws(NeuralNetworksError) -> Self { try Self(decoding: bytes) }
}
