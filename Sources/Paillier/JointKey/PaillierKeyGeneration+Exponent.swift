import BigIntegers
import BinaryCoding
import Randomness

// Rounds 5 to 8: from a modulus to shares of an exponent that decrypts.
extension PaillierKeyGeneration {
    private var modulus: BigInteger { hopeful[0].modulus }
    private var delta: BigInteger { .factorial(setting.holders) }

    mutating func derivation() throws(PaillierError) -> Outgoing {
        phase = .derivation
        let modulus = modulus
        let x = setting.publicBits("randomiser", modulus: modulus, count: modulus.bitWidth + 128).modulo(modulus)
        let squared = modulus * modulus
        // h_s = (−x²)ⁿ as in a key of one owner; x is public and random, which a randomiser's base may be.
        let base = (modulus - (x * x).modulo(modulus)).power(modulus, modulo: squared, variableTime: true)
        publicKey = try PaillierPublicKey(
            modulus: modulus, randomiserBase: base, security: setting.parameters.security)
        guard let secrets else { return Outgoing() }
        let ring = setting.exponentRing
        let candidate = hopeful[0].index
        let factorial = BigInteger.factorial(setting.committee)
        let totient = factorial * (modulus + 1) - factorShare(p[candidate]) - factorShare(q[candidate])
        let beta = secrets.numbers("beta", count: 1, bits: setting.blindingBits)[0]
        let zero = secrets.zeros("exponent", count: 1, modulus: ring.modulus)[0]
        exponentPart = ring.reduce(
            ring.reduce(beta.share * totient) * ring.weight(of: party, among: setting.committee) + zero)
        let masked = (exponentPart + secrets.zeros("scale", count: 1, modulus: modulus)[0]).modulo(modulus)
        p = []
        q = []
        let top = exponentPart >> (ring.bits - JointKeySetting.carryBits)
        return Outgoing(
            broadcast: Self.encode([top], width: JointKeySetting.carryBits / 8)
                + Self.encode([masked], width: setting.parameters.modulusByteCount))
    }

    mutating func shares(
        _ broadcasts: [[UInt8]], using random: inout some SecureRandom
    ) throws(PaillierError) -> Outgoing {
        phase = .shares
        let modulus = modulus
        let topBytes = JointKeySetting.carryBits / 8
        var tops: BigInteger = 0
        var residues: BigInteger = 0
        for (index, bytes) in broadcasts.prefix(setting.committee).enumerated() {
            tops += try decode(
                bytes.prefix(topBytes), from: index + 1, count: 1, width: topBytes,
                below: BigInteger(1) << JointKeySetting.carryBits)[0]
            residues += try decode(
                bytes.dropFirst(topBytes), from: index + 1, count: 1, width: setting.parameters.modulusByteCount,
                below: modulus)[0]
        }
        // The parts add up to D and a few times the ring's modulus; D is so small that their top bits tell how many.
        let carry = (tops + BigInteger(setting.committee)) >> JointKeySetting.carryBits
        let ring = setting.exponentRing
        let exponent = (residues - carry * ring.modulus).modulo(modulus)
        scale = (delta * exponent).modulo(modulus)
        guard !scale.isZero, scale.greatestCommonDivisor(modulus) == 1 else {
            throw PaillierError(code: .invalidKey, message: "joint key: the exponent is no unit; make the key again")
        }
        guard isMember else { return Outgoing() }
        let part = delta * (party == 1 ? exponentPart - carry * ring.modulus : exponentPart)
        exponentPart = 0
        let coefficients =
            [part]
            + (1..<setting.threshold).map { _ in BigInteger.random(bits: setting.coefficientBits, using: &random) }
        var outgoing = Outgoing()
        for holder in 1...setting.holders {
            let value = coefficients.reversed().reduce(BigInteger(0)) { $0 * BigInteger(holder) + $1 }
            guard value.signum > 0 else {
                throw PaillierError(code: .invalidKey, message: "joint key: a share is negative; make the key again")
            }
            if holder == party {
                ownExponentShare = value
            } else {
                outgoing.sealed.append((holder, value.bigEndianBytes(count: (setting.shareBits + 7) / 8)))
            }
        }
        return outgoing
    }

    mutating func verificationKey(_ sealed: [(sender: Int, bytes: [UInt8])]) throws(PaillierError) -> Outgoing {
        phase = .verification
        guard let publicKey else { throw PaillierError(code: .invalidKey, message: "joint key: has no modulus yet") }
        let width = (setting.shareBits + 7) / 8
        var senders = Set(isMember ? [party] : [])
        secretShare = ownExponentShare
        for (sender, bytes) in sealed {
            guard sender <= setting.committee, senders.insert(sender).inserted else {
                throw wrong(sender, "a share that is not its to send")
            }
            secretShare += try decode(
                bytes, from: sender, count: 1, width: width, below: BigInteger(1) << (8 * width))[0]
        }
        ownExponentShare = 0
        guard senders.count == setting.committee else {
            throw PaillierError(code: .countMismatch, message: "joint key: shares of other holders are missing")
        }
        guard secretShare.signum > 0, secretShare.bitWidth <= setting.shareBits else {
            throw PaillierError(
                code: .invalidKey,
                message: "joint key: got a share of \(secretShare.bitWidth) bits, want 1 to \(setting.shareBits)")
        }
        let own = publicKey.context.powers(of: [verificationBase], exponent: .secret(delta * secretShare))
        return Outgoing(broadcast: Self.encode(own, width: setting.parameters.ciphertextByteCount))
    }

    /// A public random square modulo n².
    private var verificationBase: BigInteger {
        let squared = modulus * modulus
        let root = setting.publicBits("verification", modulus: modulus, count: squared.bitWidth + 128).modulo(squared)
        return (root * root).modulo(squared)
    }

    mutating func trial(
        _ broadcasts: [[UInt8]], using random: inout some SecureRandom
    ) throws(PaillierError) -> Outgoing {
        phase = .trial
        guard let publicKey else { throw PaillierError(code: .invalidKey, message: "joint key: has no modulus yet") }
        var keys: [BigInteger] = []
        for (index, bytes) in broadcasts.enumerated() {
            keys += try decode(
                bytes, from: index + 1, count: 1, width: setting.parameters.ciphertextByteCount,
                below: publicKey.modulusSquared)
        }
        let made = try PaillierSharing(
            publicKey: publicKey, threshold: setting.threshold, verificationBase: verificationBase,
            verificationKeys: keys, joint: (scale, setting.shareBits))
        try made.checkInterpolation()
        sharing = made
        let candidate = PaillierKeyShare(unchecked: made, index: party, secret: secretShare)
        secretShare = 0
        let part = try candidate.partialDecryption(of: [trialCiphertext(made).ciphertext], using: &random)
        share = candidate
        var encoder = BinaryEncoder()
        made.encode(part, into: &encoder)
        return Outgoing(broadcast: encoder.bytes)
    }

    /// A ciphertext of a public number with public randomness; what its decryption shows, everybody can work out.
    private func trialCiphertext(
        _ sharing: PaillierSharing
    ) throws(PaillierError) -> (ciphertext: PaillierCiphertext, plaintext: BigInteger) {
        let publicKey = sharing.publicKey
        let n = publicKey.modulus
        let plaintext = setting.publicBits("trial", modulus: n, count: 128)
        let unit = setting.publicBits("trial unit", modulus: n, count: n.bitWidth + 128).modulo(n)
        let blind = unit.power(n, modulo: publicKey.modulusSquared, variableTime: true) ?? 1
        let value = ((1 + plaintext * n) * blind).modulo(publicKey.modulusSquared)
        return (try publicKey.ciphertexts(validating: [value])[0], plaintext)
    }

    mutating func finish(_ broadcasts: [[UInt8]]) throws(PaillierError) -> Outgoing {
        guard let sharing else { throw PaillierError(code: .invalidKey, message: "joint key: is not made yet") }
        // Nobody takes the key unless it works.
        let made = share
        share = nil
        let (ciphertext, plaintext) = try trialCiphertext(sharing)
        var parts: [PartialDecryption] = []
        for (index, bytes) in broadcasts.enumerated() {
            var decoder = BinaryDecoder(bytes)
            do {
                let part = try sharing.decodePartialDecryption(&decoder)
                try decoder.finish("partial decryption")
                guard part.index == index + 1 else { throw wrong(index + 1, "the partial decryption of another") }
                parts.append(part)
            } catch let error as PaillierError { throw error } catch {
                throw wrong(index + 1, "a partial decryption that cannot be read: \(error)")
            }
        }
        guard try sharing.combine(parts, of: [ciphertext]) == [plaintext] else {
            throw PaillierError(
                code: .partialDecryptionsDoNotFit,
                message: "joint key: it does not decrypt a known number; make it again")
        }
        share = made
        secrets = nil
        phase = .finished
        var encoder = BinaryEncoder()
        sharing.encode(into: &encoder)
        return Outgoing(broadcast: encoder.bytes)
    }
}

extension PaillierSharing {
    /// Whether the verification keys are powers of one polynomial's values that opens ciphertexts: every one follows from the first
    /// k, and the value at 0 removes all but multiples of n.
    func checkInterpolation() throws(PaillierError) {
        let first = Array(1...threshold)
        func weights(at point: Int) -> [BigInteger] { first.map { lagrange($0, among: first, at: point) } }
        let bases = first.map { verificationKeys[$0 - 1] }
        for index in threshold..<shareCount {
            let wanted = publicKey.context.powers(of: [verificationKeys[index]], exponent: .variableTime(delta))[0]
            guard publicKey.context.multiExponentiation(bases: bases, exponents: weights(at: index + 1)) == wanted
            else {
                throw PaillierError(
                    code: .invalidKey,
                    message: "joint key: the verification key of holder \(index + 1) does not fit those before it")
            }
        }
        let atZero = publicKey.context.multiExponentiation(bases: bases, exponents: weights(at: 0))
        guard atZero.modulo(publicKey.modulus) == 1 else {
            throw PaillierError(code: .invalidKey, message: "joint key: the shared exponent does not decrypt")
        }
    }
}
