/// Architectures by name.
extension [LayerDescription] {
    /// Dense layers with an activation between them.
    public static func multilayerPerceptron(
        hidden: [Int], outputs: Int, activation: ActivationFunction = .relu
    ) -> [LayerDescription] {
        hidden.flatMap { [LayerDescription.dense(outputs: $0), .activation(activation)] } + [.dense(outputs: outputs)]
    }

    /// The convolutional network of the Opacus MNIST tutorial, for input [28, 28, 1]: 26,010 parameters.
    public static let mnistTutorial = smallImages(classes: 10, activation: .relu)

    /// The same for other classes and activations. Bounded ones such as tanh keep private gradients small and train to
    /// better models under noise (Papernot et al. 2021).
    public static func smallImages(classes: Int, activation: ActivationFunction) -> [LayerDescription] {
        [
            .convolution(filters: 16, window: 8, stride: 2, padding: 3), .activation(activation),
            .maximumPooling(window: 2, stride: 1),
            .convolution(filters: 32, window: 4, stride: 2), .activation(activation),
            .maximumPooling(window: 2, stride: 1), .flatten,
            .dense(outputs: 32), .activation(activation), .dense(outputs: classes),
        ]
    }

    /// The normalisation in a model that has one: batch normalisation trains faster, group normalisation privately.
    public enum ModelNormalization: Hashable, Sendable {
        case batch
        case group(Int)

        var layer: LayerDescription {
            switch self {
            case .batch: .batchNormalization
            case .group(let groups): .groupNormalization(groups: groups)
            }
        }
    }

    /// MobileNetV2 for images of which the sides are multiples of 32 (smaller ones work as long as the last feature map
    /// is square).
    /// - Parameter width: factor of the channel counts, rounded to multiples of 8.
    /// - Reference: Sandler et al. 2018, table 2.
    public static func mobileNetV2(
        classes: Int, width: Double = 1, normalization: ModelNormalization, dropout: Double = 0.2
    ) -> [LayerDescription] {
        func channels(_ count: Int) -> Int {
            let scaled = Double(count) * width
            let rounded = Swift.max(8, Int(scaled + 4) / 8 * 8)
            // Rounding down must not take more than a tenth.
            return Double(rounded) < 0.9 * scaled ? rounded + 8 : rounded
        }
        let norm = normalization.layer
        var input = channels(32)
        var layers: [LayerDescription] = [
            .convolution(filters: input, window: 3, stride: 2, padding: 1, bias: false), norm, .relu6,
        ]
        for (expansion, filters, repeats, stride) in [
            (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
        ] {
            let output = channels(filters)
            for index in 0..<repeats {
                let step = index == 0 ? stride : 1
                var block: [LayerDescription] = []
                if expansion > 1 {
                    block += [.convolution(filters: input * expansion, window: 1, bias: false), norm, .relu6]
                }
                block += [
                    .depthwiseConvolution(window: 3, stride: step, padding: 1, bias: false), norm, .relu6,
                    .convolution(filters: output, window: 1, bias: false), norm,
                ]
                layers += step == 1 && input == output ? [.residual(block)] : block
                input = output
            }
        }
        let last = width > 1 ? channels(1280) : 1280
        layers += [
            .convolution(filters: last, window: 1, bias: false), norm, .relu6, .globalAveragePooling, .flatten,
            .dropout(rate: dropout), .dense(outputs: classes),
        ]
        return layers
    }
}
