import Foundation
import HTTPTypes
import Hummingbird
import Logging

/// The coordinator's page: one HTML page without outside assets, live by server-sent events, and beside it `/metrics` in
/// Prometheus text form and `/health`.
///
/// Everything but the sign-in page, its assets and `/health` needs the token: as a form once, which sets a cookie
/// (HttpOnly, SameSite=Strict), or as `Authorization: Bearer` for programs. Plain HTTP: bind it to this machine and reach it
/// through SSH or a reverse proxy with TLS.
public struct Dashboard: Sendable {
    public struct Address: Hashable, Sendable {
        public var host: String
        public var port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Whether only this machine can reach it.
        public var isLocal: Bool { ["127.0.0.1", "::1", "localhost"].contains(host) }
    }

    private let sessions: DashboardSessions
    private let source: any DashboardSource
    private let address: Address
    private static let cookie = "tacit"

    /// - Parameter token: at least 16 characters.
    public init(source: any DashboardSource, token: String, address: Address) {
        precondition(token.utf8.count >= 16, "token: want at least 16 characters")
        self.source = source
        self.address = address
        sessions = DashboardSessions(token: token)
    }

    /// Serves until the task is cancelled.
    /// - Parameter onRunning: told the port.
    public func run(onRunning: @escaping @Sendable (Int) async -> Void) async throws {
        var logger = Logger(label: "tacit.dashboard")
        logger.logLevel = .critical
        let application = Application(
            router: makeRouter(),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port), serverName: nil),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
        try await application.run()
    }

    private func makeRouter() -> Router<BasicRequestContext> {
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: SecurityHeaders())
        router.get("/") { request, _ in
            isSignedIn(request)
                ? Self.page(DashboardPage.html) : Self.page(DashboardPage.signIn(problem: nil))
        }
        router.get("/page.css") { _, _ in Self.asset(DashboardPage.css, "text/css; charset=utf-8") }
        router.get("/page.js") { _, _ in Self.asset(DashboardPage.script, "text/javascript; charset=utf-8") }
        for path in ["/favicon.svg", "/favicon.ico"] {
            router.get(RouterPath(path)) { _, _ in Self.asset(DashboardPage.icon, "image/svg+xml") }
        }
        router.post("/login") { request, _ in try await signIn(request) }
        router.post("/logout") { request, _ in
            if let name = request.cookies[Self.cookie]?.value { sessions.signOut(name) }
            return Self.redirectHome()
        }
        router.get("/health") { _, _ in
            let trouble = await source.trouble()
            return Response(
                status: trouble == nil ? .ok : .serviceUnavailable, headers: [.contentType: "application/json"],
                body: Self.body(trouble == nil ? #"{"status":"ok"}"# : #"{"status":"trouble"}"#))
        }
        router.get("/metrics") { request, _ in
            guard isSignedIn(request) else { return Self.refused() }
            return Response(
                status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
                body: Self.body(await source.metricsText()))
        }
        router.get("/state") { request, _ in
            guard isSignedIn(request) else { return Self.refused() }
            return Response(
                status: .ok, headers: [.contentType: "application/json"],
                body: Self.body(Self.json(await source.dashboardState())))
        }
        router.get("/report/:name") { request, context in
            guard isSignedIn(request) else { return Self.refused() }
            return await report(context.parameters.get("name") ?? "")
        }
        router.get("/events") { request, _ in
            guard isSignedIn(request) else { return Self.refused() }
            return events(request)
        }
        return router
    }

    // MARK: Answers

    private func isSignedIn(_ request: Request) -> Bool {
        if let value = request.headers[.authorization], value.hasPrefix("Bearer ") {
            return sessions.isToken(String(value.dropFirst(7)))
        }
        return sessions.isSignedIn(request.cookies[Self.cookie]?.value)
    }

    private func signIn(_ request: Request) async throws -> Response {
        let buffer = try await request.body.collect(upTo: 4096)
        let fields = String(buffer: buffer).split(separator: "&")
        let field = fields.first { $0.hasPrefix("token=") }?.dropFirst(6) ?? ""
        let token = String(field).replacingOccurrences(of: "+", with: " ").removingPercentEncoding ?? ""
        switch sessions.signIn(token.trimmingCharacters(in: .whitespacesAndNewlines)) {
        case .session(let name):
            var response = Self.redirectHome()
            response.setCookie(
                Cookie(
                    name: Self.cookie, value: name, maxAge: Int(DashboardSessions.lifetime), path: "/", httpOnly: true,
                    sameSite: .strict))
            return response
        case .wrong:
            return Self.page(DashboardPage.signIn(problem: "That is not the token."), status: .forbidden)
        case .tooMany:
            return Self.page(
                DashboardPage.signIn(problem: "Too many wrong tokens. Wait a minute."), status: .tooManyRequests)
        }
    }

    private func report(_ name: String) async -> Response {
        let parts = name.split(separator: ".")
        guard parts.count == 2, parts[0] == "privacy-report", let format = ReportFormat(rawValue: String(parts[1]))
        else {
            return Response(status: .notFound)
        }
        guard let bytes = await source.privacyReport(format) else {
            return Response(
                status: .notFound, headers: [.contentType: "text/plain; charset=utf-8"],
                body: Self.body("There is no report yet: no round is finished.\n"))
        }
        let type = format == .html ? "text/html; charset=utf-8" : "application/json"
        return Response(
            status: .ok,
            headers: [.contentType: type, .contentDisposition: "attachment; filename=\"\(name)\""],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// The state at once and after every change, at most five times a second; a comment now and then keeps proxies awake.
    private func events(_ request: Request) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/event-stream; charset=utf-8"],
            body: ResponseBody { writer in
                var version: UInt64 = 0
                var last = ""
                while !Task.isCancelled {
                    guard isSignedIn(request) else { break }
                    let text = Self.json(await source.dashboardState())
                    if text != last {
                        try await writer.write(ByteBuffer(string: "data: \(text)\n\n"))
                        last = text
                    } else {
                        try await writer.write(ByteBuffer(string: ": here\n\n"))
                    }
                    let next = await source.change(since: version, within: .seconds(10))
                    version = next
                    try await Task.sleep(for: .milliseconds(200))
                }
                try await writer.finish(nil)
            })
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "∞", negativeInfinity: "−∞", nan: "–")
        return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private static func body(_ text: String) -> ResponseBody { ResponseBody(byteBuffer: ByteBuffer(string: text)) }

    private static func page(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: "text/html; charset=utf-8"], body: body(text))
    }

    private static func asset(_ text: String, _ type: String) -> Response {
        Response(status: .ok, headers: [.contentType: type], body: body(text))
    }

    private static func redirectHome() -> Response { Response(status: .seeOther, headers: [.location: "/"]) }

    private static func refused() -> Response {
        Response(
            status: .unauthorized,
            headers: [.contentType: "text/plain; charset=utf-8", .wwwAuthenticate: "Bearer"],
            body: body("Sign in first, or send the token as a bearer token.\n"))
    }
}

/// Nothing from elsewhere is loaded, nothing is framed, nothing is kept.
struct SecurityHeaders: RouterMiddleware {
    typealias Context = BasicRequestContext

    func handle(
        _ request: Request, context: Context, next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do { response = try await next(request, context) } catch let error as any HTTPResponseError {
            response = Response(status: error.status)
        }
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
            ("x-content-type-options", "nosniff"), ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"), ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            if let field = HTTPField.Name(name) { response.headers[field] = value }
        }
        return response
    }
}
