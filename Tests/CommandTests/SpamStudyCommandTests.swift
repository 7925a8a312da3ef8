import Foundation
import TacitTestSupport
import Testing

@Suite struct SpamStudyCommandTests {
    @Test func badInputIsRefused() throws {
        let process = try TacitProcess()
        try process.refuse(
            64, ["--protection: got none, want secagg, ckks or paillier"], "study", "spam", "--protection", "none")
        try process.refuse(64, ["--rounds: got 0, want 1...1000"], "study", "spam", "--rounds", "0")
        try process.refuse(
            66, ["enron-spam/enron1.tar.gz: not found", "--data-dir"], "study", "spam", "--data-dir", "nowhere")
        #expect(!process.folder.names.contains("tacit-spam"))
    }
}
