import CKernels
import Parallelism

/// Fully linear proofs that a shared measurement satisfies its circuit.
///
/// The prover's polynomials for the wires of the gadget have degree below p, their values at the powers of a p-th root of
/// unity are a random seed and the wires' values call by call; the proof is the seeds and the gadget's polynomial of them,
/// of degree at most d·(p − 1), by its values. A verifier evaluates wires and gadget at a random point, linearly in what
/// it holds, so shares of the verifiers add up to the truth.
/// - Reference: Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai 2019 (ePrint 2019/188); draft-irtf-cfrg-vdaf-20, section "FLP
///   Specification".
struct LinearProof: Sendable {
    let circuit: ValidityCircuit
    let field: PrioField
    /// log₂ of p: calls of the gadget and the seed.
    let wireLog: Int
    /// Values of the gadget polynomial in a proof, and log₂ of their number filled up to a power of two.
    let gadgetLength: Int
    let gadgetLog: Int
    private let tables: TransformTables

    init(_ circuit: ValidityCircuit, _ field: PrioField) throws(Prio3Error) {
        self.circuit = circuit
        self.field = field
        func log(_ count: Int) -> Int { Int.bitWidth - (count - 1).leadingZeroBitCount }
        wireLog = max(1, log(1 + circuit.calls))
        gadgetLength = circuit.degree * ((1 << wireLog) - 1) + 1
        gadgetLog = log(gadgetLength)
        guard gadgetLog < field.logOrder - 1, gadgetLog <= 40 else {
            throw Prio3Error(
                code: .invalidParameters,
                message: "gadget calls: got \(circuit.calls), more than the field has room for")
        }
        tables = TransformTables(field, log: wireLog)
    }

    var proveRandomnessLength: Int { circuit.arity }
    var queryRandomnessLength: Int { 1 + (circuit.evaluationLength > 1 ? circuit.evaluationLength : 0) }
    var proofLength: Int { circuit.arity + gadgetLength }
    var verifierLength: Int { circuit.arity + 2 }

    // MARK: Proving

    func prove(_ measurement: [Element], seeds: [Element], jointRandomness: [Element]) -> [Element] {
        let n = 1 << wireLog
        var values: [Element]
        if let chunk = circuit.chunk {
            // Products are dealt out to the cores; their sums are added.
            let pieces = min(Cores.count, (chunk + 15) / 16)
            let sums = parallelMap(pieces) { piece -> [Element] in
                var sum = [Element](repeating: PrioField.zero, count: 2 * n)
                var scratch = [Element](repeating: PrioField.zero, count: 3 * n)
                tacit_field_product_proof(
                    field.rawValue, &sum, measurement, measurement.count, chunk, circuit.calls, chunk * piece / pieces,
                    chunk * (piece + 1) / pieces, jointRandomness, seeds, field.element(1), Int32(wireLog),
                    tables.powers, tables.inverses, tables.shifts, &scratch)
                return sum
            }
            values = sums[0]
            for sum in sums.dropFirst() { field.add(sum, to: &values) }
        } else {
            values = smallGadget(measurement, seeds)
        }
        return seeds + values[..<gadgetLength]
    }

    /// The gadget polynomial of the small circuits at the powers of the root of order 2^gadgetLog.
    private func smallGadget(_ measurement: [Element], _ seeds: [Element]) -> [Element] {
        let count = 1 << gadgetLog
        let powers = field.powers(of: field.root(log: gadgetLog), count: max(1, count / 2))
        let scale = field.inverse(field.element(1 << UInt64(wireLog)))
        let wires = zip(seeds, circuit.smallWires(measurement)).map { seed, values -> [Element] in
            var wire = [seed] + values
            wire += [Element](repeating: PrioField.zero, count: (1 << wireLog) - wire.count)
            tacit_field_transform(field.rawValue, &wire, Int32(wireLog), tables.inverses)
            wire = wire.map { field.multiply($0, scale) }
            wire += [Element](repeating: PrioField.zero, count: count - wire.count)
            tacit_field_transform(field.rawValue, &wire, Int32(gadgetLog), powers)
            return wire
        }
        return (0..<count).map { place in circuit.gadget(wires.map { $0[place] }, field) }
    }

    // MARK: Verifying

    /// A share of the verifier from shares of measurement and proof.
    /// - Errors: `invalidProof` when the random point is a root of unity, which happens with probability p/|F|.
    func query(
        _ measurement: [Element], proof: ArraySlice<Element>, queryRandomness: ArraySlice<Element>,
        jointRandomness: [Element], shares: Int
    ) throws(Prio3Error) -> [Element] {
        let seeds = Array(proof.prefix(circuit.arity))
        let shareOfOne = field.inverse(field.element(UInt64(shares)))
        let point = queryRandomness.last!

        // The polynomial has fewer coefficients than the power of two; if one is missing, the sum of w^i·f(w^i) is zero.
        var gadget = Array(proof.dropFirst(circuit.arity))
        let count = 1 << gadgetLog
        precondition(count - gadget.count <= 1, "degrees two and three leave at most one value open here")
        let root = field.root(log: gadgetLog)
        if gadget.count < count {
            let powers = field.powers(of: root, count: gadget.count)
            let sum = tacit_field_dot(field.rawValue, gadget, powers, gadget.count)
            gadget.append(field.subtract(PrioField.zero, field.multiply(sum, root)))
        }
        let step = 1 << (gadgetLog - wireLog)
        let outputs = (1...circuit.calls).map { gadget[$0 * step] }

        var value: Element
        let evaluation = circuit.evaluate(
            gadgetOutputs: outputs, measurement: measurement, shareOfOne: shareOfOne, field)
        if circuit.evaluationLength > 1 {
            value = zip(queryRandomness, evaluation).reduce(PrioField.zero) {
                field.add($0, field.multiply($1.0, $1.1))
            }
        } else {
            value = evaluation[0]
        }

        let basis = try lagrange(wireLog, at: point)
        var wires = seeds.map { field.multiply(basis[0], $0) }
        if let chunk = circuit.chunk {
            tacit_field_product_wires(
                field.rawValue, &wires, measurement, measurement.count, chunk, circuit.calls, jointRandomness, basis,
                shareOfOne)
        } else {
            for (place, values) in circuit.smallWires(measurement).enumerated() {
                wires[place] = field.add(
                    wires[place], tacit_field_dot(field.rawValue, values, Array(basis[1...]), values.count))
            }
        }
        let check = tacit_field_dot(field.rawValue, gadget, try lagrange(gadgetLog, at: point), count)
        return [value] + wires + [check]
    }

    private func lagrange(_ log: Int, at point: Element) throws(Prio3Error) -> [Element] {
        var basis = [Element](repeating: PrioField.zero, count: 1 << log)
        guard tacit_field_basis(field.rawValue, &basis, Int32(log), point) == 1 else {
            throw Prio3Error(code: .invalidProof, message: "test point: is a root of unity; the report is lost")
        }
        return basis
    }

    /// Whether the sum of all shares of the verifier shows a valid measurement.
    func decide(_ verifier: ArraySlice<Element>) -> Bool {
        let wires = Array(verifier.dropFirst().dropLast())
        let check = field.subtract(circuit.gadget(wires, field), verifier.last!)
        return field.isZero(verifier.first!) && field.isZero(check)
    }
}
