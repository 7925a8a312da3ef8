import Foundation
import TacitTestSupport
import Testing

@Suite struct SpamStudyCommandTests {
    @Test func badInputIsRefused() throws {
        let process = try TacitProcess()
        try process.refuse(
            64, ["--protection: got none, want secagg, ckks or paillier"], "study", "spam", "--protection", "none")
        try process.refuse(64, ["--rounds: got 0, want 1...1000"], "study", "spam", "--rounds", "0")
        try process.refuse(64, ["--least-sites: got 4, want 1...3"], "study", "spam", "--least-sites", "4")
        try process.refuse(
            64, ["--scored-mails: got 10001, want 0...10000"], "study", "spam", "--scored-mails", "10001")
        try process.refuse(
            66, ["enron-spam/enron1.tar.gz: not found", "--data-dir"], "study", "spam", "--data-dir", "nowhere")
        #expect(!process.folder.names.contains("tacit-spam"))
    }
}
