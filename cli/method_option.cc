#include "cli/method_option.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace prefiqs::cli {

Method ParseMethod(const std::string& text) {
  if (text.starts_with(kNetworkMethod) && text.size() > kNetworkMethod.size()) return Method::kOutput;
  for (const Method method : {Method::kDrift, Method::kPrunedNorm, Method::kJvp, Method::kNorm, Method::kStochastic}) {
    if (text == name(method)) return method;
  }
  constexpr std::array<std::string_view, 1> kLater{"combined"};
  constexpr const char* kKnown = "drift, pruned-norm, jvp, norm, stochastic, or onnx:FILE";
  if (std::find(kLater.begin(), kLater.end(), text) != kLater.end()) {
    throw Error(ErrorCode::kNotAvailable, fmt::format("--method {} is not available yet; there are {}", text, kKnown));
  }
  throw Error(ErrorCode::kUsage, fmt::format("--method {}: {}", text, kKnown));
}

}  // namespace prefiqs::cli
