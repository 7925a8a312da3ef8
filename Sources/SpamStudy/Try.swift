import Datasets
import Federation
public enum SpamTry {
    public static func run() throws {
        let c = ContinuousClock(); var t = c.now
        func lap(_ s: String) { print(s, c.now - t); t = c.now }
        let mails = try EnronSpam.load(from: DatasetStore(dataDirectory: "../shared/data")); lap("load")
        let study = try SpamStudy(mails); lap("hash")
        print(study.sites.map(\.mails.count), study.test.count)
        print(try study.central()); lap("central")
        var p = try LocalSums(protection: .none, sites: 3, threshold: 2, numbers: 1, openings: 1); var q = try LocalSums(protection: .secagg, sites: 3, threshold: 2, numbers: 1, openings: 1)
        let run = try study.federated(&p, vocabularySums: &q) { print($0, $1) }; lap("fed")
        print(try study.leak(run)); lap("leak")
    }
}
