import Lattice
import MultipartyCKKS

/// The place of one message in a ceremony: who sends what, to whom.
struct MessageSlot: Hashable {
    let sender: Int
    /// As in ``MultipartyCKKS/PartyMessage``.
    let code: UInt8
    /// Of a Galois share, else 0.
    var exponent: UInt32 = 0
    /// Of a secret share.
    var recipient: Int?

    static let commitment: UInt8 = 1
    static let secretShare: UInt8 = 7

    var fileName: String {
        let what =
            switch code {
            case 1: "commitment"
            case 2: "opening"
            case 3: "public-key"
            case 4: "relinearisation-1"
            case 5: "relinearisation-2"
            case 6: "galois-\(exponent)"
            case 7: "to-\(recipient ?? 0)"
            default: "confirmation"
            }
        return "holder-\(sender).\(what).tacit"
    }

    init(sender: Int, code: UInt8, exponent: UInt32 = 0, recipient: Int? = nil) {
        self.sender = sender
        self.code = code
        self.exponent = exponent
        self.recipient = recipient
    }

    init(of message: PartyMessage) {
        sender = message.sender
        code = message.content.code
        recipient = message.recipient
        if case .galois(let element, _) = message.content { exponent = element.exponent }
    }

    /// All that a holder sends to another, in the order in which it is wanted.
    static func all(from sender: Int, to recipient: Int, in group: CollectiveGroup) -> [MessageSlot] {
        var result = [1, 2, 3].map { MessageSlot(sender: sender, code: $0) }
        result += group.galoisElements.map { MessageSlot(sender: sender, code: 6, exponent: $0.exponent) }
        if group.keys.relinearisation { result.append(MessageSlot(sender: sender, code: 4)) }
        result.append(MessageSlot(sender: sender, code: secretShare, recipient: recipient))
        if group.keys.relinearisation { result.append(MessageSlot(sender: sender, code: 5)) }
        result.append(MessageSlot(sender: sender, code: 8))
        return result
    }
}
