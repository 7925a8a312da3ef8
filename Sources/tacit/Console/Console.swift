import AtomicFiles
import Foundation
import Synchronization

/// Where words go: results to standard output, everything else to standard error.
enum Console {
    private static let quiet = Mutex(false)

    static func setQuiet(_ value: Bool) { quiet.withLock { $0 = value } }
    static var isQuiet: Bool { quiet.withLock { $0 } }

    static let errorIsTerminal = isatty(STDERR_FILENO) == 1
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1

    /// Colour on a terminal, unless the user asked for none (https://no-color.org).
    static func usesColour(_ isTerminal: Bool) -> Bool {
        isTerminal && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty
            && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// A line of result. When nobody reads any more (`| head`), the process ends as other tools do.
    static func result(_ text: String) {
        if !write(text + "\n", to: STDOUT_FILENO) {
            UnfinishedFiles.removeAllAndExit(128 + SIGPIPE)
        }
    }

    /// All of the text; false when the other end is closed.
    @discardableResult
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let count = Foundation.write(descriptor, bytes.baseAddress! + offset, bytes.count - offset)
                if count < 0 && (errno == EINTR || errno == EAGAIN) { continue }
                if count <= 0 { return false }
                offset += count
            }
            return true
        }
    }

    /// A line about what is going on.
    static func log(_ text: String) {
        guard !isQuiet else { return }
        write((text + "\n"), to: STDERR_FILENO)
    }

    /// A line that `--quiet` does not silence.
    static func warn(_ text: String) {
        let mark = usesColour(errorIsTerminal) ? "\u{1B}[33mwarning:\u{1B}[0m" : "warning:"
        write("\(mark) \(text)\n", to: STDERR_FILENO)
    }

    static func error(_ text: String) {
        let mark = usesColour(errorIsTerminal) ? "\u{1B}[31merror:\u{1B}[0m" : "error:"
        write("tacit: \(mark) \(text)\n", to: STDERR_FILENO)
    }

    /// Columns of the terminal, 80 when unknown.
    static var width: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 80
    }

    /// What was made: as JSON when asked for, else as a line for people.
    static func result(_ value: some Encodable, json: Bool, _ text: @autoclosure () -> String) throws {
        if json { try Self.json(value) } else { result(text()) }
    }

    /// A value as JSON with sorted keys, to standard output.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        result(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
