// Predefined sets, named by ring and by the levels that are left after bootstrapping.
extension BootstrappingParameters.Literal {
    /// 128 bits, up to 2^15 slots, 10 levels of 40 bits after bootstrapping; 23 bits of precision in the worst of 2^15
    /// slots, 25 on average.
    public static let n65536depth10 = BootstrappingParameters.Literal(
        logDegree: 16,
        // As wide as a prime may be: precision grows with q₀.
        firstModulusBits: 50,
        scaleBits: 40, depth: 10,
        // Five layers of the transform in each level: 32 to 63 diagonals. 50 bits keep the rounding of the diagonals
        // below the noise of the reduction.
        coefficientsToSlots: [[50], [50], [50]],
        // The scale at each level is 2^65, 60, 70, 58, 66, 58, 66, 54, 58, 68: primes have at most 50 bits, so a level
        // divides by one prime and the scale rises, or by two and it falls. Noise of early levels grows most on the way
        // (by 24·2^3 after the first product), so they have the greater scales.
        modularReduction: [[35, 35], [50], [41, 41], [50], [37, 37], [50], [39, 39], [50], [50]],
        // From scale 2^68 back to 2^40.
        slotsToCoefficients: [[44], [44], [44]],
        reductionScaleBits: 65,
        // Noise doubles with every bit; the sine's relative error is 2^−26 here and 16 times as much with one bit less.
        messageRatioBits: 8,
        // Fails with probability 2^−39.7 for 2^15 slots; 13 costs 0.2 bits of precision and gives 2^−53.
        interval: 12,
        // The weight and the modulus of 117 bits at which it is used: docs/bootstrapping.md.
        ephemeralWeight: 32, encapsulationBits: [33, 34],
        // Three digits of ten primes, none above 437 bits. log2(QP) = 1736, the table allows 1747.
        specialModuliBits: [Int](repeating: 45, count: 10))

    /// 128 bits in the ring of 2^15, for few slots: 2 levels of 35 bits after bootstrapping.
    public static let n32768depth2 = BootstrappingParameters.Literal(
        logDegree: 15, firstModulusBits: 50, scaleBits: 35, depth: 2,
        // At most 2^10 slots in two levels.
        coefficientsToSlots: [[50], [50]],
        // There is room for one prime a level only, so the scale stays at 2^50 after the first.
        modularReduction: [[29, 29], [50], [50], [50], [50], [50], [50], [50], [50]],
        slotsToCoefficients: [[40], [40]],
        reductionScaleBits: 54,
        // Less noise, and a sine that is wrong by 2^−22 of the value.
        messageRatioBits: 7,
        // A smaller ring asks for a heavier ephemeral secret, and that for a wider interval.
        interval: 13, ephemeralWeight: 40,
        // Digits of two primes. log2(QP) = 858, the table allows 868.
        specialModuliBits: [50, 50])

    /// For tests only: the schedule of `n65536depth10` in a ring of 2^12, which has no security at this modulus.
    public static let insecure4096depth4: BootstrappingParameters.Literal = {
        var literal = n65536depth10
        literal.logDegree = 12
        literal.depth = 4
        literal.specialModuliBits = [50, 50, 50, 50, 50]
        literal.security = .insecureForTestsOnly
        return literal
    }()

    /// For tests only: as above with the levels of `n65536depth10`.
    public static let insecure4096depth10: BootstrappingParameters.Literal = {
        var literal = insecure4096depth4
        literal.depth = 10
        return literal
    }()

    /// The predefined sets by name.
    public static let all: [String: BootstrappingParameters.Literal] = [
        "n65536depth10": n65536depth10, "n32768depth2": n32768depth2, "insecure4096depth4": insecure4096depth4,
        "insecure4096depth10": insecure4096depth10,
    ]
}
