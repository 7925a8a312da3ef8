import Foundation
import Tabular
import Testing

@Suite struct RecipeTests {
    struct File: Decodable {
        let origin: String
        let x: [[Double]]
        let colours: [String]
        let standardised, minMax, oneHot: [[Double]]
    }

    static func schema() throws -> Schema {
        try Schema(columns: [
            ColumnSchema("id", .integer, role: .identifier),
            ColumnSchema("age", .integer, bounds: Bounds(0, 99), decimals: 0, allowsMissing: true),
            ColumnSchema("bmi", .number, bounds: Bounds(10, 60), decimals: 1),
            ColumnSchema("race", .category, categories: ["a", "b", "c"], allowsMissing: true),
            ColumnSchema("y", .category, role: .target, categories: ["no", "yes"]),
        ])
    }

    static func table() throws -> Table {
        try Table(columns: [
            Column("id", numbers: [1, 2, 3, 4]), Column("age", numbers: [30, .nan, 120, 40]),
            Column("bmi", numbers: [20.5, 5, 30, 40]), Column("race", categories: ["b", "a", nil, "b"]),
            Column("y", categories: ["yes", "no", "no", "yes"]),
        ])
    }

    @Test func equalToScikitLearn() throws {
        let file = try Vectors.load(File.self, "recipe.json")
        let schema = try Schema(columns: [
            ColumnSchema("a", .number), ColumnSchema("b", .number), ColumnSchema("colour", .category),
        ])
        let table = try Table(columns: [
            Column("a", numbers: file.x.map { $0[0] }), Column("b", numbers: file.x.map { $0[1] }),
            Column("colour", categories: file.colours),
        ])
        for (step, want) in [
            (Recipe.Step.standardise(.all), file.standardised), (.minMax(.all, limits: .fitted), file.minMax),
        ] {
            let recipe = Recipe([step, .oneHot(.all, categories: .fitted, dropFirst: true, unknown: .refuse)])
            #expect(!recipe.isPublic)
            let matrix = try recipe.fitted(on: table, schema: schema).apply(to: table)
            #expect(matrix.columnNames == ["a", "b", "colour=green", "colour=red"])
            for row in 0..<40 {
                for (ours, theirs) in zip(matrix.row(row), want[row] + file.oneHot[row]) {
                    #expect(isClose(ours, theirs))
                }
            }
        }
    }

    @Test func publicEncodingNeedsNoData() throws {
        let recipe = try Recipe.publicEncoding(for: Self.schema())
        #expect(recipe.isPublic)
        let resolved = try recipe.resolved(with: Self.schema())
        #expect(resolved.isPublic)
        #expect(
            resolved.outputs == [
                EncodedColumn(name: "age", lower: 0, upper: 99, decimals: 0),
                EncodedColumn(name: "age_missing", lower: 0, upper: 1, decimals: 0),
                EncodedColumn(name: "bmi", lower: 10, upper: 60, decimals: 1),
                EncodedColumn(name: "race=b", lower: 0, upper: 1, decimals: 0),
                EncodedColumn(name: "race=c", lower: 0, upper: 1, decimals: 0),
                EncodedColumn(name: "race_missing", lower: 0, upper: 1, decimals: 0),
            ])
        let matrix = try resolved.apply(to: Self.table())
        #expect(Array(matrix.row(0)) == [30, 0, 20.5, 1, 0, 0])
        #expect(Array(matrix.row(1)) == [50, 1, 10, 0, 0, 0])
        #expect(Array(matrix.row(2)) == [99, 0, 30, 0, 0, 1])
        // Fitting a public recipe gives the same, whatever the data.
        #expect(try recipe.fitted(on: Self.table().rows([0]), schema: Self.schema()) == resolved)
        // Hospitals whose files list categories in another order, or hold only some of them, encode alike.
        let parts = try (0..<4).map { try resolved.apply(to: Self.table().rows([$0])) }
        #expect(parts.flatMap(\.values) == matrix.values)
    }

    @Test func fittedOnTrainingDataOnly() throws {
        let schema = try Schema(columns: [ColumnSchema("x", .number, allowsMissing: true)])
        let training = try Table(columns: [Column("x", numbers: [1, 2, .nan, 9])])
        let test = try Table(columns: [Column("x", numbers: [.nan, 100])])
        for (imputation, want) in [
            (Recipe.Imputation.mean, 4.0), (.median, 2), (.mode, 1), (.constant(-1), -1),
        ] {
            let fitted = try Recipe([.impute(.all, with: imputation)]).fitted(on: training, schema: schema)
            #expect(try fitted.apply(to: test).values == [want, 100])
        }
        let clipped = try Recipe([
            .clip(.all, limits: .fitted), .impute(.named(["x"]), with: .median), .minMax(.all, limits: .fitted),
        ]).fitted(on: training, schema: schema)
        #expect(try clipped.apply(to: test).values == [0.125, 1])
    }

    @Test func savedWithTheModel() throws {
        let recipe = Recipe([
            .clip(.named(["age", "bmi"]), limits: .declared), .impute(.named(["age"]), with: .mean),
            .impute(.named(["race"]), with: .category("none")),
            .oneHot(.all, categories: .declared, dropFirst: false, unknown: .allZero), .standardise(.all),
            .round(.named(["age", "bmi"]), decimals: 3), .drop(.named(["race=c"])),
        ])
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONEncoder().encode(recipe)) == recipe)
        let fitted = try recipe.fitted(on: Self.table(), schema: Self.schema())
        let read = try JSONDecoder().decode(FittedRecipe.self, from: JSONEncoder().encode(fitted))
        #expect(read == fitted)
        #expect(try read.apply(to: Self.table()) == fitted.apply(to: Self.table()))
        #expect(fitted.outputs.map(\.name) == ["age", "bmi", "race=a", "race=b", "race=none"])
        // Category c is not in the training data: constant, so standardised to zeros, with a warning.
        #expect(
            fitted.warnings == [
                DataWarning(
                    .constantColumn, "is constant in the training data: standardised to zeros", column: "race=c")
            ])
    }

    @Test func errorsNameTheColumn() throws {
        func message(_ steps: [Recipe.Step], apply other: Table? = nil) -> String? {
            do {
                let fitted = try Recipe(steps).fitted(on: Self.table(), schema: Self.schema())
                _ = try fitted.apply(to: other ?? Self.table())
                return nil
            } catch { return "\(error)" }
        }
        let encode = Recipe.Step.oneHot(.all, categories: .declared, dropFirst: true, unknown: .refuse)
        #expect(
            message([.impute(.all, with: .mean)])
                == "column \"race\": step: got a column of another type, want numbers at the end of the recipe "
                + "(one-hot it, drop it, or ignore it)")
        #expect(
            message([encode])
                == "row 3, column \"race\": category: got a missing one, want it imputed or indicated by an earlier step"
        )
        #expect(
            message(
                [.impute(.all, with: .mode), encode, .clip(.all, limits: .declared)],
                apply:
                    try Self.table().setting(Column("race", categories: ["b", "z", "a", "a"])))
                == "row 2, column \"race\": category: got one that is not on the list, want one of \"a\", \"b\", \"c\"")
        #expect(
            message([.drop(.named(["race"]))])
                == "row 2, column \"age\": value: got a missing one, want it imputed by a step")
        #expect(
            message([.drop(.named(["race", "age"]))])
                == "row 2, column \"bmi\": value: got one outside its bounds, want one in [10.0, 60.0] (or a clip step)"
        )
        #expect(
            message([.drop(.named(["weight"]))])?.hasPrefix("column \"weight\": recipe: got no such column") == true)
        #expect(
            message([.standardise(.named(["race"]))])
                == "column \"race\": step: got a column of a type that it does not work on")
        let private_ = #expect(throws: TabularError.self) {
            try Recipe([.standardise(.all)]).resolved(with: Self.schema())
        }
        #expect(private_?.description == "recipe: got a step that is fitted to data, want public steps only")
        let unsized = #expect(throws: TabularError.self) {
            try Recipe([.drop(.named(["race"])), .minMax(.all, limits: .declared)]).resolved(with: Self.schema())
        }
        #expect(unsized?.description.hasPrefix("column \"age\": public encoding: got no bounds or decimals") == true)
        let rounded = try Recipe([
            .drop(.named(["race"])), .minMax(.all, limits: .declared), .round(.all, decimals: 4),
        ]).resolved(with: Self.schema())
        #expect(rounded.outputs[1] == EncodedColumn(name: "bmi", lower: 0, upper: 1, decimals: 4))
    }

    @Test func targets() throws {
        let schema = try Self.schema()
        let encoding = try TargetEncoding(schema.target)
        #expect(encoding.positive == "yes")
        #expect(try encoding.apply(to: Self.table()) == [1, 0, 0, 1])
        #expect(try TargetEncoding(schema.target, positive: "no").apply(to: Self.table()) == [0, 1, 1, 0])
        #expect(throws: TabularError.self) { try TargetEncoding(schema.target, positive: "maybe") }
        let bmi = try TargetEncoding(schema.column("bmi"))
        let error = #expect(throws: TabularError.self) { try bmi.apply(to: Self.table()) }
        #expect(
            error?.description
                == "row 2, column \"bmi\": value: got one below its bounds, want one in [10.0, 60.0]; correct it, or widen the bounds in every owner's schema"
        )
        let text = #expect(throws: TabularError.self) { try TargetEncoding(ColumnSchema("t", .text)) }
        #expect(text?.description == "column \"t\": target: got text, want a number or a category")
        let age = #expect(throws: TabularError.self) {
            try TargetEncoding(schema.column("age")).apply(to: Self.table())
        }
        #expect(
            age?.description
                == "row 2, column \"age\": target: got a missing value, want one in every row (drop such rows first)")
    }
}
