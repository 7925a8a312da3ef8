import Testing

@Suite struct HelpTests {
    @Test func version() throws {
        #expect(try TacitProcess().succeed("--version").output == "0.1.0\n")
    }
}
