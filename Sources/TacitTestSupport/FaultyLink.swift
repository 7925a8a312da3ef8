import Foundation
import Synchronization

/// A stretch of network between a client and a server on this machine that tests can cut, slow down and stop.
///
/// Listens on a port of its own and passes bytes to `target`. One thread a direction; for tests only.
public final class FaultyLink: Sendable {
    public let port: Int
    private let listener: Int32
    private struct State {
        var target: Int
        var sockets: Set<Int32> = []
        /// Bytes towards the server after which all connections are cut once.
        var cutAfter: Int?
        /// Waited before each piece that is passed on, in microseconds.
        var delay: UInt32 = 0
        var isDown = false
        var isClosed = false
        var passed = 0
    }
    private let state: Mutex<State>

    public init(to target: Int) throws {
        state = Mutex(State(target: target))
        (listener, port) = try Self.listen()
        let thread = Thread { [listener] in
            while true {
                let client = accept(listener, nil, nil)
                if client < 0 {
                    if errno == EINTR || errno == ECONNABORTED { continue }
                    return
                }
                self.serve(client)
            }
        }
        thread.start()
    }

    public func close() {
        state.withLock { $0.isClosed = true }
        shutdown(listener, Int32(SHUT_RDWR))
        Foundation.close(listener)
        cut()
    }

    /// Breaks every connection now.
    public func cut() {
        state.withLock { for socket in $0.sockets { shutdown(socket, Int32(SHUT_RDWR)) } }
    }

    /// Breaks every connection once `count` further bytes have gone to the server.
    public func cut(afterBytes count: Int) { state.withLock { $0.cutAfter = count } }

    /// Refuses connections while true.
    public func setDown(_ isDown: Bool) {
        state.withLock { $0.isDown = isDown }
        if isDown { cut() }
    }

    public func setDelay(microseconds: UInt32) { state.withLock { $0.delay = microseconds } }

    /// Where new connections go.
    public func setTarget(_ port: Int) { state.withLock { $0.target = port } }

    /// Bytes that went to the server so far.
    public var bytesToServer: Int { state.withLock { $0.passed } }

    private func serve(_ client: Int32) {
        let (target, isDown) = state.withLock { ($0.target, $0.isDown || $0.isClosed) }
        guard !isDown, let server = Self.connect(to: target) else {
            Foundation.close(client)
            return
        }
        var one: Int32 = 1
        for socket in [client, server] {
            setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        }
        state.withLock { $0.sockets.formUnion([client, server]) }
        let shared = Shared()
        for (from, to, isUpward) in [(client, server, true), (server, client, false)] {
            Thread {
                self.pass(from, to, isUpward)
                shutdown(from, Int32(SHUT_RDWR))
                shutdown(to, Int32(SHUT_RDWR))
                if shared.leave() {
                    self.state.withLock { $0.sockets.subtract([client, server]) }
                    Foundation.close(client)
                    Foundation.close(server)
                }
            }.start()
        }
    }

    private func pass(_ from: Int32, _ to: Int32, _ isUpward: Bool) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(from, &buffer, buffer.count, 0)
            if count <= 0 { return }
            let (delay, mustCut) = state.withLock { state -> (UInt32, Bool) in
                guard isUpward else { return (state.delay, false) }
                state.passed += count
                if let left = state.cutAfter {
                    state.cutAfter = left > count ? left - count : nil
                    return (state.delay, left <= count)
                }
                return (state.delay, false)
            }
            if mustCut {
                cut()
                return
            }
            if delay > 0 { usleep(delay) }
            var sent = 0
            while sent < count {
                let part = buffer.withUnsafeBytes {
                    send(to, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL))
                }
                if part <= 0 { return }
                sent += part
            }
        }
    }

    private final class Shared: Sendable {
        private let open = Mutex(2)
        /// True for the last to leave.
        func leave() -> Bool {
            open.withLock {
                $0 -= 1
                return $0 == 0
            }
        }
    }

    private struct LinkError: Error { var what: String }

    private static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port)).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }

    private static func listen() throws -> (Int32, Int) {
        let socket = tcpSocket()
        var address = address(0)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
        }
        guard bound == 0, Foundation.listen(socket, 128) == 0 else { throw LinkError(what: "cannot listen") }
        var length = size
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        return (socket, Int(UInt16(bigEndian: address.sin_port)))
    }

    /// A connected TCP socket to a port of this machine; nil when nobody listens.
    public static func connect(to port: Int) -> Int32? {
        let socket = tcpSocket()
        var address = address(port)
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result == 0 { return socket }
        Foundation.close(socket)
        return nil
    }

    private static func tcpSocket() -> Int32 {
        #if canImport(Darwin)
            socket(AF_INET, SOCK_STREAM, 0)
        #else
            socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        #endif
    }
}
