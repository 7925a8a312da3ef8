import Foundation
import Synchronization

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// How far a download has come.
public struct DownloadProgress: Hashable, Sendable {
    /// The path of the file below the data directory.
    public let file: String
    /// Bytes on this machine, those of an earlier, interrupted download included.
    public let receivedBytes: Int
    public let totalBytes: Int

    public init(file: String, receivedBytes: Int, totalBytes: Int) {
        self.file = file
        self.receivedBytes = receivedBytes
        self.totalBytes = totalBytes
    }
}

/// One request whose body goes to an open file from a given offset on.
///
/// Foundation calls the delegate on one serial queue; what is shared with the waiting task is behind a lock.
final class Download: NSObject, URLSessionDataDelegate, Sendable {
    struct Outcome: Sendable {
        var receivedBytes = 0
        /// What a later request says in If-Range: a strong entity tag, else the date of the last change.
        var validator: String?
        /// The server would not continue where we left off.
        var mustRestart = false
        var failure: DatasetsError?
    }

    private struct State {
        var outcome = Outcome()
        var offset: Int
        var lastActivity = ContinuousClock.now
        var continuation: CheckedContinuation<Outcome, Never>?
        var isFinished = false
    }

    private let file: Dataset.File
    private let descriptor: Int32
    private let stallLimit: Duration
    private let progress: @Sendable (DownloadProgress) -> Void
    private let state: Mutex<State>

    init(
        _ file: Dataset.File, into descriptor: Int32, from offset: Int, stallLimit: Duration,
        progress: @escaping @Sendable (DownloadProgress) -> Void
    ) {
        self.file = file
        self.descriptor = descriptor
        self.stallLimit = stallLimit
        self.progress = progress
        state = Mutex(State(offset: offset))
    }

    /// Runs the request to its end; never throws, since what arrived before a failure counts.
    func run(validator: String?) async -> Outcome {
        guard let url = URL(string: file.address), let scheme = url.scheme, ["http", "https"].contains(scheme) else {
            return Outcome(
                failure: DatasetsError(.downloadFailed, "\(file.path): got address \(file.address), want http or https")
            )
        }
        var request = URLRequest(url: url)
        request.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
        let offset = state.withLock { $0.offset }
        if offset > 0 {
            request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range")
            if let validator { request.setValue(validator, forHTTPHeaderField: "If-Range") }
        }
        let configuration = URLSessionConfiguration.ephemeral
        configuration.urlCache = nil
        configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
        // Stalls are found by the watchdog below; this only bounds what it could miss.
        configuration.timeoutIntervalForRequest = 3600
        let session = URLSession(configuration: configuration, delegate: self, delegateQueue: nil)
        let task = session.dataTask(with: request)
        let watchdog = Task { [self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: min(stallLimit / 4, .seconds(1)))
                let isStalled = state.withLock { state in
                    guard !state.isFinished, .now - state.lastActivity > stallLimit else { return false }
                    fail(
                        &state,
                        DatasetsError(
                            .stalled,
                            "\(file.address): the server sent nothing for \(stallLimit); what has arrived is kept, run the "
                                + "same command again to go on"))
                    return true
                }
                if isStalled {
                    task.cancel()
                    finish()
                }
            }
        }
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // Cancelled before it began: nothing will call back.
                let early: Outcome? = state.withLock { state in
                    if state.isFinished { return state.outcome }
                    state.continuation = continuation
                    return nil
                }
                if let early { continuation.resume(returning: early) } else { task.resume() }
            }
        } onCancel: { [self] in
            state.withLock { fail(&$0, DatasetsError(.cancelled, "\(file.path): cancelled; what has arrived is kept")) }
            task.cancel()
            finish()
        }
        watchdog.cancel()
        session.invalidateAndCancel()
        return outcome
    }

    /// Hands the outcome to the waiting task, once.
    private func finish() {
        let (continuation, outcome) = state.withLock { state in
            state.isFinished = true
            defer { state.continuation = nil }
            return (state.continuation, state.outcome)
        }
        continuation?.resume(returning: outcome)
    }

    /// The first failure is the cause of those that follow.
    private func fail(_ state: inout State, _ error: DatasetsError) {
        if state.outcome.failure == nil { state.outcome.failure = error }
    }

    // MARK: Called by Foundation

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        let isAccepted = state.withLock { state in
            state.lastActivity = .now
            return accept(response, &state)
        }
        completionHandler(isAccepted ? .allow : .cancel)
    }

    private func accept(_ response: URLResponse, _ state: inout State) -> Bool {
        guard let response = response as? HTTPURLResponse else {
            fail(&state, DatasetsError(.downloadFailed, "\(file.address): got no HTTP answer"))
            return false
        }
        let tag = response.value(forHTTPHeaderField: "ETag")
        state.outcome.validator =
            tag.map { $0.hasPrefix("W/") } == false ? tag : response.value(forHTTPHeaderField: "Last-Modified")
        switch response.statusCode {
        case 200:
            // The whole file from its beginning, whatever was asked for.
            if state.offset > 0 {
                state.offset = 0
                if ftruncate(descriptor, 0) != 0 {
                    fail(&state, unwritable())
                    return false
                }
            }
        case 206:
            let range = response.value(forHTTPHeaderField: "Content-Range") ?? ""
            guard range.hasPrefix("bytes \(state.offset)-") else {
                state.outcome.mustRestart = true
                return false
            }
        case 416:
            state.outcome.mustRestart = true
            return false
        default:
            fail(
                &state,
                DatasetsError(
                    .downloadFailed,
                    "\(file.address): got HTTP status \(response.statusCode), want 200; try later, or "
                        + "fetch the file by hand and name its folder with --data-dir"))
            return false
        }
        let announced = response.expectedContentLength
        if announced >= 0 && Int(announced) + state.offset != file.byteCount {
            fail(
                &state,
                DatasetsError(
                    .sizeMismatch,
                    "\(file.address): the server announces \(Int(announced) + state.offset) bytes, want \(file.byteCount)"
                ))
            return false
        }
        return true
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let report: DownloadProgress? = state.withLock { state in
            guard !state.isFinished, state.outcome.failure == nil, !state.outcome.mustRestart else { return nil }
            state.lastActivity = .now
            guard state.offset + data.count <= file.byteCount else {
                fail(
                    &state,
                    DatasetsError(
                        .sizeMismatch, "\(file.address): sends more than the published \(file.byteCount) bytes"))
                return nil
            }
            guard write(data, at: state.offset) else {
                fail(&state, unwritable())
                return nil
            }
            state.offset += data.count
            state.outcome.receivedBytes += data.count
            return DownloadProgress(file: file.path, receivedBytes: state.offset, totalBytes: file.byteCount)
        }
        if let report { progress(report) } else { dataTask.cancel() }
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        state.withLock { state in
            if let error, !state.outcome.mustRestart {
                fail(
                    &state,
                    DatasetsError(
                        .downloadFailed,
                        "\(file.address): the connection failed (\(error.localizedDescription)); what has arrived is kept"
                    ))
            }
        }
        finish()
    }

    private func write(_ data: Data, at offset: Int) -> Bool {
        data.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(offset + done))
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return false }
                done += count
            }
            return true
        }
    }

    private func unwritable() -> DatasetsError {
        DatasetsError(.unwritable, "\(file.path): cannot write to the cache: \(String(cString: strerror(errno)))")
    }
}
