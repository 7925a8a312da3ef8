import Parallelism

extension PolynomialNetwork {
    /// Runs `body` on the traces of consecutive rows, on several cores.
    func parallelTraces<Value: Sendable>(_ rows: [Float], _ body: @Sendable ([[[Double]]]) -> Value) -> [Value] {
        let count = rows.count / inputCount
        let chunk = 64
        return parallelMap((count + chunk - 1) / chunk) { part in
            let range = part * chunk..<min(count, (part + 1) * chunk)
            return body(
                range.map { row in trace(rows[row * inputCount..<(row + 1) * inputCount].map(Double.init)) })
        }
    }

    /// The scores of rows that lie one after the other.
    public func scores(ofRows rows: [Float]) -> [[Double]] {
        precondition(rows.count % inputCount == 0, "rows: got \(rows.count) numbers, want a multiple of \(inputCount)")
        return parallelTraces(rows) { traces in traces.map { $0[$0.count - 1] } }.flatMap { $0 }
    }
}
