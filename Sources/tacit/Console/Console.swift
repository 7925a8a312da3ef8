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

    /// A line of result.
    static func result(_ text: String) { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// A line about what is going on.
    static func log(_ text: String) {
        guard !isQuiet else { return }
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }

    /// A line that `--quiet` does not silence.
    static func warn(_ text: String) {
        let mark = usesColour(errorIsTerminal) ? "\u{1B}[33mwarning:\u{1B}[0m" : "warning:"
        FileHandle.standardError.write(Data("\(mark) \(text)\n".utf8))
    }

    static func error(_ text: String) {
        let mark = usesColour(errorIsTerminal) ? "\u{1B}[31merror:\u{1B}[0m" : "error:"
        FileHandle.standardError.write(Data("tacit: \(mark) \(text)\n".utf8))
    }

    /// Columns of the terminal, 80 when unknown.
    static var width: Int {
        var size = winsize()
        if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 20 { return Int(size.ws_col) }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 80
    }

    /// A value as JSON with sorted keys, to standard output.
    static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        result(String(decoding: try encoder.encode(value), as: UTF8.self))
    }
}
