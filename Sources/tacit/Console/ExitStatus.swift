import AtomicFiles
import BinaryCoding
import CKKS
import CoordinatorStore
import Datasets
import DifferentialPrivacy
import Federation
import FederationService
import FixedPoint
import Foundation
import KeyCeremony
import KeyFiles
import MultipartyCKKS
import NeuralNetworks
import Paillier
import PrivacyLedger
import PrivacyReports
import PrivateLearning
import PrivateScoring
import Tabular
import TextClassification
import Transports
import WeightFormats

/// Exit codes as in sysexits.
enum ExitStatus: Int32 {
    case usage = 64
    case data = 65
    case noInput = 66
    case unavailable = 69
    case software = 70
    case cannotCreate = 73
    case inputOutput = 74
    case permission = 77
    case configuration = 78

    /// The code that fits an error of any of the modules.
    init(_ error: any Error) {
        switch error {
        case let error as CommandFailure: self = error.status
        case let error as AtomicFilesError:
            switch error.code {
            case .notFound: self = .noInput
            case .cannotCreate: self = .cannotCreate
            case .permission: self = .permission
            case .tooLarge: self = .data
            default: self = .inputOutput
            }
        case let error as CoordinatorStoreError:
            switch error.code {
            case .notFound: self = .noInput
            case .peer: self = .data
            case .unavailable: self = .unavailable
            case .permission: self = .permission
            case .invalidPlace: self = .usage
            default: self = .inputOutput
            }
        case let error as FederationServiceError:
            self = error.code == .store ? .inputOutput : error.code == .failed ? .unavailable : .configuration
        case let error as TransportsError:
            switch error.code {
            case .unknownIdentity, .revoked, .expired, .wrongCoordinator: self = .permission
            case .identityFile, .badCertificate: self = .data
            case .invalidAddress: self = .usage
            case .wrongStudy, .wrongVersion: self = .configuration
            default: self = .unavailable
            }
        case let error as KeyFilesError:
            switch error.code {
            case .wrongPassphrase, .passphraseNeeded: self = .permission
            case .invalidParameters: self = .usage
            default: self = .data
            }
        case let error as PrivateLearningError:
            switch error.code {
            case .cohortTooSmall: self = .permission
            case .invalidParameter: self = .usage
            case .unfitSchema: self = .configuration
            default: self = .data
            }
        case let error as TabularError:
            switch error.code {
            case .unreadable: self = .noInput
            case .unwritable: self = .cannotCreate
            case .invalidArgument: self = .usage
            case .invalidSchema, .invalidRecipe: self = .configuration
            default: self = .data
            }
        case let error as DatasetsError:
            switch error.code {
            case .unknownDataset: self = .usage
            case .notFetched: self = .noInput
            case .downloadFailed, .stalled, .busy, .cancelled: self = .unavailable
            case .unreadable: self = .noInput
            case .unwritable: self = .cannotCreate
            default: self = .data
            }
        case let error as CKKSError:
            switch error.code {
            case .noParameters, .invalidParameters, .insecureParameters: self = .usage
            case .insufficientMemory: self = .unavailable
            default: self = .data
            }
        case let error as PrivacyLedgerError:
            switch error.code {
            case .budgetExceeded, .permission: self = .permission
            case .invalidParameter, .unsupportedEvent, .invalidRun: self = .usage
            case .notFound: self = .noInput
            case .cannotCreate: self = .cannotCreate
            case .busy: self = .unavailable
            case .inputOutput: self = .inputOutput
            default: self = .data
            }
        case let error as NeuralNetworksError:
            switch error.code {
            case .invalidParameter, .invalidArchitecture, .notPrivate: self = .usage
            case .inputOutput: self = .inputOutput
            default: self = .data
            }
        case let error as WeightFormatsError:
            switch error.code {
            case .unsupported: self = .usage
            case .inputOutput: self = .noInput
            default: self = .data
            }
        case is DifferentialPrivacyError: self = .usage
        case let error as FederationError:
            switch error.code {
            case .invalidStudy, .incompatible: self = .configuration
            case .invalidParameter: self = .usage
            case .tooFewSites: self = .unavailable
            case .unknownSite, .budgetExceeded: self = .permission
            case .store: self = .inputOutput
            default: self = .data
            }
        case let error as PrivateScoringError:
            switch error.code {
            case .budgetExhausted: self = .permission
            case .invalidArgument: self = .usage
            case .exists: self = .cannotCreate
            case .cannotLock: self = .inputOutput
            default: self = .data
            }
        case is TextClassificationError: self = .data
        case let error as KeyCeremonyError: self = error.code == .usedUp ? .permission : .data
        case let error as MultipartyError: self = error.code == .invalidGroup ? .usage : .data
        case is BinaryCodingError, is FixedPointError, is PaillierError: self = .data
        case is PrivacyReportsError: self = .data
        default: self = .software
        }
    }
}

/// An error of the command itself.
struct CommandFailure: Error, CustomStringConvertible {
    let status: ExitStatus
    let message: String
    var description: String { message }

    init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }
}
