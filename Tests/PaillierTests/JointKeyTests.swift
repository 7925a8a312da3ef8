import BigIntegers
import BinaryCoding
import Foundation
import Paillier
import Randomness
import TacitTestSupport
import Testing

/// A key made by its holders, all in this process.
@Suite(.serialized) struct JointKeyTests {
    struct Run {
        var parties: [PaillierKeyGeneration]
        var broadcasts: [[UInt8]] = []
        var sealed: [[(sender: Int, bytes: [UInt8])]] = []
        var sentBytes = 0

        init(_ setting: JointKeySetting) {
            parties = (1...setting.holders).map { PaillierKeyGeneration(setting, party: $0) }
        }

        private mutating func post(_ all: [PaillierKeyGeneration.Outgoing]) {
            broadcasts = all.map(\.broadcast)
            sealed = all.map { _ in [] }
            for (sender, outgoing) in all.enumerated() {
                for (recipient, bytes) in outgoing.sealed { sealed[recipient - 1].append((sender + 1, bytes)) }
            }
            sentBytes += all.map { $0.broadcast.count + $0.sealed.map(\.bytes.count).reduce(0, +) }.max() ?? 0
        }

        mutating func start() {
            var random = SystemRandom()
            var all: [PaillierKeyGeneration.Outgoing] = []
            for index in parties.indices { all.append(parties[index].start(using: &random)) }
            post(all)
        }

        mutating func step() throws {
            var random = SystemRandom()
            var all: [PaillierKeyGeneration.Outgoing] = []
            for index in parties.indices {
                all.append(try parties[index].receive(broadcasts, sealed: sealed[index], using: &random))
            }
            post(all)
        }

        mutating func finish() throws -> [PaillierKeyShare] {
            start()
            while !parties[0].isFinished { try step() }
            return parties.compactMap(\.share)
        }
    }

    static func setting(_ holders: Int, _ threshold: Int, bits: Int = 512, batch: Int = 256) throws -> JointKeySetting {
        try JointKeySetting(
            parameters: .insecure(bits: bits), holders: holders, threshold: threshold, label: Array("test".utf8),
            batch: batch)
    }

    @Test(arguments: [(3, 2), (3, 3), (4, 2), (5, 3), (7, 4), (11, 6)])
    func anyThresholdOfHoldersDecrypts(holders: Int, threshold: Int) throws {
        var run = Run(try Self.setting(holders, threshold))
        let shares = try run.finish()
        #expect(shares.count == holders)
        let sharing = try #require(shares.first?.sharing)
        #expect(shares.allSatisfy { $0.sharing == sharing && $0.isConsistent() } && sharing.isJoint)
        let key = sharing.publicKey
        #expect(key.modulus.bitWidth == 512 && !key.modulus.isProbablePrime(variableTime: true))
        let plaintexts = [BigInteger(0), 1, -1, 123_456_789, key.modulus >> 2]
        let encryptor = PaillierEncryptor(key, expectedCount: plaintexts.count)
        let ciphertexts = try encryptor.encrypt(plaintexts)
        for _ in 0..<3 {
            let chosen = shares.shuffled().prefix(threshold)
            let parts = try chosen.map { try $0.partialDecryption(of: ciphertexts) }
            #expect(try sharing.combine(parts, of: ciphertexts) == plaintexts)
            expectError(.tooFewShares) { try sharing.combine(Array(parts.dropLast()), of: ciphertexts) }
        }
        // As bytes.
        var encoder = BinaryEncoder()
        sharing.encode(into: &encoder)
        var decoder = BinaryDecoder(encoder.bytes)
        #expect(try PaillierSharing(decoding: &decoder) == sharing)
        for share in shares {
            let bytes = share.encoded(SecretAccess("test")).withBytes(SecretAccess("test")) { Array($0) }
            let again = try PaillierKeyShare(encoded: bytes)
            #expect(again.index == share.index && again.isConsistent())
        }
    }

    /// What nobody should be able to do: all shares together give a multiple of φ(n), and that the factors.
    @Test func factorsAreWhatTheyShouldBe() throws {
        for _ in 0..<4 {
            var run = Run(try Self.setting(5, 3))
            let shares = try run.finish()
            let n = shares[0].publicKey.modulus
            var exponent: BigInteger = 0
            for share in shares.prefix(3) {
                var numerator: BigInteger = 1
                var denominator: BigInteger = 1
                for other in 1...3 where other != share.index {
                    numerator *= BigInteger(other)
                    denominator *= BigInteger(other - share.index)
                }
                let bytes = share.encoded(SecretAccess("test")).withBytes(SecretAccess("test")) { Array($0) }
                let count = (try Self.shareBits(share) + 7) / 8
                exponent += BigInteger(bigEndianBytes: bytes.suffix(count)) * numerator.dividedExactly(by: denominator)
            }
            let p = try #require(Self.factor(n, multiple: exponent))
            let q = n.dividedExactly(by: p)
            for factor in [p, q] {
                #expect(factor.isProbablePrime(variableTime: true) && factor.bitWidth == 256)
                #expect(factor.modulo(4) == 3 && factor.modulo(97) == 96 && factor.modulo(3) == 2)
            }
            #expect(p != q && (p - 1).greatestCommonDivisor(q - 1) == 2)
            #expect(exponent.modulo((p - 1) * (q - 1)) == 0)
        }
    }

    private static func shareBits(_ share: PaillierKeyShare) throws -> Int {
        var encoder = BinaryEncoder()
        share.sharing.encode(into: &encoder)
        // form, sharing, index, share
        let bytes = share.encoded(SecretAccess("test")).withBytes(SecretAccess("test")) { $0.count }
        return 8 * (bytes - 1 - encoder.bytes.count - 2)
    }

    /// Miller: a square root of 1 other than ±1 on the way to g^multiple.
    private static func factor(_ n: BigInteger, multiple: BigInteger) -> BigInteger? {
        let twos = multiple.trailingZeroBitCount
        var random = SystemRandom()
        for _ in 0..<60 {
            // Not a small number: those are squares modulo both factors or modulo neither.
            var value = BigInteger.random(below: n, using: &random).power(
                multiple >> twos, modulo: n, variableTime: true)!
            for _ in 0..<twos {
                let square = (value * value).modulo(n)
                if square == 1, value != 1, value != n - 1 { return (value - 1).greatestCommonDivisor(n) }
                value = square
            }
        }
        return nil
    }

    /// Whoever changes a message makes the run fail or changes nothing that counts: no share of a key that does not work.
    @Test func changedMessagesGiveNoBrokenKey() throws {
        var failed = 0
        for round in 0..<9 {
            for isSealed in [false, true] {
                var run = Run(try Self.setting(3, 2, batch: 2048))
                run.start()
                var count = 0
                do {
                    while !run.parties.allSatisfy(\.isFinished), count < 100 {
                        if count == round {
                            if isSealed {
                                for index in run.sealed[0].indices where !run.sealed[0][index].bytes.isEmpty {
                                    run.sealed[0][index].bytes[run.sealed[0][index].bytes.count - 1] ^= 1
                                }
                            } else if !run.broadcasts[1].isEmpty {
                                let last = run.broadcasts[1].count - 1
                                run.broadcasts[1][last] ^= 1
                            }
                        }
                        try run.step()
                        count += 1
                    }
                } catch {
                    failed += 1
                    #expect(run.parties.allSatisfy { !$0.isFinished })
                    continue
                }
                let shares = run.parties.compactMap(\.share)
                let ciphertexts = try PaillierEncryptor(shares[0].publicKey, expectedCount: 1).encrypt([7])
                let parts = try shares.prefix(2).map { try $0.partialDecryption(of: ciphertexts) }
                #expect(try shares[0].sharing.combine(parts, of: ciphertexts) == [7])
            }
        }
        #expect(failed >= 4, "only \(failed) runs noticed")
    }

    @Test func foreignBytesAreRefused() throws {
        for round in 0..<8 {
            var run = Run(try Self.setting(3, 2, batch: 2048))
            run.start()
            for _ in 0..<round where !run.parties[0].isFinished { try run.step() }
            guard !run.parties[0].isFinished else { continue }
            var random = SystemRandom()
            for length in [0, 1, 7, 31, 64, 1000, 100_000] {
                let junk = random.bytes(count: length)
                var party = run.parties[0]
                var broadcasts = run.broadcasts
                broadcasts[1] = junk
                let sealed = run.sealed[0].map { (sender: $0.sender, bytes: junk) }
                _ = try? party.receive(broadcasts, sealed: sealed, using: &random)
                _ = try? party.receive(Array(broadcasts.dropLast()), sealed: [(99, junk)], using: &random)
                #expect(party.share == nil || party.isFinished)
            }
        }
    }

    /// At 128-bit security, as studies use it: a lottery of a quarter of a minute on the average, seldom more than one.
    @Test func threeHoldersAtFullSize() throws {
        let setting = try JointKeySetting(
            parameters: .bits3072, holders: 3, threshold: 2, label: Array("test".utf8))
        var run = Run(setting)
        let clock = ContinuousClock()
        let start = clock.now
        let shares = try run.finish()
        print(
            "3 holders, 3072 bits: \(run.parties[0].candidates) candidates, \(clock.now - start), \(run.sentBytes) bytes a holder"
        )
        let ciphertexts = try PaillierEncryptor(shares[0].publicKey, expectedCount: 1).encrypt([-5])
        let parts = try shares.suffix(2).map { try $0.partialDecryption(of: ciphertexts) }
        #expect(try shares[0].sharing.combine(parts, of: ciphertexts) == [-5])
    }

    /// A committee that hands a holder outside it nothing but zeros.
    @Test func aShareOfZeroIsRefused() throws {
        var run = Run(try Self.setting(4, 2, batch: 2048))
        run.start()
        while run.sealed[3].isEmpty { try run.step() }
        var random = SystemRandom()
        let zeros = run.sealed[3].map { (sender: $0.sender, bytes: [UInt8](repeating: 0, count: $0.bytes.count)) }
        expectError(.invalidKey, "got a share of 0 bits") {
            try run.parties[3].receive(run.broadcasts, sealed: zeros, using: &random)
        }
    }
}
