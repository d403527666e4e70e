#include "model/refused_operators.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <string_view>

namespace prefiqs::model {
namespace {

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

constexpr std::string_view kOnnxRuntime = "com.microsoft";

// Of ONNX's own operators and of ONNX Runtime's; not those that only make constants.
bool ComputesQuantised(std::string_view op) {
  if (op == "DequantizeLinear") return false;
  const bool has_letter = op.size() > 1 && op[0] == 'Q' && op[1] >= 'A' && op[1] <= 'Z';  // QLinearConv, QAttention
  return has_letter || op.find("uantize") != std::string_view::npos || op.find("Integer") != std::string_view::npos;
}

}  // namespace

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

void RefuseOperator(const std::string& domain, const std::string& op) {
  if (domain == "com.microsoft.nchwc") {
    Fail(
        "the file was optimised by ONNX Runtime for one processor, in a layout of its own that nothing else reads; "
        "take the file as it was before, or have ONNX Runtime save it at the level extended or below");
  }
  const bool known = IsDefaultDomain(domain) || domain == kOnnxRuntime;
  if (known && ComputesQuantised(op)) {
    Fail(
        "this is a quantised network whose activations are quantised too, which is not supported; export it in "
        "float32, or quantise its weights alone");
  }
  if (!known) {
    Fail(fmt::format("is an operator of the domain '{}', which is not supported; export with ONNX's own operators",
                     domain));
  }
}

}  // namespace prefiqs::model
