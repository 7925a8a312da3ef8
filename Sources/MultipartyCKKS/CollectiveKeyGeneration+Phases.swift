import BinaryCoding
import CKKS
import Lattice
import Randomness

// What a party does when everything for the next phase is there.
extension CollectiveKeyGeneration {
    private var everyone: Set<Int> { Set(1...group.parties) }

    /// One step forward when everything for it is there.
    mutating func advance(
        _ messages: inout [PartyMessage], using random: inout some SecureRandom
    ) throws(MultipartyError) -> Bool {
        switch phase {
        case .commitments:
            guard commitments.count == group.parties else { return false }
            openings[party] = nonce
            messages.append(message(.opening(nonce)))
            phase = .openings
        case .openings:
            guard openings.count == group.parties else { return false }
            reference = CommonReference(
                session: setting.session, nonces: (1...group.parties).map { openings[$0]! })
            sendShares(&messages, using: &random)
            phase = .shares
        case .shares:
            guard publicKeys.parties == everyone, received.count == group.parties - 1,
                galois.values.allSatisfy({ $0.parties == everyone }),
                !group.keys.relinearisation || first.parties == everyone
            else { return false }
            if group.keys.relinearisation {
                let half = setting.digits
                let bodies = arithmetic.relinearisationSecond(
                    ephemeral: ephemeral, sums: (Array(first.sum[..<half]), Array(first.sum[half...])), using: &random)
                second.add(bodies, from: party)
                first.sum = []
                messages.append(message(.relinearisationSecond(bodies)))
            }
            phase = .secondRound
        case .secondRound:
            guard !group.keys.relinearisation || second.parties == everyone else { return false }
            let confirmation = try assemble()
            confirmations[party] = confirmation
            messages.append(message(.confirmation(confirmation)))
            phase = .confirmations
        case .confirmations:
            guard confirmations.count == group.parties else { return false }
            let own = confirmations[party]!
            if let other = confirmations.keys.sorted().first(where: { confirmations[$0] != own }) {
                throw MultipartyError(
                    code: .inconsistentBroadcast,
                    message:
                        "confirmation: party \(other) has other keys (\(confirmations[other]!)) than party \(party) "
                        + "(\(own)); somebody's messages were not the same for all, start anew")
            }
            phase = .finished
        case .finished: return false
        }
        return true
    }

    private var arithmetic: KeyShareArithmetic {
        KeyShareArithmetic(context: setting.context, secret: secret, reference: reference!)
    }

    private mutating func sendShares(_ messages: inout [PartyMessage], using random: inout some SecureRandom) {
        let arithmetic = arithmetic
        let share = arithmetic.publicKey(using: &random)
        publicKeys.add([share], from: party)
        messages.append(message(.publicKey(share)))
        for element in group.galoisElements {
            let bodies = arithmetic.galois(element, using: &random)
            galois[element.exponent, default: Collected()].add(bodies, from: party)
            messages.append(message(.galois(element, bodies)))
        }
        if group.keys.relinearisation {
            let (h0, h1) = arithmetic.relinearisationFirst(ephemeral: ephemeral, using: &random)
            first.add(h0 + h1, from: party)
            messages.append(message(.relinearisationFirst(h0, h1)))
        }
        var shares: [RNSPolynomial<Evaluations>] = []
        if group.threshold < group.parties {
            let basis = setting.context.ring.ciphertextBasis
            shares = SecretSharing.share(
                secret.evaluations(SecretAccess("Shamir shares"), over: basis), threshold: group.threshold,
                parties: group.parties, using: &random)
            if shamir == nil { shamir = RNSPolynomial(zero: basis, isSecret: true) }
            shamir!.add(shares[party - 1])
            keep(shares[party - 1], of: party)
        }
        for other in 1...group.parties where other != party {
            messages.append(
                message(
                    .secretShare(seed: pairSeeds[other]!, share: shares.isEmpty ? nil : shares[other - 1]), to: other))
        }
    }

    /// Makes the keys of the sums; returns a digest of all that is public in them.
    private mutating func assemble() throws(MultipartyError) -> Fingerprint {
        let (ring, reference) = (setting.context.ring, reference!)
        var transcript = BinaryEncoder()
        transcript.encode("tacit collective key")
        transcript.encodeRaw(setting.session.bytes)
        transcript.encodeRaw(reference.value.bytes)
        func note(_ polynomial: RNSPolynomial<Evaluations>) {
            var encoder = BinaryEncoder()
            polynomial.encode(into: &encoder)
            transcript.encodeRaw(Fingerprint(of: encoder.bytes).bytes)
        }
        note(publicKeys.sum[0])
        let identity = Fingerprint(of: transcript.bytes)
        let keys = try wrappingLattice(.invalidEncoding) { () throws(LatticeError) in
            let publicKey = try RLWEPublicKey(body: publicKeys.sum[0], seed: reference.publicKey)
            var relinearisation: KeySwitchKey?
            if group.keys.relinearisation {
                second.sum.forEach(note)
                relinearisation = try KeySwitchKey(bodies: second.sum, seed: reference.relinearisation, ring: ring)
            }
            var galoisKeys: [UInt32: GaloisKey] = [:]
            for element in group.galoisElements {
                let bodies = galois[element.exponent]!.sum
                bodies.forEach(note)
                galoisKeys[element.exponent] = GaloisKey(
                    element: element,
                    key: try KeySwitchKey(bodies: bodies, seed: reference.galois(element), ring: ring))
            }
            return (publicKey, relinearisation, galoisKeys)
        }
        let pairs = received.reduce(into: [Int: UniformSeed]()) { pairs, entry in
            pairs[entry.key] = PairwiseMask.seed(
                session: setting.session, party, pairSeeds[entry.key]!, entry.key, entry.value)
        }
        result = CollectiveKeys(
            publicKey: CKKSPublicKey(context: setting.context, lattice: keys.0, identity: identity),
            evaluationKeys: group.keys.count == 0
                ? nil
                : CKKSEvaluationKeys(
                    context: setting.context, identity: identity, relinearisation: keys.1, galois: keys.2),
            share: CollectiveKeyShare(
                setting: setting, party: party, identity: identity, secret: secret, shamir: shamir,
                shamirOf: shamirOf, pairs: pairs))
        return Fingerprint(of: transcript.bytes)
    }
}
