import Datasets
import Foundation
import TacitTestSupport
import Testing

/// Pictures by other software (Pillow 13.0), and damaged ones.
@Suite struct PictureTests {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
        path: "Resources/pictures")

    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appending(path: name)))
    }

    /// The same picture of 9 × 7 pixels, value (31·y + 17·x) mod 256, in every form.
    @Test(arguments: ["grey8", "grey16", "rgb", "rgba", "palette", "la"])
    func formsOfOnePicture(_ name: String) throws {
        let picture = try GreyImage(decoding: Self.bytes("\(name).png"), name: name)
        #expect(picture.height == 7 && picture.width == 9)
        for y in 0..<7 {
            for x in 0..<9 {
                let wanted = (31 * y + 17 * x) % 256
                #expect(abs(Int(picture.pixels[y * 9 + x]) - wanted) <= 1, "\(name): \(y), \(x)")
            }
        }
    }

    @Test func fewBitsAndPGM() throws {
        let bits = try GreyImage(decoding: Self.bytes("bits.png"), name: "bits")
        #expect(bits.pixels == (0..<63).map { ($0 / 9 + $0 % 9) % 2 == 0 ? 255 : 0 })
        let portable = try GreyImage(decoding: Self.bytes("grey8.pgm"), name: "pgm")
        #expect(portable == (try GreyImage(decoding: Self.bytes("grey8.png"), name: "png")))
        #expect(portable.inverted.pixels[5] == 255 - portable.pixels[5])
    }

    @Test func badPicturesNameWhatIsWrong() throws {
        let good = try Self.bytes("grey8.png")
        func message(_ bytes: [UInt8]) -> String {
            do {
                _ = try GreyImage(decoding: bytes, name: "x.png")
                return ""
            } catch { return "\(error)" }
        }
        #expect(message([]) == "x.png: is neither a PNG nor a binary PGM picture")
        #expect(message(Array(good.dropLast(3))) == "x.png: PNG: is cut short")
        var damaged = good
        damaged[20] ^= 1
        #expect(message(damaged) == "x.png: PNG: IHDR: checksum does not match")
        #expect(message(try Self.bytes("interlaced.png")).contains("no interlacing"))
        #expect(message(Array("P5 100000 100000 255\n".utf8)).contains("want up to"))
        #expect(message(Array("P5 3 3 255\n12345678".utf8)) == "x.png: PGM: got 8 pixels, want 9")
        #expect(message(Array("P5 3 x".utf8)).contains("want width, height"))
    }

    @Test func fuzzingPictures() throws {
        let names = ["grey8.png", "rgba.png", "palette.png", "bits.png", "grey8.pgm"]
        Fuzzing.run(valid: try names.map(Self.bytes)) { _ = try? GreyImage(decoding: $0, name: "x") }
        // With checksums that fit, so that what is behind them is reached.
        let valid = try names.dropLast().map(Self.bytes)
        Fuzzing.run(valid: valid, seed: 2, iterations: Fuzzing.iterations(oneOf: 4)) { input in
            _ = try? GreyImage(decoding: Self.withChecksums(input), name: "x")
        }
    }

    static func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        var position = 8
        while position + 12 <= result.count {
            let length = result[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard position + 12 + length <= result.count else { break }
            var crc: UInt32 = 0xFFFF_FFFF
            for byte in result[position + 4..<position + 8 + length] {
                crc ^= UInt32(byte)
                for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
            }
            for index in 0..<4 {
                result[position + 8 + length + index] = UInt8(truncatingIfNeeded: ~crc >> UInt32(24 - 8 * index))
            }
            position += 12 + length
        }
        return result
    }
}
