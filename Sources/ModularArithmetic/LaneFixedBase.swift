#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    /// Comb tables of one base in Montgomery form, shared by all lanes; see ``CombShape``.
    final class LaneFixedBase: Sendable {
        private let modulus: LaneModulus
        private let bits: Int
        private let shape: CombShape
        private let tables: WipedWords

        private var tableWords: Int { modulus.limbs * shape.entries }

        /// Operand groups that one worker takes through the tables together, so that each table is fetched once for all.
        private static let groupsTogether = 12

        init(base: BigInteger, modulus: LaneModulus, bits: Int, expectedCount: Int) {
            self.modulus = modulus
            self.bits = bits
            // In cycles: eight entries of one digit are looked up in 0.8 cycles, as fast as the second-level cache gives them.
            let limbs = Double(modulus.limbs)
            let product = 2.2 * limbs * limbs
            shape = CombShape.best(
                bits: bits, count: expectedCount,
                costs: CombShape.Costs(
                    lanes: 8, product: product, squaring: 0.77 * product, reading: 0.1 * limbs,
                    making: (product + 4 * limbs) / 8),
                fewestTeeth: 3, greatestEntries: (96 << 20) / (8 * modulus.limbs))
            tables = WipedWords(count: shape.tables * shape.entries * modulus.limbs)
            fill(base)
        }

        private func fill(_ base: BigInteger) {
            let engine = LaneEngine(modulus)
            let laneWords = modulus.laneWords
            engine.withLanes(1 + shape.teeth * shape.tables) { square in
                // roots[i + teeth·j] = base^(2^(spacing·i + depth·j)) in every lane, one squaring after the other.
                let roots = square + laneWords
                engine.enter([BigInteger](repeating: base, count: 8)[...], into: square)
                for exponent in 0..<shape.spacing * shape.teeth {
                    if exponent > 0 { engine.square(square, square) }
                    let (tooth, rest) = exponent.quotientAndRemainder(dividingBy: shape.spacing)
                    if rest % shape.depth == 0 {
                        engine.copy(roots + (tooth + shape.teeth * (rest / shape.depth)) * laneWords, square)
                    }
                }
                nonisolated(unsafe) let shared = roots
                parallelFor(shape.tables) { range in
                    for table in range { self.fill(table, roots: shared + table * self.shape.teeth * laneWords) }
                }
            }
        }

        /// Products of the roots over all sets of teeth: eight lanes are the sets of the first three teeth.
        private func fill(_ table: Int, roots: LaneEngine.Lanes) {
            let engine = LaneEngine(modulus)
            let laneWords = modulus.laneWords
            let octets = shape.entries / 8
            engine.withLanes(octets + 1) { sets in
                let factor = sets + octets * laneWords
                for tooth in 0..<3 {
                    // In lane k the root when k contains the tooth, else 1.
                    let target = tooth == 0 ? sets : factor
                    engine.copy(target, modulus.one.words)
                    for word in 0..<laneWords where (word & 7) >> tooth & 1 == 1 {
                        target[word] = roots[tooth * laneWords + word]
                    }
                    if tooth > 0 { engine.multiply(sets, sets, factor) }
                }
                for octet in 0..<octets {
                    let set = sets + octet * laneWords
                    if octet > 0 {
                        let top = octet.bitWidth - 1 - octet.leadingZeroBitCount
                        engine.multiply(set, sets + (octet - (1 << top)) * laneWords, roots + (top + 3) * laneWords)
                    }
                    tacit_mont52_put_shared_octet(
                        tables.words + table * tableWords, shape.entries, octet, set, modulus.limbs)
                }
            }
        }

        func powers(_ exponents: [BigInteger]) -> [BigInteger] {
            let groups = (exponents.count + 7) / 8
            let together = max(1, min(Self.groupsTogether, (groups + Cores.count - 1) / Cores.count))
            return parallelMap((groups + together - 1) / together) { part in
                self.block(exponents[8 * part * together..<min(exponents.count, 8 * (part + 1) * together)])
            }.flatMap { $0 }
        }

        private func block(_ exponents: ArraySlice<BigInteger>) -> [BigInteger] {
            let engine = LaneEngine(modulus)
            let starts = Array(stride(from: exponents.startIndex, to: exponents.endIndex, by: 8))
            let laneWords = modulus.laneWords
            let positions = shape.tables * shape.depth
            return engine.withLanes(starts.count + 2, extraWords: 8 * positions * starts.count) { sums in
                let factors = sums + starts.count * laneWords
                let digits = factors + 2 * laneWords
                for (group, start) in starts.enumerated() {
                    for (lane, exponent) in exponents[start..<min(start + 8, exponents.endIndex)].enumerated() {
                        shape.write(
                            choicesOf: exponent, bits: bits, stride: 8, into: digits + 8 * positions * group + lane)
                    }
                }
                for bit in stride(from: shape.depth - 1, through: 0, by: -1) {
                    if bit < shape.depth - 1 {
                        for group in starts.indices {
                            engine.square(sums + group * laneWords, sums + group * laneWords)
                        }
                    }
                    for table in 0..<shape.tables {
                        let entries = tables.words + table * tableWords
                        let choices = digits + 8 * (shape.depth * table + bit)
                        // Two groups at a time share the reading of the table.
                        for group in stride(from: 0, to: starts.count, by: 2) {
                            if group + 1 < starts.count {
                                tacit_mont52_select_shared_pair(
                                    factors, entries, shape.entries, modulus.limbs, choices + 8 * positions * group,
                                    choices + 8 * positions * (group + 1))
                            } else {
                                tacit_mont52_select_shared(
                                    factors, entries, shape.entries, modulus.limbs, choices + 8 * positions * group)
                            }
                            for member in group..<min(group + 2, starts.count) {
                                let sum = sums + member * laneWords
                                let factor = factors + (member - group) * laneWords
                                if bit == shape.depth - 1 && table == 0 {
                                    engine.copy(sum, factor)
                                } else {
                                    engine.multiply(sum, sum, factor)
                                }
                            }
                        }
                    }
                }
                return starts.enumerated().flatMap { group, start in
                    engine.leave(sums + group * laneWords, count: min(8, exponents.endIndex - start))
                }
            }
        }
    }
#endif
