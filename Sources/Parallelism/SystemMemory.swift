import Foundation

#if canImport(Darwin)
    import Darwin
#endif

/// What this machine can still give.
public enum SystemMemory {
    /// Lowers ``availableBytes``: bytes that this program may take, for machines that are shared.
    public static let limitVariable = "TACIT_MEMORY_LIMIT"

    /// Bytes that programs can get without swapping, as the system estimates it; nil when it does not say. No more than
    /// the environment variable TACIT_MEMORY_LIMIT says.
    public static var availableBytes: Int? {
        let limit = ProcessInfo.processInfo.environment[limitVariable].flatMap { Int($0) }
        return [limit, measuredBytes].compactMap { $0 }.min()
    }

    /// Linux: `MemAvailable` of /proc/meminfo, and no more than what a control group leaves. macOS: free, inactive and
    /// purgeable pages.
    private static var measuredBytes: Int? {
        #if os(Linux)
            guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8),
                let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
                let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
            else { return nil }
            let system = kilobytes * 1024
            func number(_ path: String) -> Int? {
                (try? String(contentsOfFile: path, encoding: .utf8)).flatMap {
                    Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
                }
            }
            // No limit reads "max", which is no number.
            guard let limit = number("/sys/fs/cgroup/memory.max"), let used = number("/sys/fs/cgroup/memory.current")
            else { return system }
            return min(system, max(0, limit - used))
        #elseif canImport(Darwin)
            var statistics = vm_statistics64()
            var count = mach_msg_type_number_t(MemoryLayout<vm_statistics64>.size / MemoryLayout<integer_t>.size)
            let result = withUnsafeMutablePointer(to: &statistics) {
                $0.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
                    host_statistics64(mach_host_self(), HOST_VM_INFO64, $0, &count)
                }
            }
            guard result == KERN_SUCCESS else { return nil }
            let pages = statistics.free_count + statistics.inactive_count + statistics.purgeable_count
            return Int(pages) * Int(sysconf(_SC_PAGESIZE))
        #else
            return nil
        #endif
    }
}
