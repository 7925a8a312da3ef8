import BinaryCoding

/// No protection: integers in the clear, added up by the coordinator.
struct PlainSumServer: SumServer {
    let setting: SumSetting
    private var bodies: StageBodies<[Int64]>

    init(_ setting: SumSetting) {
        self.setting = setting
        bodies = StageBodies(expected: Array(setting.cohort.indices))
    }

    var missing: [Int] { bodies.missing }
    var required: Int { setting.minimum }
    var received: Int { bodies.values.count }

    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError) {
        try bodies.check(site)
        let vector = try coding { () throws(BinaryCodingError) in
            var decoder = BinaryDecoder(body)
            let vector = try setting.layout.decode(&decoder)
            try decoder.finish("update")
            return vector
        }
        try setting.layout.check(vector, margin: setting.noiseMargin)
        bodies.take(vector, from: site)
    }

    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep {
        var sums = [Int64](repeating: 0, count: setting.layout.count)
        for (_, vector) in bodies.ordered { for index in sums.indices { sums[index] += vector[index] } }
        return .finished(
            ProtectedResult(
                contributors: bodies.ordered.map(\.site), sums: sums.map(Double.init),
                individual: bodies.values))
    }
}

struct PlainSumClient: SumClient {
    let layout: VectorLayout

    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8] {
        guard stage == 0 else { throw FederationError(code: .wrongRound, message: "stage: got \(stage), want 0") }
        var encoder = BinaryEncoder()
        layout.encode(try vector(), into: &encoder)
        return encoder.bytes
    }
}
