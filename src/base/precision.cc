#include <prefiqs/network.h>

namespace prefiqs {

std::string_view name(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return "fp32";
    case Precision::kBf16:
      break;
  }
  return "bf16";
}

}  // namespace prefiqs
