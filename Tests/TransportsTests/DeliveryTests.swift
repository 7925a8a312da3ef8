import BinaryCoding
import Foundation
import Synchronization
import TacitTestSupport
import Testing
import Transports

/// Messages arrive whole and once, whatever happens on the way.
@Suite(.serialized) struct DeliveryTests {
    @Test func everySizeBothWays() async throws {
        let federation = try await TestFederation()
        let connection = try federation.connect(try federation.site("Site A"))
        let sizes = [0, 1, 1000, 65536, 65537, 262_143, 262_144, 262_145, 3_000_000, 40_000_000]
        for (number, size) in sizes.enumerated() {
            let message = TestFederation.message(size, seed: UInt64(number))
            let reply = try await connection.send(.bytes(message), identifier: TestFederation.identifier(number))
            #expect(reply == Array("Site A: \(Fingerprint(of: message).hexadecimal)".utf8), "size \(size)")
            federation.exchange.post(message)
        }
        let received = Mutex<[[UInt8]]>([])
        try await connection.receive(after: 0) { sequence, bytes in
            received.withLock { $0.append(bytes) }
            return sequence < UInt64(sizes.count)
        }
        #expect(received.withLock { $0.map(\.count) } == sizes)
        for (number, bytes) in received.withLock({ $0 }).enumerated() {
            #expect(bytes == TestFederation.message(sizes[number], seed: UInt64(number)))
        }
        #expect(FileManager.default.contents(atPath: federation.spoolFolder) == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: federation.spoolFolder).isEmpty)
        await federation.stop()
    }

    @Test func anUploadGoesOnWhereTheLineBroke() async throws {
        let federation = try await TestFederation()
        let link = try FaultyLink(to: federation.port)
        defer { link.close() }
        let retries = Mutex(0)
        let connection = try federation.connect(try federation.site("Site A"), port: link.port) { _, _ in
            retries.withLock { $0 += 1 }
        }
        let message = TestFederation.message(30_000_000, seed: 9)
        let cutter = Task {
            for _ in 0..<6 {
                link.cut(afterBytes: 4_000_000)
                let mark = link.bytesToServer
                while link.bytesToServer < mark + 4_000_000 { try await Task.sleep(for: .milliseconds(2)) }
            }
        }
        let reply = try await connection.send(.bytes(message), identifier: TestFederation.identifier(1))
        cutter.cancel()
        #expect(reply == Array("Site A: \(Fingerprint(of: message).hexadecimal)".utf8))
        #expect(retries.withLock { $0 } >= 4)
        // Sent again is only what was on its way when the line broke: a few windows, not the message.
        #expect(link.bytesToServer < 45_000_000, "got \(link.bytesToServer)")
        let offsets = federation.events.withLock {
            $0.compactMap { event -> UInt64? in
                if case .uploadResumed(_, let offset, _) = event { offset } else { nil }
            }
        }
        #expect(offsets.count >= 3 && offsets == offsets.sorted(), "\(offsets)")
        #expect(federation.exchange.state.withLock { Array($0.effects.values) } == [1])
        await federation.stop()
    }

    @Test func aDownloadGoesOnWhereTheLineBroke() async throws {
        let federation = try await TestFederation()
        let link = try FaultyLink(to: federation.port)
        defer { link.close() }
        let connection = try federation.connect(try federation.site("Site A"), port: link.port)
        for number in 0..<4 { federation.exchange.post(TestFederation.message(5_000_000, seed: UInt64(number))) }
        link.setDelay(microseconds: 300)
        let cutter = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .milliseconds(150))
                link.cut()
            }
        }
        let received = Mutex<[Fingerprint]>([])
        try await connection.receive(after: 0) { sequence, bytes in
            received.withLock { $0.append(Fingerprint(of: bytes)) }
            return sequence < 4
        }
        cutter.cancel()
        #expect(
            received.withLock { $0 }
                == (0..<4).map { Fingerprint(of: TestFederation.message(5_000_000, seed: UInt64($0))) })
        await federation.stop()
    }

    @Test func theCoordinatorIsReplacedInTheMiddle() async throws {
        let federation = try await TestFederation()
        let link = try FaultyLink(to: federation.port)
        defer { link.close() }
        let connection = try federation.connect(try federation.site("Site A"), port: link.port)
        let message = TestFederation.message(60_000_000, seed: 4)
        let sending = Task { try await connection.send(.bytes(message), identifier: TestFederation.identifier(1)) }
        for _ in 0..<3 {
            try await Task.sleep(for: .milliseconds(60))
            link.setDown(true)
            await federation.stop()
            try await federation.start()
            link.setTarget(federation.port)
            link.setDown(false)
        }
        #expect(try await sending.value == Array("Site A: \(Fingerprint(of: message).hexadecimal)".utf8))
        #expect(federation.exchange.state.withLock { Array($0.effects.values) } == [1])
        await federation.stop()
    }

    @Test func theSameMessageTwiceCountsOnce() async throws {
        let federation = try await TestFederation()
        let site = try federation.site("Site A")
        let first = try federation.connect(site)
        let second = try federation.connect(site)
        let message = TestFederation.message(2_000_000, seed: 1)
        // At the same time from two connections, then again from either.
        async let one = first.send(.bytes(message), identifier: TestFederation.identifier(1))
        async let two = second.send(.bytes(message), identifier: TestFederation.identifier(1))
        let replies = try await [one, two]
        let third = try await first.send(.bytes(message), identifier: TestFederation.identifier(1))
        #expect(Set(replies + [third]).count == 1)
        #expect(federation.exchange.state.withLock { Array($0.effects.values) } == [1])
        await federation.stop()
    }

    @Test func shutdownIsQuickAndTheSiteComesBack() async throws {
        let federation = try await TestFederation()
        let retries = Mutex<[TransportsError]>([])
        let connection = try federation.connect(try federation.site("Site A")) { error, _ in
            retries.withLock { $0.append(error) }
        }
        let received = Mutex(0)
        let receiving = Task {
            try await connection.receive(after: 0) { _, _ in
                received.withLock { $0 += 1 }
                return false
            }
        }
        try await Task.sleep(for: .milliseconds(200))
        let port = federation.port
        let moment = ContinuousClock.now
        await federation.stop()
        #expect(ContinuousClock.now - moment < .seconds(20))
        try await federation.start(port: port)
        federation.exchange.post([1, 2, 3])
        try await receiving.value
        #expect(received.withLock { $0 } == 1)
        #expect(retries.withLock { $0.first?.isWorthAnotherTry } == true)
        await federation.stop()
    }

    @Test func patienceEnds() async throws {
        let federation = try await TestFederation()
        let connection = try federation.connect(try federation.site("Site A"), patience: .milliseconds(400))
        await federation.stop()
        let error = await refusal {
            _ = try await connection.send(.bytes([1]), identifier: TestFederation.identifier(1))
        }
        #expect(error?.code == .unreachable)
        #expect(
            error?.message.hasPrefix("https://127.0.0.1:\(federation.port): gave up after") == true, "\(error as Any)")
    }

    /// Needs a file system of its own, therefore root on Linux.
    @Test(.enabled(if: FullDisk.isPossible, "SKIPPED: no file system can be mounted here")) func aFullDiskIsSurvived()
        async throws
    {
        let disk = try FullDisk(megabytes: 8)
        let federation = try await TestFederation(spool: disk.path + "/spool")
        let ballast = disk.path + "/ballast"
        _ = FileManager.default.createFile(atPath: ballast, contents: Data(count: 6_000_000))
        let retries = Mutex<[TransportsError]>([])
        let connection = try federation.connect(try federation.site("Site A")) { error, _ in
            retries.withLock { $0.append(error) }
        }
        let message = TestFederation.message(5_000_000, seed: 2)
        let sending = Task { try await connection.send(.bytes(message), identifier: TestFederation.identifier(1)) }
        while retries.withLock({ $0.count }) < 2 { try await Task.sleep(for: .milliseconds(5)) }
        // Short messages still pass.
        _ = try await connection.send(.bytes([1]), identifier: TestFederation.identifier(2))
        try FileManager.default.removeItem(atPath: ballast)
        #expect(try await sending.value == Array("Site A: \(Fingerprint(of: message).hexadecimal)".utf8))
        #expect(retries.withLock { $0.first?.code } == .cannotStore)
        #expect(
            retries.withLock { $0.first?.message }
                == "coordinator: cannot write in its folder spool: No space left on device")
        await federation.stop()
    }
}
