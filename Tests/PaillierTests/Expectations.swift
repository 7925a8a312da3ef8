import Paillier
import Testing

/// Expects the call to throw a ``PaillierError`` of the code whose message contains `text`.
func expectError<Value>(
    _ code: PaillierError.Code, _ text: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Value
) {
    #expect(sourceLocation: sourceLocation) {
        _ = try body()
    } throws: { error in
        guard let error = error as? PaillierError else { return false }
        return error.code == code && (text.isEmpty || error.message.contains(text))
    }
}
