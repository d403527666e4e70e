#include "engine/engine_name.h"

#include "engine/onednn/library.h"

namespace prefiqs::engine {

std::string EngineName(ExecutorKind kind) {
  return kind == ExecutorKind::kReference ? "reference" : "onednn " + onednn::LibraryVersion();
}

}  // namespace prefiqs::engine
