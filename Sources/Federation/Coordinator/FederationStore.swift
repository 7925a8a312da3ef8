import BinaryCoding

/// Where a party keeps its records: appended and flushed before anything is sent.
///
/// A store that loses its last records makes its party go back in time, which others notice and refuse; it must therefore
/// not return before the record would survive a loss of power.
public protocol FederationStore {
    /// Appends a record. Durable when it returns.
    /// - Throws: `store`, for example when the disk is full; the event then has not happened.
    mutating func append(_ record: [UInt8]) throws(FederationError)
    /// Keeps a snapshot; records before it may be dropped. A coordinator's comes after the record of the same transition, a
    /// site's before it.
    mutating func keep(snapshot: [UInt8]) throws(FederationError)
    /// The last snapshot and the records after it.
    func load() throws(FederationError) -> (snapshot: [UInt8]?, records: [[UInt8]])
}

/// A store in memory, for tests and simulations; keeps all records, in a hash chain.
public struct MemoryStore: FederationStore, Sendable {
    public private(set) var records: [[UInt8]] = []
    public private(set) var snapshot: [UInt8]?
    private var kept = 0
    /// Of all records: hₖ = SHA-256(hₖ₋₁ ‖ recordₖ).
    public private(set) var head = Fingerprint.none

    public init() {}

    public mutating func append(_ record: [UInt8]) {
        records.append(record)
        head = Transcript.next(head, record)
    }

    public mutating func keep(snapshot: [UInt8]) {
        self.snapshot = snapshot
        kept = records.count
    }

    public func load() -> (snapshot: [UInt8]?, records: [[UInt8]]) { (snapshot, Array(records[kept...])) }
}
