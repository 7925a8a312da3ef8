/// The columns between two steps of a recipe: what is known about each, and its values when there is a table.
struct RecipeState {
    struct Numbers {
        /// NaN where missing; empty without a table.
        var values: [Double]
        var lower: Double?
        var upper: Double?
        var decimals: Int?
    }

    struct Categories {
        /// Indices into `list`, −1 where missing; empty without a table.
        var codes: [Int32]
        var list: [String]
        /// The list that the schema gives, if any.
        var declared: [String]?
    }

    enum Content {
        case numbers(Numbers)
        case categories(Categories)
        case text
    }

    struct Item {
        let name: String
        var content: Content
        var hasIndicator = false
    }

    private(set) var items: [Item] = []
    let table: Table?

    init(_ inputs: [FittedRecipe.Input], table: Table?) throws(TabularError) {
        self.table = table
        for input in inputs {
            switch input.type {
            case .number, .integer:
                let values = try table?.numeric(input.name).values ?? []
                items.append(
                    Item(
                        name: input.name,
                        content: .numbers(
                            Numbers(
                                values: values, lower: input.bounds?.lower, upper: input.bounds?.upper,
                                decimals: input.decimals))))
            case .category:
                let column = try table?.categorical(input.name)
                items.append(
                    Item(
                        name: input.name,
                        content: .categories(
                            Categories(
                                codes: column?.codes ?? [], list: column?.categories ?? input.categories ?? [],
                                declared: input.categories))))
            case .text: items.append(Item(name: input.name, content: .text))
            }
        }
    }

    func position(_ name: String) throws(TabularError) -> Int {
        guard let position = items.firstIndex(where: { $0.name == name }) else {
            throw TabularError(
                .invalidRecipe, "recipe: got no such column at this step, want one of \(Table.list(items.map(\.name)))",
                at: DataLocation(column: name))
        }
        return position
    }

    func numbers(_ position: Int) throws(TabularError) -> Numbers {
        guard case .numbers(let numbers) = items[position].content else { throw unsuitable(position, want: "numbers") }
        return numbers
    }

    func categories(_ position: Int) throws(TabularError) -> Categories {
        guard case .categories(let categories) = items[position].content else {
            throw unsuitable(position, want: "categories")
        }
        return categories
    }

    private func unsuitable(_ position: Int, want: String) -> TabularError {
        TabularError(
            .invalidRecipe, "step: got a column of another type, want \(want)",
            at: DataLocation(file: table?.origin?.file, column: items[position].name))
    }

    /// Carries out one step.
    mutating func run(_ step: FittedRecipe.Step) throws(TabularError) {
        switch step {
        case .fill(let name, let value):
            try change(name) { numbers in
                for row in numbers.values.indices where numbers.values[row].isNaN { numbers.values[row] = value }
                numbers.lower = numbers.lower.map { min($0, value) }
                numbers.upper = numbers.upper.map { max($0, value) }
                numbers.decimals = Self.most(numbers.decimals, Decimals.count(value))
            }
        case .fillCategory(let name, let category):
            let position = try position(name)
            var categories = try categories(position)
            if !categories.list.contains(category) { categories.list.append(category) }
            // What stands in place of missing values is as public as the declared list.
            if let declared = categories.declared, !declared.contains(category) {
                categories.declared = declared + [category]
            }
            let code = Int32(categories.list.firstIndex(of: category)!)
            for row in categories.codes.indices where categories.codes[row] < 0 { categories.codes[row] = code }
            items[position].content = .categories(categories)
        case .indicateMissing(let name):
            let position = try position(name)
            let values: [Double]
            switch items[position].content {
            case .numbers(let numbers): values = numbers.values.map { $0.isNaN ? 1 : 0 }
            case .categories(let categories): values = categories.codes.map { $0 < 0 ? 1 : 0 }
            case .text: throw unsuitable(position, want: "numbers or categories")
            }
            items[position].hasIndicator = true
            items.insert(Self.indicator("\(name)_missing", values), at: position + 1)
        case .oneHot(let name, let list, let dropFirst, let unknown):
            try oneHot(name, list, dropFirst: dropFirst, unknown: unknown)
        case .scale(let name, let offset, let scale):
            try change(name) { numbers in
                for row in numbers.values.indices { numbers.values[row] = (numbers.values[row] - offset) / scale }
                let ends = [numbers.lower, numbers.upper].map { $0.map { ($0 - offset) / scale } }
                (numbers.lower, numbers.upper) = scale < 0 ? (ends[1], ends[0]) : (ends[0], ends[1])
                numbers.decimals = nil
            }
        case .clip(let name, let lower, let upper):
            guard lower <= upper else {
                throw TabularError(
                    .invalidRecipe, "clip: got [\(lower), \(upper)], want the lower limit first",
                    at: DataLocation(column: name))
            }
            try change(name) { numbers in
                // Written so that NaN, which is missing, stays.
                for row in numbers.values.indices {
                    if numbers.values[row] < lower { numbers.values[row] = lower }
                    if numbers.values[row] > upper { numbers.values[row] = upper }
                }
                numbers.lower = numbers.lower.map { min(max($0, lower), upper) } ?? lower
                numbers.upper = numbers.upper.map { max(min($0, upper), lower) } ?? upper
                numbers.decimals = Self.most(numbers.decimals, Self.most(Decimals.count(lower), Decimals.count(upper)))
            }
        case .round(let name, let decimals):
            guard (0...15).contains(decimals) else {
                throw TabularError(
                    .invalidRecipe, "round: got \(decimals) decimals, want 0...15", at: DataLocation(column: name))
            }
            try change(name) { numbers in
                for row in numbers.values.indices where !numbers.values[row].isNaN {
                    numbers.values[row] = Decimals.rounded(numbers.values[row], decimals)
                }
                // Rounding is monotone, so it may be applied to the bounds.
                numbers.lower = numbers.lower.map { Decimals.rounded($0, decimals) }
                numbers.upper = numbers.upper.map { Decimals.rounded($0, decimals) }
                numbers.decimals = min(numbers.decimals ?? decimals, decimals)
            }
        case .drop(let name): items.remove(at: try position(name))
        }
    }

    /// Decimals of a column that holds values of both kinds.
    private static func most(_ a: Int?, _ b: Int?) -> Int? {
        guard let a, let b else { return nil }
        return max(a, b)
    }

    private static func indicator(_ name: String, _ values: [Double]) -> Item {
        Item(name: name, content: .numbers(Numbers(values: values, lower: 0, upper: 1, decimals: 0)))
    }

    private mutating func change(_ name: String, _ body: (inout Numbers) -> Void) throws(TabularError) {
        let position = try position(name)
        var numbers = try numbers(position)
        items[position].content = .text  // so that the array is not copied while it is changed
        body(&numbers)
        items[position].content = .numbers(numbers)
    }

    private mutating func oneHot(
        _ name: String, _ list: [String], dropFirst: Bool, unknown: Recipe.UnknownCategory
    ) throws(TabularError) {
        let position = try position(name)
        let categories = try categories(position)
        var index: [String: Int] = [:]
        for (code, category) in list.enumerated() { index[category] = code }
        let translation = categories.list.map { index[$0] ?? -1 }
        var columns = [[Double]](
            repeating: [Double](repeating: 0, count: categories.codes.count), count: list.count)
        for (row, code) in categories.codes.enumerated() {
            guard code >= 0 else {
                if items[position].hasIndicator { continue }
                throw TabularError(
                    .missingValue, "category: got a missing one, want it imputed or indicated by an earlier step",
                    at: table?.location(row: row, column: name) ?? DataLocation(column: name))
            }
            let known = translation[Int(code)]
            if known >= 0 {
                columns[known][row] = 1
            } else if unknown == .refuse {
                throw TabularError(
                    .unknownCategory, "category: got one that is not on the list, want one of \(Table.list(list))",
                    at: table?.location(row: row, column: name) ?? DataLocation(column: name))
            }
        }
        let encoded = zip(list, columns).map { Self.indicator("\(name)=\($0)", $1) }
        items.replaceSubrange(position...position, with: dropFirst ? Array(encoded.dropFirst()) : encoded)
    }

    /// What is known about the final columns.
    func outputs() throws(TabularError) -> [EncodedColumn] {
        var outputs: [EncodedColumn] = []
        var seen: Set<String> = []
        for (position, item) in items.enumerated() {
            guard case .numbers(let numbers) = item.content else {
                throw unsuitable(position, want: "numbers at the end of the recipe (one-hot it, drop it, or ignore it)")
            }
            guard seen.insert(item.name).inserted else {
                throw TabularError(
                    .invalidRecipe, "encoded column: got two of one name, want distinct names",
                    at: DataLocation(column: item.name))
            }
            outputs.append(
                EncodedColumn(name: item.name, lower: numbers.lower, upper: numbers.upper, decimals: numbers.decimals))
        }
        guard !outputs.isEmpty else {
            throw TabularError(.invalidRecipe, "encoded columns: got none, want at least one input column")
        }
        return outputs
    }

    /// The final columns as a matrix, each value held against the promises.
    func matrix(promised: [EncodedColumn], table: Table) throws(TabularError) -> FeatureMatrix {
        let names = try outputs().map(\.name)
        guard names == promised.map(\.name) else {
            throw TabularError(
                .invalidRecipe, "encoded columns: got \(Table.list(names)), want \(Table.list(promised.map(\.name)))")
        }
        let width = promised.count
        var values = [Double](repeating: 0, count: table.rowCount * width)
        for (column, promise) in promised.enumerated() {
            let numbers = try numbers(column)
            let lower = promise.lower ?? -.greatestFiniteMagnitude
            let upper = promise.upper ?? .greatestFiniteMagnitude
            let scale = promise.decimals.map { Decimals.scale(min(max($0, 0), 15)) }
            for row in 0..<table.rowCount {
                let value = numbers.values[row]
                guard value >= lower && value <= upper, scale.map({ Decimals.fits(value, scale: $0) }) ?? true else {
                    throw Self.broken(promise, value, at: table.location(row: row, column: promise.name))
                }
                values[row * width + column] = value
            }
        }
        return try FeatureMatrix(values: values, rowCount: table.rowCount, columns: promised)
    }

    private static func broken(_ promise: EncodedColumn, _ value: Double, at place: DataLocation) -> TabularError {
        if value.isNaN {
            return TabularError(.missingValue, "value: got a missing one, want it imputed by a step", at: place)
        }
        if let lower = promise.lower, let upper = promise.upper, value < lower || value > upper {
            return TabularError(
                .outOfBounds, "value: got one outside its bounds, want one in [\(lower), \(upper)] (or a clip step)",
                at: place)
        }
        if let decimals = promise.decimals, value.isFinite {
            return TabularError(
                .tooManyDecimals, "value: got more decimals than declared, want at most \(decimals) (or a round step)",
                at: place)
        }
        return TabularError(
            .notFinite, "value: got one that is infinite or out of bounds, want a finite number", at: place)
    }
}
