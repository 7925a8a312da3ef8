import Tabular

/// The diabetes progression data of Efron, Hastie, Johnstone and Tibshirani.
enum Diabetes {
    /// Bounds are physiological ranges chosen beforehand, wider than anything in the data; decimals are those of the
    /// published table.
    static func schema() throws(TabularError) -> Schema {
        func number(
            _ name: String, _ lower: Double, _ upper: Double, _ decimals: Int, role: ColumnRole = .feature,
            _ note: String
        ) throws(TabularError) -> ColumnSchema {
            ColumnSchema(
                name, decimals == 0 ? .integer : .number, role: role, bounds: try Bounds(lower, upper),
                decimals: decimals,
                note: note)
        }
        return try Schema(
            columns: [
                number("age", 0, 120, 0, role: .quasiIdentifier, "years"),
                number(
                    "sex", 1, 2, 0, role: .quasiIdentifier, "coded 1 and 2; the publication does not say which is which"
                ),
                number("bmi", 10, 80, 1, "body mass index, kg/m²"),
                number("bp", 30, 250, 2, "mean arterial pressure, mmHg"),
                number("s1", 50, 500, 0, "total cholesterol, mg/dl"),
                number("s2", 0, 400, 1, "low-density lipoproteins, mg/dl"),
                number("s3", 0, 200, 1, "high-density lipoproteins, mg/dl"),
                number("s4", 0, 20, 2, "total cholesterol over high-density lipoproteins"),
                number("s5", 0, 10, 4, "logarithm of serum triglycerides"),
                number("s6", 20, 600, 0, "blood sugar, mg/dl"),
                number("progression", 0, 500, 0, role: .target, "progression of the disease after one year"),
            ])
    }
}

extension Dataset {
    /// 442 patients, ten measurements, progression of the disease a year later.
    public static let diabetes = Dataset(
        name: "diabetes", title: "Diabetes progression after one year", task: .regression, target: "progression",
        targets: ["progression"], rowCount: 442, columnCount: 11,
        sourcePage: "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
        officialAddress: "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.tab.txt",
        citation:
            "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, Least angle regression, Annals of Statistics 32 (2004)",
        licence: "the authors state none; widely redistributed, among others with scikit-learn (BSD-3-Clause)",
        differences:
            "part of the product, with the published values; commas for tabs, lower-case names, and the target Y "
            + "is called progression",
        files: [],
        loader: { store, _ throws(DatasetsError) in
            do throws(TabularError) {
                let schema = try Diabetes.schema()
                let table = try Table(csv: Array(Diabetes.values.utf8), name: "diabetes.csv (embedded)", schema: schema)
                return (table, schema)
            } catch { throw DatasetsError(error) }
        })
}
