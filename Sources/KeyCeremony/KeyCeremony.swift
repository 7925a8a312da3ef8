import BinaryCoding
import Crypto
import Foundation
import Lattice
import MultipartyCKKS
import Randomness

/// One holder's turn in making a collective key through a folder.
///
/// Every holder takes turns until it has its keys: what the others have put there is taken in, what follows from it is put
/// there. Turns may be taken in any order and repeated; five of each holder suffice. See ``MultipartyCKKS/CollectiveKeyGeneration``
/// for the protocol and who is trusted with what.
public struct KeyCeremony: Sendable {
    /// Where a turn left things.
    public enum Outcome: Sendable {
        /// What is missing, by file name.
        case waiting(for: [String])
        case finished(CollectiveKeys)
    }
    /// What came out of a turn.
    public struct Turn: Sendable {
        public let outcome: Outcome
        /// Messages written in this turn.
        public let written: [String]
        /// Of all commitments and letter boxes once they are there: equal for all holders unless somebody exchanged
        /// messages on the way, so have people compare it.
        public let checkCode: Fingerprint?
    }

    /// Takes a turn.
    /// - Parameter store: stores the state, durably; called before any message leaves.
    /// - Throws: `misbehaviour` that names the holder and the message; `changed`, `mismatch`, `invalidFile`.
    public static func turn(
        _ state: inout CeremonyState, in folder: CeremonyFolder, setting: KeyGenerationGroup? = nil,
        store: (CeremonyState) throws -> Void
    ) throws -> Turn {
        let setting = setting ?? KeyGenerationGroup(state.group)
        guard try folder.group() == state.group else {
            throw KeyCeremonyError(
                code: .mismatch, message: "\(folder.groupPath): is not the agreement that this holder began with")
        }
        var run = try Run(state, folder, setting)
        for entry in state.taken { try run.repeatTaking(entry.slot, entry.fingerprint) }
        var isProgress = true
        while isProgress, run.keys == nil {
            isProgress = false
            for sender in 1...state.group.parties where sender != state.holder {
                for slot in MessageSlot.all(from: sender, to: state.holder, in: state.group)
                where run.keys == nil && !run.isTaken(slot) {
                    guard let fingerprint = try run.take(slot) else { continue }
                    state.taken.append((slot, fingerprint))
                    isProgress = true
                }
            }
        }
        try store(state)
        let written = try run.send()
        let outcome: Outcome
        if let keys = run.keys {
            outcome = .finished(keys)
        } else {
            outcome = .waiting(
                for: (1...state.group.parties).filter { $0 != state.holder }.compactMap { sender in
                    MessageSlot.all(from: sender, to: state.holder, in: state.group).first { !run.isTaken($0) }?
                        .fileName
                })
        }
        return Turn(outcome: outcome, written: written, checkCode: run.checkCode)
    }

    /// The state machine, fed from the folder.
    private struct Run {
        let state: CeremonyState
        let folder: CeremonyFolder
        let setting: KeyGenerationGroup
        var random: DerivedRandom
        var machine: CollectiveKeyGeneration
        var outbox: [PartyMessage]
        var keys: CollectiveKeys?
        var seen: Set<MessageSlot> = []
        var commitments: [Int: Fingerprint] = [:]
        var letterBoxes: [Int: [UInt8]] = [:]

        init(_ state: CeremonyState, _ folder: CeremonyFolder, _ setting: KeyGenerationGroup) throws {
            self.state = state
            self.folder = folder
            self.setting = setting
            random = DerivedRandom(seed: state.seed)
            do throws(MultipartyError) {
                (machine, outbox) = try CollectiveKeyGeneration.start(setting, party: state.holder, using: &random)
            } catch { throw KeyCeremonyError(error, about: folder.path) }
            if case .commitment(let value)? = outbox.first?.content { commitments[state.holder] = value }
            letterBoxes[state.holder] = Array(state.letterBox.publicKey.rawRepresentation)
        }

        func isTaken(_ slot: MessageSlot) -> Bool { seen.contains(slot) }

        var checkCode: Fingerprint? {
            guard commitments.count == state.group.parties else { return nil }
            var encoder = BinaryEncoder()
            encoder.encode("tacit check code of key holders")
            encoder.encodeRaw(setting.session.bytes)
            for holder in 1...state.group.parties {
                encoder.encodeRaw(commitments[holder]?.bytes ?? [])
                encoder.encodeRaw(letterBoxes[holder] ?? [])
            }
            return Fingerprint(of: encoder.bytes)
        }

        /// A message of an earlier turn again.
        mutating func repeatTaking(_ slot: MessageSlot, _ fingerprint: Fingerprint) throws {
            guard let letter = try folder.read(slot, session: setting.session) else {
                throw KeyCeremonyError(
                    code: .changed,
                    message: "\(folder.path(of: slot)): is gone, though this holder has taken it in; put it back")
            }
            guard letter.fingerprint == fingerprint else {
                throw KeyCeremonyError(
                    code: .changed,
                    message:
                        "\(folder.path(of: slot)): is not the message that holder \(slot.sender) had put there; put the "
                        + "first one back, or begin anew in another folder")
            }
            try receive(letter, slot)
        }

        /// A new message.
        /// - Returns: nil when it is not there, or came too early.
        mutating func take(_ slot: MessageSlot) throws -> Fingerprint? {
            guard let letter = try folder.read(slot, session: setting.session) else { return nil }
            do {
                try receive(letter, slot)
                return letter.fingerprint
            } catch let error as MultipartyError where error.code == .unexpected {
                return nil
            }
        }

        private mutating func receive(_ letter: CeremonyFolder.Letter, _ slot: MessageSlot) throws {
            let message = try message(letter, slot)
            try feed(message, slot)
            seen.insert(slot)
            if case .commitment(let value) = message.content {
                _ = try LetterBox.publicKey(letter.letterBox ?? [], of: slot.sender)
                commitments[slot.sender] = value
                letterBoxes[slot.sender] = letter.letterBox
            }
            outbox.removeAll { folder.exists(MessageSlot(of: $0)) }
        }

        private mutating func feed(_ message: PartyMessage, _ slot: MessageSlot) throws {
            let transition: CollectiveKeyGeneration.Transition
            do throws(MultipartyError) { transition = try machine.receive(message, using: &random) } catch {
                if error.code == .unexpected { throw error }
                throw KeyCeremonyError(
                    code: .misbehaviour,
                    message:
                        "holder \(slot.sender) did not follow the protocol: \(folder.path(of: slot)): \(error.message)")
            }
            switch transition {
            case .send(let messages): outbox += messages
            case .finish(let made, let messages):
                outbox += messages
                keys = made
            }
        }

        /// What is in a letter, unsealed, and that it is what its place says.
        private func message(_ letter: CeremonyFolder.Letter, _ slot: MessageSlot) throws -> PartyMessage {
            var bytes = letter.bytes
            if slot.code == MessageSlot.secretShare {
                guard let box = letterBoxes[slot.sender] else {
                    throw MultipartyError(
                        code: .unexpected, message: "\(slot.fileName): came before the same holder's commitment")
                }
                bytes = try LetterBox.open(
                    letter, from: (slot.sender, LetterBox.publicKey(box, of: slot.sender)),
                    to: (state.holder, state.letterBox), session: setting.session)
            }
            let message = try decoded(bytes, slot)
            if slot.code == MessageSlot.secretShare { zeroise(&bytes) }
            guard MessageSlot(of: message) == slot else {
                throw KeyCeremonyError(
                    code: .misbehaviour,
                    message:
                        "holder \(slot.sender) wrote a bad message: \(folder.path(of: slot)): holds a \(message), want what "
                        + "its name says")
            }
            return message
        }

        private func decoded(_ bytes: [UInt8], _ slot: MessageSlot) throws -> PartyMessage {
            do throws(MultipartyError) {
                var decoder = BinaryDecoder(bytes)
                return try PartyMessage(decoding: &decoder, group: setting)
            } catch {
                throw KeyCeremonyError(
                    code: .misbehaviour,
                    message: "holder \(slot.sender) wrote a bad message: \(folder.path(of: slot)): \(error.message)")
            }
        }

        /// Writes what is not in the folder yet.
        mutating func send() throws -> [String] {
            var written: [String] = []
            for message in outbox {
                let slot = MessageSlot(of: message)
                guard !folder.exists(slot) else { continue }
                var encoder = BinaryEncoder()
                message.encode(into: &encoder)
                var letter = CeremonyFolder.Letter(bytes: encoder.bytes)
                if slot.code == MessageSlot.commitment { letter.letterBox = letterBoxes[state.holder] }
                if let recipient = message.recipient {
                    letter = try LetterBox.seal(
                        letter.bytes, from: (state.holder, state.letterBox),
                        to: (recipient, LetterBox.publicKey(letterBoxes[recipient] ?? [], of: recipient)),
                        session: setting.session)
                }
                try folder.write(letter, slot, session: setting.session)
                written.append(slot.fileName)
            }
            outbox = []
            return written
        }
    }
}
