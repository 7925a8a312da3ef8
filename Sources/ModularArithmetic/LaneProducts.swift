#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    extension LaneModulus {
        /// Πᵣ rows[r][c] for each column c. Each Montgomery product loses a factor R; one more with a power of R restores them all.
        func product(ofColumns rows: [[BigInteger]]) -> [BigInteger] {
            let restoring = powerOfR(rows.count)
            return groups(rows[0].count) { engine, range in
                let sum = engine.allocate()
                let factor = engine.allocate()
                engine.load(rows[0][range], into: sum.words)
                for row in rows.dropFirst() {
                    engine.load(row[range], into: factor.words)
                    engine.multiply(sum.words, sum.words, factor.words)
                }
                engine.multiply(sum.words, sum.words, restoring.words)
                return engine.store(sum.words, count: range.count)
            }
        }

        /// The product of all factors, as a few partial products for the caller to multiply.
        func partialProducts(of factors: [BigInteger]) -> [BigInteger] {
            // Enough groups of eight in a row that the eight results matter little.
            let chunk = 8 * max(16, (factors.count / 8 + 2 * Cores.count - 1) / (2 * Cores.count))
            return parallelMap((factors.count + chunk - 1) / chunk) { part in
                let range = part * chunk..<min(factors.count, (part + 1) * chunk)
                let rows = range.count / 8
                let tail = Array(factors[(range.lowerBound + 8 * rows)..<range.upperBound])
                guard rows > 0 else { return tail }
                let engine = LaneEngine(self)
                let sum = engine.allocate()
                let factor = engine.allocate()
                engine.load(factors[range.lowerBound..<range.lowerBound + 8], into: sum.words)
                for row in 1..<max(rows, 2) where row < rows {
                    let start = range.lowerBound + 8 * row
                    engine.load(factors[start..<start + 8], into: factor.words)
                    engine.multiply(sum.words, sum.words, factor.words)
                }
                engine.multiply(sum.words, sum.words, self.powerOfR(rows).words)
                return engine.store(sum.words, count: 8) + tail
            }.flatMap { $0 }
        }

        /// R^exponent mod N in every lane.
        private func powerOfR(_ exponent: Int) -> LaneMemory {
            let result = LaneMemory(words: laneWords)
            let root: BigInteger = 1 << (52 * limbs)
            broadcast(root.power(BigInteger(exponent), modulo: value, variableTime: true)!, into: result.words)
            return result
        }
    }
#endif
