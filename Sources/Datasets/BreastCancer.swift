import Tabular

/// The diagnostic breast cancer data of Wolberg, Street and Mangasarian.
enum BreastCancer {
    /// The ten quantities measured on each cell nucleus: bound of the mean and of the worst value, and bound of the
    /// standard error, then the decimals of the three. The bounds are round numbers from the nature of the quantity:
    /// lengths in pixels of the image, relative quantities.
    private static let quantities: [(name: String, upper: Double, error: Double, decimals: (Int, Int, Int))] = [
        ("radius", 100, 10, (3, 4, 3)), ("texture", 100, 10, (2, 4, 2)), ("perimeter", 500, 50, (2, 4, 2)),
        ("area", 10_000, 1_000, (1, 3, 1)), ("smoothness", 1, 1, (5, 6, 5)), ("compactness", 2, 1, (5, 6, 5)),
        ("concavity", 2, 1, (7, 7, 6)), ("concave_points", 1, 1, (6, 6, 6)), ("symmetry", 1, 1, (4, 6, 4)),
        ("fractal_dimension", 1, 1, (5, 7, 5)),
    ]

    static func schema() throws(TabularError) -> Schema {
        var columns: [ColumnSchema] = []
        for part in 0..<3 {
            for quantity in quantities {
                let name = ["mean_\(quantity.name)", "\(quantity.name)_error", "worst_\(quantity.name)"][part]
                let decimals = [quantity.decimals.0, quantity.decimals.1, quantity.decimals.2][part]
                columns.append(
                    ColumnSchema(
                        name, .number, bounds: try Bounds(0, part == 1 ? quantity.error : quantity.upper),
                        decimals: decimals))
            }
        }
        columns.append(
            ColumnSchema("diagnosis", .category, role: .target, categories: ["B", "M"], note: "B benign, M malignant"))
        return try Schema(columns: columns)
    }
}

extension Dataset {
    /// 569 tumours, thirty measurements of cell nuclei, benign or malignant.
    public static let breastCancer = Dataset(
        name: "breast-cancer", title: "Breast Cancer Wisconsin (Diagnostic)", task: .binaryClassification,
        target: "diagnosis", targets: ["diagnosis"], rowCount: 569, columnCount: 31,
        sourcePage: "https://archive.ics.uci.edu/dataset/17/breast+cancer+wisconsin+diagnostic",
        officialAddress:
            "https://archive.ics.uci.edu/ml/machine-learning-databases/breast-cancer-wisconsin/wdbc.data",
        citation: "W. Wolberg, O. Mangasarian, N. Street, W. Street, Breast Cancer Wisconsin (Diagnostic), UCI Machine "
            + "Learning Repository (1995), doi 10.24432/C5DW2B",
        licence: "CC BY 4.0",
        differences:
            "part of the product, with the published values; a header was added, the patient number dropped, and "
            + "the diagnosis put last",
        files: [],
        loader: { store, _ throws(DatasetsError) in
            do throws(TabularError) {
                let schema = try BreastCancer.schema()
                let text = BreastCancer.firstValues + "\n" + BreastCancer.lastValues
                let table = try Table(csv: Array(text.utf8), name: "breast-cancer.csv (embedded)", schema: schema)
                return (table, schema)
            } catch { throw DatasetsError(error) }
        })
}
