import BinaryCoding
import Crypto
import Foundation
import Parallelism
import Randomness

// Taking the masks off: what remains on the sum of the masked inputs are the survivors' own masks, and the masks of pairs
// of which one was lost before its input.
extension AggregationCoordinator {
    /// Masks to be applied, and members that gave something wrong.
    func recoverMasks() throws(SecureAggregationError) -> (masks: [MaskedVector.Mask], suspects: Set<UInt32>) {
        let survivors = survivors!, sharing = sharing!
        let dropped = sharing.indices.filter { !survivors.contains($0) }
        var suspects: Set<UInt32> = []

        // What a survivor says of its own seed is checked against its commitment.
        var seeds: [Int: SecretBytes] = [:]
        for index in survivors.indices {
            guard let body = unmaskings[index] else { continue }
            let seed = SecretBytes(copying: body.seed)
            if isRight(seed: seed, of: index) { seeds[index] = seed } else { suspects.insert(round.members[index].id) }
        }
        let wanted = dropped + survivors.indices.filter { seeds[$0] == nil }
        let recovered = try parallelMap(wanted.count) {
            (place) throws(SecureAggregationError) -> (secret: SecretBytes, suspects: Set<UInt32>) in
            try recover(wanted[place], isSeed: survivors.contains(wanted[place]))
        }
        var maskingKeys: [Int: SecretBytes] = [:]
        for (index, result) in zip(wanted, recovered) {
            suspects.formUnion(result.suspects)
            if survivors.contains(index) { seeds[index] = result.secret } else { maskingKeys[index] = result.secret }
        }

        let keys = maskingKeys
        var masks = survivors.indices.map { index in
            MaskedVector.Mask(
                key: selfMaskKey(seeds[index]!, round: round.fingerprint, member: round.members[index].id),
                isSubtracted: true)
        }
        let pairMasks = try parallelMap(dropped.count) {
            (place) throws(SecureAggregationError) -> [MaskedVector.Mask] in
            let index = dropped[place]
            let gone = round.members[index].id
            guard let key = privateKey(keys[index]!) else {
                throw SecureAggregationError(code: .invalidShare, message: "masking key of member \(gone): is no key")
            }
            var masks: [MaskedVector.Mask] = []
            for neighbour in keyList!.neighbours(of: index) where survivors.contains(neighbour) {
                let other = round.members[neighbour].id
                let mask = try PairKey.derive(
                    key, with: keyList!.keys(of: neighbour).masking, round: round.fingerprint, members: (gone, other),
                    for: .mask)
                // The survivor added it towards higher numbers.
                masks.append(.init(key: mask, isSubtracted: other < gone))
            }
            return masks
        }
        masks += pairMasks.flatMap { $0 }
        return (masks, suspects)
    }

    private func privateKey(_ secret: SecretBytes) -> Curve25519.KeyAgreement.PrivateKey? {
        secret.withBytes(SecretAccess("masking key of a lost member, from its shares")) {
            try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: $0)
        }
    }

    private func isRight(seed: SecretBytes, of index: Int) -> Bool {
        shares[index]?.seedCommitment
            == seedCommitment(seed, round: round.fingerprint, member: round.members[index].id)
    }

    private func isRight(maskingKey: SecretBytes, of index: Int) -> Bool {
        privateKey(maskingKey).map { Array($0.publicKey.rawRepresentation) } == keyList!.keys(of: index).masking
    }

    /// The secret of a member from its neighbours' shares. Wrong shares are found out by the commitment or the public key:
    /// other holders are tried in turn, each time as many in a row as are needed, and then the wrong ones are known.
    private func recover(
        _ index: Int, isSeed: Bool
    ) throws(SecureAggregationError) -> (secret: SecretBytes, suspects: Set<UInt32>) {
        let what = isSeed ? "seed" : "masking key"
        let holders = sharingNeighbours(of: index).compactMap { holder -> (index: Int, share: SecretBytes)? in
            guard let body = unmaskings[holder],
                let place = sharingNeighbours(of: holder).firstIndex(of: index)
            else { return nil }
            return (holder, SecretBytes(copying: body.shares[place]))
        }
        let threshold = round.graph.threshold
        guard holders.count >= threshold else {
            throw SecureAggregationError(
                code: .belowThreshold,
                message:
                    "\(what) of member \(round.members[index].id): got \(holders.count) shares, want \(threshold); the "
                    + "round ends without a sum", member: round.members[index].id)
        }
        func attempt(_ chosen: [Int]) -> SecretBytes {
            SeedSharing.reconstruct(
                chosen.map { holders[$0].share },
                coefficients: Field65536.coefficientsAtZero(chosen.map { UInt16(holders[$0].index + 1) }))
        }
        for start in 0..<holders.count {
            let chosen = (0..<threshold).map { (start + $0) % holders.count }
            let secret = attempt(chosen)
            guard isSeed ? isRight(seed: secret, of: index) : isRight(maskingKey: secret, of: index) else { continue }
            var suspects: Set<UInt32> = []
            if start > 0 {
                // A holder is wrong when it spoils a set that is right without it.
                for other in holders.indices where !chosen.contains(other) {
                    if !attempt(chosen.dropLast() + [other]).isEqual(to: secret) {
                        suspects.insert(round.members[holders[other].index].id)
                    }
                }
            }
            return (secret, suspects)
        }
        throw SecureAggregationError(
            code: .invalidShare,
            message: "\(what) of member \(round.members[index].id): does not follow from any \(threshold) of its "
                + "\(holders.count) shares in a row; somebody gave wrong ones", member: round.members[index].id)
    }
}
