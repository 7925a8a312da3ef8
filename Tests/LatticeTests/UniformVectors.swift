/// Expansions of the seed 00 01 … 1F over the primes of `TestRings.small`, by a ChaCha20 written in Python from RFC 8439.
enum UniformVectors {
    static let ciphertext0: [UInt64] = [997_381_845_125_411, 100_378_879_957_570, 316_894_288_499_120]
    static let ciphertext0Last: UInt64 = 696_862_541_954_356
    static let ciphertext6: [UInt64] = [170_110_142_932_254, 464_837_806_204_590, 299_082_242_424_481]
    static let third1: [UInt64] = [220_693_757_860, 184_703_251_233, 273_518_245_646]
}
