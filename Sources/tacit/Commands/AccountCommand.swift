import ArgumentParser
import AtomicFiles
import DifferentialPrivacy
import PrivacyLedger
import Foundation

struct AccountCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "What private training costs: ε for noise, or noise for ε.",
        discussion: """
            Training with Gaussian noise on sums over Poisson samples: at each step every unit is in the batch with the \
            given probability, contributions are clipped to norm 1, and noise of deviation --noise is added. Neighbours \
            differ by adding or removing one unit. Without sampling (--sampling-rate 1) they may also differ by replacing \
            one.

            Give --noise to learn ε, --epsilon to learn the least noise, or both to check.
            """)

    @Option(help: "Probability with which a unit is in a batch: expected batch size over number of units.")
    var samplingRate: Double
    @Option(help: "Noise multiplier: deviation of the noise over the clipping norm.") var noise: Double?
    @Option(help: "Number of steps.") var steps: Int
    @Option(help: "δ, well below one over the number of units.") var delta: Double
    @Option(help: "Find the least noise multiplier for this ε.") var epsilon: Double?
    @Option(help: "Number of units, to check δ against.") var units: Int?
    @Option(help: "When two data sets are neighbours.") var neighbouring: NeighbouringOption = .addOrRemoveOne
    @Option(help: "Write a plot of ε over the steps to this SVG file.") var out: String?
    @OptionGroup var common: CommonOptions

    /// What `--json` prints.
    struct Account: Encodable {
        struct Point: Encodable {
            let steps: Int
            /// Nil where there is no finite bound.
            let renyi: Double?
            let lower: Double
            let upper: Double
        }
        struct Noise: Encodable {
            let epsilon: Double
            let byLossDistribution: Double
            let byRenyi: Double
        }
        let samplingRate: Double
        let steps: Int
        let delta: Double
        let neighbouring: Neighbouring
        var noiseMultiplier: Double?
        var epsilonByRenyi: Double?
        var epsilonLower: Double?
        var epsilonUpper: Double?
        var noiseForEpsilon: Noise?
        var curve: [Point] = []
    }

    func validate() throws {
        guard noise != nil || epsilon != nil else { throw ValidationError("give --noise, --epsilon or both") }
        guard out == nil || noise != nil else { throw ValidationError("--out plots the cost of --noise; give it too") }
        guard steps > 0 else { throw ValidationError("--steps: got \(steps), want at least 1") }
        guard delta > 0, delta < 1 else {
            throw ValidationError("--delta: got \(delta), want a number between 0 and 1")
        }
    }

    func run() throws {
        common.apply()
        let relation = neighbouring.value
        if let units, delta * Double(units) >= 1 {
            Console.warn(
                "--delta: \(delta) is at least 1/\(units); a mechanism that publishes one whole unit satisfies it")
        }
        var account = Account(samplingRate: samplingRate, steps: steps, delta: delta, neighbouring: relation)
        do {
            if let noise { try addCost(of: noise, relation, to: &account) }
            if let epsilon { try addNoise(for: epsilon, relation, to: &account) }
        } catch let error as DifferentialPrivacyError {
            throw CommandFailure(.usage, error.message)
        }
        if let out { try writeAtomically(plot(account).utf8, to: out) }
        if common.json { return try Console.json(account) }
        show(account)
    }

    private func event(_ noise: Double) -> PrivacyEvent {
        .poissonSampled(rate: samplingRate, event: .gaussian(noiseMultiplier: noise))
    }

    private func addCost(
        of noise: Double, _ relation: Neighbouring, to account: inout Account
    ) throws {
        // About fifty points, more at the start where the curve bends.
        let shown = out == nil ? [steps] : Set((1...50).map { max(1, steps * $0 * $0 / 2500) } + [steps]).sorted()
        for count in shown {
            var renyi = try RenyiAccountant(neighbouring: relation)
            var loss = PrivacyLossAccountant(neighbouring: relation)
            try loss.compose(event(noise), count: count)
            try renyi.compose(event(noise), count: count)
            let bounds = try loss.epsilonBounds(delta: delta)
            account.curve.append(
                .init(
                    steps: count, renyi: Self.finite(try renyi.epsilon(delta: delta)), lower: bounds.lower,
                    upper: bounds.upper))
        }
        let last = account.curve.last!
        account.noiseMultiplier = noise
        account.epsilonByRenyi = last.renyi
        (account.epsilonLower, account.epsilonUpper) = (last.lower, last.upper)
        if out == nil { account.curve = [] }
    }

    private static func finite(_ value: Double) -> Double? { value.isFinite ? value : nil }

    private func addNoise(
        for epsilon: Double, _ relation: Neighbouring, to account: inout Account
    ) throws {
        func composed(_ noise: Double) -> PrivacyEvent { .repeated(event(noise), count: steps) }
        account.noiseForEpsilon = .init(
            epsilon: epsilon,
            byLossDistribution: try NoiseCalibration.noiseMultiplier(
                epsilon: epsilon, delta: delta, accountant: PrivacyLossAccountant(neighbouring: relation),
                event: composed),
            byRenyi: try NoiseCalibration.noiseMultiplier(
                epsilon: epsilon, delta: delta, accountant: RenyiAccountant(neighbouring: relation), event: composed))
    }

    private func show(_ account: Account) {
        func text(_ value: Double, _ digits: Int = 6) -> String { String(format: "%.\(digits)g", value) }
        if let noise = account.noiseMultiplier, let lower = account.epsilonLower, let upper = account.epsilonUpper {
            Console.result(
                "noise multiplier \(text(noise)), rate \(text(samplingRate)), \(steps) steps, δ = \(text(delta))")
            Console.result("ε by loss distributions   \(text(upper, 7))   (and not below \(text(lower, 7)))")
            Console.result(
                "ε by Rényi divergences    \(account.epsilonByRenyi.map { text($0, 7) } ?? "no finite bound")")
        }
        if let noise = account.noiseForEpsilon {
            Console.result("noise multiplier for ε = \(text(noise.epsilon)), \(steps) steps, δ = \(text(delta))")
            Console.result("by loss distributions     \(text(noise.byLossDistribution, 7))")
            Console.result("by Rényi divergences      \(text(noise.byRenyi, 7))")
        }
        Console.result("neighbours: \(neighbouring.value.words)")
        if let out { Console.log("\(out): ε over the steps") }
    }

    // MARK: Plot

    private func plot(_ account: Account) -> String {
        let (width, height, left, bottom) = (640.0, 400.0, 64.0, 48.0)
        let finite = account.curve
        let top = max(1e-12, finite.map { max($0.renyi ?? 0, $0.upper) }.max() ?? 1) * 1.08
        func x(_ steps: Int) -> Double { left + (width - left - 24) * Double(steps) / Double(self.steps) }
        func y(_ epsilon: Double) -> Double { height - bottom - (height - bottom - 40) * epsilon / top }
        func format(_ value: Double) -> String { String(format: "%.1f", value) }
        func line(_ value: (Account.Point) -> Double?, _ colour: String, _ dash: String) -> String {
            let points = finite.compactMap { point in
                value(point).map { "\(format(x(point.steps))),\(format(y($0)))" }
            }.joined(separator: " ")
            return """
                <polyline points="\(points)" fill="none" stroke="\(colour)" stroke-width="2" stroke-dasharray="\(dash)"/>\n
                """
        }
        var body = ""
        for i in 0...4 {
            let value = top * Double(i) / 4
            let at = format(y(value))
            body += """
                <line x1="\(left)" y1="\(at)" x2="\(width - 24)" y2="\(at)" stroke="#ddd"/>
                <text x="\(left - 8)" y="\(at)" text-anchor="end" dy="4">\(String(format: "%.3g", value))</text>
                <text x="\(format(x(steps * i / 4)))" y="\(height - bottom + 20)" text-anchor="middle">\(steps * i / 4)</text>\n
                """
        }
        body +=
            line({ $0.renyi }, "#b35806", "7 4") + line({ $0.upper }, "#1f5fa8", "")
            + line({ $0.lower }, "#5aa02c", "2 4")
        let title = "ε over \(steps) steps at δ = \(delta)"
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" role="img" \
            font-family="sans-serif" font-size="12">
            <title>\(title)</title>
            <desc>Solid: upper bound by loss distributions. Dotted: lower bound. Dashed: Rényi divergences.</desc>
            <rect width="100%" height="100%" fill="white"/>
            <text x="\(left)" y="20" font-size="14">\(title)</text>
            <text x="\(left)" y="36" fill="#1f5fa8">— loss distributions</text>
            <text x="\(left + 150)" y="36" fill="#5aa02c">⋯ lower bound</text>
            <text x="\(left + 260)" y="36" fill="#b35806">– – Rényi</text>
            <text x="\((left + width) / 2)" y="\(height - 8)" text-anchor="middle">steps</text>
            \(body)</svg>\n
            """
    }
}
