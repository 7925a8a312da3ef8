import Datasets
import Federation
public enum SpamTry {
    struct Plain: SpamSums {
        var protection: ProtectionKind { .none }
        mutating func sum(_ layout: VectorLayout, _ vectors: [[Int64]], label: String) throws -> SumRecord {
            var s = [Double](repeating: 0, count: layout.count)
            for v in vectors { for i in s.indices { s[i] += Double(v[i]) } }
            return SumRecord(sums: s, errorBound: 0, messages: vectors.map { _ in [[]] }, seconds: 0)
        }
    }
    public static func run() throws {
        let c = ContinuousClock(); var t = c.now
        func lap(_ s: String) { print(s, c.now - t); t = c.now }
        let mails = try EnronSpam.load(from: DatasetStore(dataDirectory: "../shared/data")); lap("load")
        let study = try SpamStudy(mails); lap("hash")
        print(study.sites.map(\.mails.count), study.test.count)
        print(try study.central()); lap("central")
        var p = Plain(); var q = Plain()
        let run = try study.federated(&p, vocabularySums: &q) { print($0, $1) }; lap("fed")
        print(try study.leak(run)); lap("leak")
    }
}
