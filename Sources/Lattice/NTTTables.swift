import CKernels
import Synchronization

/// The transform's tables for one ring and prime, made once per process and kept while someone uses them.
///
/// One set per tier is made when that tier is first used; only tests and benchmarks use more than one.
final class NTTTables: Sendable {
    let logDegree: Int
    let modulus: Modulus
    /// ψ, the primitive 2N-th root of unity by which evaluations are numbered.
    let root: UInt64
    private let byTier = Mutex<[Int32: OpaquePointer]>([:])
    private let scalar = Atomic<UInt>(0)
    private let avx2 = Atomic<UInt>(0)
    private let ifma = Atomic<UInt>(0)

    private struct Key: Hashable {
        let logDegree: Int
        let modulus: UInt64
    }
    private struct Weak { weak var tables: NTTTables? }
    private static let cache = Mutex<[Key: Weak]>([:])

    static func shared(logDegree: Int, modulus: Modulus) -> NTTTables {
        cache.withLock { cache in
            let key = Key(logDegree: logDegree, modulus: modulus.value)
            if let tables = cache[key]?.tables { return tables }
            cache = cache.filter { $0.value.tables != nil }
            let tables = NTTTables(logDegree: logDegree, modulus: modulus)
            cache[key] = Weak(tables: tables)
            return tables
        }
    }

    private init(logDegree: Int, modulus: Modulus) {
        self.logDegree = logDegree
        self.modulus = modulus
        root = modulus.primitiveRoot(order: 2 << UInt64(logDegree))
    }

    deinit { byTier.withLock { for tables in $0.values { tacit_ntt_destroy(tables) } } }

    private func slot(_ tier: Int32, _ body: (borrowing Atomic<UInt>) -> UInt) -> UInt {
        switch tier {
        case 0: body(scalar)
        case 1: body(avx2)
        default: body(ifma)
        }
    }

    /// The tables of the tier that kernels use now.
    var current: OpaquePointer {
        let tier = tacit_cpu_tier()
        if let ready = OpaquePointer(bitPattern: slot(tier) { $0.load(ordering: .acquiring) }) { return ready }
        return byTier.withLock { byTier in
            if let ready = byTier[tier] { return ready }
            // Memory for tables that the parameters themselves imply; nothing sensible can follow without it.
            guard
                let made = withUnsafePointer(
                    to: modulus.constants, { tacit_ntt_create(Int32(logDegree), $0, root, tier) })
            else { fatalError("out of memory for transform tables") }
            byTier[tier] = made
            _ = slot(tier) {
                $0.store(UInt(bitPattern: made), ordering: .releasing)
                return 0
            }
            return made
        }
    }

    func forward(_ x: UnsafeMutablePointer<UInt64>) { tacit_ntt_forward(current, x) }
    func inverse(_ x: UnsafeMutablePointer<UInt64>) { tacit_ntt_inverse(current, x) }
}
