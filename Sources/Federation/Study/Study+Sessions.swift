import BinaryCoding
import Paillier
import SecureAggregation

extension Study {
    /// Names an attempt of a session, in seeds, commitments and key derivations.
    func sessionName(_ task: SessionTask) -> Fingerprint {
        var encoder = BinaryEncoder()
        encoder.encode("tacit federation session")
        encoder.encodeRaw(fingerprint.bytes)
        encoder.encode(UInt32(task.session))
        encoder.encode(UInt32(task.attempt))
        return Fingerprint(of: encoder.bytes)
    }

    func setting(_ task: SessionTask) throws(FederationError) -> SumSetting {
        let isPrivate = literal.privacy != nil && task.purpose == .training
        var layout = try layout(task.purpose, model: task.model?.count ?? 0, norm: task.clippingNorm)
        if task.purpose != .keys, layout.count == 0 { throw .message("task: has nothing to add up") }
        if task.purpose == .keys { layout = try VectorLayout([], wordBits: 32, sites: max(1, task.cohort.count)) }
        guard task.cohort.count <= layout.sites else {
            throw .message("task: got a cohort of \(task.cohort.count), want at most \(layout.sites)")
        }
        return SumSetting(
            layout: layout, cohort: task.cohort, minimum: minimum, session: sessionName(task),
            noiseMargin: isPrivate ? noiseMargin : 0)
    }

    func collective() throws(FederationError) -> CollectiveSetting {
        try CollectiveSetting(
            sites: sites.count, threshold: threshold, openings: try openings(), label: fingerprint.hexadecimal)
    }

    /// How the sites make their Paillier key.
    public func jointKey() throws(FederationError) -> JointKeySetting {
        guard (literal.revoked ?? []).isEmpty else {
            throw FederationError(
                code: .incompatible,
                message:
                    "protection paillier: all sites make the key together; remove revoked ones from the list of sites")
        }
        do {
            let parameters = try literal.protection.modulusBits.map { bits throws(PaillierError) in
                try PaillierParameters(
                    .init(modulusBits: bits, security: literal.protection.insecure == true ? .insecure : .standard))
            }
            return try JointKeySetting(
                parameters: parameters ?? .bits3072, holders: sites.count, threshold: threshold,
                label: fingerprint.bytes)
        } catch { throw .study("protection paillier: \(error.message)") }
    }

    /// The coordinator's side of a session's sum.
    func server(
        _ task: SessionTask, paillier: PaillierSharing?, collective: CollectiveSetting?, identity: SiteIdentity?
    ) throws(FederationError) -> any SumServer {
        let setting = try setting(task)
        if task.purpose == .keys { return KeySetupServer(kind, parties: sites.count) }
        switch kind {
        case .none: return PlainSumServer(setting)
        case .secagg:
            return try MaskedSumServer(
                setting, round: MaskedRound.make(setting, study: self, session: task.session, attempt: task.attempt),
                identity: identity)
        case .paillier:
            guard let paillier else { throw .protection("paillier: the sites' key is not made yet") }
            return try PaillierSumServer(setting, paillier)
        case .ckks:
            guard let collective else { throw .protection("ckks: got no collective setting") }
            return try CKKSSumServer(setting, collective, parties: try parties(task.cohort))
        }
    }

    /// For each name of a cohort its party of the collective key: its place among the sites, from 1.
    func parties(_ cohort: [String]) throws(FederationError) -> [Int] {
        var result: [Int] = []
        for name in cohort {
            guard let index = sites.firstIndex(where: { $0.name == name }) else {
                throw FederationError(code: .unknownSite, message: "cohort: \(name) is not a site of the study")
            }
            result.append(index + 1)
        }
        return result
    }
}
