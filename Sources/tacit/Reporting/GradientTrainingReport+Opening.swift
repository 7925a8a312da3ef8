import Foundation
import MultipartyCKKS
import PrivacyReports

/// Who opened the weights, with what they saw of it.
extension GradientTrainingReport {
    private static func holder(_ number: Int) -> String { "holder-\(number)" }

    var holders: [PrivacyReport.Party] {
        guard let opening else { return [] }
        return (1...opening.group.parties).map {
            .init(id: Self.holder($0), name: "Key holder \($0)", roles: [.keyHolder], secretKey: .share)
        }
    }

    /// Who reads the opened weights.
    var readers: [String] { opening.map { $0.participants.map(Self.holder) } ?? ["owner"] }

    var coalitions: [PrivacyReport.Coalition] {
        let server = PrivacyReport.Coalition(
            among: ["server"], atMost: 1, note: "The server alone learns sizes and parameters.")
        guard let opening else { return [server] }
        return [
            server,
            .init(
                among: holders.map(\.id), atMost: opening.group.threshold - 1,
                note:
                    "Any \(opening.group.threshold) of the \(opening.group.parties) key holders could open the rows; fewer "
                    + "learn nothing, with the server or without."),
        ]
    }

    func floodingNote(_ opening: Opening) -> PrivacyReport.Warning {
        .init(
            .note,
            "The weights were opened by \(opening.participants.count) key holders, each of whom added noise that hides what "
                + "the encryption's own noise says about the key (\(opening.group.policy)). It has a deviation of "
                + "\(String(format: "%.2g", opening.noiseDeviation)) in a weight of standardised columns and costs "
                + "\(String(format: "%.1f", opening.bitsLost)) bits of precision.")
    }

    func openingObservations(bytes: Int) -> [PrivacyReport.Observation] {
        let weights = model.featureNames.count + 1
        guard let opening else {
            return [
                .init(
                    observer: "owner", source: "server", form: .ciphertext, what: "the encrypted weights",
                    count: trained.meaning.rows.packing.blockCount, bytes: bytes, learns: "nothing before it opens them"
                ),
                .init(
                    observer: "owner", source: "owner", form: .plaintextModel, what: "the weights, opened with its key",
                    count: weights, learns: "the model"),
            ]
        }
        var result: [PrivacyReport.Observation] = []
        for reader in opening.participants {
            result.append(
                .init(
                    observer: Self.holder(reader), source: "server", form: .ciphertext, what: "the encrypted weights",
                    count: trained.meaning.rows.packing.blockCount, bytes: bytes,
                    learns: "nothing without the other holders' parts"))
            for other in opening.participants where other != reader {
                result.append(
                    .init(
                        observer: Self.holder(reader), source: Self.holder(other), form: .partialDecryption,
                        what: "a part with noise and masks in it", count: trained.openings.count,
                        learns: "the weights and the note, together with its own part"))
            }
            result.append(
                .init(
                    observer: Self.holder(reader), source: Self.holder(reader), form: .plaintextModel,
                    what: "the opened weights, with the noise of all parts, and the note", count: weights,
                    learns: "the model, and means and deviations of its columns"))
        }
        return result
    }
}
