import DifferentialPrivacy
import Foundation
import Testing

/// Values of dp-accounting 0.6.0; conventions are in the file.
struct ReferenceVectors {
    struct Case: CustomTestStringConvertible, Sendable {
        var id: String
        var event: PrivacyEvent
        var delta: Double
        var neighbouring: Neighbouring
        var rdpEpsilon: Double?
        var rdpOrders: String?
        var rdpAtOrder: [(order: Double, value: Double)]
        var pessimistic: Double?
        var optimistic: Double?
        var fine: Double?
        var deltas: [(epsilon: Double, delta: Double)]
        var exact: Double?
        var testDescription: String { id }
    }
    var cases: [Case] = []
    var orders: [String: [Double]] = [:]
    var calibration: [[String: Any]] = []
    var optimalComposition: [[String: Any]] = []

    static func number(_ value: Any?) -> Double? { (value as? NSNumber)?.doubleValue }

    static func read() throws -> ReferenceVectors {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")
        let data = try Data(contentsOf: folder.appending(path: "dp_accounting.json"))
        let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        var vectors = ReferenceVectors()
        vectors.orders = try #require(json["rdp_orders"] as? [String: [Double]])
        vectors.calibration = try #require(json["calibration"] as? [[String: Any]])
        vectors.optimalComposition = try #require(json["kov_advanced_composition"] as? [[String: Any]])
        for item in try #require(json["cases"] as? [[String: Any]]) {
            let rdp = item["rdp"] as? [String: Any]
            let pld = item["pld"] as? [String: Any]
            let neighbouring =
                item["neighboring"] as? String == "REPLACE_ONE" ? Neighbouring.replaceOne : .addOrRemoveOne
            let events = try #require(item["events"] as? [[String: Any]]).map { try event($0, neighbouring) }
            func pairs(_ value: Any?) -> [(Double, Double)] {
                (value as? [String: Any] ?? [:]).map { (Double($0)!, number($1)!) }.sorted { $0.0 < $1.0 }
            }
            vectors.cases.append(
                Case(
                    id: item["id"] as? String ?? "?", event: .composed(events),
                    delta: try #require(number(item["delta"])), neighbouring: neighbouring,
                    rdpEpsilon: number(rdp?["epsilon"]), rdpOrders: rdp?["orders"] as? String,
                    rdpAtOrder: pairs(rdp?["rdp_at_order"]).map { (order: $0.0, value: $0.1) },
                    pessimistic: number(pld?["pessimistic_epsilon"]), optimistic: number(pld?["optimistic_epsilon"]),
                    fine: number((item["pld_fine"] as? [String: Any])?["pessimistic_epsilon"]),
                    deltas: pairs(pld?["delta_at_epsilon"]).map { (epsilon: $0.0, delta: $0.1) },
                    exact: number(item["exact_epsilon"])))
        }
        try #require(vectors.cases.count > 140)
        return vectors
    }

    private static func event(_ item: [String: Any], _ neighbouring: Neighbouring) throws -> PrivacyEvent {
        func value(_ name: String) throws -> Double { try #require(number(item[name])) }
        func integer(_ name: String) throws -> Int { try #require(item[name] as? Int) }
        let one: PrivacyEvent
        switch try #require(item["mech"] as? String) {
        case "gaussian": one = .gaussian(noiseMultiplier: try value("sigma"))
        case "laplace": one = .laplace(noiseMultiplier: try value("b"))
        case "discrete_laplace":
            one = .discreteLaplace(scale: 1 / (try value("a")), contribution: try integer("sensitivity"))
        case "discrete_gaussian":
            one = .discreteGaussian(deviation: try value("sigma"), contribution: try integer("sensitivity"))
        case "poisson_gaussian":
            one = .poissonSampled(rate: try value("q"), event: .gaussian(noiseMultiplier: try value("sigma")))
        case "poisson_laplace":
            one = .poissonSampled(rate: try value("q"), event: .laplace(noiseMultiplier: try value("b")))
        case "dp_params": one = .approximate(epsilon: try value("epsilon"), delta: try value("delta"))
        case "zcdp": one = .zeroConcentrated(rho: try value("rho"))
        case "wor_gaussian":
            // Their σ is relative to the sensitivity under replacement, which is twice the contribution.
            one = .sampledWithoutReplacement(
                population: try integer("n"), batch: try integer("batch"),
                event: .gaussian(noiseMultiplier: 2 * (try value("sigma"))))
        case "tree_gaussian":
            let steps = try #require(item["step_counts"] as? [Int])
            one = .composed(
                try steps.map { .treeAggregation(noiseMultiplier: try value("sigma"), steps: $0) })
        case let other: throw UnknownMechanism(name: other)
        }
        return .repeated(one, count: item["count"] as? Int ?? 1)
    }

    struct UnknownMechanism: Error { var name: String }
}
