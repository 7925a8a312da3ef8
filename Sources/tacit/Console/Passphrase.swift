import AtomicFiles
import ArgumentParser
import Foundation
import Randomness
import Synchronization

/// Where a passphrase comes from, in this order: a file, the environment, a question on the terminal.
struct PassphraseOptions: ParsableArguments {
    @Option(name: .customLong("passphrase-file"), help: "A file whose first line is the passphrase.")
    var passphraseFile: String?

    static let variable = "TACIT_PASSPHRASE"

    /// The passphrase for a file.
    /// - Parameter isNew: asks twice when asked on the terminal.
    func read(for what: String, isNew: Bool) throws -> SecretBytes {
        if let passphraseFile {
            var bytes = try readFile(passphraseFile, limit: 4096)
            defer { zeroise(&bytes) }
            var line = Array(bytes.prefix { $0 != 10 && $0 != 13 })
            guard !line.isEmpty else { throw CommandFailure(.data, "\(passphraseFile): first line: want a passphrase") }
            return SecretBytes(wiping: &line)
        }
        if let text = ProcessInfo.processInfo.environment[Self.variable], !text.isEmpty {
            var bytes = Array(text.utf8)
            return SecretBytes(wiping: &bytes)
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw CommandFailure(
                .permission,
                "\(what): needs a passphrase; set \(Self.variable), give --passphrase-file, or run on a terminal")
        }
        let first = try ask("Passphrase for \(what): ")
        if isNew {
            guard try ask("The same again: ").isEqual(to: first) else {
                throw CommandFailure(.usage, "passphrase: the two differ; nothing was written")
            }
        }
        return first
    }

    /// The terminal's settings while what is typed is hidden.
    private static let terminalBefore = Mutex<termios?>(nil)

    /// Shows again what is typed. For the end of a question, and for a process that is interrupted during one.
    static func showTyping() {
        terminalBefore.withLock { before in
            guard var settings = before else { return }
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            before = nil
        }
    }

    private func ask(_ prompt: String) throws -> SecretBytes {
        Console.write(prompt, to: STDERR_FILENO)
        var before = termios()
        tcgetattr(STDIN_FILENO, &before)
        var silent = before
        silent.c_lflag &= ~tcflag_t(ECHO)
        Self.terminalBefore.withLock { $0 = before }
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            Self.showTyping()
            Console.write("\n", to: STDERR_FILENO)
        }
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while Foundation.read(STDIN_FILENO, &byte, 1) == 1, byte != 10 { bytes.append(byte) }
        guard !bytes.isEmpty else { throw CommandFailure(.usage, "passphrase: got none") }
        return SecretBytes(wiping: &bytes)
    }
}
