// What computed a result, as rows name it.
#ifndef PREFIQS_ENGINE_ENGINE_NAME_H_
#define PREFIQS_ENGINE_ENGINE_NAME_H_

#include <string>

#include "engine/executor.h"

namespace prefiqs::engine {

// "onednn 2.6.3", with the version of the library that is loaded, or "reference".
std::string EngineName(ExecutorKind kind);

// "avx512_core_bf16": what the kernels of oneDNN use on this processor; "other" where it is not x86.
std::string OneDnnInstructionSet();

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_ENGINE_NAME_H_
