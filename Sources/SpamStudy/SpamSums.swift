import Federation

/// What crossed the wire for one sum, and what came out of it.
struct SumRecord: Sendable {
    let sums: [Double]
    /// In the unit of the sums.
    let errorBound: Double
    /// Bytes of each site's messages, in their order.
    let messages: [[[UInt8]]]
    let seconds: Double

    /// What a site sent.
    func bytes(site: Int) -> Int { messages[site].reduce(0) { $0 + $1.count } }
}

/// Adds up vectors of sites under one protection, all parties in this process, with the protocols' own messages.
protocol SpamSums {
    var protection: ProtectionKind { get }
    mutating func sum(_ layout: VectorLayout, _ vectors: [[Int64]], label: String) throws -> SumRecord
}
