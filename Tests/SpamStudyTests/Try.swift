import Datasets
import Testing
import SpamStudy
@Suite struct TrySpam { @Test func go() throws { try SpamTry.run() } }
