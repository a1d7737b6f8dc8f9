import Dispatch
import Foundation
import Synchronization

print(Date(timeIntervalSince1970: 0), DispatchQueue.global().label, "two words".split(separator: " "))
