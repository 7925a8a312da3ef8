import CKernels
import Synchronization

/// Complex transforms of one length; see `tacit_noise.h`.
final class FourierPlan: @unchecked Sendable {
    let length: Int
    private let plan: OpaquePointer

    /// Relative to the sum of magnitudes, the error of a transform of this length is at most this.
    var relativeError: Double { 8 * 0x1p-53 * Double(length.trailingZeroBitCount) }

    private init(logLength: Int) {
        length = 1 << logLength
        guard let plan = tacit_fourier_create(Int32(logLength)) else { fatalError("out of memory") }
        self.plan = plan
    }

    deinit { tacit_fourier_destroy(plan) }

    private static let plans = Mutex<[Int: FourierPlan]>([:])

    /// The plan for 2^`logLength`; plans are kept.
    static func length(log logLength: Int) -> FourierPlan {
        plans.withLock { plans in
            if let plan = plans[logLength] { return plan }
            let plan = FourierPlan(logLength: logLength)
            plans[logLength] = plan
            return plan
        }
    }

    func forward(_ real: UnsafeMutablePointer<Double>, _ imaginary: UnsafeMutablePointer<Double>) {
        tacit_fourier_forward(plan, real, imaginary)
    }

    func inverse(_ real: UnsafeMutablePointer<Double>, _ imaginary: UnsafeMutablePointer<Double>) {
        tacit_fourier_inverse(plan, real, imaginary)
    }

    /// Of position p in mirrored order, the position that holds frequency N − k when p holds k.
    @inline(__always) static func partner(_ p: Int) -> Int {
        guard p > 1 else { return p }
        let top = 1 << (Int.bitWidth - 1 - p.leadingZeroBitCount)
        return 3 * top - 1 - p
    }
}
