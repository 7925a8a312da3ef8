extension PrivacyReport {
    /// Numbers for one plot. Build it with ``curves(title:xLabel:yLabel:logarithmicY:series:note:)``,
    /// ``scatter(title:xLabel:yLabel:series:showsIndividuals:note:)`` or
    /// ``bars(title:yLabel:categories:series:note:)``.
    public struct Plot: Codable, Hashable, Sendable {
        /// How it is drawn; an open set. A kind that a renderer does not know is named, not dropped.
        public struct Kind: RawRepresentable, Codable, Hashable, Sendable {
            public let rawValue: String
            public init(rawValue: String) { self.rawValue = rawValue }

            public static let curves = Kind(rawValue: "curves")
            public static let scatter = Kind(rawValue: "scatter")
            public static let bars = Kind(rawValue: "bars")
        }

        /// A named row of numbers. `x` is empty for bars, else as long as `y`.
        public struct Series: Codable, Hashable, Sendable {
            public var name: String
            public var x: [Double]
            public var y: [Double]

            public init(name: String, x: [Double], y: [Double]) {
                self.name = name
                self.x = x
                self.y = y
            }
        }

        public var kind: Kind
        public var title: String
        public var xLabel: String
        public var yLabel: String
        public var logarithmicY: Bool
        /// The categories of a bar plot; empty for the others.
        public var categories: [String]
        public var series: [Series]
        /// True when a point stands for a single person, so that the page itself discloses it.
        public var showsIndividuals: Bool
        public var note: String?

        private init(
            kind: Kind, title: String, xLabel: String, yLabel: String, logarithmicY: Bool, categories: [String],
            series: [Series], showsIndividuals: Bool, note: String?
        ) {
            self.kind = kind
            self.title = title
            self.xLabel = xLabel
            self.yLabel = yLabel
            self.logarithmicY = logarithmicY
            self.categories = categories
            self.series = series
            self.showsIndividuals = showsIndividuals
            self.note = note
        }

        /// Lines over a common x, for example loss by round.
        public static func curves(
            title: String, xLabel: String, yLabel: String, logarithmicY: Bool = false, series: [Series],
            note: String? = nil
        ) -> Plot {
            Plot(
                kind: .curves, title: title, xLabel: xLabel, yLabel: yLabel, logarithmicY: logarithmicY,
                categories: [], series: series, showsIndividuals: false, note: note)
        }

        /// Points with the diagonal y = x, for example predicted against observed.
        ///
        /// - Parameter showsIndividuals: whether a point is one person; no default, since the page then discloses it.
        public static func scatter(
            title: String, xLabel: String, yLabel: String, series: [Series], showsIndividuals: Bool,
            note: String? = nil
        ) -> Plot {
            Plot(
                kind: .scatter, title: title, xLabel: xLabel, yLabel: yLabel, logarithmicY: false, categories: [],
                series: series, showsIndividuals: showsIndividuals, note: note)
        }

        /// One bar per series in each category; each series has one y per category.
        public static func bars(
            title: String, yLabel: String, categories: [String], series: [(name: String, y: [Double])],
            note: String? = nil
        ) -> Plot {
            Plot(
                kind: .bars, title: title, xLabel: "", yLabel: yLabel, logarithmicY: false, categories: categories,
                series: series.map { Series(name: $0.name, x: [], y: $0.y) }, showsIndividuals: false, note: note)
        }
    }
}
