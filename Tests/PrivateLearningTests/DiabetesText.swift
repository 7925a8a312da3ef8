import Foundation

enum DiabetesText {
    static var rows: [[Double]] {
        let text = (try? String(contentsOfFile: "/work/shared/data/diabetes/diabetes_raw.csv", encoding: .utf8)) ?? ""
        return text.split(whereSeparator: \.isNewline).dropFirst().map { $0.split(separator: ",").map { Double($0)! } }
    }
}
