import Crypto
import Foundation
import Synchronization

/// Who is signed in. The token that lets people in never becomes a cookie; a signed-in browser holds a number of its own.
final class DashboardSessions: Sendable {
    private struct State {
        var sessions: [String: Date] = [:]
        var failures: [Date] = []
    }
    private let state = Mutex(State())
    private let key = SymmetricKey(size: .bits256)
    private let token: [UInt8]
    static let lifetime: TimeInterval = 12 * 3600
    /// More wrong tokens than this in a minute, and nobody signs in for the rest of it.
    static let failuresPerMinute = 10

    init(token: String) { self.token = Array(token.utf8) }

    /// Compares in a time that does not depend on where the two differ: both go through HMAC-SHA256 under a key of this
    /// process, and codes are compared in constant time.
    func isToken(_ candidate: String) -> Bool {
        let code = HMAC<SHA256>.authenticationCode(for: token, using: key)
        return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Array(candidate.utf8), using: key)
    }

    enum Outcome { case session(String), wrong, tooMany }

    func signIn(_ candidate: String, at moment: Date = Date()) -> Outcome {
        let isTooMany = state.withLock { state in
            state.failures.removeAll { moment.timeIntervalSince($0) > 60 }
            return state.failures.count >= Self.failuresPerMinute
        }
        if isTooMany { return .tooMany }
        guard isToken(candidate) else {
            state.withLock { $0.failures.append(moment) }
            return .wrong
        }
        // 256 bits of the system's generator.
        let name = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0).base64EncodedString() }
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
        state.withLock { state in
            state.sessions = state.sessions.filter { $0.value > moment }
            state.sessions[name] = moment.addingTimeInterval(Self.lifetime)
        }
        return .session(name)
    }

    func isSignedIn(_ name: String?, at moment: Date = Date()) -> Bool {
        guard let name else { return false }
        return state.withLock { ($0.sessions[name] ?? .distantPast) > moment }
    }

    func signOut(_ name: String) { state.withLock { $0.sessions[name] = nil } }
}
