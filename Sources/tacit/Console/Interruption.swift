import AtomicFiles
import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination: unfinished files are removed, then the process ends with the usual code 128 + signal.
enum Interruption {
    nonisolated(unsafe) private static var sources: [any DispatchSourceSignal] = []
    private static let deferral = Mutex<(note: String, signal: Int32?)?>(nil)

    /// From now on the first signal is left to whoever asks ``requested`` between two pieces of work, and `note` is
    /// shown; the next one ends the process at once.
    static func `defer`(note: String) { deferral.withLock { $0 = (note, nil) } }

    /// The signal that came since ``defer(note:)``.
    static var requested: Int32? { deferral.withLock { $0?.signal } }

    /// True when the signal was taken as a wish.
    private static func isDeferred(_ number: Int32) -> Bool {
        deferral.withLock { state in
            guard state != nil, state?.signal == nil else { return false }
            state?.signal = number
            Console.write("\ntacit: \(state?.note ?? "")\n", to: STDERR_FILENO)
            return true
        }
    }

    static func install() {
        // A disk quota or file-size limit shall come back as an error of `write`, not kill the process half-way.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global(qos: .userInteractive))
            source.setEventHandler {
                if isDeferred(number) { return }
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
