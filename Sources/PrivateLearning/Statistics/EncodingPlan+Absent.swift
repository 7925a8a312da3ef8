import Tabular

extension EncodingPlan {
    /// Encodes rows whose outcome, or other columns that are not needed, may be absent.
    ///
    /// A raw column that none of the `needed` encoded columns comes from is filled with a legal constant where the table
    /// lacks it, since a plan encodes all its columns; the constants end in columns nobody reads.
    /// - Throws: as ``encode(_:)``; Tabular's error for a needed column that is absent.
    public func encode(_ table: Table, needing needed: [String]) throws -> IntegerTable {
        var filled = table
        for input in recipe.inputs where table[input.name] == nil {
            let own = Set(derived(from: input.name))
            guard own.isDisjoint(with: needed) else { continue }  // applying the recipe names the missing column
            if input.type.isNumeric {
                let constant = input.bounds?.lower ?? 0
                filled = try filled.setting(
                    Tabular.Column(input.name, numbers: [Double](repeating: constant, count: table.rowCount)))
            } else if let category = input.categories?.first {
                filled = try filled.setting(
                    Tabular.Column(input.name, categories: [String?](repeating: category, count: table.rowCount)))
            }
        }
        return try encode(filled)
    }
}

extension LinearModel {
    /// Predictions for a table, encoded as the model's plan says: values are rounded to the declared decimals as they
    /// were in training.
    /// - Throws: as ``EncodingPlan/encode(_:needing:)``.
    public func predict(_ table: Table) throws -> [Double] {
        let integers = try plan.encode(table, needing: featureNames)
        let columns = try featureNames.map { try plan.index(of: $0) }
        return predict(features: integers.realRows(columns, plan: plan))
    }
}

extension IntegerTable {
    /// The chosen columns in real units, row by row.
    func realRows(_ indices: [Int], plan: EncodingPlan) -> [Double] {
        var result = [Double](repeating: 0, count: rowCount * indices.count)
        for (position, index) in indices.enumerated() {
            let encoding = plan.columns[index].encoding
            for row in 0..<rowCount { result[row * indices.count + position] = encoding.decode(columns[index][row]) }
        }
        return result
    }
}
