import Foundation

/// A privacy-loss distribution on the multiples of an interval: a measure under P, ordered by position, and a mass of
/// infinite loss. As an upper bound it dominates the true distribution, as a lower bound it is dominated by it.
struct LossAtoms {
    var positions: [Int32] = []
    var masses: [Double] = []
    var infinity = 0.0
    /// How far each atom's true loss may lie on the wrong side of its position.
    var lossError = 0.0

    /// The least loss that the interval's positions can hold in 32 bits.
    static let furthest = 1.0e9

    /// Losses this close to a grid point, in intervals, are taken to lie on it; `lossError` says so.
    private static let snap = 1e-9
    private static func floor(_ position: Double) -> Double { (position + snap).rounded(.down) }
    private static func ceiling(_ position: Double) -> Double { (position - snap).rounded(.up) }

    private mutating func add(_ position: Double, _ mass: Double) {
        guard mass > 0 else { return }
        let index = Int32(max(-Self.furthest, min(Self.furthest, position)))
        if let last = positions.last, last == index {
            masses[masses.count - 1] += mass
        } else if let last = positions.last, last > index {
            // Cells meet within rounding: at most the last two atoms are out of order.
            var at = positions.count
            while at > 0, positions[at - 1] > index { at -= 1 }
            if at > 0, positions[at - 1] == index {
                masses[at - 1] += mass
            } else {
                positions.insert(index, at: at)
                masses.insert(mass, at: at)
            }
        } else {
            positions.append(index)
            masses.append(mass)
        }
    }

    /// Connect the dots: every cell's mass goes to the grid points around it, so that both its mass under P and its
    /// mass under Q are kept. This is the least pair on the grid that dominates the partition.
    /// - Reference: Doroshenko, Ghazi, Kamath, Kumar, Manurangsi 2022, Section 3.
    static func dominating(_ cells: LossCells, interval h: Double) -> LossAtoms {
        var atoms = LossAtoms()
        atoms.lossError = cells.lossError + snap * h
        for cell in cells.cells {
            let p = (cell.p + cell.pError) * (1 + 4e-16)
            guard p > 0 else { continue }
            let q = max(0, cell.q - cell.qError)
            if cell.low == -.infinity {
                guard cell.high.isFinite else {
                    atoms.infinity += p
                    continue
                }
                atoms.add(ceiling(cell.high / h), p)
                continue
            }
            if cell.low == .infinity {
                atoms.infinity += p
                continue
            }
            let low = floor(cell.low / h)
            let high = ceiling(cell.high / h)
            if low == high {
                atoms.add(low, p)
                continue
            }
            let scaled = q * exp(low * h)
            // Mass that must go up; with rounding it is more, never less.
            let share = cell.high.isFinite ? -expm1((low - high) * h) : 1
            var up = p
            if scaled.isFinite, q > 0 || cell.high == .infinity {
                let excess = p - scaled * (1 - 4e-16 * (4 + abs(low * h)))
                up = min(p, max(0, excess) / share * (1 + 1e-15))
            }
            atoms.add(low, p - up)
            if cell.high.isFinite { atoms.add(high, up) } else { atoms.infinity += up }
        }
        return atoms
    }

    /// Merges neighbouring outcomes, dividing some, so that the merged ones' losses fall on the grid; the pair on the
    /// grid is a post-processing of the true one.
    static func dominated(_ cells: LossCells, interval h: Double) -> LossAtoms {
        var atoms = LossAtoms()
        atoms.lossError = cells.lossError + snap * h + 1e-14
        var (heldP, heldQ, target) = (0.0, 0.0, 0.0)
        func floorPosition(_ p: Double, _ q: Double) -> Double { floor((log(p) - log(q)) / h) }
        for cell in cells.cells {
            var p = max(0, cell.p - cell.pError) * (1 - 4e-16)
            var q = cell.q + cell.qError
            guard p > 1e-300 else { continue }
            if q == 0 {
                atoms.infinity += p
                continue
            }
            guard q > 1e-300 else { continue }
            while p > 0 {
                if heldP == 0 {
                    let loss = log(p) - log(q)
                    let position = ceiling(loss / h)
                    if abs(loss) > 600 {
                        atoms.add(floor(loss / h), p)
                        break
                    }
                    (heldP, heldQ, target) = (p, q, position)
                    break
                }
                let scale = exp(target * h)
                let missing = heldQ * scale - heldP
                let gain = p - q * scale
                if missing <= heldP * snap * h {
                    atoms.add(target, heldP)
                    heldP = 0
                    continue
                }
                if gain <= missing {
                    // All of it, and still short (or a neighbour that lies below the target by rounding).
                    heldP += p
                    heldQ += q
                    break
                }
                let fraction = missing / gain
                atoms.add(target, heldP + fraction * p)
                (p, q) = (p * (1 - fraction), q * (1 - fraction))
                heldP = 0
                if fraction > 1 - 1e-9 { break }
            }
        }
        if heldP > 0 { atoms.add(floorPosition(heldP, heldQ), heldP) }
        return atoms
    }
}
