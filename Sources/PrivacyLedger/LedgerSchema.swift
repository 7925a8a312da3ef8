import GRDB

/// The tables of a ledger and their versions.
///
/// `application_id` says that a database is a ledger, `user_version` which form it has. A form that this code does not
/// know is refused; an older one is brought up to date when the ledger is opened for writing, in one transaction.
enum LedgerSchema {
    /// "Tacl" in ASCII.
    static let applicationID: Int32 = 0x5461_636C
    static let version: Int32 = 1

    /// Each version's statements, applied in order.
    static let migrations: [[String]] = [
        [
            """
            CREATE TABLE entry (
              sequence INTEGER PRIMARY KEY CHECK (sequence >= 0),
              kind TEXT NOT NULL,
              microseconds INTEGER NOT NULL,
              clockLag INTEGER NOT NULL,
              actor TEXT NOT NULL,
              host TEXT NOT NULL,
              process INTEGER NOT NULL,
              program TEXT NOT NULL,
              purpose TEXT NOT NULL,
              body TEXT NOT NULL,
              previous BLOB NOT NULL,
              hash BLOB NOT NULL
            ) STRICT
            """,
            // The last entry once more: without it, the removal of the last entries would leave a sound chain.
            """
            CREATE TABLE head (
              id INTEGER PRIMARY KEY CHECK (id = 0),
              sequence INTEGER NOT NULL,
              hash BLOB NOT NULL
            ) STRICT
            """,
            """
            CREATE TRIGGER entryIsNotChanged BEFORE UPDATE ON entry
            BEGIN SELECT RAISE(ABORT, 'entries of a privacy ledger are never changed'); END
            """,
            """
            CREATE TRIGGER entryIsNotRemoved BEFORE DELETE ON entry
            BEGIN SELECT RAISE(ABORT, 'entries of a privacy ledger are never removed'); END
            """,
            """
            CREATE TRIGGER headIsNotRemoved BEFORE DELETE ON head
            BEGIN SELECT RAISE(ABORT, 'the head of a privacy ledger is never removed'); END
            """,
        ]
    ]

    /// Makes the tables, or the ones that an older ledger lacks. The caller has begun a transaction.
    static func migrate(_ db: Database, from old: Int32) throws {
        for statements in migrations[Int(old)...] {
            for statement in statements { try db.execute(sql: statement) }
        }
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// The version of a ledger.
    /// - Throws: ``PrivacyLedgerError`` for databases that are no ledgers, are newer than this code, or have other
    ///   tables and triggers than a ledger has.
    static func check(_ db: Database, path: String) throws -> Int32 {
        let found = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
        guard found == applicationID else {
            let what = found == 0 && count == 0 ? "is empty" : "is an SQLite database, but not a privacy ledger"
            throw PrivacyLedgerError(
                code: .foreignFile, message: "\(path): \(what); make a ledger with `tacit budget create`")
        }
        let version = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= Self.version else {
            throw PrivacyLedgerError(
                code: .newerFormat,
                message: "\(path): format: got version \(version), want at most \(Self.version); use a newer program")
        }
        guard version > 0 else {
            throw PrivacyLedgerError(
                code: .damaged, message: "\(path): format: got version \(version), want at least 1")
        }
        // A trigger or view added by somebody could change what reading and writing mean.
        let stored = try String.fetchAll(db, sql: "SELECT coalesce(sql, type || ' ' || name) FROM sqlite_schema")
        guard Set(stored) == Set(migrations[..<Int(version)].joined()), count == stored.count else {
            throw PrivacyLedgerError(
                code: .altered, message: "\(path): the tables of the file are not those of a ledger; it was altered")
        }
        return version
    }
}
