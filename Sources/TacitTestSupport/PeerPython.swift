import Foundation

/// The Python with other people's software that `scripts/test-peers.sh` makes.
public enum PeerPython {
    /// nil where the script has not run or could not.
    public static let path: String? = {
        let own = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "../../.build/test-peers/bin/python3").standardized.path
        return FileManager.default.isExecutableFile(atPath: own) ? own : nil
    }()
}
