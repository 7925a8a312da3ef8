import Tabular

/// Diabetes 130-US hospitals, 1999–2008: from the published archive to a table for learning.
///
/// The recipe, in this order:
/// 1. Of each patient (`patient_nbr`) the first stay is kept, the one with the least `encounter_id`: later stays of the
///    same person are not independent.
/// 2. Stays that ended in death or in hospice care (`discharge_disposition_id` 11, 13, 14, 19, 20, 21) are left out,
///    since no readmission can follow.
/// 3. Columns are regrouped as declared in ``schema(target:)``: age bracket to its middle; diagnoses (ICD-9) to the nine
///    groups of Strack et al., table 2; admission type and source, and discharge, to a few groups each; a count of the
///    diabetes drugs in use. Weight, payer and medical specialty, which are mostly missing, are left out.
///
/// 69,973 stays remain of 101,766.
/// - Reference: B. Strack et al., Impact of HbA1c measurement on hospital readmission rates: analysis of 70,000 clinical
///   database patient records, BioMed Research International (2014), article 781670.
public enum HospitalReadmission {
    static let archive = Dataset.File(
        path: "hospital-readmission/dataset_diabetes.zip",
        address: "https://archive.ics.uci.edu/ml/machine-learning-databases/00296/dataset_diabetes.zip",
        byteCount: 3_347_213, sha256: "3a17a3b55b6dd4a1926703185c0ad8e2ed30bc8e2f9b927cdd1000b733d1de8e")
    static let member = "dataset_diabetes/diabetic_data.csv"

    /// Stays in the published file.
    public static let publishedRowCount = 101_766
    /// Stays that the recipe keeps.
    public static let rowCount = 69_973

    /// Days in hospital, 1 to 14; readmission within 30 days; readmission at any time.
    public static let targets = ["time_in_hospital", "readmitted_30", "readmitted_any"]

    static let numbers: [(name: String, upper: Double, note: String)] = [
        ("num_lab_procedures", 200, "laboratory tests during the stay"),
        ("num_procedures", 20, "other procedures during the stay"),
        ("num_medications", 120, "different drugs given during the stay"),
        ("number_outpatient", 100, "outpatient visits in the year before"),
        ("number_emergency", 100, "emergency visits in the year before"),
        ("number_inpatient", 50, "stays in the year before"),
        ("number_diagnoses", 20, "diagnoses entered"),
    ]

    /// The drug columns of the published file, each No, Steady, Up or Down.
    static let drugs = [
        "metformin", "repaglinide", "nateglinide", "chlorpropamide", "glimepiride", "acetohexamide", "glipizide",
        "glyburide", "tolbutamide", "pioglitazone", "rosiglitazone", "acarbose", "miglitol", "troglitazone",
        "tolazamide",
        "examide", "citoglipton", "insulin", "glyburide-metformin", "glipizide-metformin", "glimepiride-pioglitazone",
        "metformin-rosiglitazone", "metformin-pioglitazone",
    ]

    static let diagnosisGroups = [
        "Circulatory", "Respiratory", "Digestive", "Diabetes", "Injury", "Musculoskeletal", "Genitourinary",
        "Neoplasms",
        "Other", "None",
    ]

    /// The columns of the table that ``table(from:)`` gives, with the named one as target.
    ///
    /// Bounds are round numbers beyond what a hospital stay can hold, categories are the code lists of the publication:
    /// none of it was read off the rows. The other two outcomes are not used as inputs: the readmissions are ignored, and
    /// `time_in_hospital` is a feature when a readmission is the target.
    /// - Throws: ``DatasetsError`` for a target that is not in ``targets``.
    public static func schema(target: String = targets[0]) throws(DatasetsError) -> Schema {
        guard targets.contains(target) else {
            throw DatasetsError(
                .invalidData, "target: got \"\(target)\", want one of \(targets.joined(separator: ", "))")
        }
        do throws(TabularError) { return try checkedSchema(target) } catch { throw DatasetsError(error) }
    }

    private static func checkedSchema(_ target: String) throws(TabularError) -> Schema {
        let level = ["No", "Down", "Steady", "Up"]
        func category(_ name: String, _ list: [String], _ role: ColumnRole = .feature, _ note: String? = nil)
            -> ColumnSchema
        {
            ColumnSchema(name, .category, role: role, categories: list, note: note)
        }
        func outcome(_ name: String, _ note: String) -> ColumnSchema {
            category(name, ["no", "yes"], name == target ? .target : .ignore, note)
        }
        var columns = [
            ColumnSchema("patient", .integer, role: .privacyUnit, note: "patient number of the publication"),
            ColumnSchema(
                "age", .integer, role: .quasiIdentifier, bounds: try Bounds(0, 100), decimals: 0,
                note: "middle of the ten-year bracket"),
            category("race", ["Caucasian", "AfricanAmerican", "Asian", "Hispanic", "Other", "Unknown"], .sensitive),
            category("gender", ["Female", "Male", "Unknown"], .quasiIdentifier),
            category("admission_type", ["Emergency", "Urgent", "Elective", "Other"]),
            category("admission_source", ["Emergency", "Referral", "Transfer", "Other"]),
            category("discharge", ["Home", "Other"]),
        ]
        for number in numbers {
            columns.append(
                ColumnSchema(
                    number.name, .integer, bounds: try Bounds(0, number.upper), decimals: 0, note: number.note))
        }
        for position in 1...3 {
            columns.append(category("diagnosis_\(position)", diagnosisGroups, .sensitive, "group of the ICD-9 code"))
        }
        columns += [
            category("glucose", ["None", "Norm", ">200", ">300"], .feature, "glucose serum test, mg/dl"),
            category("a1c", ["None", "Norm", ">7", ">8"], .feature, "HbA1c test, %"),
            category("metformin", level), category("insulin", level),
            ColumnSchema(
                "drug_count", .integer, bounds: try Bounds(0, Double(drugs.count)), decimals: 0,
                note: "diabetes drugs in use, of the \(drugs.count) recorded"),
            category("change", ["No", "Ch"], .feature, "whether diabetes drugs were changed"),
            category("diabetes_drug", ["No", "Yes"], .feature, "whether any diabetes drug was prescribed"),
            ColumnSchema(
                "time_in_hospital", .integer, role: target == "time_in_hospital" ? .target : .feature,
                bounds: try Bounds(1, 14), decimals: 0, note: "days"),
            outcome("readmitted_30", "readmitted within 30 days"),
            outcome("readmitted_any", "readmitted at any time"),
        ]
        return try Schema(columns: columns)
    }

    /// Reads the published archive and follows the recipe.
    /// - Throws: ``DatasetsError`` for an archive or a table that is not the published one.
    public static func table(from zip: [UInt8], name: String = "dataset_diabetes.zip") throws(DatasetsError) -> Table {
        let archive = try ZipArchive(zip, name: name)
        guard let entry = archive[member] else {
            throw DatasetsError(.invalidArchive, "\(name): archive: got no \(member), want it")
        }
        let stream = ZipStream(archive, entry)
        // The reader speaks TabularError; what the archive has to say is kept beside and thrown instead.
        var failure: DatasetsError?
        do throws(TabularError) {
            let reader = try CSVReader(name: "\(name)/\(member)", schema: publishedSchema()) {
                room throws(TabularError) in
                do throws(DatasetsError) { return try stream.read(into: room) } catch {
                    failure = error
                    throw TabularError(.unreadable, error.message)
                }
            }
            return try regrouped(try reader.readAll())
        } catch {
            throw failure ?? DatasetsError(error)
        }
    }
}

extension Dataset {
    /// About 70,000 hospital stays of diabetic patients: length of stay, and readmission.
    public static let hospitalReadmission = Dataset(
        name: "hospital-readmission", title: "Diabetes 130-US hospitals, 1999-2008", task: .regression,
        target: HospitalReadmission.targets[0], targets: HospitalReadmission.targets,
        rowCount: HospitalReadmission.rowCount, columnCount: 27,
        sourcePage: "https://archive.ics.uci.edu/dataset/296/diabetes+130-us+hospitals+for+years+1999-2008",
        officialAddress: HospitalReadmission.archive.address,
        citation: "B. Strack et al., Impact of HbA1c measurement on hospital readmission rates, BioMed Research "
            + "International (2014); UCI Machine Learning Repository, doi 10.24432/C5230J",
        licence: "CC BY 4.0",
        differences:
            "first stay of each patient, without deaths and hospice discharges (69,973 of 101,766 stays); codes "
            + "regrouped, diagnoses as in the paper; weight, payer and medical specialty left out",
        files: [HospitalReadmission.archive],
        loader: { store, target throws(DatasetsError) in
            let schema = try HospitalReadmission.schema(target: target)
            let file = HospitalReadmission.archive
            let bytes = try store.contents(of: file, in: "hospital-readmission")
            let table = try HospitalReadmission.table(from: bytes)
            do throws(TabularError) { try schema.validate(table) } catch { throw DatasetsError(error) }
            return (table, schema)
        })
}
