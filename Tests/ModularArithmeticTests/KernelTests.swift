#if arch(x86_64)
    import BigIntegers
    import CKernels
    import TacitTestSupport
    import Testing

    /// Whether the kernels may be called here; where they may not, ``TierTests`` still covers what is left.
    let machineHasIFMA: Bool = {
        tacit_cpu_limit_tier(Int32.max)
        return tacit_cpu_tier() >= TACIT_TIER_AVX512_IFMA
    }()

    /// The C kernels against ``Montgomery52Reference``, bit for bit.
    @Suite(.enabled(if: machineHasIFMA)) struct KernelTests {
        /// Eight lanes of memory.
        final class Lanes {
            let words: UnsafeMutablePointer<UInt64>
            let count: Int
            init(words count: Int) {
                self.count = count
                let bytes = UnsafeMutableRawPointer.allocate(byteCount: 8 * count, alignment: 64)
                // Not zero, so that a kernel which forgets to write is found out.
                words = bytes.initializeMemory(as: UInt64.self, repeating: 0xAAAA_AAAA_AAAA_AAAA, count: count)
            }
            deinit { UnsafeMutableRawPointer(words).deallocate() }

            convenience init(_ numbers: [[UInt64]]) {
                self.init(words: 8 * numbers[0].count)
                for (lane, digits) in numbers.enumerated() {
                    for (index, digit) in digits.enumerated() { words[8 * index + lane] = digit }
                }
            }

            func digits(_ lane: Int) -> [UInt64] { stride(from: lane, to: count, by: 8).map { words[$0] } }
        }

        private func withKernel(
            _ reference: Montgomery52Reference,
            _ body: (inout tacit_mont52_modulus, UnsafeMutablePointer<UInt64>) -> Void
        ) {
            let scratch = Lanes(words: tacit_mont52_scratch_words(reference.limbs))
            reference.modulus.withUnsafeBufferPointer { digits in
                var modulus = tacit_mont52_modulus(
                    limbs: reference.limbs, digits: digits.baseAddress!, inverse: reference.inverse)
                withExtendedLifetime(scratch) { body(&modulus, scratch.words) }
            }
        }

        /// Operands below 2N: extreme ones and random ones.
        private func operands(_ reference: Montgomery52Reference, _ generator: inout TestGenerator) -> [[UInt64]] {
            let n = reference.value
            let residues = generator.residues(3, below: n + n)
            return ([0, 1, n - 1, n, n + n - 1] + residues).map {
                Montgomery52Reference.digits(of: $0, limbs: reference.limbs)
            }
        }

        @Test func productsSquaresAndReductions() {
            var generator = TestGenerator(seed: 1)
            for modulus in extremeModuli() {
                let reference = Montgomery52Reference(modulus: modulus)
                let left = operands(reference, &generator)
                let context = "modulus of \(modulus.bitWidth) bits, \(reference.limbs) digits"
                withKernel(reference) { kernel, scratch in
                    let a = Lanes(left)
                    let result = Lanes(words: 8 * reference.limbs)
                    // Every operand meets every other.
                    for turn in 0..<8 {
                        let right = (0..<8).map { left[($0 + turn) % 8] }
                        let b = Lanes(right)
                        withExtendedLifetime((a, b)) {
                            tacit_mont52_multiply(result.words, a.words, b.words, &kernel, scratch)
                        }
                        for lane in 0..<8 {
                            #expect(result.digits(lane) == reference.product(left[lane], right[lane]), "\(context)")
                        }
                    }
                    let squares = Lanes(left)
                    tacit_mont52_square(squares.words, squares.words, &kernel, scratch)
                    let reduced = Lanes(left)
                    tacit_mont52_reduce(reduced.words, reduced.words, &kernel, scratch)
                    let canonical = Lanes(left)
                    tacit_mont52_canonical(canonical.words, &kernel)
                    for lane in 0..<8 {
                        #expect(squares.digits(lane) == reference.product(left[lane], left[lane]), "\(context)")
                        #expect(reduced.digits(lane) == reference.reduced(left[lane]), "\(context)")
                        #expect(canonical.digits(lane) == reference.canonical(left[lane]), "\(context)")
                    }
                }
            }
        }

        /// Digits of all ones make the column sums as great as they can be, beyond what numbers below 2N give.
        @Test(arguments: [1, 2, 7, 8, 9, 15, 16, 17, 60, 119, 160]) func columnSumsDoNotOverflow(limbs: Int) {
            let reference = Montgomery52Reference(modulus: (1 << (52 * limbs - 2)) - 1)
            #expect(reference.limbs == limbs)
            // The top digit is halved: with both factors below R/2 the result is still below R.
            var ones = [UInt64](repeating: Montgomery52Reference.mask, count: limbs)
            ones[limbs - 1] >>= 1
            let value = Montgomery52Reference.value(of: ones)
            withKernel(reference) { kernel, scratch in
                let a = Lanes([[UInt64]](repeating: ones, count: 8))
                let product = Lanes(words: 8 * limbs)
                let square = Lanes(words: 8 * limbs)
                tacit_mont52_multiply(product.words, a.words, a.words, &kernel, scratch)
                tacit_mont52_square(square.words, a.words, &kernel, scratch)
                let inverse = (BigInteger(1) << (52 * limbs)).inverse(modulo: reference.value)!
                let expected = (value * value * inverse).modulo(reference.value)
                for lane in 0..<8 {
                    #expect(product.digits(lane) == square.digits(lane))
                    #expect(Montgomery52Reference.value(of: product.digits(lane)).modulo(reference.value) == expected)
                }
            }
        }

        @Test func packingAndUnpacking() {
            var generator = TestGenerator(seed: 2)
            for bits in [1, 50, 51, 63, 64, 65, 102, 103, 104, 105, 128, 511, 512, 1024, 3072, 6144, 8192] {
                let limbs = (bits + 2 + 51) / 52
                let wordCount = (bits + 63) / 64
                for count in 1...8 {
                    let numbers = (0..<count).map { $0 == 1 ? (1 << bits) - 1 : generator.integer(bits: bits) }
                    let lanes = Lanes(words: 8 * limbs)
                    tacit_mont52_pack(
                        lanes.words, limbs, numbers.flatMap { $0.limbs(count: wordCount) }, wordCount, count)
                    for lane in 0..<8 {
                        let expected = lane < count ? numbers[lane] : 0
                        #expect(lanes.digits(lane) == Montgomery52Reference.digits(of: expected, limbs: limbs))
                    }
                    var words = [UInt64](repeating: 1, count: count * wordCount)
                    tacit_mont52_unpack(&words, wordCount, count, lanes.words, limbs)
                    #expect(words == numbers.flatMap { $0.limbs(count: wordCount) })
                }
            }
        }

        @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 33, 119]) func tablesForEightLanes(limbs: Int) {
            var generator = TestGenerator(seed: 3)
            for entries in [2, 3, 8, 32] {
                let numbers = (0..<entries).map { _ in (0..<8).map { _ in (0..<limbs).map { _ in generator.next() } } }
                let table = Lanes(words: entries * 8 * limbs)
                for (entry, lanes) in numbers.enumerated() {
                    let array = Lanes(lanes)
                    withExtendedLifetime((table, array)) {
                        tacit_mont52_put_entry(table.words, entries, entry, array.words, limbs)
                    }
                }
                for _ in 0..<20 {
                    let choices = (0..<8).map { _ in UInt64.random(in: 0..<UInt64(entries), using: &generator) }
                    let selected = Lanes(words: 8 * limbs)
                    let gathered = Lanes(words: 8 * limbs)
                    withExtendedLifetime((table, selected, gathered)) {
                        tacit_mont52_select(selected.words, table.words, entries, limbs, choices)
                        tacit_mont52_gather(gathered.words, table.words, entries, limbs, choices)
                    }
                    for lane in 0..<8 {
                        #expect(selected.digits(lane) == numbers[Int(choices[lane])][lane])
                        #expect(gathered.digits(lane) == numbers[Int(choices[lane])][lane])
                    }
                }
            }
        }

        @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 33, 119]) func sharedTables(limbs: Int) {
            var generator = TestGenerator(seed: 4)
            for entries in [8, 16, 64] {
                // Three tables of the eight that one call could write; the fourth must stay as it was.
                let count = 3
                let stride = entries * limbs + 8
                let numbers = (0..<entries).map { _ in (0..<8).map { _ in (0..<limbs).map { _ in generator.next() } } }
                let tables = Lanes(words: (count + 1) * stride)
                let untouched = tables.words[count * stride]
                for (entry, lanes) in numbers.enumerated() {
                    let array = Lanes(lanes)
                    withExtendedLifetime((tables, array)) {
                        tacit_mont52_put_shared_entry(tables.words, count, stride, entries, entry, array.words, limbs)
                    }
                }
                #expect((count * stride..<tables.count).allSatisfy { tables.words[$0] == untouched })
                for table in 0..<count {
                    for _ in 0..<10 {
                        let choices = (0..<8).map { _ in UInt64.random(in: 0..<UInt64(entries), using: &generator) }
                        let others = (0..<8).map { _ in UInt64.random(in: 0..<UInt64(entries), using: &generator) }
                        let selected = Lanes(words: 8 * limbs)
                        let pair = Lanes(words: 16 * limbs)
                        withExtendedLifetime((tables, selected, pair)) {
                            let words = tables.words + table * stride
                            tacit_mont52_select_shared(selected.words, words, entries, limbs, choices)
                            tacit_mont52_select_shared_pair(pair.words, words, entries, limbs, choices, others)
                        }
                        for lane in 0..<8 {
                            let wanted = numbers[Int(choices[lane])][table]
                            #expect(selected.digits(lane) == wanted)
                            #expect(pair.digits(lane) == wanted + numbers[Int(others[lane])][table])
                        }
                    }
                }
                // Eight entries at a time: entry 8·octet + k is number k.
                for octet in 0..<entries / 8 {
                    let array = Lanes(numbers[octet])
                    withExtendedLifetime((tables, array)) {
                        tacit_mont52_put_shared_octet(tables.words, entries, octet, array.words, limbs)
                    }
                }
                for first in 0..<UInt64(entries) {
                    let choices = (0..<8).map { (first + 3 * $0) % UInt64(entries) }
                    let selected = Lanes(words: 8 * limbs)
                    withExtendedLifetime((tables, selected)) {
                        tacit_mont52_select_shared(selected.words, tables.words, entries, limbs, choices)
                    }
                    for lane in 0..<8 {
                        #expect(selected.digits(lane) == numbers[Int(choices[lane]) / 8][Int(choices[lane]) % 8])
                    }
                }
            }
        }
    }
#endif
