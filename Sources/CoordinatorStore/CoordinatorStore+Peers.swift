import BinaryCoding
import Foundation

extension CoordinatorStore {
    /// Lets a certificate in under a name.
    /// - Throws: `peer` when the name has another valid certificate, or the certificate is known under another name or was
    ///   revoked.
    public func enroll(
        name: String, fingerprint: Fingerprint, certificate: [UInt8], at moment: Date = Date()
    ) throws(CoordinatorStoreError) {
        guard (1...64).contains(name.count), !name.contains(where: \.isNewline) else {
            throw CoordinatorStoreError(code: .peer, message: "name: got “\(name)”, want 1 to 64 characters")
        }
        try change { db in
            if let known = try self.peers(db).first(where: { $0.fingerprint == fingerprint }) {
                guard known.revoked == nil else {
                    throw CoordinatorStoreError(
                        code: .peer,
                        message: "\(name): this certificate was revoked; the site must make a new identity")
                }
                guard known.name == name else {
                    throw CoordinatorStoreError(
                        code: .peer, message: "\(name): this certificate is enrolled as \(known.name)")
                }
                return
            }
            if try self.peers(db).contains(where: { $0.name == name && $0.revoked == nil }) {
                throw CoordinatorStoreError(
                    code: .peer, message: "\(name): has another certificate; revoke that one first")
            }
            try db.execute(
                "INSERT INTO peer (fingerprint, name, certificate, enrolled) VALUES ($1, $2, $3, $4)",
                [.fingerprint(fingerprint), .text(name), .bytes(certificate), .moment(moment)])
        }
    }

    /// Shuts out the valid certificate of a name. Effective for running connections within about a second.
    /// - Throws: `peer` when nobody of this name is enrolled.
    public func revoke(name: String, at moment: Date = Date()) throws(CoordinatorStoreError) {
        try change { db in
            let changed = try db.execute(
                "UPDATE peer SET revoked = $1 WHERE name = $2 AND revoked IS NULL", [.moment(moment), .text(name)])
            guard changed == 1 else {
                let names = try self.peers(db).filter { $0.revoked == nil }.map(\.name).sorted()
                throw CoordinatorStoreError(
                    code: .peer,
                    message:
                        "\(name): is not enrolled; enrolled are \(names.isEmpty ? "none" : names.joined(separator: ", "))"
                )
            }
        }
    }

    /// Everybody who is or was enrolled, in the order of names, then of time.
    public func peers() throws(CoordinatorStoreError) -> [StoredPeer] { try read { try self.peers($0) } }

    /// A number that changes when another program changed the store.
    public func outsideVersion() throws(CoordinatorStoreError) -> Int {
        do { return try engine.outsideVersion() } catch { throw CoordinatorStoreError(error, in: engine) }
    }

    private func peers(_ db: any StoreRows) throws -> [StoredPeer] {
        try db.rows("SELECT fingerprint, name, certificate, enrolled, revoked FROM peer ORDER BY name, enrolled").map {
            row in
            StoredPeer(
                name: try row.text("name"), fingerprint: try row.fingerprint("fingerprint"),
                certificate: try row.bytes("certificate"), enrolled: try row.moment("enrolled"),
                revoked: try row.optional("revoked", row.moment))
        }
    }

    private func change(_ body: (any StoreRows) throws -> Void) throws(CoordinatorStoreError) {
        do { try engine.write(isServing: false, body) } catch { throw CoordinatorStoreError(error, in: engine) }
    }
}
