#include "engine/engine_name.h"

#include "engine/onednn/library.h"
#include "engine/vectors.h"

namespace prefiqs::engine {

std::string EngineName(ExecutorKind kind) {
  return kind == ExecutorKind::kReference ? "reference" : "onednn " + onednn::LibraryVersion();
}

std::string OneDnnInstructionSet() {
  // Bits of other processors' sets stand for other instructions.
  return kIsX86 ? std::string(onednn::NameOf(dnnl::get_effective_cpu_isa())) : "other";
}

}  // namespace prefiqs::engine
