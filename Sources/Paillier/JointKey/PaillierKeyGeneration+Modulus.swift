import BigIntegers
import Parallelism

// Rounds 2 to 4: until a modulus is found.
extension PaillierKeyGeneration {
    private var factorial: BigInteger { .factorial(setting.committee) }

    /// This member's share of (2τ+1)! times a factor.
    func factorShare(_ number: ReplicatedSecrets.Number) -> BigInteger {
        factorial * setting.base + JointKeySetting.step * number.share
    }

    /// This holder's part of a factor; those of all holders add up to it.
    func factorPart(_ number: ReplicatedSecrets.Number) -> BigInteger {
        JointKeySetting.step * number.part + (party == 1 ? setting.base : 0)
    }

    mutating func products() -> Outgoing {
        phase = .products
        batchNumber += 1
        candidates += setting.batch
        guard let secrets else { return Outgoing() }
        p = secrets.numbers("p \(batchNumber)", count: setting.batch, bits: setting.partBits)
        q = secrets.numbers("q \(batchNumber)", count: setting.batch, bits: setting.partBits)
        let ring = setting.productRing
        let zeros = secrets.zeros("n \(batchNumber)", count: setting.batch, modulus: ring.modulus)
        let weight = ring.weight(of: party, among: setting.committee)
        let maker = self
        let values = parallelMap(setting.batch, chunk: 16) { index in
            let product = maker.factorShare(maker.p[index]) * maker.factorShare(maker.q[index])
            return ring.reduce(ring.reduce(product) * weight + zeros[index])
        }
        return Outgoing(broadcast: Self.encode(values, width: ring.byteCount))
    }

    mutating func tests(_ broadcasts: [[UInt8]]) throws(PaillierError) -> Outgoing {
        let moduli = try opened(broadcasts, count: setting.batch, in: setting.productRing)
        let bits = setting.parameters.modulusBits
        guard moduli.allSatisfy({ $0.bitWidth == bits && $0.lowBits(2) == 1 }) else {
            throw PaillierError(
                code: .invalidKey,
                message: "joint key: products have the wrong length; a holder does not follow the protocol")
        }
        let isHopeful = parallelMap(moduli.count, chunk: 8) {
            SmallPrimes.product.greatestCommonDivisor(moduli[$0]) == 1 && !moduli[$0].isPerfectSquare
        }
        hopeful = moduli.indices.filter { isHopeful[$0] }.map { ($0, moduli[$0]) }
        phase = .tests
        guard isContributor else { return Outgoing() }
        let maker = self
        let values = parallelMap(hopeful.count) { index in
            let (candidate, modulus) = maker.hopeful[index]
            return maker.testValue(maker.setting.testBase(0, modulus: modulus), candidate, modulus)
        }
        return Outgoing(broadcast: Self.encode(values, width: setting.parameters.modulusByteCount))
    }

    /// v₁ = g^((n+1−p₁−q₁)/4), vᵢ = g^((pᵢ+qᵢ)/4); takes a time that depends on lengths only.
    private func testValue(_ base: BigInteger, _ candidate: Int, _ modulus: BigInteger) -> BigInteger {
        let sum = factorPart(p[candidate]) + factorPart(q[candidate])
        let exponent = (party == 1 ? modulus + 1 - sum : sum) >> 2
        // Only with the probability of a broken generator.
        guard exponent.signum > 0 else { return 1 }
        return base.powerConstantTime(exponent, modulo: modulus)
    }

    /// Whether v₁ = ±Πvᵢ mod n.
    private func passes(_ values: [BigInteger], _ modulus: BigInteger) -> Bool {
        let product = values.dropFirst().reduce(BigInteger(1)) { ($0 * $1).modulo(modulus) }
        return values[0] == product || values[0] + product == modulus
    }

    /// Those of the hopeful candidates that pass the first base.
    func passing(_ broadcasts: [[UInt8]]) throws(PaillierError) -> [(index: Int, modulus: BigInteger)] {
        let width = setting.parameters.modulusByteCount
        var columns: [[BigInteger]] = []
        for contributor in 1...setting.contributors {
            columns.append(
                try decode(
                    broadcasts[contributor - 1], from: contributor, count: hopeful.count, width: width,
                    below: BigInteger(1) << setting.parameters.modulusBits))
        }
        return hopeful.indices.filter { index in passes(columns.map { $0[index] }, hopeful[index].modulus) }
            .map { hopeful[$0] }
    }

    mutating func confirmationOrProducts() -> Outgoing {
        guard let (candidate, modulus) = hopeful.first else { return products() }
        phase = .confirmation
        guard let secrets else { return Outgoing() }
        let ring = setting.exponentRing
        let name = "confirmation \(batchNumber) \(candidate)"
        // Of n, and twice of n − 1, since a blinding factor may by chance have a prime in common with it.
        let divisors = [modulus, oddPart(modulus), oddPart(modulus)]
        let sum = factorShare(p[candidate]) + factorShare(q[candidate])
        let targets = [sum - factorial, sum - factorial - factorial, sum - factorial - factorial]
        let blinding = secrets.numbers("r \(name)", count: 3, bits: setting.blindingBits)
        let quotients = secrets.numbers("s \(name)", count: 3, bits: setting.quotientBits)
        let zeros = secrets.zeros("z \(name)", count: 3, modulus: ring.modulus)
        let weight = ring.weight(of: party, among: setting.committee)
        let openings = (0..<3).map { index in
            let value = blinding[index].share * targets[index] + factorial * divisors[index] * quotients[index].share
            return ring.reduce(ring.reduce(value) * weight + zeros[index])
        }
        var outgoing = Outgoing(broadcast: Self.encode(openings, width: ring.byteCount))
        if isContributor {
            let maker = self
            let values = parallelMap(JointKeySetting.confirmations) { number in
                maker.testValue(maker.setting.testBase(number + 1, modulus: modulus), candidate, modulus)
            }
            outgoing.broadcast += Self.encode(values, width: setting.parameters.modulusByteCount)
        }
        return outgoing
    }

    /// The odd part of n − 1 without the primes of the step, which divide n − 1 and not p + q − 2.
    private func oddPart(_ modulus: BigInteger) -> BigInteger {
        var rest = modulus - 1
        while true {
            let common = rest.greatestCommonDivisor(JointKeySetting.step)
            if common == 1 { return rest }
            rest = rest.dividedExactly(by: common)
        }
    }

    func isConfirmed(_ broadcasts: [[UInt8]]) throws(PaillierError) -> Bool {
        let modulus = hopeful[0].modulus
        let ring = setting.exponentRing
        let width = setting.parameters.modulusByteCount
        let openings = try opened(
            broadcasts.map { Array($0.prefix(3 * ring.byteCount)) }, count: 3, in: ring)
        var columns: [[BigInteger]] = []
        for contributor in 1...setting.contributors {
            columns.append(
                try decode(
                    broadcasts[contributor - 1].dropFirst(3 * ring.byteCount), from: contributor,
                    count: JointKeySetting.confirmations, width: width, below: modulus))
        }
        let odd = oddPart(modulus)
        let common = openings[1].greatestCommonDivisor(odd).greatestCommonDivisor(openings[2])
        return openings[0].greatestCommonDivisor(modulus) == 1 && common == 1
            && (0..<JointKeySetting.confirmations).allSatisfy { index in passes(columns.map { $0[index] }, modulus) }
    }
}
