// What a precision costs on this processor.
#include <prefiqs/network.h>

#include "engine/onednn/tile_operands.h"

namespace prefiqs {

std::string slower_than_fp32(Precision precision) {
  if (precision == Precision::kFp32 || engine::onednn::UsesTiles()) return "";
  return "bf16 takes 1.6 to 3 times as long as fp32 on this processor, which has no AMX";
}

}  // namespace prefiqs
