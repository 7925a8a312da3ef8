extension BootstrappingParameters.Literal {
    /// For tests only: the schedule of the full sets in a ring of 2^12, which has no security at this modulus.
    public static let insecure4096 = BootstrappingParameters.Literal(
        logDegree: 12, scaleBits: 40, depth: 4,
        coefficientsToSlots: [[50], [50], [50]],
        modularReduction: [[33, 33], [50], [37, 37], [50], [37, 37], [50], [39, 39], [50], [50]],
        slotsToCoefficients: [[44], [44], [44]], reductionScaleBits: 62,
        specialModuliBits: [50, 50, 50, 50, 50], security: .insecureForTestsOnly)
}

extension BootstrappingParameters.Literal {
    /// The predefined sets by name.
    public static let all: [String: BootstrappingParameters.Literal] = [
        "insecure4096": insecure4096, "n65536depth10": n65536depth10,
    ]
}

extension BootstrappingParameters.Literal {
    /// 2^15 slots, 128 bits, 10 levels of 40 bits after bootstrapping.
    public static let n65536depth10 = BootstrappingParameters.Literal(
        logDegree: 16, scaleBits: 40, depth: 10,
        coefficientsToSlots: [[50], [50], [50]],
        modularReduction: [[33, 33], [50], [37, 37], [50], [37, 37], [50], [39, 39], [50], [50]],
        slotsToCoefficients: [[44], [44], [44]], reductionScaleBits: 62,
        specialModuliBits: [Int](repeating: 46, count: 10))
}
