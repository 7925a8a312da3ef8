import BinaryCoding
import Foundation
import TacitTestSupport
import Testing
import Transports

/// Who is turned away, and what it is told.
@Suite struct RefusalTests {
    @Test func unknownIdentity() async throws {
        let federation = try await TestFederation()
        let stranger = try TransportIdentity(name: "Stranger", role: .site, days: 1)
        let connection = try federation.connect(stranger)
        let error = await refusal {
            _ = try await connection.send(.bytes([1]), identifier: TestFederation.identifier(1))
        }
        #expect(error?.code == .unknownIdentity)
        #expect(
            error?.message
                == "identity \(stranger.certificate.fingerprint.written): is not enrolled in this study; give the coordinator your .public file for `tacit federation enroll`"
        )
        #expect(federation.exchange.state.withLock { $0.accepted.isEmpty })
        await federation.stop()
    }

    @Test func revokedBeforeAndDuringACall() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        let peer = EnrolledPeer(name: "Site A", fingerprint: site.certificate.fingerprint)
        let connection = try federation.connect(site)
        _ = try await connection.send(.bytes([1]), identifier: TestFederation.identifier(1))
        // A call that waits on an open connection ends soon after the revocation.
        let waiting = Task {
            await refusal { try await connection.receive(after: 0) { _, _ in true } }
        }
        try await Task.sleep(for: .milliseconds(200))
        let moment = ContinuousClock.now
        federation.roster.standings.withLock { $0[peer.fingerprint] = .revoked(peer) }
        let error = await waiting.value
        // Generous, for a loaded machine; without the revocation the call would wait for ever.
        #expect(ContinuousClock.now - moment < .seconds(30))
        #expect(error?.code == .revoked)
        #expect(
            error?.message
                == "identity of Site A (\(peer.fingerprint)): was revoked; ask the coordinator why")
        let second = await refusal {
            _ = try await connection.send(.bytes([2]), identifier: TestFederation.identifier(2))
        }
        #expect(second == error)
        await federation.stop()
    }

    @Test func expiredAndNotYetValid() async throws {
        let federation = try await TestFederation()
        let old = try federation.site("Old", from: Date(timeIntervalSinceNow: -20 * 86400), days: 5)
        let early = try federation.site("Early", from: Date(timeIntervalSinceNow: 20 * 86400), days: 5)
        let first = await refusal {
            _ = try await federation.connect(old).send(.bytes([1]), identifier: TestFederation.identifier(1))
        }
        #expect(first?.code == .expired)
        #expect(first?.message.contains("certificate of Old (") == true)
        #expect(first?.message.contains("expired on \(old.certificate.notAfter.formatted(.iso8601))") == true)
        let second = await refusal {
            _ = try await federation.connect(early).send(.bytes([1]), identifier: TestFederation.identifier(1))
        }
        #expect(second?.code == .expired)
        #expect(second?.message.contains("set the clock that is wrong") == true)
        await federation.stop()
    }

    @Test func wrongStudyAndWrongCoordinator() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        let other = Fingerprint(of: [7])
        let study = await refusal {
            _ = try await federation.connect(site, study: other).send(
                .bytes([1]), identifier: TestFederation.identifier(1))
        }
        #expect(study?.code == .wrongStudy)
        #expect(
            study?.message
                == "study: the site joins \(other), the coordinator serves \(federation.study); check the study file and the address"
        )
        let coordinator = await refusal {
            _ = try await federation.connect(site, coordinator: other).send(
                .bytes([1]), identifier: TestFederation.identifier(1))
        }
        #expect(coordinator?.code == .wrongCoordinator)
        #expect(
            coordinator?.message
                == "coordinator: got fingerprint \(federation.coordinator.certificate.fingerprint.written), want \(other.written); somebody else answers at this address"
        )
        await federation.stop()
    }

    @Test func rolesAreNotExchangeable() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        #expect(throws: TransportsError.self) { try federation.connect(federation.coordinator) }
        #expect(throws: TransportsError.self) {
            try CoordinatorServer(
                identity: site, study: federation.study, roster: federation.roster, exchange: federation.exchange,
                configuration: .init(spoolFolder: federation.folder.file("other")))
        }
        await federation.stop()
    }

    @Test func theStudysOwnRefusalArrives() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        let reason = TransportsError(code: .tooLarge, message: "update: got 99 bytes, want at most 10")
        federation.exchange.state.withLock { $0.refusal = reason }
        let error = await refusal {
            _ = try await federation.connect(site).send(
                .bytes([UInt8](repeating: 1, count: 99)), identifier: TestFederation.identifier(1))
        }
        #expect(error == reason)
        await federation.stop()
    }

    @Test func garbageAtThePortHarmsNobody() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        var generator = TestGenerator(seed: 3)
        for round in 0..<60 {
            guard let socket = FaultyLink.connect(to: federation.port) else {
                Issue.record("nobody listens any more")
                return
            }
            var bytes = (0..<Int.random(in: 0...3000, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            // Some begin like TLS, some like HTTP.
            if round % 3 == 0 { bytes = [0x16, 3, 1, 2, 0] + bytes }
            if round % 3 == 1 { bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + bytes }
            _ = bytes.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            close(socket)
        }
        let reply = try await federation.connect(site).send(.bytes([5]), identifier: TestFederation.identifier(1))
        #expect(reply == Array("Site A: \(Fingerprint(of: [5]).hexadecimal)".utf8))
        await federation.stop()
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "SKIPPED: openssl is absent"))
    func onlyTLS13WithACertificate() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        let path = federation.folder.file("site.key")
        try site.write(to: path)
        func handshake(_ options: String) throws -> String {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/bin/bash")
            // Ends when its input does: signals that this process blocks are blocked in its children too, so no time limit
            // would end it. After the handshake, an HTTP/2 preface: a server that lets it through answers with its settings.
            process.arguments = [
                "-c",
                "(printf 'PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n'; sleep 1) | openssl s_client -connect 127.0.0.1:\(federation.port) -alpn h2 \(options) -no_ign_eof 2>&1 | od -c | head -c 200000 | tr -d '\\n ' ; true",
            ]
            let pipe = Pipe()
            process.standardOutput = pipe
            try process.run()
            return String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        }
        let good = try handshake("-quiet -tls1_3 -cert \(path) -key \(path)")
        let old = try handshake("-quiet -tls1_2 -cert \(path) -key \(path)")
        let anonymous = try handshake("-quiet -tls1_3")
        // The first frame of a server is SETTINGS: type 4 after three bytes of length.
        func answersHTTP2(_ dump: String) -> Bool { dump.contains("\\0\\0") && dump.contains("004") }
        #expect(answersHTTP2(good), "\(good)")
        #expect(!answersHTTP2(old), "\(old)")
        #expect(!answersHTTP2(anonymous), "\(anonymous)")
        await federation.stop()
    }
}
