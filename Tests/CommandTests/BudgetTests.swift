import Foundation
import Testing

/// The ledger through the command.
@Suite struct BudgetTests {
    private static let create = [
        "budget", "create", "l.ledger", "--data", "d.csv", "--epsilon", "1", "--delta", "0", "--unit", "patient",
        "--neighbouring", "add-or-remove-one",
    ]

    private func prepared(_ more: String...) throws -> TacitProcess {
        let process = try TacitProcess()
        try process.write("age,ward\n31,A\n42,B\n", to: "d.csv")
        let outcome = try process.run(Self.create + more)
        try #require(outcome.status == 0, "\(outcome)")
        return process
    }

    @Test func theWholeStory() throws {
        let process = try prepared()
        #expect(try process.mode("l.ledger") == 0o600)
        let first = try process.json(process.succeed("budget", "show", "l.ledger", "--json").output)
        #expect(first["spent"] as? Double == 0 && first["left"] as? Double == 1 && first["entries"] as? Int == 1)
        let head = try #require(first["head"] as? String)

        let made = try process.succeed(
            "budget", "spend", "l.ledger", "--laplace-multiplier", "4", "--purpose", "count by ward", "--json")
        #expect(abs((try process.json(made.output)["spent"] as? Double ?? 0) - 0.25) < 1e-9)
        let said = try process.succeed("budget", "spend", "l.ledger", "--epsilon", "0.25", "--purpose", "mean age")
        #expect(said.output == "l.ledger: entry 2 authorises it; spent 0.5, left 0.5\n")

        let shown = try process.succeed("budget", "show", "l.ledger").output
        for words in ["d.csv, each patient, add or remove one", "ε = 1 at δ = 0", "spent      0.5, left 0.5"] {
            #expect(shown.contains(words), "\(shown)")
        }
        let history = try process.succeed("budget", "history", "l.ledger").output
        for words in ["count by ward", "mean age", "tacit 0.1.0", NSUserName(), "Laplace noise, multiplier 4.0"] {
            #expect(history.contains(words), "\(history)")
        }
        #expect(try process.succeed("budget", "history", "l.ledger", "--last", "1").output.hasPrefix("2  20"))

        let checked = try process.succeed(
            "budget", "check", "l.ledger", "--head", head, "--data", "d.csv", "--epsilon", "0.1", "--steps", "5")
        #expect(checked.output.hasPrefix("l.ledger: 3 entries, unaltered; head "))
        #expect(checked.output.contains("together it would be 1: it would be allowed"))
        try process.refuse(
            77, ["budget exceeded", "wants 0.6", "0.5 of 1 is spent", "0.5 is left", "would be 1.1"], "budget", "check",
            "l.ledger", "--epsilon", "0.1", "--steps", "6")
    }

    /// The program runs after the entry is made, and does not run when it is refused.
    @Test func programsAreRunWhenTheyArePaidFor() throws {
        let process = try prepared()
        let outcome = try process.succeed(
            "budget", "spend", "l.ledger", "--epsilon", "0.75", "--purpose", "count", "--", "sh", "-c",
            "echo released $0",
            "now")
        #expect(outcome.output == "released now\n")
        try process.refuse(
            77, ["budget exceeded", "nothing was released"], "budget", "spend", "l.ledger", "--epsilon", "0.5",
            "--purpose", "again", "--", "sh", "-c", "echo released; touch released")
        // Its exit code is the program's, and what it cost stays spent.
        #expect(
            try process.run([
                "budget", "spend", "l.ledger", "--epsilon", "0.25", "--purpose", "count", "--", "sh", "-c", "exit 3",
            ]).status == 3)
        #expect(
            try process.json(process.succeed("budget", "show", "l.ledger", "--json").output)["entries"] as? Int == 3)
        try process.refuse(
            66, ["no such program; nothing was spent"], "budget", "spend", "l.ledger", "--epsilon", "1e-9", "--purpose",
            "p", "--", "no-such-program")
    }

    @Test func badInput() throws {
        let process = try prepared()
        try process.refuse(
            73, ["it is not replaced"], "budget", "create", "l.ledger", "--data", "d.csv", "--epsilon", "2", "--delta",
            "0", "--unit", "row", "--neighbouring", "replace-one")
        try process.refuse(
            66, ["none.csv"], "budget", "create", "m.ledger", "--data", "none.csv", "--epsilon", "2", "--delta", "0",
            "--unit", "row", "--neighbouring", "replace-one")
        for (epsilon, delta) in [
            ("0", "0"), ("-1", "0"), ("nan", "0"), ("inf", "0"), ("1", "1"), ("1", "-1"), ("1", "nan"),
        ] {
            try process.refuse(
                64, ["want"], "budget", "create", "m.ledger", "--data", "d.csv", "--epsilon=\(epsilon)",
                "--delta=\(delta)", "--unit", "row", "--neighbouring", "replace-one")
        }
        for arguments in [
            ["--epsilon", "-1"], ["--epsilon", "1", "--rho", "1"], ["--delta", "0.1"], ["--steps", "3"],
            ["--noise-multiplier", "0"], ["--laplace-multiplier", "nan"], ["--rho=-1"], [],
            ["--noise-multiplier", "1", "--sampling-rate", "2"], ["--epsilon", "0.1", "--steps=-4"],
        ] {
            let outcome = try process.run(["budget", "spend", "l.ledger", "--purpose", "p"] + arguments)
            #expect(outcome.status == 64 && outcome.output == "", "\(arguments): \(outcome)")
        }
        try process.refuse(66, ["tacit budget create"], "budget", "show", "none.ledger")
        try process.refuse(65, ["not an SQLite database"], "budget", "show", "d.csv")
        try process.refuse(65, ["d.csv as it was"], "budget", "check", "l.ledger", "--data", "l.ledger")
        try process.refuse(64, ["64 hexadecimal digits"], "budget", "check", "l.ledger", "--head", "abc")
        try process.refuse(
            65, ["has no entry"], "budget", "check", "l.ledger", "--head", String(repeating: "a", count: 64))
        let whole = try process.read("l.ledger")
        try process.write(Array(whole.prefix(whole.count / 2)), to: "l.ledger")
        try process.refuse(65, ["l.ledger"], "budget", "show", "l.ledger")
        #expect(try process.json(TacitProcess.shown(prepared()))["entries"] as? Int == 1)
    }

    @Test func warnsOfLargeBudgets() throws {
        let process = try TacitProcess()
        let outcome = try process.succeed(
            "budget", "create", "l", "--data", "diabetes", "--epsilon", "20", "--delta", "0.01", "--unit", "patient",
            "--neighbouring", "add-or-remove-one", "--units", "100")
        #expect(outcome.errors.contains("delta: 0.01 is not below 1 / 100") && outcome.errors.contains("epsilon: 20.0"))
    }
}

extension TacitProcess {
    fileprivate static func shown(_ process: TacitProcess) throws -> String {
        try process.succeed("budget", "show", "l.ledger", "--json").output
    }
}
