/// Who must agree before the steps of a private release are carried out: a ledger, or nobody.
public protocol ReleaseAuthority {
    /// The steps up to `through`, in all, are paid for when this returns; nothing else may be carried out.
    /// - Throws: when they are refused. Nothing of them is carried out then.
    func advance(through: Int) throws

    /// Steps that were authorised so far. A resumed run goes on after them, whether or not it carried them out.
    var authorised: Int { get }

    /// The run's name in a ledger, kept with checkpoints.
    var runIdentifier: String? { get }

    /// The release is over; for the caller of a run, when the model is on the disk.
    func finish() throws
}

/// Lets every step through and remembers nothing: for runs without a ledger.
public struct NoLedger: ReleaseAuthority {
    public init() {}
    public func advance(through: Int) throws {}
    public var authorised: Int { 0 }
    public var runIdentifier: String? { nil }
    public func finish() throws {}
}
