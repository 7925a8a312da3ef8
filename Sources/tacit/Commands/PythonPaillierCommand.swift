import ArgumentParser
import AtomicFiles
import BigIntegers
import FixedPoint
import Foundation
import Paillier
import Randomness
import Tabular

struct PythonPaillierCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "phe", abstract: "Exchange keys and encrypted numbers with python-paillier.",
        discussion: """
            python-paillier keeps a public exponent with every encrypted number, which shows the number's size. What is \
            written here has one exponent for all numbers; what is read is checked, and a warning says when exponents differ.
            """,
        subcommands: [
            PheImportKeyCommand.self, PheExportKeyCommand.self, PheEncryptCommand.self, PheDecryptCommand.self,
        ])

    /// Runs a library call and puts the file's name before its error.
    static func inFile<Value>(_ path: String, _ body: () throws(PaillierError) -> Value) throws -> Value {
        do throws(PaillierError) {
            return try body()
        } catch {
            throw CommandFailure(.data, "\(path): \(error.message)")
        }
    }

    static func text(_ path: String) throws -> String {
        guard let text = String(validating: try readFile(path, limit: 1 << 28), as: UTF8.self) else {
            throw CommandFailure(.data, "\(path): want UTF-8")
        }
        return text
    }
}

struct PheImportKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import-key", abstract: "Turn a key in python-paillier's JSON form into our key files.")

    @Argument(help: "A public or private key (\"kty\": \"DAJ\").") var file: String
    @Option(help: "Name of the files: NAME.public and, for a private key, NAME.secret.") var out: String
    @Flag(help: "Write the secret without a passphrase.") var unprotected = false
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let json = try PythonPaillierCommand.text(file)
        let writer = KeyWriter(name: out, passphrase: passphrase, isUnprotected: unprotected)
        let files: [String]
        if json.contains("\"pub\"") {
            let secret = try PythonPaillierCommand.inFile(file) { () throws(PaillierError) in
                try PythonPaillier.secretKey(json)
            }
            if let warning = secret.publicKey.parameters.warning { Console.warn(warning) }
            files = try writer.write(secret)
        } else {
            let key = try PythonPaillierCommand.inFile(file) { () throws(PaillierError) in
                try PythonPaillier.publicKey(json)
            }
            if let warning = key.parameters.warning { Console.warn(warning) }
            files = try writer.write(key)
        }
        for file in files { Console.result(file) }
    }
}

struct PheExportKeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-key", abstract: "Write a key in python-paillier's JSON form.")

    @Argument(help: "A key file; with --secret a secret key file.") var file: String
    @Flag(help: "Export the secret key. The file is not protected by a passphrase.") var secret = false
    @Option(help: "The file to write.") var out: String
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        if secret {
            let (_, key) = try KeyInput.secretKey(file, passphrase)
            Console.warn("\(out): holds the secret key without a passphrase; only its mode protects it")
            let json = PythonPaillier.json(key, identifier: name, SecretAccess("exporting to python-paillier"))
            try writeAtomically(Array(json.utf8), to: out, permissions: 0o600)
        } else {
            let (_, key) = try KeyInput.publicKey(file)
            try writeAtomically(Array(PythonPaillier.json(key, identifier: name).utf8), to: out)
        }
        Console.result(out)
    }
}

struct PheEncryptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt", abstract: "Encrypt a numeric column for python-paillier.",
        discussion: "One ciphertext a number, as python-paillier wants it; our own files are smaller and faster.")

    @OptionGroup var table: TableOptions
    @Option(help: "The column.") var column: String
    @Option(help: "The public key file.") var key: String
    @Option(help: "Binary digits behind the point, a multiple of 4.") var bits = 32
    @Option(help: "The file to write.") var out: String
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let (_, publicKey) = try KeyInput.publicKey(key)
        let (rows, schema) = try table.read()
        let values = try rows.numeric(column)
        guard let bounds = schema[column]?.bounds else {
            throw CommandFailure(.configuration, "column \(column): has no bounds in the schema")
        }
        let encoding = try FixedPointEncoding(scale: .binary(bits), lower: bounds.lower, upper: bounds.upper)
        guard let exponent = PythonPaillier.exponent(of: encoding.scale) else {
            throw CommandFailure(.usage, "--bits: got \(bits), want a multiple of 4")
        }
        if let row = values.missing.missingRows.first {
            throw CommandFailure(
                .data, "row \(row + 1), column \(column): missing; python-paillier has no missing values")
        }
        let integers = try values.values.map { BigInteger(try encoding.encode($0)) }
        let encryptor = PaillierEncryptor(publicKey, expectedCount: integers.count)
        var random = SystemRandom()
        let json = try PythonPaillier.json(
            encryptor.encrypt(integers, using: &random), exponent: exponent, publicKey: publicKey)
        try writeAtomically(Array(json.utf8), to: out)
        Console.result("\(out): \(integers.count) encrypted numbers, all with exponent \(exponent)")
    }
}

struct PheDecryptCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decrypt", abstract: "Decrypt numbers that python-paillier encrypted.")

    @Argument(help: "Encrypted numbers in one of python-paillier's JSON forms.") var file: String
    @Option(help: "The secret key file.") var key: String
    @Option(help: "The CSV file to write.") var out: String
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var common: CommonOptions

    func run() throws {
        common.apply()
        let (_, secret) = try KeyInput.secretKey(key, passphrase)
        let json = try PythonPaillierCommand.text(file)
        let numbers = try PythonPaillierCommand.inFile(file) { () throws(PaillierError) in
            try PythonPaillier.numbers(json, publicKey: secret.publicKey)
        }
        if let warning = numbers.warning { Console.warn("\(file): \(warning)") }
        let values = try PythonPaillierCommand.inFile(file) { () throws(PaillierError) in
            try numbers.decrypt(with: secret)
        }
        try CSVWriter().write(Table(columns: [Column("value", numbers: values)]), to: out, permissions: 0o600)
        Console.result("\(out): \(values.count) numbers")
    }
}
