// What computed a result, as rows name it.
#ifndef PREFIQS_ENGINE_ENGINE_NAME_H_
#define PREFIQS_ENGINE_ENGINE_NAME_H_

#include <string>

#include "engine/executor.h"

namespace prefiqs::engine {

// "onednn 2.6.3", with the version of the library that is loaded, or "reference".
std::string EngineName(ExecutorKind kind);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_ENGINE_NAME_H_
