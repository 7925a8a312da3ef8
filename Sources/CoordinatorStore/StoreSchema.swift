import BinaryCoding
import Foundation
import GRDB

/// The tables and how older ones become today's. A step that has been released is never changed; changes are new steps.
enum StoreSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE study (
                        id INTEGER PRIMARY KEY CHECK (id = 0),
                        fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32)
                    ) STRICT;
                    CREATE TABLE peer (
                        fingerprint BLOB PRIMARY KEY CHECK (length(fingerprint) = 32),
                        name TEXT NOT NULL,
                        certificate BLOB NOT NULL,
                        enrolled INTEGER NOT NULL,
                        revoked INTEGER
                    ) STRICT;
                    -- One certificate of a name can be valid at a time; older ones stay, revoked.
                    CREATE UNIQUE INDEX peerName ON peer (name) WHERE revoked IS NULL;
                    -- What was taken, once each: the same peer and identifier never make two rows.
                    CREATE TABLE input (
                        sequence INTEGER PRIMARY KEY,
                        peer TEXT NOT NULL,
                        identifier BLOB NOT NULL CHECK (length(identifier) = 32),
                        digest BLOB NOT NULL CHECK (length(digest) = 32),
                        byteCount INTEGER NOT NULL,
                        body BLOB,
                        file TEXT,
                        reply BLOB NOT NULL,
                        moment INTEGER NOT NULL,
                        UNIQUE (peer, identifier)
                    ) STRICT;
                    CREATE TABLE output (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        peer TEXT NOT NULL,
                        digest BLOB NOT NULL CHECK (length(digest) = 32),
                        byteCount INTEGER NOT NULL,
                        body BLOB,
                        file TEXT
                    ) STRICT;
                    CREATE INDEX outputOfPeer ON output (peer, sequence);
                    CREATE TABLE state (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
                    """)
        }
        // What people watch: rounds, dropouts, refusals. And bytes around a long body that is kept as it arrived.
        migrator.registerMigration("2") { db in
            try db.execute(
                sql: """
                    ALTER TABLE input ADD COLUMN wrapping BLOB;
                    CREATE TABLE event (
                        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                        moment INTEGER NOT NULL,
                        kind TEXT NOT NULL,
                        content TEXT NOT NULL
                    ) STRICT;
                    """)
        }
        return migrator
    }

    /// Brings the tables up to date.
    /// - Throws: ``CoordinatorStoreError`` with code `tooNew` for a store of a later program.
    static func upgrade(_ writer: some DatabaseWriter, path: String) throws {
        let isTooNew = try writer.read { try migrator.hasBeenSuperseded($0) }
        guard !isTooNew else {
            throw CoordinatorStoreError(
                code: .tooNew, message: "\(path): was made by a newer tacit; install that version or newer")
        }
        try migrator.migrate(writer)
    }
}
