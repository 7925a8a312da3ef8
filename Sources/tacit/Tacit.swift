@main struct Tacit { static func main() {} }
