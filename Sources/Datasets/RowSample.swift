import Tabular

extension Table {
    /// A simple random sample without replacement, in the order of the table.
    ///
    /// The rows are the first `count` of the shuffle of all row numbers by ``Tabular/ShuffleGenerator``, so the same seed
    /// and table give the same sample on every machine. `readmission-15k` of the benchmarks is the sample of 15,000 rows of
    /// `hospital-readmission` with seed 1.
    /// - Errors: `invalidData` for a count outside 1...rows.
    public func sample(_ count: Int, seed: UInt64) throws(DatasetsError) -> Table {
        guard (1...max(1, rowCount)).contains(count), rowCount > 0 else {
            throw DatasetsError(.invalidData, "sample: got \(count) rows, want 1...\(rowCount)")
        }
        var order = Array(0..<rowCount)
        var generator = ShuffleGenerator(seed: seed)
        generator.shuffle(&order)
        return rows(order.prefix(count).sorted())
    }
}
