import Foundation
import Testing

/// Holds the sources to Package.swift: a module imports the modules listed for it, and nothing that is not listed is
/// declared either. (Transitive imports compile, so the compiler does not catch this.)
@Suite struct ImportTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    /// Parts of the toolchain and the system.
    static let system: Set<String> = [
        "Foundation", "FoundationNetworking", "Dispatch", "Synchronization", "Glibc", "Darwin", "Musl", "Testing",
    ]

    struct Target {
        var name: String
        var folder: String
        var dependencies: Set<String>
    }

    /// Reads the target declarations as text: name and dependencies of each `.target`, `.executableTarget` and
    /// `.testTarget`.
    static func targets() throws -> [Target] {
        let text = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        let names = /\.(target|executableTarget|testTarget)\(\s*name: "(\w+)"/
        let matches = text.matches(of: names)
        return matches.enumerated().compactMap { index, match in
            // A product dependency looks like a target to no one: it has no `name:` first argument of these kinds.
            let end = index + 1 < matches.count ? matches[index + 1].range.lowerBound : text.endIndex
            let body = text[match.range.upperBound..<end]
            var dependencies: Set<String> = []
            if let list = body.firstMatch(of: /dependencies: \[/) {
                var depth = 1
                var position = list.range.upperBound
                let start = position
                while depth > 0, position < body.endIndex {
                    if body[position] == "[" { depth += 1 }
                    if body[position] == "]" { depth -= 1 }
                    position = body.index(after: position)
                }
                var inner = String(body[start..<position])
                for product in inner.matches(of: /\.product\(name: "(\w+)", package: "[\w.-]+"\)/).reversed() {
                    dependencies.insert(String(product.1))
                    inner.removeSubrange(product.range)
                }
                for plain in inner.matches(of: /"(\w+)"/) { dependencies.insert(String(plain.1)) }
            }
            let kind = String(match.1)
            return Target(
                name: String(match.2), folder: (kind == "testTarget" ? "Tests/" : "Sources/") + match.2,
                dependencies: dependencies)
        }
    }

    static func imports(of folder: String) -> [(file: String, module: String)] {
        let base = root.appending(path: folder)
        let files =
            FileManager.default.enumerator(at: base, includingPropertiesForKeys: nil)?.allObjects as? [URL] ?? []
        return files.filter { $0.pathExtension == "swift" }.flatMap { file -> [(String, String)] in
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            let pattern =
                /^(?:@\w+(?:\(\w+\))? )?(?:public |package |internal |private )?import (?:(?:struct|class|enum|func|protocol|typealias) )?(\w+)/
            return text.split(separator: "\n").compactMap { line in
                line.firstMatch(of: pattern).map { (file.lastPathComponent, String($0.1)) }
            }
        }
    }

    @Test func modulesImportWhatPackageSwiftSays() throws {
        let targets = try Self.targets()
        try #require(targets.count > 10, "the reader of Package.swift found too little")
        for target in targets where target.name != "CKernels" {
            let found = Self.imports(of: target.folder)
            for (file, module) in found where !Self.system.contains(module) {
                #expect(
                    target.dependencies.contains(module),
                    "\(target.folder)/\(file) imports \(module), which is not listed")
            }
            let used = Set(found.map(\.module))
            for dependency in target.dependencies {
                #expect(used.contains(dependency), "\(target.name) lists \(dependency) and never imports it")
            }
        }
    }

    @Test func noModuleIsACatchAll() throws {
        for target in try Self.targets() {
            #expect(!["Utils", "Utilities", "Common", "Helpers", "Shared", "Misc"].contains(target.name))
        }
    }

    /// The network, the command's parser and the big-number library have one importer each.
    @Test func externalPackagesStayWhereTheyBelong() throws {
        let owners: [String: Set<String>] = [
            "ArgumentParser": ["tacit"], "CGMP": ["BigIntegers"], "CHDF5": ["WeightFormats"],
            "CPostgres": ["CoordinatorStore"], "CZlib": ["Datasets", "WeightFormats"], "GRPCCore": ["Transports"],
            "NIOCore": ["Transports"],
            "X509": ["Transports"], "Hummingbird": ["TacitDashboard"],
        ]
        for target in try Self.targets() where target.folder.hasPrefix("Sources/") {
            for (module, allowed) in owners where !allowed.contains(target.name) {
                #expect(!target.dependencies.contains(module), "\(target.name) must not import \(module)")
            }
        }
    }
}
