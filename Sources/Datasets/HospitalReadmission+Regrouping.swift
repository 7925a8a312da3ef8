import Tabular

extension HospitalReadmission {
    /// The columns of the published file that are used, as they are there; `?` marks a missing value.
    static func publishedSchema() throws(TabularError) -> Schema {
        let integers = ["encounter_id", "patient_nbr", "time_in_hospital"] + numbers.map(\.name)
        let codes = ["admission_type_id", "discharge_disposition_id", "admission_source_id"]
        let categories =
            ["race", "gender", "age", "diag_1", "diag_2", "diag_3", "max_glu_serum", "A1Cresult"] + drugs
            + ["change", "diabetesMed", "readmitted"]
        let unused = ["weight", "payer_code", "medical_specialty"]
        return try Schema(
            columns: integers.map { ColumnSchema($0, .integer) }
                + (codes + categories).map { ColumnSchema($0, .category, allowsMissing: true) }
                + unused.map { ColumnSchema($0, .text, role: .ignore, allowsMissing: true) },
            missingMarks: ["?"])
    }

    /// Steps 1 to 3 of the recipe.
    static func regrouped(_ published: Table) throws(TabularError) -> Table {
        let stays = published.rows(try keptRows(published))
        var columns = [Column("patient", .numeric(try stays.numeric("patient_nbr")))]
        columns.append(Column("age", numbers: try mapped(stays, "age", ageMiddle)))
        for (name, from, group) in groupings {
            columns.append(Column(name, categories: try mapped(stays, from, group)))
            if name == "discharge" {
                for number in numbers { columns.append(try stays.column(number.name)) }
            }
        }
        // In the order of the schema: the count stands behind the drugs, before `change`.
        let change = columns.firstIndex { $0.name == "change" } ?? columns.count
        columns.insert(Column("drug_count", numbers: try drugCounts(stays)), at: change)
        columns.append(try stays.column("time_in_hospital"))
        let isReadmitted: [(name: String, values: Set<String>)] = [
            ("readmitted_30", ["<30"]), ("readmitted_any", ["<30", ">30"]),
        ]
        for outcome in isReadmitted {
            columns.append(
                Column(
                    outcome.name,
                    categories: try mapped(stays, "readmitted") { value in
                        guard let value, ["<30", ">30", "NO"].contains(value) else { return nil }
                        return outcome.values.contains(value) ? "yes" : "no"
                    }))
        }
        return try Table(columns: columns, origin: stays.origin)
    }

    /// The rows of first stays that did not end in death or hospice care, in the order of the file.
    private static func keptRows(_ published: Table) throws(TabularError) -> [Int] {
        let patients = try published.numeric("patient_nbr").values
        let encounters = try published.numeric("encounter_id").values
        var first: [Double: Int] = [:]
        for row in patients.indices {
            if let known = first[patients[row]], encounters[known] <= encounters[row] { continue }
            first[patients[row]] = row
        }
        let discharge = try published.categorical("discharge_disposition_id")
        let final: Set<String> = ["11", "13", "14", "19", "20", "21"]
        return first.values.filter { !final.contains(discharge[$0] ?? "") }.sorted()
    }

    /// A function of a category column, computed once a category.
    private static func mapped<T>(
        _ table: Table, _ name: String, _ group: (String?) -> T
    ) throws(TabularError) -> [T] {
        let column = try table.categorical(name)
        let ofMissing = group(nil)
        let groups = column.categories.map { group($0) }
        return column.codes.map { $0 < 0 ? ofMissing : groups[Int($0)] }
    }

    /// New column, published column, group of a value. A value outside the code lists becomes missing, which the schema
    /// then refuses with its line.
    private static let groupings: [(String, String, @Sendable (String?) -> String?)] = [
        ("race", "race", { $0 ?? "Unknown" }),
        ("gender", "gender", { $0 == "Unknown/Invalid" ? "Unknown" : $0 }),
        (
            "admission_type", "admission_type_id",
            { group($0, ["Emergency": [1, 7], "Urgent": [2], "Elective": [3], "Other": [4, 5, 6, 8]]) }
        ),
        (
            "admission_source", "admission_source_id",
            {
                group(
                    $0,
                    [
                        "Emergency": [7], "Referral": [1, 2, 3], "Transfer": [4, 5, 6, 10, 18, 22, 25, 26],
                        "Other": [8, 9] + Array(11...17) + [19, 20, 21, 23, 24],
                    ])
            }
        ),
        ("discharge", "discharge_disposition_id", { group($0, ["Home": [1], "Other": Array(2...30)]) }),
        ("diagnosis_1", "diag_1", { diagnosisGroup($0) }), ("diagnosis_2", "diag_2", { diagnosisGroup($0) }),
        ("diagnosis_3", "diag_3", { diagnosisGroup($0) }),
        ("glucose", "max_glu_serum", { $0 }), ("a1c", "A1Cresult", { $0 }), ("metformin", "metformin", { $0 }),
        ("insulin", "insulin", { $0 }), ("change", "change", { $0 }), ("diabetes_drug", "diabetesMed", { $0 }),
    ]

    private static func group(_ code: String?, _ groups: [String: [Int]]) -> String? {
        guard let number = code.flatMap(Int.init) else { return nil }
        return groups.first { $0.value.contains(number) }?.key
    }

    /// The middle of a bracket such as `[50-60)`; NaN, that is missing, for anything else.
    private static func ageMiddle(_ bracket: String?) -> Double {
        guard let bracket, bracket.hasPrefix("["), bracket.hasSuffix(")") else { return .nan }
        let ends = bracket.dropFirst().dropLast().split(separator: "-").compactMap { Double($0) }
        return ends.count == 2 ? (ends[0] + ends[1]) / 2 : .nan
    }

    /// The group of an ICD-9 code, after table 2 of Strack et al.; codes that begin with E or V are `Other`, and a
    /// missing diagnosis is `None`.
    package static func diagnosisGroup(_ code: String?) -> String {
        guard let code else { return "None" }
        guard let value = Double(code), value.isFinite, value >= 0, value < 1000 else { return "Other" }
        switch Int(value) {
        case 250: return "Diabetes"
        case 390...459, 785: return "Circulatory"
        case 460...519, 786: return "Respiratory"
        case 520...579, 787: return "Digestive"
        case 800...999: return "Injury"
        case 710...739: return "Musculoskeletal"
        case 580...629, 788: return "Genitourinary"
        case 140...239: return "Neoplasms"
        default: return "Other"
        }
    }

    private static func drugCounts(_ stays: Table) throws(TabularError) -> [Double] {
        var counts = [Double](repeating: 0, count: stays.rowCount)
        for drug in drugs {
            let used = try mapped(stays, drug) { value -> Double in value == nil || value == "No" ? 0 : 1 }
            for row in counts.indices { counts[row] += used[row] }
        }
        return counts
    }
}
