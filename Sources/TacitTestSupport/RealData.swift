import Foundation

/// The folder of real data sets: `TACIT_DATA`, else `../shared/data` beside the checkout. What is absent is said on the
/// output, and the test that asked leaves.
public enum RealData {
    /// The folder, or nil with a note.
    public static var directory: String? { path("") }

    /// A file or folder in it, `enron-spam` for example, or nil with a note.
    public static func path(_ name: String) -> String? {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["TACIT_DATA"].map { URL(fileURLWithPath: $0) }
        let folder = named ?? root.appending(path: "../shared/data").standardized
        let path = name.isEmpty ? folder.path : folder.appending(path: name).path
        if FileManager.default.fileExists(atPath: path) { return path }
        print("SKIPPED: no \(path); name the folder of data sets with TACIT_DATA")
        return nil
    }
}
