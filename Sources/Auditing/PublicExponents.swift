import Foundation

/// What python-paillier 1.5 shows of a number beside its ciphertext: an exponent that it chooses by the number's size.
///
/// phe writes a double as mantissa·16^e with e = ⌊(frexp exponent − 53)/4⌋, encrypts the mantissa and sends e as it is. A zero
/// has e = −14. A weight that did not move is therefore told from one that moved a little, without any key.
public enum PublicExponents {
    /// The exponent that phe sends with a finite number.
    public static func exponent(of number: Double) -> Int {
        precondition(number.isFinite, "number: want a finite one")
        // frexp's exponent is 0 for 0, and e with |x| = m·2^e, m in [½, 1), otherwise.
        let binary = number == 0 ? 0 : Int(number.exponent) + 1
        let lowest = binary - 53
        return lowest >= 0 ? lowest / 4 : -((3 - lowest) / 4)
    }

    /// Positions whose exponent is not that of zero: numbers that are certainly not zero.
    public static func certainlyNonZero(_ exponents: [Int]) -> [Int] {
        exponents.indices.filter { exponents[$0] != exponent(of: 0) }
    }
}
