import Paillier
import TacitTestSupport

/// Keys that tests share; small ones are insecure on purpose and quick.
enum TestKeys {
    static let bits512 = make(512, seed: 1)
    static let other512 = make(512, seed: 2)
    static let bits1024 = make(1024, seed: 3)
    /// The least size there is, for fuzzing.
    static let bits256 = make(256, seed: 4)
    static let bits2048 = make(2048, seed: 5)

    static func make(_ bits: Int, seed: UInt64) -> PaillierSecretKey {
        var random = SeededRandom(seed: seed)
        let parameters = try! PaillierParameters.insecure(bits: bits)
        return PaillierSecretKey.generate(parameters, using: &random)
    }
}
