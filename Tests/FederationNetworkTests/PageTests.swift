import Foundation
import TacitTestSupport
import Testing

/// The coordinator's page, asked over a socket.
@Suite(.serialized) struct PageTests {
    struct Answer {
        var status: Int
        var headers: [String: String]
        var body: String
    }

    /// One HTTP request over a socket of its own, so that nothing is added or followed on the way.
    static func ask(
        _ port: Int, _ path: String, method: String = "GET", headers: [String] = [], body: String = "",
        until: String? = nil
    ) throws -> Answer {
        guard let socket = FaultyLink.connect(to: port) else {
            throw NetworkStudy.StudyError(description: "nobody listens")
        }
        defer { close(socket) }
        var lines = ["\(method) \(path) HTTP/1.1", "Host: 127.0.0.1:\(port)", "Connection: close"] + headers
        if method == "POST" {
            lines += ["Content-Type: application/x-www-form-urlencoded", "Content-Length: \(body.utf8.count)"]
        }
        let text = lines.joined(separator: "\r\n") + "\r\n\r\n" + body
        _ = text.withCString { send(socket, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count <= 0 { break }
            received += buffer[..<count]
            if let until, String(decoding: received, as: UTF8.self).contains(until) { break }
        }
        let all = String(decoding: received, as: UTF8.self)
        let parts = all.split(separator: "\r\n\r\n", maxSplits: 1)
        let head = (parts.first ?? "").split(separator: "\r\n").map(String.init)
        var fields: [String: String] = [:]
        for line in head.dropFirst() {
            let pair = line.split(separator: ":", maxSplits: 1)
            if pair.count == 2 { fields[pair[0].lowercased()] = pair[1].trimmingCharacters(in: .whitespaces) }
        }
        let status = head.first.flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) } ?? 0
        return Answer(status: status, headers: fields, body: parts.count > 1 ? String(parts[1]) : "")
    }

    @Test func signingInAndWhatNeedsIt() throws {
        let study = try NetworkStudy()
        try study.startCoordinator(["--dashboard-port", "0"])
        let port = study.dashboardPort
        let path = study.folder.file("hospital.state/dashboard.token")
        let token = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(token.count >= 32)
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)

        let start = try Self.ask(port, "/")
        #expect(start.status == 200 && start.body.contains("type=\"password\"") && !start.body.contains("hospital"))
        #expect(start.headers["content-security-policy"]?.hasPrefix("default-src 'none'") == true)
        #expect(start.headers["x-frame-options"] == "DENY" && start.headers["cache-control"] == "no-store")
        for closed in ["/metrics", "/state", "/events", "/report/privacy-report.html"] {
            #expect(try Self.ask(port, closed).status == 401, "\(closed)")
        }
        #expect(try Self.ask(port, "/metrics", headers: ["Authorization: Bearer \(token)x"]).status == 401)
        #expect(try Self.ask(port, "/state", headers: ["Cookie: tacit=\(token)"]).status == 401)
        #expect(try Self.ask(port, "/nothing").status == 404)
        let health = try Self.ask(port, "/health")
        #expect(health.status == 200 && health.body.contains(#"{"status":"ok"}"#))

        let metrics = try Self.ask(port, "/metrics", headers: ["Authorization: Bearer \(token)"])
        #expect(
            metrics.status == 200 && metrics.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        #expect(metrics.body.contains("# TYPE tacit_rounds_committed_total counter\ntacit_rounds_committed_total 0\n"))
        // Every line is a comment or a sample, as Prometheus reads them.
        let sample = /^[a-z_]+(\{site="[^"\n]*"\})? -?[0-9.e+-]+$/
        for line in metrics.body.split(separator: "\n") where !line.hasPrefix("# ") && !line.hasPrefix("\r") {
            guard line.contains("tacit_") else { continue }
            #expect(line.wholeMatch(of: sample) != nil, "\(line)")
        }

        let login = try Self.ask(port, "/login", method: "POST", body: "token=\(token)")
        #expect(login.status == 303)
        let cookie = try #require(login.headers["set-cookie"])
        #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && !cookie.contains(token))
        let name = try #require(cookie.split(separator: ";").first.map(String.init))
        #expect(try Self.ask(port, "/", headers: ["Cookie: \(name)"]).body.contains("id=\"rounds\""))
        let live = try Self.ask(port, "/events", headers: ["Cookie: \(name)"], until: "\n\n")
        #expect(live.headers["content-type"]?.hasPrefix("text/event-stream") == true)
        #expect(live.body.contains("data: {") && live.body.contains("Waiting: 0 of 3 sites have joined"))
        #expect(try Self.ask(port, "/logout", method: "POST", headers: ["Cookie: \(name)"]).status == 303)
        #expect(try Self.ask(port, "/state", headers: ["Cookie: \(name)"]).status == 401)

        // Guessing is slowed down.
        var last = 0
        for guess in 0..<12 { last = try Self.ask(port, "/login", method: "POST", body: "token=guess\(guess)").status }
        #expect(last == 429)
        #expect(try Self.ask(port, "/login", method: "POST", body: "token=\(token)").status == 429)
    }
}
