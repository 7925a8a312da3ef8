import BinaryCoding
import CoordinatorStore
import Foundation

/// Takes messages into a store until it is killed, and says which ones are durable. For the store's tests.
///
/// Arguments: folder of the store, file of notes, first number.
@main
enum CoordinatorStress {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 4, var number = Int(arguments[3]) else { exit(64) }
        let store = try CoordinatorStore(servingFrom: arguments[1], study: Fingerprint(of: [1]))
        let notes = open(arguments[2], O_WRONLY | O_APPEND | O_CREAT, 0o600)
        while true {
            // Every third message is long and goes into a file; every second comes as a file already.
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 3 == 0 ? 150_000 : 100)
            let unique = bytes + Array("\(number)".utf8)
            let identifier = Fingerprint(of: Array("message \(number)".utf8))
            try store.commit { transaction in
                var source = StoreTransaction.Source.bytes(unique)
                if number % 2 == 0 {
                    let path = store.folder + "/arrived"
                    _ = FileManager.default.createFile(atPath: path, contents: Data(unique))
                    source = .file(path: path, byteCount: unique.count)
                }
                try transaction.take(
                    peer: "site", identifier: identifier, digest: Fingerprint(of: unique), source, reply: [1],
                    at: Date())
                try transaction.setState("sum", Array("\(number)".utf8))
                try transaction.post(to: "site", unique)
                if number % 5 == 0 { try transaction.forgetInputs([Int64(number) / 2]) }
            }
            let line = "\(number)\n"
            _ = line.withCString { write(notes, $0, strlen($0)) }
            number += 1
        }
    }
}
