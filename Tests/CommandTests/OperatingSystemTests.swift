import Foundation
import TacitTestSupport
import Testing

/// Disks that are full, folders that are not there, signals, closed pipes, and other processes.
@Suite struct OperatingSystemTests {
    /// Commands that write, with what they need.
    static let writers: [[String]] = [
        ["encrypt", "--data", "train.csv", "--key", "solo.public", "--out", "OUT"],
        ["encrypt", "--data", "test.csv", "--key", "solo.public", "--as", "rows", "--out", "OUT"],
        ["encrypt", "--data", "test.csv", "--key", "solo.public", "--as", "features", "--out", "OUT"],
        ["encrypt", "--model", "plain.safetensors", "--key", "solo.public", "--out", "OUT"],
        ["train", "--encrypted", "solo.tacit", "--out", "OUT"],
        ["train", "--plain", "--data", "train.csv", "--out", "OUT"],
        ["decrypt", "fit.tacit", "--share", "team.share-1", "--out", "OUT"],
        ["decrypt", "solo-fit.tacit", "--key", "solo.secret", "--out", "OUT"],
        ["decrypt", "solo.tacit", "--key", "solo.secret", "--out", "OUT"],
        ["predict", "--encrypted", "features.tacit", "--model", "plain.safetensors", "--out", "OUT"],
        ["predict", "--model", "plain.safetensors", "--data", "test.csv", "--out", "OUT"],
        ["data", "split", "--data", "train.csv", "--out", "OUT"],
        ["data", "schema", "--data", "train.csv", "--out", "OUT"],
        ["keys", "generate", "--bits", "2048", "--unprotected", "--out", "OUT"],
        ["keys", "split", "solo.secret", "--threshold", "2", "--shares", "2", "--unprotected", "--out", "OUT"],
        ["report", "show", "opened.report.json", "--html", "OUT"],
    ]
    static let needed = [
        "train.csv", "train.schema.json", "test.csv", "test.schema.json", "solo.public", "solo.secret",
        "plain.safetensors",
        "solo.tacit", "fit.tacit", "solo-fit.tacit", "team.share-1", "features.tacit", "opened.report.json",
    ]

    private static func writesTables(_ writer: [String]) -> Bool {
        writer[0] == "data" || writer.starts(with: ["predict", "--model"])
    }

    private func command(_ writer: [String], out: String) -> [String] { writer.map { $0 == "OUT" ? out : $0 } }

    @Test func aFolderThatIsNotThere() throws {
        let process = try TacitProcess(with: Self.needed)
        let before = process.folder.names
        for writer in Self.writers {
            let outcome = try process.run(command(writer, out: "nowhere/new"))
            #expect(outcome.status == 73, "\(writer): \(outcome)")
            #expect(outcome.errors.contains("nowhere/new"), "\(writer): \(outcome)")
            #expect(outcome.errors.contains("create the folder first"), "\(writer): \(outcome)")
        }
        #expect(process.folder.names == before)
    }

    @Test func aFolderInPlaceOfAFile() throws {
        let process = try TacitProcess(with: Self.needed)
        try FileManager.default.createDirectory(atPath: process.folder.file("new"), withIntermediateDirectories: false)
        for writer in Self.writers where !["split", "generate", "schema"].contains(writer[1]) {
            try process.refuseAny(73, "new: is a folder, want a file name", command(writer, out: "new"))
        }
        let read = try process.run(["encrypt", "--data", "new", "--key", "solo.public", "--out", "x"])
        #expect([65, 66, 74, 78].contains(read.status) && read.errors.contains("new"), "\(read)")
        let key = try process.run(["encrypt", "--data", "train.csv", "--key", "new", "--out", "x"])
        #expect([65, 66, 74].contains(key.status) && key.errors.contains("new: "), "\(key)")
    }

    /// A limit on the size of files stands for a disk that fills up; the process must outlive the signal that comes
    /// with it.
    @Test func filesThatMayNotGrow() throws {
        let process = try TacitProcess(with: Self.needed)
        for writer in Self.writers {
            let before = try process.contents()
            let outcome = try process.run(
                command(writer, out: "new"), shell: "(ulimit -f 0; exec \"$@\") 2>&1 | cat >&2; exit ${PIPESTATUS[0]}")
            // Tables are written by a module that says only that a file is not writable.
            #expect(
                outcome.status == 74 || (outcome.status == 73 && Self.writesTables(writer)), "\(writer): \(outcome)")
            #expect(outcome.errors.contains("File too large"), "\(writer): \(outcome)")
            #expect(outcome.errors.contains("tacit: error: new"), "\(writer): \(outcome)")
            #expect(try process.contents() == before, "\(writer)")
        }
    }

    @Test func aFullDisk() throws {
        let process = try TacitProcess(with: Self.needed)
        try FileManager.default.createDirectory(atPath: process.folder.file("disk"), withIntermediateDirectories: false)
        let script = """
            mount -t tmpfs -o size=4k tacit disk 2>/dev/null || exit 99
            trap 'umount disk' EXIT
            printf 'old\\n' > disk/full
            "$@"
            code=$?
            ls -A disk >&2
            [ "$(cat disk/full)" = old ] || exit 98
            exit $code
            """
        for writer in Self.writers {
            let outcome = try process.run(command(writer, out: "disk/new"), shell: script)
            if outcome.status == 99 {
                print("SKIPPED: a full disk cannot be made here, since it takes the right to mount one")
                return
            }
            // Tables are written by a module that says only that a file is not writable.
            #expect(
                outcome.status == 74 || (outcome.status == 73 && Self.writesTables(writer)), "\(writer): \(outcome)")
            #expect(outcome.errors.contains("No space left on device; free some space"), "\(writer): \(outcome)")
            #expect(outcome.errors.hasSuffix("\nfull\n"), "\(writer): \(outcome)")
        }
    }

    @Test func aFolderWithoutPermission() throws {
        let process = try TacitProcess(with: Self.needed)
        try FileManager.default.createDirectory(
            atPath: process.folder.file("locked"), withIntermediateDirectories: false)
        // Root may write anywhere but where nobody may, such as in /proc.
        let isRoot = getuid() == 0
        if !isRoot {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o500], ofItemAtPath: process.folder.file("locked"))
        }
        let place = isRoot ? "/proc/new" : "locked/new"
        guard !isRoot || FileManager.default.fileExists(atPath: "/proc/self") else { return }
        for writer in Self.writers {
            let outcome = try process.run(command(writer, out: place))
            #expect(outcome.status == 73, "\(writer): \(outcome)")
            #expect(outcome.errors.contains("tacit: error: \(place)"), "\(writer): \(outcome)")
        }
    }

    // MARK: Signals

    /// A table whose encryption takes seconds.
    private func longTable(_ process: TacitProcess, rows: Int) throws {
        var text = "a,b,c\n"
        for row in 0..<rows { text += "\(row % 100),\(row % 17),\(row % 5)\n" }
        try process.write(text, to: "long.csv")
        try process.write(
            """
            {"columns": [
              {"name": "a", "type": "integer", "role": "feature", "bounds": {"lower": 0, "upper": 99}, "decimals": 0},
              {"name": "b", "type": "integer", "role": "feature", "bounds": {"lower": 0, "upper": 99}, "decimals": 0},
              {"name": "c", "type": "integer", "role": "target", "bounds": {"lower": 0, "upper": 99}, "decimals": 0}
            ], "confirmed": true, "formatVersion": 1}
            """, to: "long.schema.json")
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func interruptionWhileEncrypting(signal number: Int32) throws {
        let process = try TacitProcess(with: ["solo.public"])
        try longTable(process, rows: 150_000)
        try process.write("the old content\n", to: "out.tacit")
        let before = try process.contents()
        let (running, output, errors) = try process.prepare([
            "encrypt", "--data", "long.csv", "--key", "solo.public", "--as", "rows", "--out", "out.tacit",
        ])
        try running.run()
        Thread.sleep(forTimeInterval: 0.8)
        #expect(running.isRunning, "it was over before it could be interrupted")
        kill(running.processIdentifier, number)
        let sent = ContinuousClock.now
        running.waitUntilExit()
        let outcome = process.finish(running, output, errors)
        #expect(outcome.status == 128 + number, "\(outcome)")
        #expect(outcome.errors.contains("tacit: interrupted; unfinished files were removed, finished ones are whole"))
        #expect(outcome.output == "")
        #expect(ContinuousClock.now - sent < .seconds(20))
        #expect(try process.contents() == before)
    }

    /// Caught with half a file on the disk.
    @Test func interruptionWhileWriting() throws {
        let process = try TacitProcess(with: ["solo.public"])
        try longTable(process, rows: 20_000)
        try process.write("the old content\n", to: "out.tacit")
        let before = try process.contents()
        var wasCaught = false
        for _ in 0..<8 where !wasCaught {
            let (running, output, errors) = try process.prepare([
                "encrypt", "--data", "long.csv", "--key", "solo.public", "--as", "rows", "--out", "out.tacit",
            ])
            try running.run()
            while running.isRunning, process.litter.isEmpty { usleep(500) }
            kill(running.processIdentifier, SIGSTOP)
            wasCaught = !process.litter.isEmpty
            kill(running.processIdentifier, SIGINT)
            kill(running.processIdentifier, SIGCONT)
            running.waitUntilExit()
            let outcome = process.finish(running, output, errors)
            #expect(process.litter.isEmpty)
            if outcome.status == 130 {
                #expect(try process.contents() == before)
            } else {
                // The file was finished before the signal was seen.
                #expect(outcome.status == 0, "\(outcome)")
                try process.write("the old content\n", to: "out.tacit")
                wasCaught = false
            }
        }
        #expect(wasCaught, "no run was caught while it wrote")
    }

    @Test func aReaderThatGoesAway() throws {
        let process = try TacitProcess(with: ["opened.report.json", "train.csv", "train.schema.json"])
        for arguments in [
            ["report", "show", "opened.report.json"], ["data", "describe", "--data", "train.csv"],
            ["train", "--plain", "--data", "train.csv", "--out", "m.safetensors"],
        ] {
            let outcome = try process.run(arguments, shell: "\"$@\" | head -1; echo \"code ${PIPESTATUS[0]}\" >&2")
            let lines = outcome.errors.split(separator: "\n")
            #expect(["code 0", "code 141"].contains(String(lines.last ?? "")), "\(arguments): \(outcome)")
            #expect(!outcome.errors.contains("error"), "\(arguments): \(outcome)")
            #expect(outcome.output.split(separator: "\n").count == 1)
            let closed = try process.run(arguments, shell: "\"$@\" >&-; echo \"code $?\" >&2")
            #expect(!closed.errors.contains("code 0") || arguments[0] == "train", "\(arguments): \(closed)")
            #expect(process.litter.isEmpty)
        }
    }

    // MARK: Several processes

    @Test func twoProcessesWriteOneFile() throws {
        let process = try TacitProcess(with: ["part-2.csv", "part-2.schema.json", "solo.public", "solo.secret"])
        let started = try (0..<4).map { number in
            let prepared = try process.prepare([
                "encrypt", "--data", "part-2.csv", "--key", "solo.public", "--owner", "owner \(number)", "--out",
                "same.tacit",
            ])
            try prepared.0.run()
            return prepared
        }
        for (running, output, errors) in started {
            running.waitUntilExit()
            let outcome = process.finish(running, output, errors)
            #expect(outcome.status == 0, "\(outcome)")
        }
        #expect(process.litter.isEmpty)
        try process.succeed("decrypt", "same.tacit", "--key", "solo.secret", "--out", "sums.json")
    }

    /// One of them makes the keys, the others find them made; a mixture would lose everything encrypted under them.
    @Test func severalProcessesMakeTheSameKey() throws {
        let process = try TacitProcess()
        let started = try (0..<4).map { _ in
            let prepared = try process.prepare([
                "keys", "generate", "--bits", "512", "--insecure", "--threshold", "2", "--shares", "3", "--unprotected",
                "--out", "k",
            ])
            try prepared.0.run()
            return prepared
        }
        var codes: [Int32] = []
        for (running, output, errors) in started {
            running.waitUntilExit()
            codes.append(process.finish(running, output, errors).status)
        }
        #expect(codes.sorted() == [0, 73, 73, 73])
        #expect(process.folder.names == ["k.public", "k.share-1", "k.share-2", "k.share-3"])
        let prints = try process.folder.names.map {
            try process.json(process.succeed("keys", "inspect", $0, "--json").output)["fingerprint"] as? String
        }
        #expect(Set(prints).count == 1 && prints[0] != nil)
    }
}

extension TacitProcess {
    /// As ``refuse(_:_:_:shell:sourceLocation:)`` for a list.
    fileprivate func refuseAny(_ status: Int32, _ words: String, _ arguments: [String]) throws {
        let before = try contents()
        let outcome = try run(arguments)
        #expect(outcome.status == status && outcome.errors.contains(words), "\(arguments): \(outcome)")
        #expect(try contents() == before, "\(arguments)")
    }
}
