import AtomicFiles
import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination: unfinished files are removed, then the process ends with the usual code 128 + signal.
enum Interruption {
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
    private static let graceful = Mutex<(@Sendable () -> Void)?>(nil)

    /// For commands that shut down in good order: the first signal calls `body`, a second one ends the process.
    static func onFirstSignal(_ body: @escaping @Sendable () -> Void) { graceful.withLock { $0 = body } }

    static func install() {
        // A disk quota or file-size limit shall come back as an error of `write`, not kill the process half-way.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler {
                let first = graceful.withLock { body in
                    defer { body = nil }
                    return body
                }
                if let first { return first() }
                PassphraseOptions.showTyping()
                let note = "\ntacit: interrupted; unfinished files were removed, finished ones are whole\n"
                Console.write(note, to: STDERR_FILENO)
                UnfinishedFiles.removeAllAndExit(128 + number)
            }
            source.resume()
            sources.append(source)
        }
    }
}
