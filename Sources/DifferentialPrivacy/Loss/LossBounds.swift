/// A number known to lie in [lower, upper], both computed with outward rounding.
public struct LossBounds: Hashable, Sendable, Codable {
    public let lower: Double
    public let upper: Double

    public init(lower: Double, upper: Double) {
        self.lower = lower
        self.upper = upper
    }

    static func maximum(_ a: LossBounds, _ b: LossBounds) -> LossBounds {
        LossBounds(lower: max(a.lower, b.lower), upper: max(a.upper, b.upper))
    }
}
