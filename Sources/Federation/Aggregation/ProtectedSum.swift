import BinaryCoding
import Paillier
import Randomness

/// How a sum over sites is protected: the one switch of a study.
public enum ProtectionKind: String, Hashable, Sendable, Codable, CaseIterable {
    /// The coordinator sees every update.
    case none
    /// Pairwise masks with dropout recovery.
    case secagg
    /// Threshold CKKS, keys made by the sites.
    case ckks
    /// Threshold Paillier, packed, keys made by the sites.
    case paillier
}

/// The sum of a session.
public struct ProtectedResult: Sendable {
    /// Positions within the cohort of those whose vectors are in the sum.
    public var contributors: [Int]
    /// The sums of the layout's integers; of CKKS, exact but with the probability that noise passes half a unit.
    public var sums: [Double]
    /// Each contributor's integers, where the coordinator sees them.
    public var individual: [Int: [Int64]]?
    /// Positions of those whose share of a key or of an opening was forged; the sum is right without it.
    public var suspects: [Int] = []
    /// The public side of the key that the sites made in this session.
    var paillier: PaillierSharing?
}

/// What happens when a stage of a protected sum is closed.
enum SumStep {
    /// The next stage: what each site that goes on is told.
    case next([Int: [UInt8]])
    case finished(ProtectedResult)
}

/// The coordinator's side of a protected sum: a value; bodies in, bodies out. Sites are positions in the session's cohort.
///
/// A refused body leaves the state as it was.
protocol SumServer: Sendable {
    /// Sites whose body the current stage still lacks.
    var missing: [Int] { get }
    /// Fewest bodies with which the current stage can be closed.
    var required: Int { get }
    /// Bodies that the current stage has.
    var received: Int { get }
    mutating func receive(_ body: [UInt8], from site: Int) throws(FederationError)
    /// Ends the stage without those that are missing.
    /// - Throws: `tooFewSites`, `protection`.
    mutating func close(using random: inout SessionRandom) throws(FederationError) -> SumStep
}

/// A site's side of a protected sum.
protocol SumClient: Sendable {
    /// The body for a stage.
    /// - Parameters:
    ///   - payload: what the coordinator told for this stage; empty for stage 0.
    ///   - vector: the site's integers; called when they are needed and not before.
    mutating func answer(
        stage: Int, payload: [UInt8], vector: () throws(FederationError) -> [Int64], using random: inout SessionRandom
    ) throws(FederationError) -> [UInt8]
}

/// What a session's two sides agree on.
struct SumSetting: Sendable {
    var layout: VectorLayout
    /// Names in the order of positions.
    var cohort: [String]
    /// Fewest contributors of a sum that may be opened.
    var minimum: Int
    /// Binds everything to study, session and attempt.
    var session: Fingerprint
    /// Room for noise that sites add, in units of the bounds.
    var noiseMargin: Double = 0
}

/// Bodies of one stage, each taken once.
struct StageBodies<Value: Sendable>: Sendable {
    let expected: [Int]
    private(set) var values: [Int: Value] = [:]

    init(expected: [Int]) { self.expected = expected }

    var missing: [Int] { expected.filter { values[$0] == nil } }

    func check(_ site: Int) throws(FederationError) {
        guard expected.contains(site) else {
            throw FederationError(code: .wrongRound, message: "site \(site): is not asked in this stage")
        }
        guard values[site] == nil else {
            throw FederationError(code: .conflicting, message: "site \(site): has answered this stage already")
        }
    }

    mutating func take(_ value: Value, from site: Int) { values[site] = value }

    /// In the order of sites.
    var ordered: [(site: Int, value: Value)] { values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
}

func coding<Value>(_ body: () throws(BinaryCodingError) -> Value) throws(FederationError) -> Value {
    do { return try body() } catch { throw .message(error.message) }
}
