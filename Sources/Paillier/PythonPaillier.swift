import BigIntegers
import FixedPoint
import Foundation
import Randomness

/// Reads and writes the JSON of python-paillier (phe 1.5): that of its command `pheutil`, and the form its documentation
/// gives for many numbers under one key.
///
/// There a number is an integer mantissa, encrypted, times 16 to a *public* exponent. phe chooses the exponent of each
/// number by its size, so exponents alone can reveal which numbers are zero, small, or changed. Imports come with a
/// warning about it; exports use one exponent for all numbers.
public enum PythonPaillier {
    /// The base of the exponents.
    public static let exponentBase = 16
    /// Beyond this no double has an exponent.
    static let exponentLimit = 1 << 12

    /// Encrypted numbers: ciphertextᵢ encrypts mᵢ, and the number is mᵢ·16^exponentᵢ.
    public struct Numbers: Hashable, Sendable {
        public let publicKey: PaillierPublicKey
        public let ciphertexts: [PaillierCiphertext]
        /// Public.
        public let exponents: [Int]

        /// - Throws: `countMismatch`; `keyMismatch`; `invalidInterchange` for exponents beyond ±4096.
        public init(
            publicKey: PaillierPublicKey, ciphertexts: [PaillierCiphertext], exponents: [Int]
        ) throws(PaillierError) {
            guard ciphertexts.count == exponents.count else {
                throw PaillierError(
                    code: .countMismatch, message: "exponents: got \(exponents.count), want \(ciphertexts.count)")
            }
            for exponent in exponents where !(-exponentLimit...exponentLimit).contains(exponent) {
                throw PaillierError(
                    code: .invalidInterchange, message: "exponent: got \(exponent), want at most ±\(exponentLimit)")
            }
            try publicKey.check(ciphertexts)
            self.publicKey = publicKey
            self.ciphertexts = ciphertexts
            self.exponents = exponents
        }

        /// What to tell the user after an import; nil when all exponents are equal.
        public var warning: String? {
            let distinct = Set(exponents).count
            guard distinct > 1 else { return nil }
            return
                "the exponents are public and differ: \(distinct) distinct ones among \(exponents.count) numbers show "
                + "their sizes to everyone; encode with one precision before encrypting"
        }

        /// The same numbers with the smallest exponent for all, so that they can be added.
        ///
        /// Lowering an exponent multiplies the mantissa by a power of 16; the other exponents have been seen already.
        /// - Throws: `plaintextOutOfRange` when the exponents lie so far apart that mantissas would run over.
        public func aligned() throws(PaillierError) -> Numbers {
            guard let lowest = exponents.min(), let highest = exponents.max(), lowest < highest else { return self }
            // A double's mantissa has 53 bits and up to 3 more from the base; the rest must hold the spread.
            guard 4 * (highest - lowest) + 64 < publicKey.parameters.modulusBits else {
                throw PaillierError(
                    code: .plaintextOutOfRange,
                    message:
                        "exponents: got \(lowest)...\(highest), too far apart for \(publicKey.parameters.modulusBits) bits"
                )
            }
            let factors = exponents.map { BigInteger(1) << (4 * ($0 - lowest)) }
            return try Numbers(
                publicKey: publicKey,
                ciphertexts: try publicKey.multiply(ciphertexts, by: factors, variableTime: true),
                exponents: [Int](repeating: lowest, count: exponents.count))
        }

        /// The numbers, correctly rounded as phe does.
        /// - Throws: `keyMismatch`; `plaintextOutOfRange` for mantissas between n/3 and 2n/3, which phe takes for
        ///   overflow.
        public func decrypt(with secretKey: PaillierSecretKey) throws(PaillierError) -> [Double] {
            let mantissas = try secretKey.decrypt(ciphertexts)
            var result: [Double] = []
            for (index, mantissa) in mantissas.enumerated() {
                result.append(try decode(mantissa: mantissa, exponent: exponents[index], publicKey: publicKey))
            }
            return result
        }
    }

    /// mantissa·16^exponent, the nearest double.
    public static func decode(
        mantissa: BigInteger, exponent: Int, publicKey: PaillierPublicKey
    ) throws(PaillierError) -> Double {
        guard mantissa.magnitude < publicKey.modulus.dividedFloor(by: 3) else {
            throw PaillierError(
                code: .plaintextOutOfRange, message: "mantissa: lies between n/3 and 2n/3, a sum or product ran over")
        }
        return mantissa.nearestDouble(timesPowerOfTwo: 4 * exponent)
    }

    /// The exponent that stands for a fixed-point scale, nil for scales that are no power of 16.
    public static func exponent(of scale: FixedPointScale) -> Int? {
        guard case .binary(let bits) = scale, bits % 4 == 0 else { return nil }
        return -bits / 4
    }

    // MARK: Numbers

    /// Reads either form; the command's form, which names no key, needs one to be given.
    ///
    /// - Parameter publicKey: the key the numbers should belong to; nil accepts the one in the text.
    /// - Throws: `invalidInterchange`; `keyMismatch` when the text names another key; `invalidKey`; `invalidCiphertext`.
    public static func numbers(
        _ json: String, publicKey: PaillierPublicKey?
    ) throws(PaillierError) -> Numbers {
        let root = try InterchangeJSON(json)
        if let value = root["v"] {
            guard let publicKey else {
                throw PaillierError(
                    code: .invalidInterchange, message: "number: names no key; give the public key it belongs to")
            }
            let ciphertext = try integer(value, "v")
            return try Numbers(
                publicKey: publicKey, ciphertexts: publicKey.ciphertexts(validating: [ciphertext]),
                exponents: [try exponent(root["e"])])
        }
        guard let named = root["public_key"], let values = root["values"]?.elements else {
            throw PaillierError(
                code: .invalidInterchange,
                message: "numbers: want an object with \"v\" and \"e\", or with \"public_key\" and \"values\"")
        }
        let modulus = try integer(named["n"], "public_key.n")
        if named["g"] != nil, try integer(named["g"], "public_key.g") != modulus + 1 {
            throw PaillierError(code: .invalidInterchange, message: "public_key.g: want n + 1")
        }
        let key: PaillierPublicKey
        if let publicKey { key = publicKey } else { key = try importedPublicKey(modulus) }
        guard key.modulus == modulus else {
            throw PaillierError(
                code: .keyMismatch, message: "public_key.n: belongs to another key than \(key.fingerprint)")
        }
        var ciphertexts: [BigInteger] = []
        var exponents: [Int] = []
        for value in values {
            guard let pair = value.elements, pair.count == 2 else {
                throw PaillierError(
                    code: .invalidInterchange, message: "values: want pairs of a ciphertext and an exponent")
            }
            ciphertexts.append(try integer(pair[0], "ciphertext"))
            exponents.append(try exponent(pair[1]))
        }
        return try Numbers(
            publicKey: key, ciphertexts: try key.ciphertexts(validating: ciphertexts), exponents: exponents)
    }

    /// The documentation's form, for ciphertexts that share one exponent.
    ///
    /// - Parameter ciphertexts: re-randomised, if they were computed from others.
    /// - Throws: `keyMismatch`; `invalidInterchange` for an exponent beyond ±4096.
    public static func json(
        _ ciphertexts: [PaillierCiphertext], exponent: Int, publicKey: PaillierPublicKey
    ) throws(PaillierError) -> String {
        let exponents = [Int](repeating: exponent, count: ciphertexts.count)
        let numbers = try Numbers(publicKey: publicKey, ciphertexts: ciphertexts, exponents: exponents)
        let values = numbers.ciphertexts.map { "[\"\($0.value)\", \(exponent)]" }.joined(separator: ",\n")
        let n = publicKey.modulus
        return "{\"public_key\": {\"g\": \(n + 1), \"n\": \(n)}, \"values\": [\n\(values)\n]}\n"
    }

    /// The command's form of one number.
    public static func commandJSON(
        _ ciphertext: PaillierCiphertext, exponent: Int, publicKey: PaillierPublicKey
    ) throws(PaillierError) -> String {
        _ = try Numbers(publicKey: publicKey, ciphertexts: [ciphertext], exponents: [exponent])
        return "{\"v\": \"\(ciphertext.value)\", \"e\": \(exponent)}\n"
    }

    // MARK: Keys

    /// A key in the command's form: `{"kty": "DAJ", "alg": "PAI-GN1", "n": …}`.
    ///
    /// Such keys lack h_s: encrypting under them costs a full exponentiation a number. A modulus below 2048 bits is
    /// accepted as insecure, see ``PaillierParameters/warning``.
    /// - Throws: `invalidInterchange`, `invalidKey`, `invalidParameters`.
    public static func publicKey(_ json: String) throws(PaillierError) -> PaillierPublicKey {
        try publicKey(InterchangeJSON(json))
    }

    private static func publicKey(_ root: InterchangeJSON) throws(PaillierError) -> PaillierPublicKey {
        guard root["kty"]?.text == "DAJ", root["alg"]?.text == "PAI-GN1" else {
            throw PaillierError(
                code: .invalidInterchange, message: "public key: want \"kty\": \"DAJ\" and \"alg\": \"PAI-GN1\"")
        }
        return try importedPublicKey(try base64(root["n"], "n"))
    }

    private static func importedPublicKey(_ modulus: BigInteger) throws(PaillierError) -> PaillierPublicKey {
        try PaillierPublicKey(
            modulus: modulus, randomiserBase: nil, security: modulus.bitWidth < 2048 ? .insecure : .standard)
    }

    /// A private key in the command's form.
    /// - Throws: as ``publicKey(_:)``; `invalidKey` when the factors do not fit.
    public static func secretKey(_ json: String) throws(PaillierError) -> PaillierSecretKey {
        let root = try InterchangeJSON(json)
        guard root["kty"]?.text == "DAJ", let named = root["pub"],
            root["key_ops"]?.elements?.contains(where: { $0.text == "decrypt" }) == true
        else {
            throw PaillierError(
                code: .invalidInterchange,
                message: "private key: want \"kty\": \"DAJ\", \"key_ops\": [\"decrypt\"] and \"pub\"")
        }
        return try PaillierSecretKey(
            publicKey: try publicKey(named), p: try base64(root["p"], "p"), q: try base64(root["q"], "q"))
    }

    /// The public key in the command's form.
    public static func json(_ publicKey: PaillierPublicKey, identifier: String) -> String {
        "{\"kty\": \"DAJ\", \"alg\": \"PAI-GN1\", \"key_ops\": [\"encrypt\"], \"n\": \"\(base64(publicKey.modulus))\", "
            + "\"kid\": \(InterchangeJSON.quoted(identifier))}"
    }

    /// The secret key in the command's form, not protected by anything.
    public static func json(_ secretKey: PaillierSecretKey, identifier: String, _ access: SecretAccess) -> String {
        "{\"kty\": \"DAJ\", \"key_ops\": [\"decrypt\"], \"p\": \"\(base64(secretKey.p))\", \"q\": "
            + "\"\(base64(secretKey.q))\", \"pub\": \(json(secretKey.publicKey, identifier: identifier)), "
            + "\"kid\": \(InterchangeJSON.quoted(identifier))}"
    }

    // MARK: Parts

    private static func integer(_ value: InterchangeJSON?, _ what: String) throws(PaillierError) -> BigInteger {
        // 10,000 digits hold the square of any modulus that is accepted.
        guard let text = value?.integerText, text.utf8.count <= 10_000,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let result = BigInteger(text)
        else {
            throw PaillierError(
                code: .invalidInterchange, message: "\(what): want a non-negative integer of at most 10000 digits")
        }
        return result
    }

    private static func exponent(_ value: InterchangeJSON?) throws(PaillierError) -> Int {
        guard let text = value?.integerText, let result = Int(text), (-exponentLimit...exponentLimit).contains(result)
        else {
            throw PaillierError(
                code: .invalidInterchange, message: "exponent: want an integer of at most ±\(exponentLimit)")
        }
        return result
    }

    private static func base64(_ number: BigInteger) -> String {
        Data(number.bigEndianBytes(count: (number.bitWidth + 7) / 8)).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }

    private static func base64(_ value: InterchangeJSON?, _ what: String) throws(PaillierError) -> BigInteger {
        guard let text = value?.text, text.utf8.count <= 4096,
            text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "=") }),
            let data = Data(
                base64Encoded: text.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
                    + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
        else {
            throw PaillierError(
                code: .invalidInterchange, message: "\(what): want a number in base64url without padding")
        }
        return BigInteger(bigEndianBytes: data)
    }
}
