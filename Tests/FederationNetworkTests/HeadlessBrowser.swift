import Foundation
import TacitTestSupport

/// Chromium without a window, driven over its debugging pipe: two FIFOs with JSON messages that end in a zero byte.
final class HeadlessBrowser {
    struct BrowserError: Error, CustomStringConvertible {
        var description: String
    }

    static let program: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .flatMap { folder in ["chromium", "google-chrome", "chromium-browser"].map { "\(folder)/\($0)" } }
        .first { FileManager.default.isExecutableFile(atPath: $0) }

    private let folder: TemporaryFolder
    private let process = Process()
    private var (input, output): (Int32, Int32) = (-1, -1)
    private var buffer: [UInt8] = []
    private var number = 0
    private var session: String?
    /// Addresses of all requests of the page.
    private(set) var requests: [String] = []
    /// What the page complained about.
    private(set) var complaints: [String] = []

    /// - Throws: when there is no browser, or it does not answer.
    init() throws {
        guard let program = Self.program else { throw BrowserError(description: "no browser") }
        folder = try TemporaryFolder()
        let (to, from) = (folder.file("to"), folder.file("from"))
        guard mkfifo(to, 0o600) == 0, mkfifo(from, 0o600) == 0 else { throw BrowserError(description: "no FIFOs") }
        // Both ends, so that opening does not wait.
        input = open(to, O_RDWR | O_CLOEXEC)
        output = open(from, O_RDWR | O_CLOEXEC)
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", #"to=$1; from=$2; shift 2; exec "$@" 3<"$to" 4>"$from""#, "sh", to, from, program, "--headless",
            "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--force-device-scale-factor=1",
            "--user-data-dir=\(folder.file("profile"))", "about:blank",
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let target = try call("Target.createTarget", ["url": "about:blank"])
        let attached = try call(
            "Target.attachToTarget", ["targetId": target["targetId"] as? String ?? "", "flatten": true])
        session = attached["sessionId"] as? String
        for domain in ["Page", "Network", "Runtime", "Log"] { _ = try call("\(domain).enable") }
    }

    deinit {
        session = nil
        _ = try? call("Browser.close", within: 5)
        let end = Date().addingTimeInterval(5)
        while process.isRunning, Date() < end { usleep(20_000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        close(input)
        close(output)
    }

    // MARK: Messages

    @discardableResult
    func call(_ method: String, _ parameters: [String: Any] = [:], within seconds: Double = 30) throws -> [String: Any]
    {
        number += 1
        let own = number
        var message: [String: Any] = ["id": own, "method": method, "params": parameters]
        if let session { message["sessionId"] = session }
        let bytes = Array(try JSONSerialization.data(withJSONObject: message)) + [0]
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            guard count > 0 else { throw BrowserError(description: "\(method): cannot be sent") }
            sent += count
        }
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            guard let answer = try next(until: end) else { continue }
            if answer["id"] as? Int == own {
                if let error = answer["error"] as? [String: Any] {
                    throw BrowserError(description: "\(method): \(error["message"] ?? error)")
                }
                return answer["result"] as? [String: Any] ?? [:]
            }
            note(answer)
        }
        throw BrowserError(description: "\(method): no answer")
    }

    private func note(_ event: [String: Any]) {
        let parameters = event["params"] as? [String: Any] ?? [:]
        switch event["method"] as? String {
        case "Network.requestWillBeSent":
            if let url = (parameters["request"] as? [String: Any])?["url"] as? String { requests.append(url) }
        case "Runtime.exceptionThrown": complaints.append("\(parameters["exceptionDetails"] ?? "")")
        case "Log.entryAdded":
            if let entry = parameters["entry"] as? [String: Any], entry["level"] as? String == "error" {
                complaints.append("\(entry["text"] ?? "") \(entry["url"] ?? "")")
            }
        default: break
        }
    }

    private func next(until end: Date) throws -> [String: Any]? {
        while true {
            if let zero = buffer.firstIndex(of: 0) {
                let data = Data(buffer[..<zero])
                buffer.removeSubrange(...zero)
                return try JSONSerialization.jsonObject(with: data) as? [String: Any]
            }
            var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            guard poll(&ready, 1, Int32(max(1, min(500, end.timeIntervalSinceNow * 1000)))) > 0 else {
                guard process.isRunning, Date() < end else { return nil }
                continue
            }
            var part = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(output, &part, part.count)
            guard count > 0 else { return nil }
            buffer += part[..<count]
        }
    }

    // MARK: The page

    /// The value of an expression, as JSON gives it.
    func evaluate(_ expression: String) throws -> Any? {
        let answer = try call(
            "Runtime.evaluate", ["expression": expression, "returnByValue": true, "awaitPromise": true])
        if let details = answer["exceptionDetails"] { throw BrowserError(description: "\(expression): \(details)") }
        return (answer["result"] as? [String: Any])?["value"]
    }

    func text(_ expression: String) throws -> String { try evaluate(expression) as? String ?? "" }
    func isTrue(_ expression: String) throws -> Bool { try evaluate(expression) as? Bool ?? false }

    func wait(_ expression: String, within seconds: Double = 30) throws {
        let end = Date().addingTimeInterval(seconds)
        while Date() < end {
            if (try? isTrue(expression)) == true { return }
            usleep(50_000)
        }
        throw BrowserError(
            description:
                "never came: \(expression); the page says \((try? text("document.body.innerText")) ?? "nothing")")
    }

    func visit(_ url: String) throws {
        _ = try call("Page.navigate", ["url": url])
        try wait("document.readyState === 'complete' && location.href.startsWith('\(url)')")
    }

    func view(width: Int, height: Int, isDark: Bool, isPhone: Bool = false) throws {
        try call(
            "Emulation.setDeviceMetricsOverride",
            ["width": width, "height": height, "deviceScaleFactor": 1, "mobile": isPhone])
        try call(
            "Emulation.setEmulatedMedia",
            ["features": [["name": "prefers-color-scheme", "value": isDark ? "dark" : "light"]]])
    }

    func type(_ text: String) throws { try call("Input.insertText", ["text": text]) }

    func press(_ key: String, code: Int, shift: Bool = false) throws {
        for kind in ["rawKeyDown", "char", "keyUp"] where kind != "char" || key == "Enter" {
            var event: [String: Any] = [
                "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": shift ? 8 : 0,
            ]
            if key == "Enter" { event["text"] = "\r" }
            try call("Input.dispatchKeyEvent", event)
        }
    }

    /// The whole page as a PNG.
    func picture() throws -> Data {
        let answer = try call("Page.captureScreenshot", ["format": "png", "captureBeyondViewport": true])
        return Data(base64Encoded: answer["data"] as? String ?? "") ?? Data()
    }
}
