import BigIntegers
import Foundation
import Paillier
import Randomness
import TacitTestSupport
import Testing

/// python-paillier itself, run by the Python of `scripts/test-peers.sh`, or by python3.
private enum Peer {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

    static let version: String? = try? String(decoding: ask("{\"do\": \"version\"}"), as: UTF8.self)
    static var isHere: Bool { version == "\"1.5.0\"" }

    static func ask(_ request: String) throws -> Data {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            PeerPython.path ?? "python3", folder.appending(path: "phe_peer.py").path,
        ]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        // The peer reads its whole input before it answers, so this order cannot block.
        try input.fileHandleForWriting.write(contentsOf: Data(request.utf8))
        try input.fileHandleForWriting.close()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw PaillierError(code: .invalidInterchange, message: "the peer failed")
        }
        return answer
    }

    static func text(_ request: String) throws -> String { String(decoding: try ask(request), as: UTF8.self) }

    static func numbers(_ request: String) throws -> [Double] {
        try JSONDecoder().decode([Double].self, from: try ask(request))
    }
}

@Suite struct PythonPaillierTests {
    static let access = SecretAccess("interchange tests")

    struct Vector: Decodable {
        var origin: String, version: String
        var private_key: String, numbers: String, command_number: String
        var values: [Double]
        var command_value: Double
    }

    static func vector() throws -> Vector {
        let file = Peer.folder.appending(path: "phe_1.5.0_1024_bits.json")
        return try JSONDecoder().decode(Vector.self, from: try Data(contentsOf: file))
    }

    // MARK: Committed vectors

    @Test func vectorsMadeByPheDecrypt() throws {
        let vector = try Self.vector()
        let key = try PythonPaillier.secretKey(vector.private_key)
        #expect(key.publicKey.randomiserBase == nil)
        #expect(key.publicKey.parameters.warning?.hasPrefix("INSECURE") == true)
        let numbers = try PythonPaillier.numbers(vector.numbers, publicKey: nil)
        #expect(try numbers.decrypt(with: key) == vector.values)
        #expect(numbers.publicKey == key.publicKey)
        let distinct = Set(numbers.exponents).count
        #expect(distinct > 3)
        #expect(numbers.warning?.contains("\(distinct) distinct ones among \(vector.values.count)") == true)
        let aligned = try numbers.aligned()
        #expect(aligned.warning == nil)
        #expect(try aligned.decrypt(with: key) == vector.values)
        let single = try PythonPaillier.numbers(vector.command_number, publicKey: key.publicKey)
        #expect(try single.decrypt(with: key) == [vector.command_value])
        #expect(single.exponents == [-32])
    }

    @Test func keysMadeElsewhereEncryptInTheClassicalWay() throws {
        let key = try PythonPaillier.secretKey(try Self.vector().private_key)
        let encryptor = PaillierEncryptor(key.publicKey)
        let plaintexts: [BigInteger] = [0, 1, -1, 1 << 1000]
        let ciphertexts = try encryptor.encrypt(plaintexts)
        #expect(try key.decrypt(ciphertexts) == plaintexts)
        #expect(try key.decrypt(encryptor.rerandomise(ciphertexts)) == plaintexts)
        #expect(Set(ciphertexts + (try encryptor.encrypt(plaintexts))).count == 8)
        // Randomisers that phe could have made: rⁿ, whose order divides λ.
        #expect(try PaillierPublicKey(encoded: key.publicKey.encoded) == key.publicKey)
        if !key.canBeShared {
            expectError(.invalidKey, "unfit for sharing") { try key.split(threshold: 2, shares: 3) }
        }
    }

    @Test func textThatIsNotOfTheForm() throws {
        let vector = try Self.vector()
        let key = try PythonPaillier.secretKey(vector.private_key)
        let n = key.publicKey.modulus
        func numbers(_ text: String) throws -> PythonPaillier.Numbers {
            try PythonPaillier.numbers(text, publicKey: key.publicKey)
        }
        expectError(.invalidInterchange, "JSON at byte 0: got the end") { try numbers("") }
        expectError(.invalidInterchange, "JSON at byte 9: got the end, want ','") { try numbers("{\"v\": \"1\"") }
        expectError(.invalidInterchange, "want the end") { try numbers("{} {}") }
        expectError(.invalidInterchange, "different names") { try numbers("{\"v\": \"1\", \"v\": \"2\"}") }
        expectError(.invalidInterchange, "nesting") { try numbers(String(repeating: "[", count: 100_000)) }
        expectError(.invalidInterchange, "exponent") { try numbers("{\"v\": \"1\", \"e\": 1.5}") }
        expectError(.invalidInterchange, "exponent") { try numbers("{\"v\": \"1\", \"e\": -9223372036854775808}") }
        expectError(.invalidInterchange, "exponent") { try numbers("{\"v\": \"1\"}") }
        expectError(.invalidInterchange, "v: want a non-negative integer") { try numbers("{\"v\": \"-1\", \"e\": 0}") }
        expectError(.invalidInterchange, "v: want") { try numbers("{\"v\": \"0x1\", \"e\": 0}") }
        expectError(.invalidCiphertext) { try numbers("{\"v\": \"0\", \"e\": 0}") }
        expectError(.invalidCiphertext) { try numbers("{\"v\": \"\(n * n)\", \"e\": 0}") }
        expectError(.invalidInterchange, "give the public key") {
            try PythonPaillier.numbers("{\"v\": \"1\", \"e\": 0}", publicKey: nil)
        }
        expectError(.keyMismatch, "another key") {
            try PythonPaillier.numbers(vector.numbers, publicKey: TestKeys.bits1024.publicKey)
        }
        expectError(.invalidInterchange, "n + 1") {
            try numbers("{\"public_key\": {\"g\": 5, \"n\": \(n)}, \"values\": []}")
        }
        expectError(.invalidInterchange, "pairs") {
            try numbers("{\"public_key\": {\"n\": \(n)}, \"values\": [[\"1\"]]}")
        }
        expectError(.invalidInterchange, "PAI-GN1") { try PythonPaillier.publicKey("{\"kty\": \"RSA\"}") }
        expectError(.invalidInterchange, "n: want a number in base64url") {
            try PythonPaillier.publicKey("{\"kty\": \"DAJ\", \"alg\": \"PAI-GN1\", \"n\": \"****\"}")
        }
        expectError(.invalidKey, "factors") {
            try PythonPaillier.secretKey(vector.private_key.replacingOccurrences(of: "\"p\": \"", with: "\"p\": \"A"))
        }
        expectError(.plaintextOutOfRange, "too far apart") {
            let pair = try PaillierEncryptor(key.publicKey).encrypt([1, 1])
            return try PythonPaillier.Numbers(publicKey: key.publicKey, ciphertexts: pair, exponents: [0, -300])
                .aligned()
        }
        expectError(.plaintextOutOfRange, "ran over") {
            try PythonPaillier.decode(mantissa: n >> 1, exponent: 0, publicKey: key.publicKey)
        }
    }

    // MARK: The real library

    static let values: [Double] = [0, 1, -1, 0.1, -2.75, 1e-9, 3.3e15, -1e300, 0x1p-1074, 123456.789]

    @Test(
        .enabled(
            if: Peer.isHere,
            "SKIPPED: no python3 with phe 1.5.0 (scripts/test-peers.sh); interchange is tested on vectors only"))
    func pheEncryptsAndWeDecrypt() throws {
        let key = TestKeys.bits2048
        let jwk = PythonPaillier.json(key.publicKey, identifier: "test \"key\"")
        let list = Self.values.map { "\($0)" }.joined(separator: ", ")
        let exact = try Peer.text(
            "{\"do\": \"encrypt\", \"public\": \(jwk), \"values\": [\(list)], \"precision\": null, \"form\": \"numbers\"}"
        )
        let numbers = try PythonPaillier.numbers(exact, publicKey: key.publicKey)
        #expect(try numbers.decrypt(with: key) == Self.values)
        #expect(numbers.warning != nil)
        let json = try Peer.text(
            "{\"do\": \"encrypt\", \"public\": \(jwk), \"values\": [0.1, 0.7, -3], \"precision\": 1e-9, \"form\": \"numbers\"}"
        )
        let even = try PythonPaillier.numbers(json, publicKey: key.publicKey)
        #expect(even.warning == nil)
        #expect(zip(try even.decrypt(with: key), [0.1, 0.7, -3]).allSatisfy { abs($0 - $1) < 1e-9 })
        let command = try Peer.text(
            "{\"do\": \"encrypt\", \"public\": \(jwk), \"values\": [-0.3], \"precision\": null, \"form\": \"command\"}")
        #expect(try PythonPaillier.numbers(command, publicKey: key.publicKey).decrypt(with: key) == [-0.3])
    }

    @Test(
        .enabled(
            if: Peer.isHere,
            "SKIPPED: no python3 with phe 1.5.0 (scripts/test-peers.sh); interchange is tested on vectors only"))
    func weEncryptAndPheDecrypts() throws {
        let key = TestKeys.bits2048
        let jwk = PythonPaillier.json(key, identifier: "test", Self.access)
        let exponent = -8  // multiples of 2^−32
        let values = [0, 1, -1, 0.5, -1234.125, 0x1p-32, 99999]
        let integers = values.map { BigInteger(truncating: $0 * 0x1p32) }
        let ciphertexts = try PaillierEncryptor(key.publicKey).encrypt(integers)
        let json = try PythonPaillier.json(ciphertexts, exponent: exponent, publicKey: key.publicKey)
        #expect(try Peer.numbers("{\"do\": \"decrypt\", \"private\": \(jwk), \"numbers\": \(json)}") == values)
        let single = try PythonPaillier.commandJSON(ciphertexts[4], exponent: exponent, publicKey: key.publicKey)
        #expect(try Peer.numbers("{\"do\": \"decrypt\", \"private\": \(jwk), \"numbers\": \(single)}") == [values[4]])
        // Our own reader agrees with it.
        #expect(try PythonPaillier.numbers(json, publicKey: nil).decrypt(with: key) == values)
        #expect(PythonPaillier.exponent(of: .binary(32)) == exponent)
        #expect(PythonPaillier.exponent(of: .binary(33)) == nil)
        #expect(PythonPaillier.exponent(of: .decimal(3)) == nil)
    }

    @Test(
        .enabled(
            if: Peer.isHere,
            "SKIPPED: no python3 with phe 1.5.0 (scripts/test-peers.sh); interchange is tested on vectors only"))
    func sumsAcrossBothLibraries() throws {
        // A key of theirs; numbers of both; sums made by both.
        let jwk = try Peer.text("{\"do\": \"generate\", \"bits\": 1024}")
        let key = try PythonPaillier.secretKey(jwk)
        let publicJWK = PythonPaillier.json(key.publicKey, identifier: "extracted")
        #expect(try PythonPaillier.publicKey(publicJWK) == key.publicKey)
        let theirs = try Peer.text(
            "{\"do\": \"encrypt\", \"public\": \(publicJWK), \"values\": [0.25, -8.5, 1000], \"precision\": 0.0625, \"form\": \"numbers\"}"
        )
        let ours = try PythonPaillier.json(
            PaillierEncryptor(key.publicKey).encrypt([16, 160, -1600]), exponent: -1, publicKey: key.publicKey)
        let expected = [1.25, 1.5, 900]
        let theirSum = try Peer.text("{\"do\": \"sum\", \"numbers\": [\(theirs), \(ours)]}")
        #expect(try PythonPaillier.numbers(theirSum, publicKey: key.publicKey).decrypt(with: key) == expected)
        let x = try PythonPaillier.numbers(theirs, publicKey: key.publicKey)
        let y = try PythonPaillier.numbers(ours, publicKey: key.publicKey)
        #expect(x.exponents == y.exponents)
        let ourSum = try PythonPaillier.json(
            key.publicKey.add(x.ciphertexts, y.ciphertexts), exponent: -1, publicKey: key.publicKey)
        #expect(try Peer.numbers("{\"do\": \"decrypt\", \"private\": \(jwk), \"numbers\": \(ourSum)}") == expected)
    }
}
