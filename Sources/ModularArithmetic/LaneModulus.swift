#if arch(x86_64)
    import BigIntegers
    import CKernels

    /// One modulus N prepared for the AVX-512 IFMA kernels, which work on eight residues at a time ("lanes") in radix 2^52.
    ///
    /// R = 2^(52·limbs) ≥ 4·N; the Montgomery form of x is x·R mod N.
    final class LaneModulus: @unchecked Sendable {
        let value: BigInteger
        let bits: Int
        let limbs: Int
        /// 64-bit words of a residue, and of the conversion buffers.
        let wordCount: Int
        /// Words of an array of eight residues.
        let laneWords: Int
        let kernel: UnsafeMutablePointer<tacit_mont52_modulus>
        /// R mod N and R² mod N in every lane.
        let one: WipedWords
        let square: WipedWords
        private let digits: WipedWords

        /// Beyond this many digits the kernels' column sums could overflow.
        static let greatestLimbs = 1000

        init?(_ modulus: BigInteger) {
            value = modulus
            bits = modulus.bitWidth
            limbs = (bits + 2 + 51) / 52
            guard limbs <= Self.greatestLimbs else { return nil }
            wordCount = (bits + 63) / 64
            laneWords = 8 * limbs
            digits = WipedWords(count: limbs)
            let two52: BigInteger = 1 << 52
            // −N^−1 mod 2^52 exists, since N is odd.
            let inverse = (-modulus.inverse(modulo: two52)!).modulo(two52)
            kernel = .allocate(capacity: 1)
            kernel.initialize(
                to: tacit_mont52_modulus(
                    limbs: limbs, digits: UnsafePointer(digits.words), inverse: UInt64(inverse.intValue!)))
            one = WipedWords(count: laneWords)
            square = WipedWords(count: laneWords)
            for limb in 0..<limbs { digits.words[limb] = UInt64((modulus >> (52 * limb)).lowBits(52).intValue!) }
            broadcast((1 << (52 * limbs)).modulo(modulus), into: one.words)
            broadcast((1 << (104 * limbs)).modulo(modulus), into: square.words)
        }

        deinit { kernel.deallocate() }

        /// Writes one non-negative number below R to every lane.
        func broadcast(_ number: BigInteger, into lanes: UnsafeMutablePointer<UInt64>) {
            var words = number.limbs(count: wordCount)
            words.withUnsafeMutableBufferPointer { buffer in
                tacit_mont52_pack(lanes, limbs, buffer.baseAddress!, wordCount, 1)
                tacit_zeroise(buffer.baseAddress!, 8 * wordCount)
            }
            for limb in 0..<limbs {
                for lane in 1..<8 { lanes[8 * limb + lane] = lanes[8 * limb] }
            }
        }
    }

    /// The kernels on one modulus with their scratch memory: one for each worker.
    final class LaneEngine {
        typealias Lanes = UnsafeMutablePointer<UInt64>

        let modulus: LaneModulus
        private let scratch: WipedWords
        private let words: WipedWords

        init(_ modulus: LaneModulus) {
            self.modulus = modulus
            scratch = WipedWords(count: tacit_mont52_scratch_words(modulus.limbs))
            words = WipedWords(count: 8 * modulus.wordCount)
        }

        /// Lends memory for `count` arrays of eight residues and `extra` words after them; wipes it afterwards.
        func withLanes<Result>(_ count: Int, extraWords extra: Int = 0, _ body: (Lanes) -> Result) -> Result {
            let memory = WipedWords(count: count * modulus.laneWords + extra)
            return withExtendedLifetime(memory) { body(memory.words) }
        }

        /// result = a·b/R
        func multiply(_ result: Lanes, _ a: Lanes, _ b: Lanes) {
            tacit_mont52_multiply(result, a, b, modulus.kernel, scratch.words)
        }

        /// result = a²/R
        func square(_ result: Lanes, _ a: Lanes) { tacit_mont52_square(result, a, modulus.kernel, scratch.words) }

        func copy(_ result: Lanes, _ source: Lanes) { result.update(from: source, count: modulus.laneWords) }

        /// Puts up to eight numbers into the lanes as they are; the remaining lanes get 0.
        func load(_ numbers: ArraySlice<BigInteger>, into lanes: Lanes) {
            let wordCount = modulus.wordCount
            for (lane, number) in numbers.enumerated() {
                // A number of at most the modulus's length is below 2N, which is all that the kernels need.
                let fits = number.signum >= 0 && number.bitWidth <= modulus.bits
                var limbs = (fits ? number : number.modulo(modulus.value)).limbs(count: wordCount)
                limbs.withUnsafeMutableBufferPointer { buffer in
                    (words.words + lane * wordCount).update(from: buffer.baseAddress!, count: wordCount)
                    tacit_zeroise(buffer.baseAddress!, 8 * wordCount)
                }
            }
            tacit_mont52_pack(lanes, modulus.limbs, words.words, wordCount, numbers.count)
        }

        /// Puts the Montgomery forms of up to eight numbers into the lanes.
        func enter(_ numbers: ArraySlice<BigInteger>, into lanes: Lanes) {
            load(numbers, into: lanes)
            multiply(lanes, lanes, modulus.square.words)
        }

        /// The first `count` lanes, which hold numbers below 2N; reduces them in place.
        func store(_ lanes: Lanes, count: Int) -> [BigInteger] {
            tacit_mont52_canonical(lanes, modulus.kernel)
            return numbers(lanes, count: count)
        }

        /// The first `count` lanes out of Montgomery form, in place.
        func leave(_ lanes: Lanes, count: Int) -> [BigInteger] {
            tacit_mont52_reduce(lanes, lanes, modulus.kernel, scratch.words)
            return numbers(lanes, count: count)
        }

        private func numbers(_ lanes: Lanes, count: Int) -> [BigInteger] {
            let wordCount = modulus.wordCount
            tacit_mont52_unpack(words.words, wordCount, count, lanes, modulus.limbs)
            return (0..<count).map { lane in
                BigInteger(limbs: UnsafeBufferPointer(start: words.words + lane * wordCount, count: wordCount))
            }
        }
    }
#endif
