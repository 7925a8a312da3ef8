import CPostgres

/// What the server or its client library said.
struct PostgresFailure: Error {
    /// Five characters, as PostgreSQL's manual lists them; empty when there is no answer.
    var state: String
    /// The first line of the message.
    var message: String
    /// Whether the connection is gone.
    var isLost: Bool

    init(state: String = "", message: String, isLost: Bool = false) {
        self.state = state
        self.message =
            message.split(separator: "\n").first.map { $0.trimmingPrefix("ERROR:") }.map {
                String($0.drop(while: { $0 == " " }))
            } ?? "no answer"
        self.isLost = isLost
    }

    func inStoreWords(_ server: String) -> CoordinatorStoreError {
        func error(_ code: CoordinatorStoreError.Code, _ mend: String) -> CoordinatorStoreError {
            CoordinatorStoreError(code: code, message: "\(server): \(message); \(mend)")
        }
        if isLost {
            return error(
                .unavailable,
                "the connection is lost, and with it the hold on the study; nothing is written any more, start again "
                    + "once the server answers")
        }
        switch state {
        case "":
            return error(
                .unavailable,
                "see whether the server runs, and whether ~/.pgpass or PGPASSWORD holds the user's password")
        // Out of disk, and the server's own files.
        case "53100": return error(.diskFull, "nothing of this change was kept, it is tried again")
        case "58030": return error(.inputOutput, "the server cannot use its disk")
        // Too many connections, shutting down, starting up.
        case "53300", "57P01", "57P02", "57P03": return error(.unavailable, "try again later")
        case "42501", "28000", "28P01":
            return error(.permission, "the user needs a database of its own, or CREATE on this one")
        case "25006": return error(.unavailable, "this server takes no changes; name the primary")
        case "XX001", "XX002": return error(.damaged, "restore it from a backup")
        default: return error(.inputOutput, "SQLSTATE \(state); nothing of this change was kept")
        }
    }
}
