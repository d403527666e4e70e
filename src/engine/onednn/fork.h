// Where a plan falls apart into two that need not wait for each other: a twin's networks behind what they share.
#ifndef PREFIQS_ENGINE_ONEDNN_FORK_H_
#define PREFIQS_ENGINE_ONEDNN_FORK_H_

#include <memory>
#include <optional>
#include <span>

#include "engine/onednn/plan.h"

namespace prefiqs::engine::onednn {

// The first output belongs to the steps before the tail. Nothing where that leaves no tail, or nothing beside it, or
// so much would be copied that it is no gain.
std::optional<Fork> FindFork(std::span<const std::unique_ptr<const Step>> steps, std::span<const Buffer> buffers,
                             std::span<const int> outputs);

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_FORK_H_
