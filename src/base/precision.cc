#include <prefiqs/network.h>

namespace prefiqs {

std::string_view name(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return "fp32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kBf16x3:
      break;
  }
  return "bf16x3";
}

}  // namespace prefiqs
