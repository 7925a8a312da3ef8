import Foundation
import PrivacyReports
import Testing

@Suite("Reading and writing reports as JSON")
struct CodingTests {
    @Test("A report survives the round trip, and is written the same twice", arguments: Sample.all)
    func roundTrip(sample: Sample) throws {
        let report = sample.report
        let data = try report.jsonData()
        let back = try PrivacyReport(jsonData: data)
        #expect(back == report)
        #expect(try back.jsonData() == data)
    }
}
