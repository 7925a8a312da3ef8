#if arch(x86_64)
    import BigIntegers
    import CKernels
    import Parallelism

    extension LaneModulus {
        /// Πᵣ rows[r][c] for each column c. Each Montgomery product loses a factor R; one more with a power of R restores them all.
        func product(ofColumns rows: [[BigInteger]]) -> [BigInteger] {
            let restoring = powerOfR(rows.count)
            return groups(rows[0].count) { engine, range in
                engine.withLanes(2) { sum in
                    let factor = sum + self.laneWords
                    engine.load(rows[0][range], into: sum)
                    for row in rows.dropFirst() {
                        engine.load(row[range], into: factor)
                        engine.multiply(sum, sum, factor)
                    }
                    self.broadcast(restoring, into: factor)
                    engine.multiply(sum, sum, factor)
                    return engine.store(sum, count: range.count)
                }
            }
        }

        /// The product of all factors, as a few partial products for the caller to multiply.
        func partialProducts(of factors: [BigInteger]) -> [BigInteger] {
            // Enough groups of eight in a row that the eight results matter little.
            let chunk = 8 * max(16, (factors.count / 8 + 2 * Cores.count - 1) / (2 * Cores.count))
            return parallelMap((factors.count + chunk - 1) / chunk) { part in
                let range = part * chunk..<min(factors.count, (part + 1) * chunk)
                let starts = stride(from: range.lowerBound, through: range.upperBound - 8, by: 8)
                let rows = range.count / 8
                let tail = Array(factors[(range.lowerBound + 8 * rows)..<range.upperBound])
                guard rows > 0 else { return tail }
                let engine = LaneEngine(self)
                return engine.withLanes(2) { sum in
                    let factor = sum + self.laneWords
                    engine.load(factors[range.lowerBound..<range.lowerBound + 8], into: sum)
                    for start in starts.dropFirst() {
                        engine.load(factors[start..<start + 8], into: factor)
                        engine.multiply(sum, sum, factor)
                    }
                    self.broadcast(self.powerOfR(rows), into: factor)
                    engine.multiply(sum, sum, factor)
                    return engine.store(sum, count: 8) + tail
                }
            }.flatMap { $0 }
        }

        /// R^exponent mod N.
        private func powerOfR(_ exponent: Int) -> BigInteger {
            let root: BigInteger = 1 << (52 * limbs)
            return root.power(BigInteger(exponent), modulo: value, variableTime: true)!
        }
    }
#endif
