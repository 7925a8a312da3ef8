extension RecipeState {
    /// The concrete steps that a step of a recipe comes to, given the columns as they are now.
    func fit(
        _ step: Recipe.Step, schema: Schema, warnings: inout [DataWarning]
    ) throws(TabularError) -> [FittedRecipe.Step] {
        var result: [FittedRecipe.Step] = []
        switch step {
        case .impute(let columns, let imputation):
            for name in try names(columns, suiting: imputation) { result.append(try fit(imputation, name)) }
        case .indicateMissing(let columns):
            for name in try names(
                columns,
                where: { content in
                    if case .text = content { return false }
                    return true
                })
            { result.append(.indicateMissing(column: name)) }
        case .oneHot(let columns, let source, let dropFirst, let unknown):
            for name in try names(columns, where: Self.isCategories) {
                let list = try categoryList(name, source)
                result.append(.oneHot(column: name, categories: list, dropFirst: dropFirst, unknown: unknown))
            }
        case .standardise(let columns):
            for name in try names(columns, where: Self.isNumbers) {
                let values = try training(name)
                let mean = Self.mean(values)
                var squares = 0.0
                for value in values { squares += (value - mean) * (value - mean) }
                var deviation = (squares / Double(values.count)).squareRoot()
                // A deviation at the level of rounding error is that of a constant column.
                if deviation <= 1e-14 * mean.magnitude || deviation == 0 {
                    warnings.append(
                        DataWarning(
                            .constantColumn, "is constant in the training data: standardised to zeros", column: name))
                    deviation = 1
                }
                result.append(.scale(column: name, offset: mean, scale: deviation))
            }
        case .minMax(let columns, let source):
            for name in try names(columns, where: Self.isNumbers) {
                let (lower, upper) = try limits(name, source)
                if lower == upper {
                    warnings.append(
                        DataWarning(.constantColumn, "has one possible value: scaled to zeros", column: name))
                }
                result.append(.scale(column: name, offset: lower, scale: lower == upper ? 1 : upper - lower))
            }
        case .clip(let columns, let source):
            for name in try names(columns, where: Self.isNumbers) {
                let (lower, upper) = try limits(name, source)
                result.append(.clip(column: name, lower: lower, upper: upper))
            }
        case .clipTo(let columns, let lower, let upper):
            for name in try names(columns, where: Self.isNumbers) {
                result.append(.clip(column: name, lower: lower, upper: upper))
            }
        case .round(let columns, let decimals):
            for name in try names(columns, where: Self.isNumbers) {
                result.append(.round(column: name, decimals: decimals))
            }
        case .drop(let columns):
            for name in try names(columns, where: { _ in true }) { result.append(.drop(column: name)) }
        }
        return result
    }

    private static func isNumbers(_ content: Content) -> Bool {
        if case .numbers = content { return true }
        return false
    }

    private static func isCategories(_ content: Content) -> Bool {
        if case .categories = content { return true }
        return false
    }

    private func names(_ columns: Recipe.Columns, where suits: (Content) -> Bool) throws(TabularError) -> [String] {
        switch columns {
        case .all: return items.filter { suits($0.content) }.map(\.name)
        case .named(let names):
            for name in names {
                let position = try position(name)
                guard suits(items[position].content) else {
                    throw TabularError(
                        .invalidRecipe, "step: got a column of a type that it does not work on",
                        at: DataLocation(file: table?.origin?.file, column: name))
                }
            }
            return names
        }
    }

    private func names(
        _ columns: Recipe.Columns, suiting imputation: Recipe.Imputation
    ) throws(TabularError) -> [String] {
        switch imputation {
        case .mean, .median, .constant: try names(columns, where: Self.isNumbers)
        case .category: try names(columns, where: Self.isCategories)
        case .mode: try names(columns, where: { Self.isNumbers($0) || Self.isCategories($0) })
        }
    }

    /// The present training values of a numeric column.
    private func training(_ name: String) throws(TabularError) -> [Double] {
        let numbers = try numbers(position(name))
        guard table != nil else {
            throw TabularError(
                .invalidRecipe, "step: needs training data, want a public step", at: DataLocation(column: name))
        }
        let values = numbers.values.filter { !$0.isNaN }
        guard !values.isEmpty else {
            throw TabularError(
                .undefined, "training values: got none that is present, want at least one",
                at: DataLocation(file: table?.origin?.file, column: name))
        }
        return values
    }

    private func fit(_ imputation: Recipe.Imputation, _ name: String) throws(TabularError) -> FittedRecipe.Step {
        switch imputation {
        case .mean: return .fill(column: name, value: Self.mean(try training(name)))
        case .median:
            let sorted = try training(name).sorted()
            let middle = sorted.count / 2
            let isOdd = sorted.count % 2 == 1
            return .fill(column: name, value: isOdd ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2)
        case .mode:
            if case .categories(let categories) = items[try position(name)].content {
                var counts = [Int](repeating: 0, count: categories.list.count)
                for code in categories.codes where code >= 0 { counts[Int(code)] += 1 }
                guard let best = counts.max(), best > 0, let code = counts.firstIndex(of: best) else {
                    throw TabularError(
                        .undefined, "training values: got none that is present, want at least one",
                        at: DataLocation(file: table?.origin?.file, column: name))
                }
                return .fillCategory(column: name, category: categories.list[code])
            }
            var counts: [Double: Int] = [:]
            for value in try training(name) { counts[value, default: 0] += 1 }
            let best = counts.max { $0.value < $1.value || ($0.value == $1.value && $0.key > $1.key) }!
            return .fill(column: name, value: best.key)
        case .constant(let value):
            guard value.isFinite else {
                throw TabularError(
                    .invalidRecipe, "constant: got \(value), want a finite number", at: DataLocation(column: name))
            }
            return .fill(column: name, value: value)
        case .category(let category): return .fillCategory(column: name, category: category)
        }
    }

    private func limits(_ name: String, _ source: Recipe.Source) throws(TabularError) -> (Double, Double) {
        switch source {
        case .declared:
            let numbers = try numbers(position(name))
            guard let lower = numbers.lower, let upper = numbers.upper else {
                throw TabularError(
                    .invalidRecipe, "bounds: got none in the schema, want lower and upper",
                    at: DataLocation(column: name))
            }
            return (lower, upper)
        case .fitted:
            let values = try training(name)
            return (values.min()!, values.max()!)
        }
    }

    private func categoryList(_ name: String, _ source: Recipe.Source) throws(TabularError) -> [String] {
        let categories = try categories(position(name))
        switch source {
        case .declared:
            guard let list = categories.declared else {
                throw TabularError(
                    .invalidRecipe, "categories: got none in the schema, want a list", at: DataLocation(column: name))
            }
            return list
        case .fitted:
            guard table != nil else {
                throw TabularError(
                    .invalidRecipe, "categories: need training data, want declared ones", at: DataLocation(column: name)
                )
            }
            var isSeen = [Bool](repeating: false, count: categories.list.count)
            for code in categories.codes where code >= 0 { isSeen[Int(code)] = true }
            return zip(categories.list, isSeen).filter(\.1).map(\.0).sorted()
        }
    }

    static func mean(_ values: [Double]) -> Double {
        var sum = 0.0
        for value in values { sum += value }
        let mean = sum / Double(values.count)
        // A second pass takes out most of the rounding error of the first.
        var rest = 0.0
        for value in values { rest += value - mean }
        return mean + rest / Double(values.count)
    }
}
